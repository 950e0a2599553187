//! Conditions bound to what a scan delivers.

#![allow(clippy::unwrap_used, clippy::panic)] // Also in what the tests call.

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, RecordBatch, StringArray,
    StringViewArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use query::{Conditions, Predicate, QueryError};
use std::sync::Arc;

fn job_schema() -> Schema {
    let field = |name: &str, ty: DataType| Field::new(name, ty, true);
    let candidate = Fields::from(vec![
        field("jd", DataType::Float64),
        field("magpsf", DataType::Float32),
        field("fid", DataType::Int32),
    ]);
    Schema::new(vec![
        field("objectId", DataType::Utf8),
        field("candidate", DataType::Struct(candidate)),
        field("finkclass", DataType::Utf8),
    ])
}

fn batch(fields: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(fields.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn structs(fields: Vec<(&str, ArrayRef)>, valid: Option<Vec<bool>>) -> ArrayRef {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = fields
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
        .unzip();
    Arc::new(StructArray::new(fields.into(), arrays, valid.map(NullBuffer::from)))
}

fn kept(conditions: &str, batch: &RecordBatch) -> (BooleanArray, Vec<u64>) {
    let conditions = Conditions::parse(conditions, &job_schema()).unwrap();
    let verdict = conditions.bind(&batch.schema()).unwrap().evaluate(batch).unwrap();
    (verdict.keep, verdict.dropped)
}

#[test]
fn pruned_structs_and_views_in_any_order_will_do() {
    let batch = batch(vec![
        ("finkclass", Arc::new(StringViewArray::from(vec!["SN candidate", "Unknown", "Unknown"]))),
        ("candidate", structs(vec![("magpsf", Arc::new(Float32Array::from(vec![18.0, 19.0, 20.0])))], None)),
    ]);
    let (keep, dropped) = kept("candidate.magpsf < 19.5; finkclass = 'Unknown'", &batch);
    assert_eq!(keep, vec![false, true, false].into());
    assert_eq!(dropped, [1, 1]);
}

#[test]
fn a_field_of_a_null_struct_is_null() {
    let candidate =
        structs(vec![("fid", Arc::new(Int32Array::from(vec![1, 1, 2])))], Some(vec![true, false, true]));
    let batch = batch(vec![("candidate", candidate)]);
    assert_eq!(kept("candidate.fid = 1", &batch).0, vec![true, false, false].into());
    assert_eq!(kept("candidate.fid IS NULL", &batch).0, vec![false, true, false].into());
    assert_eq!(
        kept("candidate IS NOT NULL AND candidate.fid = 2", &batch).0,
        vec![false, false, true].into()
    );
}

#[test]
fn a_row_counts_for_the_first_condition_that_drops_it() {
    let jd: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), None, Some(4.0)]));
    let fid: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 1, 1]));
    let batch = batch(vec![("candidate", structs(vec![("fid", fid), ("jd", jd)], None))]);
    let (keep, dropped) = kept("candidate.jd > 1; candidate.fid = 1; true", &batch);
    assert_eq!(keep, vec![false, false, false, true].into());
    assert_eq!(keep.null_count(), 0);
    assert_eq!(dropped, [2, 1, 0]);
    let (keep, dropped) = kept("false; candidate.fid = 1", &batch);
    assert_eq!((keep.true_count(), dropped), (0, vec![4, 0]));
}

#[test]
fn no_conditions_keep_everything_and_an_empty_batch_is_fine() {
    let three = batch(vec![("objectId", Arc::new(StringArray::from(vec!["a", "b", "c"])))]);
    assert_eq!(kept("", &three), (vec![true; 3].into(), vec![]));
    assert_eq!(kept("true", &three), (vec![true; 3].into(), vec![0]));
    let none = three.slice(0, 0);
    assert_eq!(kept("objectId = 'a'; length(objectId) = 1", &none), (Vec::<bool>::new().into(), vec![0, 0]));
}

#[test]
fn a_slice_of_a_batch_is_judged_by_its_own_rows() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c"), Some("a")]));
    let mags: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0, f32::NAN]));
    let candidate = structs(vec![("magpsf", mags)], Some(vec![true, true, false, true]));
    let slice = batch(vec![("objectId", ids), ("candidate", candidate)]).slice(1, 3);
    assert_eq!(kept("objectId = 'a'", &slice).0, vec![false, false, true].into());
    assert_eq!(kept("candidate.magpsf > 1", &slice).0, vec![true, false, true].into());
}

#[test]
fn a_missing_or_changed_field_is_named() {
    let conditions = Conditions::parse("candidate.magpsf > 1", &job_schema()).unwrap();
    let error = conditions.bind(&Arc::new(Schema::empty())).unwrap_err();
    assert_eq!(error.to_string(), "field `candidate.magpsf` is missing");
    let other = structs(vec![("magpsf", Arc::new(StringArray::from(vec!["1"])))], None);
    let schema: SchemaRef = batch(vec![("candidate", other)]).schema();
    let error = conditions.bind(&schema).unwrap_err();
    assert_eq!(error.to_string(), "field `candidate.magpsf` is Utf8 where FLOAT is expected");
    assert!(matches!(error, QueryError::Binding { .. }));
}

#[test]
fn huge_texts_are_refused_not_made() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a".repeat(1000)]));
    let batch = batch(vec![("objectId", ids)]);
    let mut text = "objectId".to_owned();
    for _ in 0..20 {
        text = format!("replace({text}, 'a', 'aaaaaaaaaaaaaaaa')");
    }
    let conditions = Conditions::parse(&format!("length({text}) > 0"), &job_schema()).unwrap();
    let error = conditions.bind(&batch.schema()).unwrap().evaluate(&batch).unwrap_err();
    assert_eq!(error.kind(), job::ErrorKind::Invalid, "{error}");
}

#[test]
fn a_predicate_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Predicate>();
    shared::<Conditions>();
}
