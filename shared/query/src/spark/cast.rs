//! Casts as Spark makes them: what cannot be cast is NULL, numbers that do not fit are cut as Java cuts them.

use super::call::{Typed, call};
use super::time::{self, MICROS, MICROS_A_DAY};
use super::types::{self, TIMESTAMP};
use super::{decimal, java};
use arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, StringArray, new_null_array};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType,
};
use datafusion_common::{Result, internal_err};
use std::sync::Arc;

/// Whether CAST takes a value of type `from` to `to`.
pub(crate) fn is_allowed(from: &DataType, to: &DataType) -> bool {
    if from == to || *from == DataType::Null || *from == DataType::Utf8 {
        return types::is_atomic(to) || from == to;
    }
    if !types::is_atomic(from) || !types::is_atomic(to) {
        return match (from, to) {
            (DataType::List(from), DataType::List(to)) => is_allowed(from.data_type(), to.data_type()),
            _ => false,
        };
    }
    match to {
        DataType::Binary => types::is_integer(from),
        DataType::Date32 => *from == TIMESTAMP,
        _ => *from != DataType::Binary || *to == DataType::Utf8,
    }
}

/// The value as type `to`; the pair is one that [`is_allowed`].
pub(crate) fn cast(value: Typed, to: &DataType) -> Typed {
    if value.ty == *to {
        return value;
    }
    if value.ty == DataType::Null {
        return Typed::null(to.clone());
    }
    let target = to.clone();
    call("cast", to.clone(), vec![value], move |args| match args {
        [arg] => cast_array(&arg.array, &target),
        _ => internal_err!("a cast takes one value"),
    })
}

macro_rules! integers {
    ($array:expr, $type:ty, $native:ty, $via:ty) => {{
        let values = collect::<$type>($array, |value| {
            Some(match value {
                Value::Boolean(v) => <$native>::from(v),
                Value::Integer(v) => v as $native,
                Value::Float(v) => v as $via as $native,
                Value::Double(v) => v as $via as $native,
                Value::Decimal(v, scale) => whole(v, scale) as $native,
                Value::Text(v) => return <$native>::try_from(java::parse_integer(v)?).ok(),
                Value::Time(v) => return <$native>::try_from(v.div_euclid(MICROS)).ok(),
                Value::Date(_) => return None,
            })
        });
        Ok(Arc::new(values))
    }};
}

/// The values of an array as type `to`.
pub(super) fn cast_array(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    if *array.data_type() == DataType::Null {
        return Ok(new_null_array(to, array.len()));
    }
    match to {
        to if is_widening(array.data_type(), to) => Ok(arrow::compute::cast(array, to)?),
        DataType::Int8 => integers!(array, Int8Type, i8, i32),
        DataType::Int16 => integers!(array, Int16Type, i16, i32),
        DataType::Int32 => integers!(array, Int32Type, i32, i32),
        DataType::Int64 => integers!(array, Int64Type, i64, i64),
        DataType::Float32 => floats(array),
        DataType::Float64 => doubles(array),
        DataType::Decimal128(precision, scale) => decimals(array, (*precision, *scale)),
        DataType::Boolean => booleans(array),
        DataType::Utf8 => texts(array),
        DataType::Date32 => dates(array),
        DataType::List(item) => lists(array, item.data_type()),
        to if *to == TIMESTAMP => timestamps(array),
        _ => Ok(arrow::compute::cast(array, to)?),
    }
}

/// One value of an array, whatever the array's type.
enum Value<'a> {
    Boolean(bool),
    Integer(i64),
    Float(f32),
    Double(f64),
    Decimal(i128, i8),
    Text(&'a str),
    Date(i32),
    Time(i64),
}

fn value(array: &ArrayRef, row: usize) -> Option<Value<'_>> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        DataType::Int8 => Value::Integer(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Value::Integer(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Value::Integer(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Value::Float(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Value::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            Value::Decimal(array.as_primitive::<Decimal128Type>().value(row), *scale)
        }
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row)),
        DataType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        ty if *ty == TIMESTAMP => Value::Time(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        _ => return None,
    })
}

fn collect<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    f: impl Fn(Value<'_>) -> Option<T::Native>,
) -> PrimitiveArray<T> {
    (0..array.len()).map(|row| f(value(array, row)?)).collect()
}

fn is_widening(from: &DataType, to: &DataType) -> bool {
    types::rank(from).zip(types::rank(to)).is_some_and(|(from, to)| from < to)
}

fn whole(value: i128, scale: i8) -> i128 {
    value / 10i128.saturating_pow(u32::try_from(scale).unwrap_or(0))
}

fn floats(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(Arc::new(collect::<Float32Type>(array, |value| {
        Some(match value {
            Value::Boolean(v) => f32::from(u8::from(v)),
            Value::Integer(v) => v as f32,
            Value::Float(v) => v,
            Value::Double(v) => v as f32,
            Value::Decimal(v, scale) => format!("{v}e-{scale}").parse().ok()?,
            Value::Text(v) => return java::parse_float(v),
            Value::Time(v) => seconds(v) as f32,
            Value::Date(_) => return None,
        })
    })))
}

fn doubles(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(Arc::new(collect::<Float64Type>(array, |value| {
        Some(match value {
            Value::Boolean(v) => f64::from(u8::from(v)),
            Value::Integer(v) => v as f64,
            Value::Float(v) => f64::from(v),
            Value::Double(v) => v,
            Value::Decimal(v, scale) => decimal::to_double(v, scale),
            Value::Text(v) => return java::parse_float(v),
            Value::Time(v) => seconds(v),
            Value::Date(_) => return None,
        })
    })))
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / MICROS as f64
}

fn decimals(array: &ArrayRef, target: (u8, i8)) -> Result<ArrayRef> {
    let values = collect::<Decimal128Type>(array, |value| match value {
        Value::Boolean(v) => decimal::change(i128::from(v), 0, target),
        Value::Integer(v) => decimal::change(i128::from(v), 0, target),
        Value::Float(v) => decimal::parse_as(&java::double_text(v.into()), target),
        Value::Double(v) => decimal::parse_as(&java::double_text(v), target),
        Value::Decimal(v, scale) => decimal::change(v, scale, target),
        Value::Text(v) => decimal::parse_as(java::trimmed(v), target),
        Value::Time(v) => decimal::change(v.into(), 6, target),
        Value::Date(_) => None,
    });
    Ok(Arc::new(values.with_precision_and_scale(target.0, target.1)?))
}

fn booleans(array: &ArrayRef) -> Result<ArrayRef> {
    super::call::build_booleans(array.len(), |row| match value(array, row)? {
        Value::Boolean(v) => Some(v),
        Value::Integer(v) => Some(v != 0),
        Value::Float(v) => Some(v != 0.0),
        Value::Double(v) => Some(v != 0.0),
        Value::Decimal(v, _) => Some(v != 0),
        Value::Text(v) => java::parse_boolean(v),
        Value::Time(v) => Some(v != 0),
        Value::Date(_) => None,
    })
}

fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    if let Some(bytes) = array.as_binary_opt::<i32>() {
        let values = bytes.iter().map(|bytes| bytes.map(String::from_utf8_lossy));
        return Ok(Arc::new(values.collect::<StringArray>()));
    }
    super::call::build_texts(array.len(), |row| {
        Some(match value(array, row)? {
            Value::Boolean(v) => v.to_string(),
            Value::Integer(v) => v.to_string(),
            Value::Float(v) => java::float32_text(v),
            Value::Double(v) => java::double_text(v),
            Value::Decimal(v, scale) => java::decimal_text(v, scale),
            Value::Text(v) => v.to_owned(),
            Value::Date(v) => return time::date_text(v),
            Value::Time(v) => return time::timestamp_text(v),
        })
    })
}

fn dates(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(Arc::new(collect::<Date32Type>(array, |value| match value {
        Value::Text(v) => time::parse_date(v),
        Value::Date(v) => Some(v),
        Value::Time(v) => i32::try_from(v.div_euclid(MICROS_A_DAY)).ok(),
        _ => None,
    })))
}

fn timestamps(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(Arc::new(collect::<TimestampMicrosecondType>(array, |value| match value {
        Value::Text(v) => time::parse_timestamp(v),
        Value::Date(v) => i64::from(v).checked_mul(MICROS_A_DAY),
        Value::Time(v) => Some(v),
        Value::Boolean(v) => Some(i64::from(v)),
        Value::Integer(v) => Some(v.saturating_mul(MICROS)),
        Value::Float(v) => fractional(v.into()),
        Value::Double(v) => fractional(v),
        Value::Decimal(v, scale) => decimal::change(v, scale, (38, 6)).map(|v| v as i64),
    })))
}

fn fractional(seconds: f64) -> Option<i64> {
    seconds.is_finite().then_some((seconds * MICROS as f64) as i64)
}

fn lists(array: &ArrayRef, element: &DataType) -> Result<ArrayRef> {
    let Some(list) = array.as_list_opt::<i32>() else {
        return internal_err!("no list: {}", array.data_type());
    };
    let values = cast_array(list.values(), element)?;
    let field = Arc::new(arrow::datatypes::Field::new_list_field(element.clone(), true));
    Ok(Arc::new(ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned())?))
}
