//! Functions of doubles, and rounding.

use super::call::{Typed, build, call};
use super::cast::cast;
use super::types;
use super::{decimal, java};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, i256};
use datafusion_common::internal_err;

/// A value as the double that a function of doubles takes.
pub(super) fn as_double(value: Typed) -> Option<Typed> {
    types::is_implicit(&value.ty, &DataType::Float64).then(|| cast(value, &DataType::Float64))
}

/// A function of one double; where it is `None` the result is NULL.
pub(super) fn unary(name: &str, value: Typed, f: fn(f64) -> Option<f64>) -> Option<Typed> {
    let value = as_double(value)?;
    Some(call(name, DataType::Float64, vec![value], move |args| match args {
        [arg] => {
            let values = arg.primitives::<Float64Type>()?;
            build::<Float64Type>(arg.array.len(), |row| f(values.get(row)?))
        }
        _ => internal_err!("a function of one value"),
    }))
}

/// A function of two doubles.
pub(super) fn binary(name: &str, left: Typed, right: Typed, f: fn(f64, f64) -> Option<f64>) -> Option<Typed> {
    let args = vec![as_double(left)?, as_double(right)?];
    Some(call(name, DataType::Float64, args, move |args| match args {
        [left, right] => {
            let (lefts, rights) = (left.primitives::<Float64Type>()?, right.primitives::<Float64Type>()?);
            build::<Float64Type>(super::rows(args), |row| f(lefts.get(row)?, rights.get(row)?))
        }
        _ => internal_err!("a function of two values"),
    }))
}

/// `f(x)` for x above `bound`, and NULL for the rest; NaN stays.
pub(super) fn above(x: f64, bound: f64, f: fn(f64) -> f64) -> Option<f64> {
    if x <= bound { None } else { Some(f(x)) }
}

/// The logarithm of `x` to `base`.
pub(super) fn log_to(base: f64, x: f64) -> Option<f64> {
    if base <= 0.0 || x <= 0.0 { None } else { Some(x.ln() / base.ln()) }
}

/// The power as Java computes it: a NaN exponent, or 1 to an infinite one, gives NaN.
pub(super) fn power(base: f64, exponent: f64) -> f64 {
    let undefined = exponent.is_nan() || (base.abs() == 1.0 && exponent.is_infinite());
    if undefined { f64::NAN } else { base.powf(exponent) }
}

/// −1, 0 or 1.
pub(super) fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}

/// `value IS NaN`, and false for NULL.
pub(super) fn is_nan(value: Typed) -> Option<Typed> {
    let value = as_double(value)?;
    Some(call("isnan", DataType::Boolean, vec![value], |args| match args {
        [arg] => {
            let values = arg.primitives::<Float64Type>()?;
            super::call::build_booleans(arg.array.len(), |row| Some(values.get(row).is_some_and(f64::is_nan)))
        }
        _ => internal_err!("isnan takes one value"),
    }))
}

/// The second value where the first is NaN.
pub(super) fn nan_or(value: Typed, instead: Typed) -> Option<Typed> {
    let float = |ty: &DataType| matches!(ty, DataType::Float32 | DataType::Null);
    if !float(&value.ty) || !float(&instead.ty) || value.ty == DataType::Null {
        return binary_keeping_null("nanvl", as_double(value)?, as_double(instead)?);
    }
    let args = vec![value, cast(instead, &DataType::Float32)];
    Some(call("nanvl", DataType::Float32, args, |args| match args {
        [left, right] => {
            let (lefts, rights) = (left.primitives::<Float32Type>()?, right.primitives::<Float32Type>()?);
            build::<Float32Type>(super::rows(args), |row| {
                let value = lefts.get(row)?;
                if value.is_nan() { rights.get(row) } else { Some(value) }
            })
        }
        _ => internal_err!("nanvl takes two values"),
    }))
}

fn binary_keeping_null(name: &str, value: Typed, instead: Typed) -> Option<Typed> {
    Some(call(name, DataType::Float64, vec![value, instead], |args| match args {
        [left, right] => {
            let (lefts, rights) = (left.primitives::<Float64Type>()?, right.primitives::<Float64Type>()?);
            build::<Float64Type>(super::rows(args), |row| {
                let value = lefts.get(row)?;
                if value.is_nan() { rights.get(row) } else { Some(value) }
            })
        }
        _ => internal_err!("nanvl takes two values"),
    }))
}

/// `floor` or `ceil`: a BIGINT of a double, a decimal without fraction of a decimal.
pub(super) fn whole(up: bool, value: Typed) -> Option<Typed> {
    let name = if up { "ceil" } else { "floor" };
    if value.ty == DataType::Int64 {
        return Some(value);
    }
    if let Some((precision, scale)) = decimal::parts(&value.ty) {
        let ty = types::decimal(i32::from(precision) - i32::from(scale) + 1, 0);
        let target = decimal::parts(&ty)?;
        let unit = 10i128.checked_pow(u32::try_from(scale).ok()?)?;
        return Some(call(name, ty, vec![value], move |args| match args {
            [arg] => decimal::map(arg.array.as_ref(), target, |value| {
                let floor = value.div_euclid(unit);
                Some(floor + i128::from(up && value.rem_euclid(unit) != 0))
            }),
            _ => internal_err!("floor and ceil take one value"),
        }));
    }
    let value = as_double(value)?;
    Some(call(name, DataType::Int64, vec![value], move |args| match args {
        [arg] => {
            let values = arg.primitives::<Float64Type>()?;
            build::<Int64Type>(arg.array.len(), |row| {
                let value = values.get(row)?;
                Some(if up { value.ceil() } else { value.floor() } as i64)
            })
        }
        _ => internal_err!("floor and ceil take one value"),
    }))
}

/// How halves are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halves {
    /// Away from zero: `round`.
    Up,
    /// To the even neighbour: `bround`.
    Even,
}

/// `round(value, places)`; the places are known before evaluation.
pub(super) fn round(halves: Halves, value: Typed, places: i32) -> Option<Typed> {
    let value = match &value.ty {
        DataType::Utf8 | DataType::Null => cast(value, &DataType::Float64),
        ty if types::is_numeric(ty) => value,
        _ => return None,
    };
    let name = if halves == Halves::Up { "round" } else { "bround" };
    if let Some((precision, scale)) = decimal::parts(&value.ty) {
        return Some(round_decimal(name, halves, value, (precision, scale), places));
    }
    let ty = value.ty.clone();
    if types::is_integer(&ty) && places >= 0 {
        return Some(value);
    }
    macro_rules! integers {
        ($type:ty, $native:ty, $arg:expr) => {{
            let values = $arg.primitives::<$type>()?;
            build::<$type>($arg.array.len(), |row| {
                Some(round_scaled(halves, i128::from(values.get(row)?), 0, places)? as $native)
            })
        }};
    }
    Some(call(name, ty.clone(), vec![value], move |args| match (args, &ty) {
        ([arg], DataType::Int8) => integers!(Int8Type, i8, arg),
        ([arg], DataType::Int16) => integers!(Int16Type, i16, arg),
        ([arg], DataType::Int32) => integers!(Int32Type, i32, arg),
        ([arg], DataType::Int64) => integers!(Int64Type, i64, arg),
        ([arg], DataType::Float32) => {
            let values = arg.primitives::<Float32Type>()?;
            build::<Float32Type>(arg.array.len(), |row| {
                Some(round_double(halves, values.get(row)?.into(), places) as f32)
            })
        }
        ([arg], DataType::Float64) => {
            let values = arg.primitives::<Float64Type>()?;
            build::<Float64Type>(arg.array.len(), |row| Some(round_double(halves, values.get(row)?, places)))
        }
        _ => internal_err!("no rounding of {ty}"),
    }))
}

fn round_decimal(
    name: &str,
    halves: Halves,
    value: Typed,
    (precision, scale): (u8, i8),
    places: i32,
) -> Typed {
    let (precision, scale) = (i32::from(precision), i32::from(scale));
    let whole = precision - scale + 1;
    let ty = if places < 0 {
        types::decimal(whole.max(1 - places), 0)
    } else {
        types::decimal(whole + scale.min(places), scale.min(places))
    };
    let target = decimal::parts(&ty).unwrap_or((38, 0));
    call(name, ty, vec![value], move |args| match args {
        [arg] => decimal::map(arg.array.as_ref(), target, |value| {
            let rounded = round_scaled(halves, value, scale, places)?;
            let kept = places.clamp(0, scale);
            decimal::fit(decimal::rescale(i256::from_i128(rounded), kept, i32::from(target.1))?, target.0)
        }),
        _ => internal_err!("{} takes one value", "round"),
    })
}

/// Rounds `value`·10^−scale to `places`; the result has the scale `places`, held within 0 and `scale`.
fn round_scaled(halves: Halves, value: i128, scale: i32, places: i32) -> Option<i128> {
    if places >= scale {
        return Some(value);
    }
    let Some(unit) = u32::try_from(scale - places).ok().and_then(|power| 10i128.checked_pow(power)) else {
        return Some(0);
    };
    let (quotient, rest) = (value / unit, (value % unit).abs());
    let away = match (rest * 2).cmp(&unit) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => halves == Halves::Up || quotient % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    let rounded = quotient + if away { value.signum() } else { 0 };
    let zeros = u32::try_from((-places).max(0)).ok()?;
    rounded.checked_mul(10i128.checked_pow(zeros)?)
}

/// Rounds the decimal number that Java prints for the double.
fn round_double(halves: Halves, value: f64, places: i32) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let Some((digits, scale)) = decimal::parse(&java::double_text(value)) else {
        return value;
    };
    match round_scaled(halves, digits, scale, places) {
        None => value,
        Some(rounded) if places >= scale => format!("{rounded}e{}", -scale).parse().unwrap_or(value),
        Some(rounded) => format!("{rounded}e{}", -places.max(0)).parse().unwrap_or(value),
    }
}
