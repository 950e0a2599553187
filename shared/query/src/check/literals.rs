//! Literals and the names of types.

use super::Checked;
use crate::error::ProblemKind;
use crate::spark::{Typed, cast, decimal, types};
use crate::suggest::nearest;
use crate::text::{Literal, Problem, Span, TypeName};
use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

pub(super) fn literal(literal: &Literal, at: Span) -> Checked {
    Ok(match literal {
        Literal::Null => Typed::null(DataType::Null),
        Literal::Boolean(value) => Typed::value(ScalarValue::Boolean(Some(*value))),
        Literal::Text(text) => Typed::value(ScalarValue::from(text.as_str())),
        Literal::Number(text) => match number(text) {
            Some(value) => value,
            None => return Err(syntax(format!("`{text}` is not a number that fits its type"), at)),
        },
        Literal::Date(text) => time(text, &DataType::Date32, at)?,
        Literal::Timestamp(text) => time(text, &types::TIMESTAMP, at)?,
    })
}

fn time(text: &str, ty: &DataType, at: Span) -> Checked {
    let typed = cast::cast(Typed::value(ScalarValue::from(text)), ty);
    match typed.literal() {
        Some(value) if !value.is_null() => Ok(typed),
        _ => Err(syntax(format!("'{text}' is not a {}", types::name(ty)), at)),
    }
}

/// A number's type follows from how it is written: `19.5` is a decimal, `1e3` a double, `5` an INT if it fits, and a
/// suffix (`L`, `S`, `Y`, `D`, `F`, `BD`) says it outright.
fn number(text: &str) -> Option<Typed> {
    let upper = text.to_ascii_uppercase();
    let suffixed = |suffix: &str| upper.strip_suffix(suffix);
    if let Some(digits) = suffixed("BD") {
        return decimal::literal(digits);
    }
    if let Some(digits) = suffixed("D") {
        return Some(Typed::value(ScalarValue::Float64(Some(digits.parse().ok()?))));
    }
    if let Some(digits) = suffixed("F") {
        return Some(Typed::value(ScalarValue::Float32(Some(digits.parse().ok()?))));
    }
    if let Some(digits) = suffixed("L") {
        return Some(Typed::value(ScalarValue::Int64(Some(digits.parse().ok()?))));
    }
    if let Some(digits) = suffixed("S") {
        return Some(Typed::value(ScalarValue::Int16(Some(digits.parse().ok()?))));
    }
    if let Some(digits) = suffixed("Y") {
        return Some(Typed::value(ScalarValue::Int8(Some(digits.parse().ok()?))));
    }
    if upper.contains('E') {
        return Some(Typed::value(ScalarValue::Float64(Some(upper.parse().ok()?))));
    }
    if let Ok(value) = upper.parse::<i32>() {
        return Some(Typed::value(ScalarValue::Int32(Some(value))));
    }
    if let Ok(value) = upper.parse::<i64>() {
        return Some(Typed::value(ScalarValue::Int64(Some(value))));
    }
    decimal::literal(&upper)
}

/// The type that a name such as `double` or `decimal(5, 2)` stands for.
pub(super) fn type_of(written: &TypeName) -> Result<DataType, Problem> {
    const NAMES: [&str; 18] = [
        "boolean",
        "tinyint",
        "byte",
        "smallint",
        "short",
        "int",
        "integer",
        "bigint",
        "long",
        "float",
        "real",
        "double",
        "decimal",
        "dec",
        "numeric",
        "string",
        "date",
        "timestamp",
    ];
    let name = written.name.to_ascii_lowercase();
    let parameters = written.parameters.as_slice();
    let ty = match (name.as_str(), parameters) {
        ("boolean", []) => DataType::Boolean,
        ("tinyint" | "byte", []) => DataType::Int8,
        ("smallint" | "short", []) => DataType::Int16,
        ("int" | "integer", []) => DataType::Int32,
        ("bigint" | "long", []) => DataType::Int64,
        ("float" | "real", []) => DataType::Float32,
        ("double", []) => DataType::Float64,
        ("string", []) => DataType::Utf8,
        ("date", []) => DataType::Date32,
        ("timestamp", []) => types::TIMESTAMP,
        ("decimal" | "dec" | "numeric", parameters) => {
            let (precision, scale) = match parameters {
                [] => (10, 0),
                [precision] => (*precision, 0),
                [precision, scale] => (*precision, *scale),
                _ => (0, 1),
            };
            match (u8::try_from(precision), i8::try_from(scale)) {
                (Ok(p), Ok(s)) if (1..=types::MAX_PRECISION).contains(&p) && scale <= precision => {
                    DataType::Decimal128(p, s)
                }
                _ => {
                    return Err(syntax(
                        "a decimal has at most 38 digits: DECIMAL(digits, of them after the point)",
                        written.at,
                    ));
                }
            }
        }
        _ if NAMES.contains(&name.as_str()) => {
            return Err(syntax(format!("{} takes no parameters", name.to_uppercase()), written.at));
        }
        _ => {
            let problem = syntax(format!("unknown type `{}`", written.name), written.at);
            return Err(problem.instead(nearest(&name, NAMES).map(str::to_owned)));
        }
    };
    Ok(ty)
}

fn syntax(what: impl Into<String>, at: Span) -> Problem {
    Problem::new(ProblemKind::Syntax, what, at)
}
