//! A message read back, as JSON, for people to look at.
//!
//! The other way round from [`crate::Encoder`], a value at a time and without haste: a handful of alerts is read this way.

use crate::PacketError;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Number, Value};

/// No schema of ours nests deeper, unions counted.
const MAX_DEPTH: usize = 100;
/// The largest whole number that every reader of JSON keeps.
const MAX_SAFE: i64 = (1 << 53) - 1;

/// A message as JSON, by the Avro schema of its topic ([`crate::avro_schema`]).
///
/// Bytes become base64. What JSON has no number for becomes a string: NaN, the infinities, and whole numbers beyond
/// ±(2⁵³ − 1), which many readers would round.
///
/// # Errors
/// [`PacketError::Unreadable`] when the message is not one of that schema.
pub fn readable(schema: &Value, message: &[u8]) -> Result<Value, PacketError> {
    // An item may be nothing but a null, yet no message holds more values than it has bytes, some few aside.
    let mut reader = Reader { rest: message, values_left: message.len() + 4096 };
    let value = reader.value(schema, MAX_DEPTH)?;
    match reader.rest {
        [] => Ok(value),
        rest => Err(unreadable(format!("{} bytes are left over", rest.len()))),
    }
}

/// Bytes as base64, as in what [`readable`] answers.
pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The bytes behind base64.
///
/// # Errors
/// [`PacketError::Unreadable`] when it is none.
pub fn from_base64(text: &str) -> Result<Vec<u8>, PacketError> {
    BASE64_STANDARD.decode(text).map_err(|error| unreadable(error.to_string()))
}

struct Reader<'a> {
    rest: &'a [u8],
    values_left: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, schema: &Value, depth: usize) -> Result<Value, PacketError> {
        self.values_left = self.values_left.checked_sub(1).ok_or_else(|| unreadable("too many values"))?;
        let depth = depth.checked_sub(1).ok_or_else(|| unreadable("too many values within values"))?;
        match schema {
            Value::Array(branches) => {
                let branch = usize::try_from(self.long()?).ok().and_then(|branch| branches.get(branch));
                self.value(branch.ok_or_else(|| unreadable("there is no such branch of a union"))?, depth)
            }
            Value::String(name) => self.leaf(name),
            Value::Object(whole) => match whole.get("type") {
                Some(Value::String(name)) if name == "record" => self.record(whole, depth),
                Some(Value::String(name)) if name == "array" => self.array(part(whole, "items")?, depth),
                Some(Value::String(name)) if name == "map" => self.map(part(whole, "values")?, depth),
                Some(inner) => self.value(inner, depth),
                None => Err(unreadable("a part of the schema has no type")),
            },
            _ => Err(unreadable("a part of the schema is no type")),
        }
    }

    fn record(&mut self, record: &Map<String, Value>, depth: usize) -> Result<Value, PacketError> {
        let fields = part(record, "fields")?.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut values = Map::new();
        for field in fields {
            let (Some(name), Some(kind)) = (field["name"].as_str(), field.get("type")) else {
                return Err(unreadable("a field of the schema has no name or type"));
            };
            values.insert(name.to_owned(), self.value(kind, depth)?);
        }
        Ok(Value::Object(values))
    }

    fn array(&mut self, items: &Value, depth: usize) -> Result<Value, PacketError> {
        let mut values = Vec::new();
        while let Some(count) = self.block()? {
            for _ in 0..count {
                values.push(self.value(items, depth)?);
            }
        }
        Ok(Value::Array(values))
    }

    fn map(&mut self, kind: &Value, depth: usize) -> Result<Value, PacketError> {
        let mut values = Map::new();
        while let Some(count) = self.block()? {
            for _ in 0..count {
                let key = self.text()?;
                values.insert(key, self.value(kind, depth)?);
            }
        }
        Ok(Value::Object(values))
    }

    fn leaf(&mut self, name: &str) -> Result<Value, PacketError> {
        Ok(match name {
            "null" => Value::Null,
            "boolean" => Value::Bool(self.take(1)? != [0]),
            "int" | "long" => match self.long()? {
                whole if (-MAX_SAFE..=MAX_SAFE).contains(&whole) => Value::from(whole),
                large => Value::from(large.to_string()),
            },
            "float" => {
                let value = f32::from_le_bytes(self.fixed()?);
                // By its shortest decimals: 18.3, not 18.299999237060547.
                value
                    .to_string()
                    .parse()
                    .ok()
                    .and_then(Number::from_f64)
                    .map_or_else(|| not_a_number(value.into()), Value::Number)
            }
            "double" => {
                let value = f64::from_le_bytes(self.fixed()?);
                Number::from_f64(value).map_or_else(|| not_a_number(value), Value::Number)
            }
            "string" => Value::String(self.text()?),
            "bytes" => {
                let length = self.length()?;
                Value::String(base64(self.take(length)?))
            }
            other => return Err(unreadable(format!("the schema has the type `{other}`"))),
        })
    }

    /// The number of items that follow; none at the end.
    fn block(&mut self) -> Result<Option<u64>, PacketError> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        Ok(Some(count.unsigned_abs()).filter(|count| *count > 0))
    }

    fn text(&mut self) -> Result<String, PacketError> {
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?);
        text.map(str::to_owned).map_err(|_| unreadable("a string is not UTF-8"))
    }

    fn length(&mut self) -> Result<usize, PacketError> {
        usize::try_from(self.long()?).map_err(|_| unreadable("a length is negative"))
    }

    fn long(&mut self) -> Result<i64, PacketError> {
        let mut zigzag = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.take(1)?[0];
            zigzag |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            }
        }
        Err(unreadable("a number is too long"))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], PacketError> {
        let (value, rest) = self.rest.split_first_chunk().ok_or_else(|| unreadable("it ends too early"))?;
        self.rest = rest;
        Ok(*value)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], PacketError> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or_else(|| unreadable("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }
}

fn part<'a>(whole: &'a Map<String, Value>, name: &str) -> Result<&'a Value, PacketError> {
    whole.get(name).ok_or_else(|| unreadable(format!("a part of the schema has no {name}")))
}

fn not_a_number(value: f64) -> Value {
    let name = match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    Value::from(name)
}

fn unreadable(reason: impl Into<String>) -> PacketError {
    PacketError::Unreadable { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The bytes are `fastavro.schemaless_writer`'s of
    /// `{"a": 2**62, "f": 18.3, "d": nan, "b": b"\x1f\x8b", "s": "é", "l": [1, None], "m": {"k": 2.5}, "n": None, "t": True}`.
    const MESSAGE: &[u8] = &[
        0, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1, 0, 102, 102, 146, 65, 0, 0, 0, 0, 0, 0, 0, 248,
        127, 0, 4, 31, 139, 0, 4, 195, 169, 0, 4, 0, 2, 2, 0, 0, 2, 2, 107, 0, 0, 0, 0, 0, 0, 0, 4, 64, 0, 2,
        0, 1,
    ];

    fn schema() -> Value {
        let of = |leaf: &str| json!([leaf, "null"]);
        json!({ "type": "record", "name": "topLevelRecord.value", "fields": [
            { "name": "a", "type": of("long") },
            { "name": "f", "type": of("float") },
            { "name": "d", "type": of("double") },
            { "name": "b", "type": of("bytes") },
            { "name": "s", "type": of("string") },
            { "name": "l", "type": [{ "type": "array", "items": of("int") }, "null"] },
            { "name": "m", "type": [{ "type": "map", "values": of("double") }, "null"] },
            { "name": "n", "type": of("string") },
            { "name": "t", "type": of("boolean") },
        ]})
    }

    #[test]
    fn a_message_is_read_back() {
        let expected = json!({
            "a": "4611686018427387904", "f": 18.3, "d": "NaN", "b": "H4s=", "s": "é", "l": [1, null],
            "m": { "k": 2.5 }, "n": null, "t": true
        });
        assert_eq!(readable(&schema(), MESSAGE).unwrap(), expected);
    }

    #[test]
    fn what_is_cut_off_padded_or_forged_is_refused() {
        for end in 0..MESSAGE.len() {
            assert!(readable(&schema(), &MESSAGE[..end]).is_err(), "{end}");
        }
        assert!(readable(&schema(), &[MESSAGE, &[0]].concat()).is_err());
        let nulls = json!({ "type": "array", "items": "null" });
        // A thousand million nulls in six bytes.
        assert!(readable(&nulls, &[0x80, 0xa8, 0xd6, 0xb9, 0x07, 0]).is_err());
        let mut deep = json!("null");
        for _ in 0..200 {
            deep = json!([deep]);
        }
        assert!(readable(&deep, &[0; 200]).is_err());
    }
}
