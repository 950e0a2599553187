//! All alerts of a folder, as the Parquet library alone reads them.

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array},
    compute::{cast, concat_batches, sort_to_indices, take_record_batch},
    datatypes::{DataType, Field, Schema, TimeUnit},
};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The Parquet files of a night's folder, by name.
pub fn night_files(archive: &Path, night: &str) -> Vec<PathBuf> {
    let [year, month, day] = night.split('-').collect::<Vec<_>>()[..] else { panic!("{night}") };
    let folder = archive.join(format!("science/year={year}/month={month}/day={day}"));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "parquet")).collect();
    files.sort();
    files
}

/// What the files hold, in the order of `candid`; moments as microseconds, whoever wrote them.
pub fn alerts_of(files: &[PathBuf]) -> RecordBatch {
    let mut batches = Vec::new();
    for path in files {
        let file = std::fs::File::open(path).unwrap();
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
        batches.extend(reader.build().unwrap().map(|batch| with_plain_moments(&batch.unwrap())));
    }
    let all = concat_batches(&batches[0].schema(), &batches).unwrap();
    let order: UInt32Array = sort_to_indices(all.column_by_name("candid").unwrap(), None, None).unwrap();
    take_record_batch(&all, &order).unwrap()
}

fn with_plain_moments(batch: &RecordBatch) -> RecordBatch {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let column = |array: &ArrayRef| match array.data_type() {
        DataType::Timestamp(..) => cast(array, &micros).unwrap(),
        _ => array.clone(),
    };
    let columns: Vec<ArrayRef> = batch.columns().iter().map(column).collect();
    let named = batch.schema();
    let fields = named.fields().iter().zip(&columns);
    let fields: Vec<Field> = fields
        .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), field.is_nullable()))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// The texts of a column.
pub fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let texts = batch.column_by_name(column).unwrap();
    texts.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
}
