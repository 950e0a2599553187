//! Decimals: Spark's precision and scale of results, half-up rounding, NULL on overflow.

use super::call::{Typed, build, call};
use super::cast::cast;
use super::types::{self, MAX_PRECISION};
use arrow::array::{Array, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, i256};
use datafusion_common::{Result, ScalarValue};
use std::sync::Arc;

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    IntegerDivide,
    Remainder,
    /// The remainder that is not negative.
    PositiveRemainder,
}

/// The precision and scale of a decimal type.
pub(super) fn parts(ty: &DataType) -> Option<(u8, i8)> {
    match ty {
        DataType::Decimal128(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}

/// Whole numbers beside a decimal become decimals; a literal one gets no more digits than it has.
pub(super) fn from_integer(number: Typed) -> Typed {
    let Some((precision, _)) = types::decimal_for(&number.ty) else {
        return number;
    };
    if types::is_decimal(&number.ty) {
        return number;
    }
    let digits = number.literal().filter(|_| number.plain).and_then(|value| match value {
        ScalarValue::Int8(Some(v)) => Some(i64::from(*v)),
        ScalarValue::Int16(Some(v)) => Some(i64::from(*v)),
        ScalarValue::Int32(Some(v)) => Some(i64::from(*v)),
        ScalarValue::Int64(Some(v)) => Some(*v),
        _ => None,
    });
    let precision = digits.map_or(i32::from(precision), |value| digit_count(i128::from(value)));
    cast(number, &types::decimal(precision, 0))
}

fn digit_count(value: i128) -> i32 {
    value.unsigned_abs().checked_ilog10().map_or(1, |log| i32::try_from(log).unwrap_or(0) + 1)
}

/// The type of a result (`DecimalType.adjustPrecisionScale`): beyond 38 digits the fraction gives way, down to 6 digits.
fn adjusted(precision: i32, scale: i32) -> DataType {
    let max = i32::from(MAX_PRECISION);
    if precision <= max {
        return types::decimal(precision, scale);
    }
    let whole = precision - scale;
    types::decimal(max, (max - whole).max(scale.min(6)))
}

fn result_type(op: Operation, a: (u8, i8), b: (u8, i8)) -> DataType {
    let (p1, s1, p2, s2) = (i32::from(a.0), i32::from(a.1), i32::from(b.0), i32::from(b.1));
    let scale = s1.max(s2);
    match op {
        Operation::Add | Operation::Subtract => adjusted((p1 - s1).max(p2 - s2) + scale + 1, scale),
        Operation::Multiply => adjusted(p1 + p2 + 1, s1 + s2),
        Operation::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            adjusted(p1 - s1 + s2 + scale, scale)
        }
        Operation::IntegerDivide => DataType::Int64,
        Operation::Remainder | Operation::PositiveRemainder => {
            adjusted((p1 - s1).min(p2 - s2) + scale, scale)
        }
    }
}

/// Applies `op` to two decimals.
pub(super) fn arithmetic(op: Operation, left: Typed, right: Typed) -> Option<Typed> {
    let (a, b) = (parts(&left.ty)?, parts(&right.ty)?);
    let ty = result_type(op, a, b);
    let (s1, s2) = (i32::from(a.1), i32::from(b.1));
    let target = parts(&ty);
    Some(call(&format!("decimal {op:?}"), ty, vec![left, right], move |args| {
        let [left, right] = args else {
            return datafusion_common::internal_err!("decimal arithmetic takes two values");
        };
        let (left, right) = (left.primitives::<Decimal128Type>()?, right.primitives::<Decimal128Type>()?);
        let rows = super::rows(args);
        let exact = |row: usize| compute(op, (left.get(row)?, s1), (right.get(row)?, s2), target);
        match target {
            None => {
                build::<Int64Type>(rows, |row| exact(row).and_then(|value| value.to_i128()).map(|v| v as i64))
            }
            Some((precision, scale)) => {
                let values = (0..rows).map(|row| fit(exact(row)?, precision));
                let array: Decimal128Array = values.collect();
                Ok(Arc::new(array.with_precision_and_scale(precision, scale)?))
            }
        }
    }))
}

/// The result with the target's scale; for whole-number division the quotient.
fn compute(
    op: Operation,
    (a, s1): (i128, i32),
    (b, s2): (i128, i32),
    target: Option<(u8, i8)>,
) -> Option<i256> {
    let scale = s1.max(s2);
    let (wide_a, wide_b) = (i256::from_i128(a), i256::from_i128(b));
    let (even_a, even_b) = (rescale(wide_a, s1, scale)?, rescale(wide_b, s2, scale)?);
    let target = target.map_or(0, |(_, scale)| i32::from(scale));
    match op {
        Operation::Add => rescale(even_a.checked_add(even_b)?, scale, target),
        Operation::Subtract => rescale(even_a.checked_sub(even_b)?, scale, target),
        Operation::Multiply => rescale(wide_a.checked_mul(wide_b)?, s1 + s2, target),
        _ if b == 0 => None,
        Operation::Divide => divide_half_up(rescale(wide_a, s1, target + s2)?, wide_b),
        Operation::IntegerDivide => even_a.checked_div(even_b),
        Operation::Remainder => rescale(even_a.checked_rem(even_b)?, scale, target),
        Operation::PositiveRemainder => {
            let rest = even_a.checked_rem(even_b)?;
            let rest = if rest.is_negative() { rest.checked_add(even_b)?.checked_rem(even_b)? } else { rest };
            rescale(rest, scale, target)
        }
    }
}

/// The same number with another scale, rounded half up.
pub(super) fn rescale(value: i256, from: i32, to: i32) -> Option<i256> {
    let power = |exponent: i32| i256::from_i128(10).checked_pow(u32::try_from(exponent).ok()?);
    if to >= from { value.checked_mul(power(to - from)?) } else { divide_half_up(value, power(from - to)?) }
}

fn divide_half_up(value: i256, by: i256) -> Option<i256> {
    let (quotient, rest) = (value.checked_div(by)?, value.checked_rem(by)?);
    let (rest, half) = (rest.wrapping_abs(), by.wrapping_abs());
    let two = i256::from_i128(2);
    if rest.checked_mul(two)? < half {
        return Some(quotient);
    }
    let away = if value.is_negative() == by.is_negative() { i256::ONE } else { i256::MINUS_ONE };
    quotient.checked_add(away)
}

/// The value if it has at most `precision` digits.
pub(super) fn fit(value: i256, precision: u8) -> Option<i128> {
    let value = value.to_i128()?;
    (digit_count(value) <= i32::from(precision)).then_some(value)
}

/// A decimal cast to another precision and scale.
pub(super) fn change(value: i128, from: i8, (precision, scale): (u8, i8)) -> Option<i128> {
    fit(rescale(i256::from_i128(value), i32::from(from), i32::from(scale))?, precision)
}

/// The nearest double of a decimal.
pub(super) fn to_double(value: i128, scale: i8) -> f64 {
    let exact = value.unsigned_abs() < (1 << 53) && (0..=22).contains(&scale);
    if exact {
        return value as f64 / 10f64.powi(i32::from(scale));
    }
    format!("{value}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// The unscaled digits and the scale of a number as written, such as `-19.50` or `1.5e-3`: exact, without limits on
/// the scale. `None` if it is no number or has more than 38 digits.
pub(super) fn parse(text: &str) -> Option<(i128, i32)> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i128 = all.parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    Some((if negative { -value } else { value }, scale))
}

/// A number as written cast to a decimal type: half up, `None` on overflow.
pub(super) fn parse_as(text: &str, (precision, scale): (u8, i8)) -> Option<i128> {
    let (value, from) = parse(text)?;
    if from - i32::from(scale) > 76 {
        return Some(0);
    }
    if i32::from(scale) - from > 76 {
        return (value == 0).then_some(0);
    }
    fit(rescale(i256::from_i128(value), from, i32::from(scale))?, precision)
}

/// The type and value of a decimal literal as written: `0.05` is DECIMAL(2,2).
pub(crate) fn literal(text: &str) -> Option<Typed> {
    let (value, scale) = parse(text)?;
    let (value, scale) = if scale < 0 {
        let value = rescale(i256::from_i128(value), scale, 0)?.to_i128()?;
        (value, 0)
    } else {
        (value, scale)
    };
    let precision = digit_count(value).max(scale);
    if precision > i32::from(MAX_PRECISION) {
        return None;
    }
    let (precision, scale) = (u8::try_from(precision).ok()?, i8::try_from(scale).ok()?);
    Some(Typed::value(ScalarValue::Decimal128(Some(value), precision, scale)))
}

/// Applies `f` to each decimal of an array, with the result's own precision and scale.
pub(super) fn map(
    array: &dyn Array,
    (precision, scale): (u8, i8),
    f: impl Fn(i128) -> Option<i128>,
) -> Result<arrow::array::ArrayRef> {
    let Some(array) = array.as_primitive_opt::<Decimal128Type>() else {
        return datafusion_common::internal_err!("a decimal kernel met {}", array.data_type());
    };
    let values: Decimal128Array = array.iter().map(|value| f(value?)).collect();
    Ok(Arc::new(values.with_precision_and_scale(precision, scale)?))
}
