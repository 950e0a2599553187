//! Spark's types and what its analyser casts implicitly (`TypeCoercion`, ANSI off).

use arrow::datatypes::{DataType, Field, TimeUnit};
use std::sync::Arc;

/// Digits of the longest decimal.
pub(crate) const MAX_PRECISION: u8 = 38;

/// Spark's only timestamp here: microseconds, in UTC.
pub(crate) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// An array of `element`.
pub(crate) fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element, true)))
}

/// The Spark type that a column of the archive has; `None` for types that no archive holds.
pub(crate) fn normal(ty: &DataType) -> Option<DataType> {
    Some(match ty {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Timestamp(..) => TIMESTAMP,
        DataType::Dictionary(_, value) => normal(value)?,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) if *s >= 0 => {
            DataType::Decimal128(*p, *s)
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            list(normal(item.data_type())?)
        }
        DataType::Struct(_) | DataType::Map(..) => ty.clone(),
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::Binary
        | DataType::Date32 => ty.clone(),
        _ => return None,
    })
}

/// What Spark calls the type.
pub(crate) fn name(ty: &DataType) -> String {
    match ty {
        DataType::Null => "NULL".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BINARY".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMP".to_owned(),
        DataType::List(item) => format!("ARRAY<{}>", name(item.data_type())),
        DataType::Map(..) => "MAP".to_owned(),
        DataType::Struct(_) => "STRUCT".to_owned(),
        other => other.to_string(),
    }
}

pub(crate) fn is_integer(ty: &DataType) -> bool {
    matches!(ty, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)
}

pub(crate) fn is_float(ty: &DataType) -> bool {
    matches!(ty, DataType::Float32 | DataType::Float64)
}

pub(crate) fn is_decimal(ty: &DataType) -> bool {
    matches!(ty, DataType::Decimal128(..))
}

pub(crate) fn is_numeric(ty: &DataType) -> bool {
    is_integer(ty) || is_float(ty) || is_decimal(ty)
}

/// Neither array, map nor struct.
pub(crate) fn is_atomic(ty: &DataType) -> bool {
    is_numeric(ty)
        || matches!(ty, DataType::Boolean | DataType::Utf8 | DataType::Binary | DataType::Date32)
        || *ty == TIMESTAMP
}

/// The order of the numbers that widen into one another.
pub(super) fn rank(ty: &DataType) -> Option<u8> {
    Some(match ty {
        DataType::Int8 => 0,
        DataType::Int16 => 1,
        DataType::Int32 => 2,
        DataType::Int64 => 3,
        DataType::Float32 => 4,
        DataType::Float64 => 5,
        _ => return None,
    })
}

/// The decimal that holds every value of an integer type.
pub(crate) fn decimal_for(ty: &DataType) -> Option<(u8, i8)> {
    Some(match ty {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Decimal128(precision, scale) => (*precision, *scale),
        _ => return None,
    })
}

/// The type of two that loses nothing (`findTightestCommonType`).
pub(crate) fn tightest(a: &DataType, b: &DataType) -> Option<DataType> {
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        (DataType::Date32, other) | (other, DataType::Date32) if *other == TIMESTAMP => Some(TIMESTAMP),
        _ => {
            let (left, right) = (rank(a)?, rank(b)?);
            Some(if left >= right { a.clone() } else { b.clone() })
        }
    }
}

/// The decimal that holds both (`widerDecimalType`): whole digits go before fractional ones.
fn wider_decimal(a: (u8, i8), b: (u8, i8)) -> DataType {
    let whole = |(precision, scale): (u8, i8)| i32::from(precision) - i32::from(scale);
    let scale = i32::from(a.1.max(b.1));
    let precision = whole(a).max(whole(b)) + scale;
    let excess = (precision - i32::from(MAX_PRECISION)).max(0);
    decimal(precision, (scale - excess).max(0))
}

/// A decimal type, held within what a decimal can be.
pub(crate) fn decimal(precision: i32, scale: i32) -> DataType {
    let precision = precision.clamp(1, i32::from(MAX_PRECISION));
    let scale = scale.clamp(0, precision);
    DataType::Decimal128(u8::try_from(precision).unwrap_or(MAX_PRECISION), i8::try_from(scale).unwrap_or(0))
}

/// The tightest type, or that of a decimal and another number.
pub(crate) fn wider_number(a: &DataType, b: &DataType) -> Option<DataType> {
    if let Some(ty) = tightest(a, b) {
        return Some(ty);
    }
    if (is_decimal(a) && is_float(b)) || (is_float(a) && is_decimal(b)) {
        return Some(DataType::Float64);
    }
    if is_decimal(a) || is_decimal(b) {
        return Some(wider_decimal(decimal_for(a)?, decimal_for(b)?));
    }
    match (a, b) {
        (DataType::List(a), DataType::List(b)) => Some(list(wider_number(a.data_type(), b.data_type())?)),
        _ => None,
    }
}

/// The type that all of CASE, IN, COALESCE or ARRAY become (`findWiderCommonType`): a string turns numbers and times
/// into strings, but neither booleans nor binaries.
pub(crate) fn common(types: &[&DataType]) -> Option<DataType> {
    let (strings, others): (Vec<&DataType>, Vec<&DataType>) =
        types.iter().partition(|ty| matches!(ty, DataType::Utf8));
    strings.into_iter().chain(others).try_fold(DataType::Null, |so_far, ty| {
        wider_number(&so_far, ty).or_else(|| match (&so_far, ty) {
            (DataType::Utf8, other) if is_atomic(other) => {
                (!matches!(other, DataType::Boolean | DataType::Binary)).then_some(DataType::Utf8)
            }
            _ => None,
        })
    })
}

/// The type that all of GREATEST or LEAST become (`findWiderTypeWithoutStringPromotion`).
pub(crate) fn common_without_strings(types: &[&DataType]) -> Option<DataType> {
    types.iter().try_fold(DataType::Null, |so_far, ty| wider_number(&so_far, ty))
}

/// The type in which two values are compared; `equality` for `=`, `!=` and `<=>`.
pub(crate) fn comparison(a: &DataType, b: &DataType, equality: bool) -> Option<DataType> {
    if let Some(ty) = wider_number(a, b) {
        return Some(ty);
    }
    match (a, b) {
        (DataType::Utf8, other) | (other, DataType::Utf8) => match other {
            // There is no decimal that fits a string.
            DataType::Decimal128(..) => Some(DataType::Float64),
            other if is_atomic(other) => Some(other.clone()),
            _ => None,
        },
        (DataType::Boolean, other) | (other, DataType::Boolean) if equality && is_numeric(other) => {
            Some(other.clone())
        }
        _ => None,
    }
}

/// Whether an argument of type `from` is cast to `to` without being asked (`implicitCast`).
pub(crate) fn is_implicit(from: &DataType, to: &DataType) -> bool {
    if from == to || *from == DataType::Null {
        return true;
    }
    match to {
        to if is_numeric(to) => is_numeric(from) || *from == DataType::Utf8,
        DataType::Utf8 => is_atomic(from),
        DataType::Date32 => *from == DataType::Utf8 || *from == TIMESTAMP,
        to if *to == TIMESTAMP => matches!(from, DataType::Utf8 | DataType::Date32),
        _ => false,
    }
}
