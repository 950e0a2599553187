//! The TNS table on disk or object storage.

use crate::TransferError;
use arrow::{
    array::{Array, AsArray},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use bytes::Bytes;
use packet::{PacketError, TnsCatalogue, TnsSource};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::path::Path;

/// Today's table has 10 MB.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// Reads a Parquet table with the columns `ra`, `declination` (degrees) and `type`, on disk.
pub fn read_tns_table(path: &Path) -> Result<TnsCatalogue, TransferError> {
    let place = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| wrong(&place, &error))?;
    tns_table(&place, bytes.into())
}

/// The same on object storage, by a URL such as `s3://bucket/tns.parquet`.
pub async fn fetch_tns_table(url: &str) -> Result<TnsCatalogue, TransferError> {
    let bytes = archive::fetch_object(url, MAX_BYTES).await?;
    tns_table(url, bytes)
}

fn wrong(place: &str, reason: &dyn std::fmt::Display) -> PacketError {
    PacketError::Catalogue { reason: format!("{place}: {reason}") }
}

fn tns_table(place: &str, bytes: Bytes) -> Result<TnsCatalogue, TransferError> {
    let wrong = |reason: String| wrong(place, &reason);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| wrong(error.to_string()))?;
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
