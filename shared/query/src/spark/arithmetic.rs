//! Arithmetic and bit operations on numbers.

use super::call::{Arg, Typed, build, call};
use super::cast::cast;
use super::decimal::{self, Operation};
use super::types;
use arrow::array::{ArrayRef, ArrowPrimitiveType};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use datafusion_common::{Result, internal_err};

/// Applies `op` in the type that Spark picks; `None` if the types do not take it.
pub(crate) fn arithmetic(op: Operation, left: Typed, right: Typed) -> Option<Typed> {
    let integer_division = op == Operation::IntegerDivide;
    let number = |operand: Typed| match &operand.ty {
        DataType::Utf8 if !integer_division => Some(cast(operand, &DataType::Float64)),
        DataType::Null => Some(operand),
        ty if types::is_numeric(ty) => Some(operand),
        _ => None,
    };
    let (left, right) = (number(left)?, number(right)?);
    let unknown = left.ty == DataType::Null && right.ty == DataType::Null;
    let (left, right) = even(left, right);
    if types::is_decimal(&left.ty) {
        return decimal::arithmetic(op, left, right);
    }
    let ty = match op {
        Operation::Divide => DataType::Float64,
        Operation::IntegerDivide if unknown => DataType::Int64,
        Operation::IntegerDivide if types::is_float(&left.ty) => return None,
        Operation::IntegerDivide => DataType::Int64,
        _ => left.ty.clone(),
    };
    let args = vec![cast(left, &ty), cast(right, &ty)];
    Some(call(&format!("{op:?}"), ty.clone(), args, move |args| {
        let [left, right] = args else {
            return internal_err!("arithmetic takes two values");
        };
        match op {
            Operation::Add => Ok(numeric::add_wrapping(left, right)?),
            Operation::Subtract => Ok(numeric::sub_wrapping(left, right)?),
            Operation::Multiply => Ok(numeric::mul_wrapping(left, right)?),
            _ => divide(op, &ty, left, right),
        }
    }))
}

/// Two numbers as one type: both decimals, or both the wider one. Decimals keep their own precision and scale.
fn even(left: Typed, right: Typed) -> (Typed, Typed) {
    let exact = |ty: &DataType| types::is_integer(ty) || types::is_decimal(ty);
    if (types::is_decimal(&left.ty) || types::is_decimal(&right.ty)) && exact(&left.ty) && exact(&right.ty) {
        return (decimal::from_integer(left), decimal::from_integer(right));
    }
    let ty = match types::wider_number(&left.ty, &right.ty) {
        None | Some(DataType::Null) => DataType::Float64,
        Some(ty) => ty,
    };
    (cast(left, &ty), cast(right, &ty))
}

fn divide(op: Operation, ty: &DataType, left: &Arg, right: &Arg) -> Result<ArrayRef> {
    macro_rules! integers {
        ($type:ty) => {
            by_row::<$type>(left, right, |a, b| match (op, b) {
                (_, 0) => None,
                (Operation::IntegerDivide, _) => Some(a.wrapping_div(b)),
                (Operation::Remainder, _) => Some(a.wrapping_rem(b)),
                _ => {
                    let rest = a.wrapping_rem(b);
                    Some(if rest < 0 { rest.wrapping_add(b).wrapping_rem(b) } else { rest })
                }
            })
        };
    }
    macro_rules! floats {
        ($type:ty) => {
            by_row::<$type>(left, right, |a, b| match op {
                _ if b == 0.0 => None,
                Operation::Divide => Some(a / b),
                Operation::Remainder => Some(a % b),
                _ => {
                    let rest = a % b;
                    Some(if rest < 0.0 { (rest + b) % b } else { rest })
                }
            })
        };
    }
    match ty {
        DataType::Int8 => integers!(Int8Type),
        DataType::Int16 => integers!(Int16Type),
        DataType::Int32 => integers!(Int32Type),
        DataType::Int64 => integers!(Int64Type),
        DataType::Float32 => floats!(Float32Type),
        DataType::Float64 => floats!(Float64Type),
        other => internal_err!("no division of {other}"),
    }
}

fn by_row<T: ArrowPrimitiveType>(
    left: &Arg,
    right: &Arg,
    f: impl Fn(T::Native, T::Native) -> Option<T::Native>,
) -> Result<ArrayRef> {
    let rows = if left.scalar { right.array.len() } else { left.array.len() };
    let (left, right) = (left.primitives::<T>()?, right.primitives::<T>()?);
    build::<T>(rows, |row| f(left.get(row)?, right.get(row)?))
}

/// Applies one function to each number of an array, whatever its type.
macro_rules! each_number {
    ($array:expr, |$x:ident| ints $ints:expr, floats $floats:expr, decimals $decimals:expr) => {{
        use arrow::array::AsArray;
        let array: &ArrayRef = $array;
        Ok(match array.data_type() {
            DataType::Int8 => {
                std::sync::Arc::new(array.as_primitive::<Int8Type>().unary::<_, Int8Type>(|$x| $ints))
            }
            DataType::Int16 => {
                std::sync::Arc::new(array.as_primitive::<Int16Type>().unary::<_, Int16Type>(|$x| $ints))
            }
            DataType::Int32 => {
                std::sync::Arc::new(array.as_primitive::<Int32Type>().unary::<_, Int32Type>(|$x| $ints))
            }
            DataType::Int64 => {
                std::sync::Arc::new(array.as_primitive::<Int64Type>().unary::<_, Int64Type>(|$x| $ints))
            }
            DataType::Float32 => {
                std::sync::Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(|$x| $floats))
            }
            DataType::Float64 => {
                std::sync::Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(|$x| $floats))
            }
            DataType::Decimal128(precision, scale) => {
                let values =
                    array.as_primitive::<Decimal128Type>().unary::<_, Decimal128Type>(|$x| $decimals);
                std::sync::Arc::new(values.with_precision_and_scale(*precision, *scale)?)
            }
            other => return internal_err!("no number: {other}"),
        })
    }};
}

/// A number, or a string as a double; `None` for anything else.
fn as_number(value: Typed) -> Option<Typed> {
    match &value.ty {
        DataType::Utf8 | DataType::Null => Some(cast(value, &DataType::Float64)),
        ty if types::is_numeric(ty) => Some(value),
        _ => None,
    }
}

/// `-value`.
pub(crate) fn negate(value: Typed) -> Option<Typed> {
    let value = as_number(value)?;
    let ty = value.ty.clone();
    Some(call("negative", ty, vec![value], |args| match args {
        [arg] => each_number!(&arg.array, |x| ints x.wrapping_neg(), floats -x, decimals x.wrapping_neg()),
        _ => internal_err!("negative takes one value"),
    }))
}

/// `+value`.
pub(crate) fn plus(value: Typed) -> Option<Typed> {
    as_number(value)
}

/// `abs(value)`; of the smallest integer it is that integer.
pub(super) fn absolute(value: Typed) -> Option<Typed> {
    let value = as_number(value)?;
    let ty = value.ty.clone();
    Some(call("abs", ty, vec![value], |args| match args {
        [arg] => {
            each_number!(&arg.array, |x| ints x.wrapping_abs(), floats x.abs(), decimals x.wrapping_abs())
        }
        _ => internal_err!("abs takes one value"),
    }))
}

/// An operation on the bits of two integers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bits {
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
}

/// Applies `op` to two integers; a shift is one of an INT or a BIGINT by an INT.
pub(crate) fn bits(op: Bits, left: Typed, right: Typed) -> Option<Typed> {
    let shift = matches!(op, Bits::ShiftLeft | Bits::ShiftRight | Bits::ShiftRightUnsigned);
    let integer = |ty: &DataType| types::is_integer(ty) || *ty == DataType::Null;
    if shift {
        let ty = match &left.ty {
            DataType::Int64 => DataType::Int64,
            ty if types::is_implicit(ty, &DataType::Int32) => DataType::Int32,
            _ => return None,
        };
        if !types::is_implicit(&right.ty, &DataType::Int32) {
            return None;
        }
        return Some(bit_call(op, cast(left, &ty), cast(right, &ty), ty));
    }
    if !integer(&left.ty) || !integer(&right.ty) {
        return None;
    }
    let ty = match types::tightest(&left.ty, &right.ty)? {
        DataType::Null => DataType::Int32,
        ty => ty,
    };
    Some(bit_call(op, cast(left, &ty), cast(right, &ty), ty))
}

fn bit_call(op: Bits, left: Typed, right: Typed, ty: DataType) -> Typed {
    macro_rules! integers {
        ($type:ty, $unsigned:ty, $left:expr, $right:expr) => {
            by_row::<$type>($left, $right, |a, b| {
                Some(match op {
                    Bits::And => a & b,
                    Bits::Or => a | b,
                    Bits::Xor => a ^ b,
                    Bits::ShiftLeft => a.wrapping_shl(b as u32),
                    Bits::ShiftRight => a.wrapping_shr(b as u32),
                    Bits::ShiftRightUnsigned => (a as $unsigned).wrapping_shr(b as u32) as _,
                })
            })
        };
    }
    call(&format!("{op:?}"), ty.clone(), vec![left, right], move |args| match (args, &ty) {
        ([left, right], DataType::Int8) => integers!(Int8Type, u8, left, right),
        ([left, right], DataType::Int16) => integers!(Int16Type, u16, left, right),
        ([left, right], DataType::Int32) => integers!(Int32Type, u32, left, right),
        ([left, right], DataType::Int64) => integers!(Int64Type, u64, left, right),
        _ => internal_err!("no bits of {ty}"),
    })
}

/// `~value`.
pub(crate) fn bit_not(value: Typed) -> Option<Typed> {
    let ones = Typed::value(datafusion_common::ScalarValue::Int8(Some(-1)));
    bits(Bits::Xor, value, ones)
}
