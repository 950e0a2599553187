//! The Avro schemas that a transfer makes (CONTRACT §5), as Arrow types.

use arrow::datatypes::{DataType, Field as ArrowField, Fields, SchemaRef};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// The root record.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) fields: Vec<Field>,
}

/// A field of a record.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// Its path from the root, for messages to people.
    pub(crate) place: String,
    pub(crate) shape: Shape,
}

/// A type, and whether it may be null.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Which branch of the union is null; none if there is no union.
    pub(crate) null_branch: Option<i64>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Record(Vec<Field>),
    Array(Box<Shape>),
    Map(Box<Shape>),
}

/// What is wrong with a schema, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// The field at fault.
    pub place: String,
    /// What is wrong with it.
    pub problem: String,
}

type Outcome<T> = Result<T, SchemaProblem>;

impl Schema {
    /// Reads the JSON text of a schema.
    pub fn parse(text: &str) -> Result<Self, SchemaProblem> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| problem("the text", format!("is not JSON: {error}")))?;
        match parse_kind(&value, "")? {
            Kind::Record(fields) => Ok(Self { fields }),
            _ => Err(problem("the root", "is not a record")),
        }
    }

    /// The same as an Arrow schema.
    pub fn to_arrow(&self) -> SchemaRef {
        Arc::new(arrow::datatypes::Schema::new(arrow_fields(&self.fields)))
    }

    /// Whether alerts hold bytes, such as cutouts.
    pub(crate) fn has_bytes(&self) -> bool {
        self.fields.iter().any(|field| field.shape.has_bytes())
    }

    /// A column of the root.
    pub(crate) fn column(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Shape {
    /// The Arrow type. Everything is nullable there: Avro's "never null" is a promise of one topic.
    pub(crate) fn data_type(&self) -> DataType {
        match &self.kind {
            Kind::Null => DataType::Null,
            Kind::Boolean => DataType::Boolean,
            Kind::Int => DataType::Int32,
            Kind::Long => DataType::Int64,
            Kind::Float => DataType::Float32,
            Kind::Double => DataType::Float64,
            Kind::Bytes => DataType::Binary,
            Kind::Text => DataType::Utf8,
            Kind::Record(fields) => DataType::Struct(arrow_fields(fields)),
            Kind::Array(item) => DataType::List(item.list_field()),
            Kind::Map(value) => DataType::Map(value.entries_field(), false),
        }
    }

    fn has_bytes(&self) -> bool {
        match &self.kind {
            Kind::Bytes => true,
            Kind::Record(fields) => fields.iter().any(|field| field.shape.has_bytes()),
            Kind::Array(inner) | Kind::Map(inner) => inner.has_bytes(),
            _ => false,
        }
    }

    /// The field of a list of these, named as the Parquet format wants it.
    pub(crate) fn list_field(&self) -> Arc<ArrowField> {
        Arc::new(ArrowField::new("element", self.data_type(), true))
    }

    /// The entries of a map to these, named as the Parquet format wants it.
    pub(crate) fn entries_field(&self) -> Arc<ArrowField> {
        Arc::new(ArrowField::new("key_value", DataType::Struct(self.entry_fields()), false))
    }

    /// Key and value of a map to these.
    pub(crate) fn entry_fields(&self) -> Fields {
        Fields::from(vec![
            ArrowField::new("key", DataType::Utf8, false),
            ArrowField::new("value", self.data_type(), true),
        ])
    }

    /// The fewest bytes that a value takes.
    pub(crate) fn min_bytes(&self) -> u64 {
        match (&self.null_branch, &self.kind) {
            (Some(_), _) => 1,
            (None, Kind::Null) => 0,
            (None, Kind::Float) => 4,
            (None, Kind::Double) => 8,
            (None, Kind::Record(fields)) => fields.iter().map(|field| field.shape.min_bytes()).sum(),
            _ => 1,
        }
    }

    /// The array cells that a value takes outside nested lists and maps.
    pub(crate) fn cells(&self) -> u64 {
        match &self.kind {
            Kind::Record(fields) => 1 + fields.iter().map(|field| field.shape.cells()).sum::<u64>(),
            _ => 1,
        }
    }
}

/// The fields of a record in Arrow.
pub(crate) fn arrow_fields(fields: &[Field]) -> Fields {
    fields.iter().map(|field| ArrowField::new(&field.name, field.shape.data_type(), true)).collect()
}

fn parse_shape(value: &Value, place: &str) -> Outcome<Shape> {
    let Value::Array(branches) = value else {
        return Ok(Shape { null_branch: None, kind: parse_kind(value, place)? });
    };
    let is_null = |branch: &Value| branch.as_str() == Some("null");
    match branches.as_slice() {
        [null, other] if is_null(null) && !is_null(other) => {
            Ok(Shape { null_branch: Some(0), kind: parse_kind(other, place)? })
        }
        [other, null] if is_null(null) && !is_null(other) => {
            Ok(Shape { null_branch: Some(1), kind: parse_kind(other, place)? })
        }
        _ => Err(problem(place, format!("is a union other than of null and one type: {}", shorten(value)))),
    }
}

fn parse_kind(value: &Value, place: &str) -> Outcome<Kind> {
    match value {
        Value::String(name) => parse_leaf(name, place),
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("record") => parse_record(object, place),
            Some("array") => {
                let item = parse_shape(object.get("items").unwrap_or(&Value::Null), &format!("{place}[]"))?;
                if item.min_bytes() == 0 {
                    return Err(problem(place, "is an array of items that are always null"));
                }
                Ok(Kind::Array(Box::new(item)))
            }
            Some("map") => {
                let values = object.get("values").unwrap_or(&Value::Null);
                Ok(Kind::Map(Box::new(parse_shape(values, &format!("{place}{{}}"))?)))
            }
            _ => Err(unsupported(value, place)),
        },
        _ => Err(unsupported(value, place)),
    }
}

fn parse_leaf(name: &str, place: &str) -> Outcome<Kind> {
    Ok(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::Text,
        _ => return Err(unsupported(&Value::from(name), place)),
    })
}

fn parse_record(object: &Map<String, Value>, place: &str) -> Outcome<Kind> {
    let Some(Value::Array(values)) = object.get("fields") else {
        return Err(problem(place, "is a record without a list of fields"));
    };
    if values.is_empty() {
        return Err(problem(place, "is a record without fields"));
    }
    let mut names = HashSet::new();
    let fields = values.iter().map(|value| {
        let Some(name) = value.get("name").and_then(Value::as_str) else {
            return Err(problem(place, "has a field without a name"));
        };
        let place = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        if !names.insert(name) {
            return Err(problem(&place, "is there twice"));
        }
        let shape = parse_shape(value.get("type").unwrap_or(&Value::Null), &place)?;
        Ok(Field { name: name.to_owned(), place, shape })
    });
    Ok(Kind::Record(fields.collect::<Outcome<_>>()?))
}

fn unsupported(value: &Value, place: &str) -> SchemaProblem {
    let known = "null, boolean, int, long, float, double, bytes, string, record, array, map";
    problem(place, format!("is of type {}, which is none of {known}", shorten(value)))
}

fn shorten(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn problem(place: &str, problem: impl Into<String>) -> SchemaProblem {
    let place = if place.is_empty() { "the root" } else { place };
    SchemaProblem { place: place.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(field_type: &str) -> Outcome<DataType> {
        let text = format!(r#"{{"type":"record","name":"r","fields":[{{"name":"f","type":{field_type}}}]}}"#);
        Schema::parse(&text).map(|schema| schema.to_arrow().field(0).data_type().clone())
    }

    #[test]
    fn every_type_of_the_contract_has_its_arrow_type() {
        assert_eq!(of(r#""null""#).unwrap(), DataType::Null);
        assert_eq!(of(r#""boolean""#).unwrap(), DataType::Boolean);
        assert_eq!(of(r#"["int","null"]"#).unwrap(), DataType::Int32);
        assert_eq!(of(r#"["null","long"]"#).unwrap(), DataType::Int64);
        assert_eq!(of(r#""float""#).unwrap(), DataType::Float32);
        assert_eq!(of(r#""double""#).unwrap(), DataType::Float64);
        assert_eq!(of(r#""bytes""#).unwrap(), DataType::Binary);
        assert_eq!(of(r#""string""#).unwrap(), DataType::Utf8);
        assert!(matches!(of(r#"{"type":"array","items":["int","null"]}"#).unwrap(), DataType::List(_)));
        assert!(matches!(
            of(r#"[{"type":"map","values":"string"},"null"]"#).unwrap(),
            DataType::Map(_, false)
        ));
        let record = r#"{"type":"record","name":"s","fields":[{"name":"x","type":"int"}]}"#;
        assert!(matches!(of(record).unwrap(), DataType::Struct(_)));
    }

    #[test]
    fn anything_else_is_an_error_that_names_the_field() {
        for wrong in [
            r#"{"type":"string"}"#,
            r#"{"type":"long","logicalType":"timestamp-micros"}"#,
            r#"{"type":"enum","name":"e","symbols":["A"]}"#,
            r#"{"type":"fixed","name":"x","size":4}"#,
            r#""r""#,
            r#"["int","string"]"#,
            r#"["int","string","null"]"#,
            r#"["null","null"]"#,
            r#"["null",["null","int"]]"#,
            r#"["int"]"#,
            r#"{"type":"array"}"#,
            r#"{"type":"array","items":"null"}"#,
            r#"{"type":"record","name":"s","fields":[]}"#,
            "null",
            "7",
        ] {
            let problem = of(wrong).unwrap_err();
            assert!(problem.place.starts_with('f'), "{wrong}: {problem:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_schema_is_an_error() {
        for wrong in ["", "{", "[]", r#""string""#, r#"{"type":"record","name":"r"}"#] {
            assert!(Schema::parse(wrong).is_err(), "{wrong}");
        }
        let deep = format!("{}{}", r#"{"type":"array","items":"#.repeat(100_000), "}".repeat(100_000));
        assert!(Schema::parse(&deep).is_err());
    }
}
