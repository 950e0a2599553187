//! Which folder of the data set an alert belongs into.

use crate::avro::{Decoder, Field, Kind, Schema};
use crate::{DownloadError, Format, Layout};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use arrow::error::ArrowError;
use chrono::{DateTime, Datelike};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// What a null is in a folder's name.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The Julian date of 1970-01-01 00:00, and its modified one.
const UNIX_EPOCH_JD: f64 = 2_440_587.5;
const UNIX_EPOCH_MJD: f64 = 40_587.0;

/// Where the time of an alert is: column, field within it, epoch. The first that is there counts.
const TIMES: [(&str, Option<&str>, f64); 4] = [
    ("jd", None, UNIX_EPOCH_JD),
    ("candidate", Some("jd"), UNIX_EPOCH_JD),
    ("midpointMjdTai", None, UNIX_EPOCH_MJD),
    ("diaSource", Some("midpointMjdTai"), UNIX_EPOCH_MJD),
];

/// Sorts alerts into folders.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    key: Key,
    /// The column of the topic that the key is in.
    column: Option<usize>,
    /// The columns that stay in Parquet files.
    kept: Vec<usize>,
    schema: SchemaRef,
}

#[derive(Clone, Debug)]
enum Key {
    None,
    /// A time in days since `epoch`, in a column or in a field of it.
    Night {
        field: Option<usize>,
        epoch: f64,
    },
    Class {
        name: String,
    },
}

/// Alerts of one folder.
pub(crate) struct Group {
    pub(crate) folder: String,
    /// Their rows; all if none are named.
    pub(crate) rows: Option<Vec<u32>>,
    /// The row that the first of them has.
    pub(crate) first_row: usize,
}

impl Folders {
    /// Checks that the alerts have what the layout goes by.
    pub(crate) fn new(layout: Layout, schema: &Schema) -> Result<Self, DownloadError> {
        let ((key, column), dropped) = match layout {
            Layout::Flat => ((Key::None, None), vec![]),
            Layout::Time => (night_key(schema)?, vec!["year", "month", "day"]),
            Layout::Finkclass => (class_key(schema, "finkclass")?, vec!["finkclass"]),
            Layout::Tnsclass => (class_key(schema, "tnsclass")?, vec!["tnsclass"]),
        };
        let is_kept = |index: &usize| {
            schema.fields.get(*index).is_some_and(|field| !dropped.contains(&field.name.as_str()))
        };
        let kept: Vec<usize> = (0..schema.fields.len()).filter(is_kept).collect();
        let projected =
            schema.to_arrow().project(&kept).map_err(|error| DownloadError::Bug(error.to_string()))?;
        Ok(Self { key, column, kept, schema: Arc::new(projected) })
    }

    /// The schema of Parquet files.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What decodes the alerts as far as files of the format need it.
    pub(crate) fn decoder(&self, schema: &Schema, format: Format) -> Decoder {
        match format {
            Format::Parquet => Decoder::new(schema),
            Format::Avro => Decoder::of_columns(schema, self.column.as_slice()),
        }
    }

    /// The column of a batch that the key is in.
    fn key_column<'a>(&self, batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
        // A batch decoded for Avro files holds nothing else.
        let column = if batch.num_columns() == 1 { Some(0) } else { self.column };
        column.and_then(|column| batch.columns().get(column)).ok_or_else(|| mismatch(name))
    }

    /// Splits a batch by folder. Alerts keep their order within each.
    pub(crate) fn split(&self, batch: &RecordBatch) -> Result<Vec<Group>, ArrowError> {
        let mut groups = match &self.key {
            Key::None => vec![(String::new(), Vec::new())],
            Key::Night { field, epoch } => {
                let times = time_column(self.key_column(batch, "time")?, *field)?;
                let times = times.as_primitive_opt::<Float64Type>().ok_or_else(|| mismatch("time"))?;
                let days = (0..times.len())
                    .map(|row| times.is_valid(row).then(|| (times.value(row) - epoch).floor()));
                rows_by(days.map(|day| day.map(|day| day as i64)), |day| night_folder(*day))
            }
            Key::Class { name } => {
                let classes = self.key_column(batch, name)?;
                let classes = classes.as_string_opt::<i32>().ok_or_else(|| mismatch(name))?;
                rows_by(classes.iter(), |class| format!("{name}={}", class.map_or(NULL.to_owned(), escape)))
            }
        };
        if let [(folder, _)] = groups.as_mut_slice() {
            return Ok(vec![Group { folder: std::mem::take(folder), rows: None, first_row: 0 }]);
        }
        let groups = groups.into_iter().map(|(folder, rows)| {
            let first_row = rows.first().map_or(0, |row| *row as usize);
            Group { folder, rows: Some(rows), first_row }
        });
        Ok(groups.collect())
    }

    /// What Parquet files hold of these rows of a batch.
    pub(crate) fn columns(
        &self,
        batch: &RecordBatch,
        rows: Option<Vec<u32>>,
    ) -> Result<RecordBatch, ArrowError> {
        let alerts = batch.project(&self.kept)?;
        match rows {
            Some(rows) => take_record_batch(&alerts, &UInt32Array::from(rows)),
            None => Ok(alerts),
        }
    }
}

/// Rows by key, in order of appearance, keys as folders.
fn rows_by<K: std::hash::Hash + Eq>(
    keys: impl Iterator<Item = K>,
    folder: impl Fn(&K) -> String,
) -> Vec<(String, Vec<u32>)> {
    let (mut groups, mut index) = (Vec::<(String, Vec<u32>)>::new(), HashMap::new());
    for (key, row) in keys.zip(0u32..) {
        let at = *index.entry(key).or_insert_with_key(|key| {
            groups.push((folder(key), Vec::new()));
            groups.len() - 1
        });
        if let Some((_, rows)) = groups.get_mut(at) {
            rows.push(row);
        }
    }
    groups
}

fn night_key(schema: &Schema) -> Result<(Key, Option<usize>), DownloadError> {
    for (name, inner, epoch) in TIMES {
        let Some(column) = schema.fields.iter().position(|field| field.name == name) else { continue };
        let kind = schema.column(name).map(|field| &field.shape.kind);
        match (kind, inner) {
            (Some(Kind::Double), None) => return Ok((Key::Night { field: None, epoch }, Some(column))),
            (Some(Kind::Record(fields)), Some(inner)) => {
                let is_time = |field: &Field| field.name == inner && matches!(field.shape.kind, Kind::Double);
                if let Some(field) = fields.iter().position(is_time) {
                    return Ok((Key::Night { field: Some(field), epoch }, Some(column)));
                }
            }
            _ => {}
        }
    }
    Err(DownloadError::NoColumn { column: "jd or candidate.jd".to_owned(), wanted: "double" })
}

fn class_key(schema: &Schema, name: &str) -> Result<(Key, Option<usize>), DownloadError> {
    let is_class = |field: &Field| field.name == name && matches!(field.shape.kind, Kind::Text);
    match schema.fields.iter().position(is_class) {
        Some(column) => Ok((Key::Class { name: name.to_owned() }, Some(column))),
        None => Err(DownloadError::NoColumn { column: name.to_owned(), wanted: "string" }),
    }
}

/// The times; those within a null record are null themselves, as the decoder writes them.
fn time_column(column: &ArrayRef, field: Option<usize>) -> Result<ArrayRef, ArrowError> {
    match (field, column.data_type()) {
        (None, _) => Ok(column.clone()),
        (Some(field), DataType::Struct(_)) => {
            column.as_struct().columns().get(field).cloned().ok_or_else(|| mismatch("time"))
        }
        _ => Err(mismatch("time")),
    }
}

/// A day counted from 1970, as the field's client writes it.
fn night_folder(day: Option<i64>) -> String {
    let date =
        day.and_then(|day| day.checked_mul(86_400)).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    match date {
        Some(date) => format!("year={:04}/month={:02}/day={:02}", date.year(), date.month(), date.day()),
        None => format!("year={NULL}/month={NULL}/day={NULL}"),
    }
}

/// Percent-encodes all but letters, digits and `-._~`, as Arrow does for folder names.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn mismatch(column: &str) -> ArrowError {
    ArrowError::SchemaError(format!("column {column} is not of the type it was"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_escaped_as_the_fields_client_does() {
        // Folder names that fink-client 12.3.0 made.
        assert_eq!(escape("SN candidate"), "SN%20candidate");
        assert_eq!(escape("(TNS) SN Ia"), "%28TNS%29%20SN%20Ia");
        assert_eq!(escape("a/b\\é~"), "a%2Fb%5C%C3%A9~");
    }

    #[test]
    fn a_julian_date_is_a_day_with_two_digits() {
        // JD 2461122.5 is 2026-03-23 00:00 UTC, JD 2451545.0 2000-01-01 12:00 UTC.
        let folder = |jd: f64| night_folder(Some((jd - UNIX_EPOCH_JD).floor() as i64));
        assert_eq!(folder(2_461_122.5), "year=2026/month=03/day=23");
        assert_eq!(folder(2_461_122.499_999), "year=2026/month=03/day=22");
        assert_eq!(folder(2_451_545.0), "year=2000/month=01/day=01");
    }

    #[test]
    fn a_time_that_is_no_day_goes_where_nulls_go() {
        for day in [None, Some(i64::MAX), Some(i64::MIN)] {
            assert!(night_folder(day).starts_with("year=__HIVE_DEFAULT_PARTITION__/month="));
        }
    }

    #[test]
    fn a_layout_without_its_column_is_refused() {
        let schema =
            Schema::parse(r#"{"type":"record","name":"r","fields":[{"name":"jd","type":"string"}]}"#)
                .unwrap();
        for layout in [Layout::Time, Layout::Finkclass, Layout::Tnsclass] {
            assert!(matches!(Folders::new(layout, &schema), Err(DownloadError::NoColumn { .. })));
        }
        assert!(Folders::new(Layout::Flat, &schema).is_ok());
    }
}
