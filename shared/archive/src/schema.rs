//! One schema over many nights (CONTRACT §1).

use crate::ArchiveError;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use job::Night;
use std::sync::Arc;

/// Columns that Spark sometimes writes into the files although they are the partition's: the path is the night.
const PARTITION_COLUMNS: [&str; 3] = ["year", "month", "day"];

/// The schema of one night (or one file of it).
#[derive(Clone, Debug)]
pub struct NightSchema {
    /// The night.
    pub night: Night,
    /// Its canonical schema ([`canonical`]).
    pub schema: SchemaRef,
}

/// The same nights sharing equal schemas: thousands of files have a handful of them, and each is large.
pub fn distinct(nights: impl IntoIterator<Item = NightSchema>) -> Vec<NightSchema> {
    let mut known: Vec<SchemaRef> = Vec::new();
    let mut shared: Vec<NightSchema> = Vec::new();
    for night in nights {
        let schema = match known.iter().find(|schema| **schema == night.schema) {
            Some(schema) => schema.clone(),
            None => {
                known.push(night.schema.clone());
                night.schema
            }
        };
        let told = shared.iter().rev().take_while(|other| other.night == night.night);
        if !told.into_iter().any(|other| Arc::ptr_eq(&other.schema, &schema)) {
            shared.push(NightSchema { night: night.night, schema });
        }
    }
    shared
}

/// The schema of a job: the union of its nights.
#[derive(Clone, Debug)]
pub struct JobSchema {
    /// All columns, those of the newest night first and in its order.
    pub schema: SchemaRef,
    /// Columns that have no common type. A job may not touch them.
    pub conflicts: Vec<Conflict>,
}

/// A column that two nights hold in types without a common type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The place of the conflict, dots and all.
    pub column: String,
    /// The newer night and its type.
    pub first: (Night, String),
    /// The older night and its type.
    pub second: (Night, String),
}

impl From<&Conflict> for ArchiveError {
    fn from(conflict: &Conflict) -> Self {
        let Conflict { column, first, second, .. } = conflict.clone();
        Self::Conflict {
            column,
            first: first.0,
            first_type: first.1,
            second: second.0,
            second_type: second.1,
        }
    }
}

/// A schema as the rest of nightferry sees it, whoever wrote the file: every column nullable, no metadata, strings as
/// `Utf8`, binaries as `BinaryView` (cutouts are not copied), timestamps in microseconds without a zone, lists and
/// maps with Arrow's usual inner names, and without physical partition columns.
pub fn canonical(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().filter(|field| !PARTITION_COLUMNS.contains(&field.name().as_str()));
    Arc::new(Schema::new(fields.map(canonical_field).collect::<Vec<_>>()))
}

fn canonical_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), canonical_type(field.data_type()), true))
}

fn canonical_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::BinaryView,
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Dictionary(_, values) => canonical_type(values),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(canonical_field).collect()),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            list_of(canonical_type(item.data_type()))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                map_of(canonical_type(pair[0].data_type()), canonical_type(pair[1].data_type()))
            }
            _ => data_type.clone(),
        },
        other => other.clone(),
    }
}

/// The same with texts and binaries as views, also within structs, lists and maps.
pub(crate) fn views(data_type: &DataType) -> DataType {
    let inner = |field: &FieldRef| {
        let data_type = views(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    match data_type {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::List(item) => DataType::List(inner(item)),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        other => other.clone(),
    }
}

pub(crate) fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

pub(crate) fn map_of(key: DataType, value: DataType) -> DataType {
    let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
}

/// The union of the nights' schemas: wider numbers win, structs are joined field by field, columns that a night lacks
/// are null there. What cannot be unified is kept as a [`Conflict`], so that a job that does not touch the column can
/// still run.
pub fn unify(nights: &[NightSchema]) -> JobSchema {
    let mut newest_first: Vec<&NightSchema> = nights.iter().collect();
    newest_first.sort_by_key(|night| std::cmp::Reverse(night.night));
    let mut columns: Vec<(Night, FieldRef)> = Vec::new();
    let mut conflicts: Vec<Conflict> = Vec::new();
    // Thousands of nights share a few schemas: an older night of a schema that was joined already adds nothing.
    let mut joined: Vec<&SchemaRef> = Vec::new();
    for night in newest_first {
        if joined.iter().any(|schema| Arc::ptr_eq(schema, &night.schema)) {
            continue;
        }
        joined.push(&night.schema);
        for field in night.schema.fields() {
            let Some((first, known)) = columns.iter_mut().find(|(_, known)| known.name() == field.name())
            else {
                columns.push((night.night, field.clone()));
                continue;
            };
            let mut clashes = Vec::new();
            let data_type = widen(field.name(), known.data_type(), field.data_type(), &mut clashes);
            *known = Arc::new(Field::new(field.name(), data_type, true));
            for clash in clashes {
                if conflicts.iter().all(|conflict| conflict.column != clash.column) {
                    conflicts.push(Conflict {
                        column: clash.column,
                        first: (*first, clash.first),
                        second: (night.night, clash.second),
                    });
                }
            }
        }
    }
    let fields: Vec<FieldRef> = columns.into_iter().map(|(_, field)| field).collect();
    JobSchema { schema: Arc::new(Schema::new(fields)), conflicts }
}

struct Clash {
    column: String,
    first: String,
    second: String,
}

/// The narrowest type that holds every value of both without loss. Where there is none, the newer (first) type stays and
/// the clash is noted.
fn widen(column: &str, a: &DataType, b: &DataType, clashes: &mut Vec<Clash>) -> DataType {
    use DataType::*;
    if a == b {
        return a.clone();
    }
    match (a, b) {
        (Null, other) | (other, Null) => other.clone(),
        (Float64, Float32 | Int8 | Int16 | Int32) | (Float32 | Int8 | Int16 | Int32, Float64) => Float64,
        (Float32, Int8 | Int16) | (Int8 | Int16, Float32) => Float32,
        (Float32, Int32) | (Int32, Float32) => Float64,
        (Int64, Int8 | Int16 | Int32) | (Int8 | Int16 | Int32, Int64) => Int64,
        (Int32, Int8 | Int16) | (Int8 | Int16, Int32) => Int32,
        (Int16, Int8) | (Int8, Int16) => Int16,
        (Struct(left), Struct(right)) => Struct(widen_fields(column, left, right, clashes)),
        (List(left), List(right)) => list_of(widen(column, left.data_type(), right.data_type(), clashes)),
        (Map(left, _), Map(right, _)) => match (left.data_type(), right.data_type()) {
            (Struct(l), Struct(r))
                if l.len() == 2 && r.len() == 2 && l[0].data_type() == r[0].data_type() =>
            {
                map_of(l[0].data_type().clone(), widen(column, l[1].data_type(), r[1].data_type(), clashes))
            }
            _ => clash(column, a, b, clashes),
        },
        _ => clash(column, a, b, clashes),
    }
}

fn widen_fields(column: &str, left: &Fields, right: &Fields, clashes: &mut Vec<Clash>) -> Fields {
    let mut fields: Vec<FieldRef> = left.iter().cloned().collect();
    for field in right {
        match fields.iter_mut().find(|known| known.name() == field.name()) {
            Some(known) => {
                let place = format!("{column}.{}", field.name());
                let data_type = widen(&place, known.data_type(), field.data_type(), clashes);
                *known = Arc::new(Field::new(field.name(), data_type, true));
            }
            None => fields.push(field.clone()),
        }
    }
    fields.into()
}

fn clash(column: &str, a: &DataType, b: &DataType, clashes: &mut Vec<Clash>) -> DataType {
    clashes.push(Clash { column: column.to_owned(), first: spoken(a), second: spoken(b) });
    a.clone()
}

/// A type in Spark's words, as the users know it.
fn spoken(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "int".into(),
        DataType::Int64 => "bigint".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Utf8 => "string".into(),
        DataType::BinaryView => "binary".into(),
        DataType::Timestamp(_, _) => "timestamp".into(),
        DataType::Struct(fields) => format!("struct with {} fields", fields.len()),
        DataType::List(_) => "array".into(),
        DataType::Map(_, _) => "map".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(text: &str, fields: Vec<(&str, DataType)>) -> NightSchema {
        let fields: Vec<Field> =
            fields.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect();
        NightSchema { night: text.parse().unwrap(), schema: canonical(&Schema::new(fields)) }
    }

    #[test]
    fn the_newest_night_gives_the_order_and_older_columns_follow() {
        use DataType::*;
        let job = unify(&[
            night("2020-08-02", vec![("t2", Utf8), ("candid", Int32), ("objectId", LargeUtf8)]),
            night(
                "2026-03-22",
                vec![("objectId", Utf8), ("candid", Int64), ("slsn_score", Float64), ("day", Int32)],
            ),
        ]);
        let names: Vec<&str> = job.schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["objectId", "candid", "slsn_score", "t2"]);
        assert_eq!(job.schema.field(1).data_type(), &Int64);
        assert!(job.conflicts.is_empty());
    }

    #[test]
    fn structs_are_joined_field_by_field() {
        use DataType::*;
        let inner = |fields: Vec<Field>| Struct(fields.into());
        let job = unify(&[
            night(
                "2020-08-02",
                vec![("c", inner(vec![Field::new("a", Float32, false), Field::new("b", Utf8, true)]))],
            ),
            night(
                "2021-08-02",
                vec![("c", inner(vec![Field::new("x", Int32, true), Field::new("a", Float64, true)]))],
            ),
        ]);
        let Struct(fields) = job.schema.field(0).data_type() else { panic!() };
        let found: Vec<_> = fields.iter().map(|f| (f.name().as_str(), f.data_type().clone())).collect();
        assert_eq!(found, [("x", Int32), ("a", Float64), ("b", Utf8)]);
    }

    #[test]
    fn what_has_no_common_type_names_the_column_and_both_nights() {
        use DataType::*;
        let score = Struct(vec![Field::new("ml_score_1", Float64, true)].into());
        let job = unify(&[
            night("2020-08-02", vec![("mulens", score)]),
            night("2026-03-22", vec![("mulens", Float64)]),
        ]);
        let text = ArchiveError::from(&job.conflicts[0]).to_string();
        for part in
            ["`mulens`", "double in the night 2026-03-22", "struct with 1 fields in the night 2020-08-02"]
        {
            assert!(text.contains(part), "{text}");
        }
    }
}
