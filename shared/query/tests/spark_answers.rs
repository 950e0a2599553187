//! The same real alerts as Spark chooses, for every condition of `tests/golden/spark/answers.json`.

#![allow(clippy::unwrap_used, clippy::panic)] // Also in what the tests call.

use arrow::array::{Array, ArrayRef, BooleanArray, Int32Array, RecordBatch, StringArray, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use query::Conditions;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Deserialize)]
struct Answers {
    spark: String,
    alerts: Vec<Alert>,
    conditions: Vec<Condition>,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Alert {
    night: String,
    file: String,
    candid: i64,
    #[serde(rename = "objectId")]
    object_id: String,
    finkclass: String,
    tnsclass: String,
}

#[derive(Deserialize)]
struct Condition {
    name: String,
    condition: String,
    #[serde(rename = "true")]
    holds: Option<String>,
    #[serde(rename = "false")]
    fails: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Value {
    expression: String,
    value: Option<String>,
    error: Option<String>,
}

/// Where the answer is known to be another one, and why.
const DIFFERENT: &[(&str, &str)] = &[
    // Java 17 writes one digit more than a float needs; Java 19 and later write what we write.
    ("cast(123456789.9D as float)", "JDK-4511638"),
    // Refused here.
    ("array(1, 2) = array(1, 2)", "arrays are not compared"),
    ("size(map_keys(null))", "a map function takes a map"),
];

fn answers() -> Answers {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/spark/answers.json");
    let file = File::open(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; make it with make.py beside it", path.display());
    });
    serde_json::from_reader(file).unwrap()
}

/// The archive folder; a missing one fails the test.
fn archive() -> PathBuf {
    let shared = std::env::var_os("NIGHTFERRY_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let archive = shared.join("archive/ztf");
    assert!(
        archive.join("science").is_dir(),
        "no archive at {}: set NIGHTFERRY_SHARED to the folder that holds archive/ztf/science",
        archive.display()
    );
    archive
}

fn parquet_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            parquet_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
}

/// All alerts as one batch: the union of the files' columns and the derived ones.
fn alerts(answers: &Answers) -> RecordBatch {
    let mut files = Vec::new();
    parquet_files(&archive(), &mut files);
    files.sort();
    let batches: Vec<RecordBatch> = files
        .iter()
        .flat_map(|path| {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
            reader.build().unwrap().map(Result::unwrap)
        })
        .collect();
    let mut fields: BTreeMap<String, Field> = BTreeMap::new();
    for field in batches.iter().flat_map(|batch| batch.schema().fields().iter().cloned().collect::<Vec<_>>())
    {
        let nullable = field.as_ref().clone().with_nullable(true).with_metadata(Default::default());
        fields.entry(field.name().clone()).or_insert(nullable);
    }
    let mut columns: Vec<(Field, ArrayRef)> = fields
        .into_values()
        .map(|field| {
            let parts: Vec<ArrayRef> = batches
                .iter()
                .map(|batch| match batch.column_by_name(field.name()) {
                    Some(column) => column.clone(),
                    None => new_null_array(field.data_type(), batch.num_rows()),
                })
                .collect();
            let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
            let column = concat(&parts).unwrap();
            (field, column)
        })
        .collect();
    let part = |from: usize, to: usize| {
        let numbers = answers.alerts.iter().map(|alert| alert.night[from..to].parse::<i32>().unwrap());
        Arc::new(Int32Array::from_iter_values(numbers)) as ArrayRef
    };
    let text = |of: fn(&Alert) -> &str| {
        Arc::new(StringArray::from_iter_values(answers.alerts.iter().map(of))) as ArrayRef
    };
    for (name, column) in [("year", part(0, 4)), ("month", part(5, 7)), ("day", part(8, 10))] {
        columns.push((Field::new(name, DataType::Int32, true), column));
    }
    columns.push((Field::new("finkclass", DataType::Utf8, true), text(|alert| &alert.finkclass)));
    columns.push((Field::new("tnsclass", DataType::Utf8, true), text(|alert| &alert.tnsclass)));
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    assert_same_alerts(answers, &batch, &files);
    batch
}

/// The golden file is about these very alerts, in this order.
fn assert_same_alerts(answers: &Answers, batch: &RecordBatch, files: &[PathBuf]) {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    assert_eq!(batch.num_rows(), answers.alerts.len(), "the archive holds other alerts than answers.json");
    let candids = batch.column_by_name("candid").unwrap().as_primitive::<Int64Type>().clone();
    let objects = batch.column_by_name("objectId").unwrap().as_string::<i32>().clone();
    for (row, alert) in answers.alerts.iter().enumerate() {
        assert_eq!((candids.value(row), objects.value(row)), (alert.candid, alert.object_id.as_str()));
    }
    let names: BTreeSet<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert!(answers.alerts.iter().all(|alert| names.contains(alert.file.as_str())));
}

fn ranges(text: &str) -> BTreeSet<usize> {
    text.split(',')
        .filter(|range| !range.is_empty())
        .flat_map(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            from.parse::<usize>().unwrap()..=to.parse().unwrap()
        })
        .collect()
}

fn chosen(text: &str, schema: &SchemaRef, batch: &RecordBatch) -> Result<BTreeSet<usize>, String> {
    let conditions = Conditions::parse(text, schema).map_err(|error| error.to_string())?;
    let verdict = conditions
        .bind(schema)
        .and_then(|predicate| predicate.evaluate(batch))
        .map_err(|error| format!("FAULT {error}"))?;
    let keep: &BooleanArray = &verdict.keep;
    assert_eq!(keep.null_count(), 0);
    let rows = u64::try_from(batch.num_rows()).unwrap();
    assert_eq!(u64::try_from(keep.true_count()).unwrap() + verdict.dropped.iter().sum::<u64>(), rows);
    Ok((0..keep.len()).filter(|row| keep.value(*row)).collect())
}

/// What differs from Spark's answer, if anything does.
fn difference(
    answer: &Option<String>,
    error: &Option<String>,
    ours: Result<BTreeSet<usize>, String>,
) -> Option<String> {
    match (answer, error, ours) {
        (Some(answer), None, Ok(ours)) => {
            let spark = ranges(answer);
            let (more, less): (Vec<_>, Vec<_>) =
                (ours.difference(&spark).collect::<Vec<_>>(), spark.difference(&ours).collect::<Vec<_>>());
            (ours != spark)
                .then(|| format!("{} too many {more:?}, {} missing {less:?}", more.len(), less.len()))
        }
        (_, Some(_), Err(ours)) => ours.starts_with("FAULT").then_some(ours),
        (_, Some(error), Ok(_)) => Some(format!("Spark refuses: {error}")),
        (_, _, Err(ours)) => Some(format!("refused: {ours}")),
        (None, None, Ok(_)) => Some("no answer in the golden file".to_owned()),
    }
}

/// Named so that a plain clone, without the shared folder, can leave these out.
mod with_shared {
    use super::*;

    #[test]
    fn conditions_choose_the_alerts_that_spark_chooses() {
        let answers = answers();
        let batch = alerts(&answers);
        let schema = batch.schema();
        let mut differences = Vec::new();
        for condition in &answers.conditions {
            let holds = chosen(&condition.condition, &schema, &batch);
            let mut found = difference(&condition.holds, &condition.error, holds);
            if condition.fails.is_some() && found.is_none() {
                let fails = chosen(&format!("NOT ({})", condition.condition), &schema, &batch);
                found = difference(&condition.fails, &condition.error, fails)
                    .map(|found| format!("negated: {found}"));
            }
            if let Some(found) = found {
                differences.push(format!("{}: {}\n    {found}", condition.name, condition.condition));
            }
        }
        assert!(
            differences.is_empty(),
            "{} of {} conditions differ from Spark {}:\n{}",
            differences.len(),
            answers.conditions.len(),
            answers.spark,
            differences.join("\n")
        );
    }

    #[test]
    fn expressions_have_the_values_that_spark_gives_them() {
        let answers = answers();
        let schema = Arc::new(Schema::empty());
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(schema.clone(), vec![], &options).unwrap();
        let mut differences = Vec::new();
        for value in &answers.values {
            let (expression, all) = (&value.expression, Some("0".to_owned()));
            let condition = match &value.value {
                None if value.error.is_none() => format!("string({expression}) IS NULL"),
                spark => {
                    let text = spark.clone().unwrap_or_default().replace('\\', "\\\\").replace('\'', "\\'");
                    format!("string({expression}) = '{text}'")
                }
            };
            let found = difference(&all, &value.error, chosen(&condition, &schema, &batch));
            if let Some((_, reason)) = DIFFERENT.iter().find(|(known, _)| known == expression) {
                assert!(found.is_some(), "{expression} does not differ any more: {reason}");
                continue;
            }
            if let Some(found) = found {
                differences.push(format!("{expression}: Spark {:?}; {found}", value.value));
            }
        }
        assert!(
            differences.is_empty(),
            "{} of {} values differ from Spark {}:\n{}",
            differences.len(),
            answers.values.len(),
            answers.spark,
            differences.join("\n")
        );
    }
}
