//! A schema as JSON, in Spark's words: what a manifest keeps and what users are shown.
//!
//! `[{"name": "candidate", "type": {"struct": [{"name": "jd", "type": "double"}]}}, …]`; lists are `{"array": T}`,
//! maps from strings `{"map": T}`.

use crate::{
    ArchiveError,
    schema::{list_of, map_of},
};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use serde_json::{Value, json};
use std::sync::Arc;

/// The names of the plain types, as Spark has them.
const PLAIN: [(&str, DataType); 11] = [
    ("boolean", DataType::Boolean),
    ("tinyint", DataType::Int8),
    ("smallint", DataType::Int16),
    ("int", DataType::Int32),
    ("bigint", DataType::Int64),
    ("float", DataType::Float32),
    ("double", DataType::Float64),
    ("string", DataType::Utf8),
    ("binary", DataType::BinaryView),
    ("timestamp", DataType::Timestamp(TimeUnit::Microsecond, None)),
    ("void", DataType::Null),
];

/// A canonical schema as JSON.
pub fn describe(schema: &Schema) -> Value {
    schema.fields().iter().map(describe_field).collect()
}

fn describe_field(field: &FieldRef) -> Value {
    json!({ "name": field.name(), "type": describe_type(field.data_type()) })
}

fn describe_type(data_type: &DataType) -> Value {
    match data_type {
        DataType::Struct(fields) => json!({ "struct": fields.iter().map(describe_field).collect::<Value>() }),
        DataType::List(item) => json!({ "array": describe_type(item.data_type()) }),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => json!({ "map": describe_type(pair[1].data_type()) }),
            _ => json!("unknown"),
        },
        plain => match PLAIN.iter().find(|(_, known)| known == plain) {
            Some((name, _)) => json!(name),
            None => json!(plain.to_string()),
        },
    }
}

/// The schema that [`describe`] wrote.
pub fn from_description(description: &Value) -> Result<SchemaRef, ArchiveError> {
    let fields = fields_from(description)?;
    Ok(Arc::new(Schema::new(fields)))
}

fn fields_from(description: &Value) -> Result<Vec<FieldRef>, ArchiveError> {
    let fields = description.as_array().ok_or_else(|| wrong(description))?;
    let field = |field: &Value| match (field["name"].as_str(), type_from(&field["type"])) {
        (Some(name), Ok(data_type)) => Ok(Arc::new(Field::new(name, data_type, true))),
        (None, _) => Err(wrong(field)),
        (_, Err(error)) => Err(error),
    };
    fields.iter().map(field).collect()
}

fn type_from(description: &Value) -> Result<DataType, ArchiveError> {
    if let Some(name) = description.as_str() {
        let known = PLAIN.iter().find(|(plain, _)| *plain == name);
        return known.map(|(_, data_type)| data_type.clone()).ok_or_else(|| wrong(description));
    }
    let object = description.as_object().ok_or_else(|| wrong(description))?;
    match object.iter().next() {
        Some((kind, inner)) if kind == "struct" => Ok(DataType::Struct(fields_from(inner)?.into())),
        Some((kind, inner)) if kind == "array" => Ok(list_of(type_from(inner)?)),
        Some((kind, inner)) if kind == "map" => Ok(map_of(DataType::Utf8, type_from(inner)?)),
        _ => Err(wrong(description)),
    }
}

fn wrong(description: &Value) -> ArchiveError {
    let text: String = description.to_string().chars().take(80).collect();
    ArchiveError::damaged("the job's schema", format!("`{text}` is not a type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_reads_back_as_it_was_written() {
        let candidate =
            vec![Field::new("jd", DataType::Float64, true), Field::new("candid", DataType::Int64, true)];
        let schema = Schema::new(vec![
            Field::new("objectId", DataType::Utf8, true),
            Field::new("prv_candidates", list_of(DataType::Struct(candidate.into())), true),
            Field::new("mangrove", map_of(DataType::Utf8, DataType::Float32), true),
            Field::new("timestamp", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        ]);
        let description = describe(&schema);
        assert_eq!(description[1]["type"]["array"]["struct"][0], json!({"name": "jd", "type": "double"}));
        assert_eq!(*from_description(&description).unwrap(), schema);
        assert!(from_description(&json!([{"name": "x", "type": "enum"}])).is_err());
    }
}
