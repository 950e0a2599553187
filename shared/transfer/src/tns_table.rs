//! The TNS table on disk or object storage.

use crate::TransferError;
use arrow::{
    array::{Array, AsArray},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use packet::{PacketError, TnsCatalogue, TnsSource};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::{fs::File, path::Path};

/// Reads a Parquet table with the columns `ra`, `declination` (degrees) and `type`.
pub fn read_tns_table(path: &Path) -> Result<TnsCatalogue, TransferError> {
    let wrong = |reason: String| PacketError::Catalogue { reason: format!("{}: {reason}", path.display()) };
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(error.to_string()))?;
    let mut sources = Vec::new();
    for batch in builder.build().map_err(|error| wrong(error.to_string()))? {
        let batch = batch.map_err(|error| wrong(error.to_string()))?;
        let column = |name: &str, data_type: DataType| {
            let array =
                batch.column_by_name(name).ok_or_else(|| wrong(format!("it lacks the column {name}")))?;
            cast(array, &data_type).map_err(|error| wrong(error.to_string()))
        };
        let (ra, dec) = (column("ra", DataType::Float64)?, column("declination", DataType::Float64)?);
        let kinds = column("type", DataType::Utf8)?;
        let (ra, dec) = (ra.as_primitive::<Float64Type>(), dec.as_primitive::<Float64Type>());
        let kinds = kinds.as_string::<i32>();
        let complete = (0..batch.num_rows())
            .filter(|row| ra.is_valid(*row) && dec.is_valid(*row) && kinds.is_valid(*row));
        sources.extend(complete.map(|row| TnsSource {
            ra: ra.value(row),
            dec: dec.value(row),
            kind: kinds.value(row).into(),
        }));
    }
    Ok(TnsCatalogue::new(sources))
}
