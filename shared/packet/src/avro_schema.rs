//! The Avro schema in the field's style (CONTRACT §5).
//!
//! The clients fail on `{"type": "string"}`, logical types, enums, fixed, a named type used twice, and unions of
//! several types. So every record is written inline under its own name, leaves are `[type, "null"]`, records are not
//! nullable, array items and map values are, and timestamps are strings.

use crate::{Layout, PacketError};
use arrow::datatypes::{DataType, Fields};
use serde_json::{Value, json};
use std::{collections::HashSet, hash::Hasher};

/// The root record's name in real transfers.
const ROOT: &str = "topLevelRecord";

/// The Avro schema of a layout as JSON text: one schema for the whole topic.
pub fn avro_schema(layout: &Layout) -> Result<String, PacketError> {
    check_names(layout.columns().iter().map(|column| column.name.as_str()), "")?;
    let fields = layout.columns().iter().map(|column| {
        let avro = avro_type(&column.data_type, &format!("{ROOT}.{}", column.name), &column.name)?;
        Ok(json!({ "name": column.name, "type": avro }))
    });
    let fields = fields.collect::<Result<Vec<_>, PacketError>>()?;
    Ok(json!({ "type": "record", "name": format!("{ROOT}.value"), "fields": fields }).to_string())
}

/// A short mark by which two schema texts are told apart.
pub fn fingerprint(schema: &str) -> String {
    let mut hasher = twox_hash::XxHash64::with_seed(0);
    hasher.write(schema.as_bytes());
    format!("{:016x}", hasher.finish())
}

fn avro_type(data_type: &DataType, record_name: &str, column: &str) -> Result<Value, PacketError> {
    Ok(match data_type {
        DataType::Struct(fields) => record(fields, record_name, column)?,
        DataType::List(item) => {
            let items = match avro_type(item.data_type(), record_name, column)? {
                record @ Value::Object(_) => json!([record, "null"]),
                nullable => nullable,
            };
            json!([{ "type": "array", "items": items }, "null"])
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 && pair[0].data_type() == &DataType::Utf8 => {
                let values = match avro_type(pair[1].data_type(), record_name, column)? {
                    record @ Value::Object(_) => json!([record, "null"]),
                    nullable => nullable,
                };
                json!([{ "type": "map", "values": values }, "null"])
            }
            _ => return Err(unsupported(data_type, column)),
        },
        leaf => json!([leaf_type(leaf).ok_or_else(|| unsupported(leaf, column))?, "null"]),
    })
}

fn record(fields: &Fields, record_name: &str, column: &str) -> Result<Value, PacketError> {
    check_names(fields.iter().map(|field| field.name().as_str()), &format!("{column}."))?;
    let inner = fields.iter().map(|field| {
        let place = format!("{column}.{}", field.name());
        let avro = avro_type(field.data_type(), &format!("{record_name}.{}", field.name()), &place)?;
        Ok(json!({ "name": field.name(), "type": avro }))
    });
    let inner = inner.collect::<Result<Vec<_>, PacketError>>()?;
    Ok(json!({ "type": "record", "name": record_name, "fields": inner }))
}

/// Avro takes letters of ASCII, digits and underscores, and each name once a record.
fn check_names<'a>(names: impl Iterator<Item = &'a str>, above: &str) -> Result<(), PacketError> {
    let mut seen = HashSet::new();
    for name in names {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let reason = if name.is_empty()
            || name.starts_with(|c: char| c.is_ascii_digit())
            || !name.chars().all(legal)
        {
            "Avro names are letters, digits and underscores, and do not begin with a digit"
        } else if !seen.insert(name) {
            "there are two of that name"
        } else {
            continue;
        };
        return Err(PacketError::Name { column: format!("{above}{name}"), reason });
    }
    Ok(())
}

fn leaf_type(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "int",
        DataType::Int64 => "long",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::BinaryView => "bytes",
        // A column that is null everywhere has no type of its own; a string reads as null all the same.
        DataType::Utf8 | DataType::Timestamp(_, _) | DataType::Null => "string",
        _ => return None,
    })
}

fn unsupported(data_type: &DataType, column: &str) -> PacketError {
    PacketError::Unsupported { column: column.to_owned(), data_type: data_type.to_string() }
}
