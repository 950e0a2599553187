//! Comparisons, IN, GREATEST and LEAST.

use super::call::{Arg, Typed, call};
use super::cast::cast;
use super::types;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::kernels::{boolean, cmp, zip::zip};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion_common::{Result, ScalarValue};
use std::collections::HashSet;
use std::sync::Arc;

/// A comparison of two values of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `<=>`: NULL equals NULL, and the answer is never NULL.
    NullSafeEqual,
}

/// Compares in the type that Spark picks; `None` if the types cannot be compared.
pub(crate) fn compare(op: Comparison, left: Typed, right: Typed) -> Option<Typed> {
    let equality = matches!(op, Comparison::Equal | Comparison::NotEqual | Comparison::NullSafeEqual);
    let ty = types::comparison(&left.ty, &right.ty, equality)?;
    if !types::is_atomic(&ty) && ty != DataType::Null {
        return None;
    }
    let ty = if ty == DataType::Null { DataType::Boolean } else { ty };
    let args = vec![cast(left, &ty), cast(right, &ty)];
    let name = match op {
        Comparison::Equal => "=",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterEqual => ">=",
        Comparison::NullSafeEqual => "<=>",
    };
    Some(call(name, DataType::Boolean, args, move |args| {
        let [left, right] = args else {
            return datafusion_common::internal_err!("a comparison takes two values");
        };
        Ok(Arc::new(compare_arrays(op, left, right)?))
    }))
}

/// Compares two arrays of one type.
pub(super) fn compare_arrays(op: Comparison, left: &Arg, right: &Arg) -> Result<BooleanArray> {
    let (left, right) = (ordered(left), ordered(right));
    let (left, right) = (&left, &right);
    Ok(match op {
        Comparison::Equal => cmp::eq(left, right)?,
        Comparison::NotEqual => cmp::neq(left, right)?,
        Comparison::Less => cmp::lt(left, right)?,
        Comparison::LessEqual => cmp::lt_eq(left, right)?,
        Comparison::Greater => cmp::gt(left, right)?,
        Comparison::GreaterEqual => cmp::gt_eq(left, right)?,
        Comparison::NullSafeEqual => cmp::not_distinct(left, right)?,
    })
}

/// Floats on which Arrow's total order is Spark's order: one zero, and one NaN above everything.
fn ordered(arg: &Arg) -> Arg {
    let array: ArrayRef = match arg.array.data_type() {
        DataType::Float32 => {
            let array = arg.array.as_primitive::<Float32Type>();
            Arc::new(array.unary::<_, Float32Type>(|x| if x.is_nan() { f32::NAN } else { x + 0.0 }))
        }
        DataType::Float64 => {
            let array = arg.array.as_primitive::<Float64Type>();
            Arc::new(array.unary::<_, Float64Type>(|x| if x.is_nan() { f64::NAN } else { x + 0.0 }))
        }
        _ => arg.array.clone(),
    };
    Arg { array, scalar: arg.scalar }
}

/// `value IN (list)`; `None` if the types have no common one.
pub(crate) fn is_in(value: Typed, list: Vec<Typed>) -> Option<Typed> {
    let all: Vec<&DataType> = std::iter::once(&value).chain(&list).map(|typed| &typed.ty).collect();
    let ty = types::common(&all)?;
    if !types::is_atomic(&ty) && ty != DataType::Null {
        return None;
    }
    let ty = if ty == DataType::Null { DataType::Boolean } else { ty };
    let value = cast(value, &ty);
    let list: Vec<Typed> = list.into_iter().map(|item| cast(item, &ty)).collect();
    if let Some((names, has_null)) = names(&list) {
        return Some(call("in", DataType::Boolean, vec![value], move |args| {
            let [value] = args else {
                return datafusion_common::internal_err!("IN takes one value");
            };
            let texts = value.texts()?;
            super::call::build_booleans(value.array.len(), |row| {
                let found = names.contains(texts.get(row)?);
                (found || !has_null).then_some(found)
            })
        }));
    }
    let args = std::iter::once(value).chain(list).collect();
    Some(call("in", DataType::Boolean, args, |args| {
        let Some((value, list)) = args.split_first() else {
            return datafusion_common::internal_err!("IN takes a value");
        };
        let rows = super::rows(args);
        let mut found = BooleanArray::from(vec![false; rows]);
        for item in list {
            let equal = compare_arrays(Comparison::Equal, value, item)?;
            let equal = if equal.len() == rows { equal } else { spread(&equal, rows) };
            found = boolean::or_kleene(&found, &equal)?;
        }
        Ok(Arc::new(found))
    }))
}

/// The texts of a list of literal strings, and whether there is a NULL among them.
fn names(list: &[Typed]) -> Option<(HashSet<String>, bool)> {
    let mut names = HashSet::new();
    let mut has_null = false;
    for item in list {
        match item.literal()? {
            ScalarValue::Utf8(Some(name)) => {
                names.insert(name.clone());
            }
            ScalarValue::Utf8(None) => has_null = true,
            _ => return None,
        }
    }
    Some((names, has_null))
}

fn spread(one: &BooleanArray, rows: usize) -> BooleanArray {
    let value = one.is_valid(0).then(|| one.value(0));
    std::iter::repeat_n(value, rows).collect()
}

/// The greatest (or least) of the values that are not NULL; NaN is the greatest of all.
pub(super) fn extreme(greatest: bool, args: Vec<Typed>) -> Option<Typed> {
    let ty = types::common_without_strings(&args.iter().map(|arg| &arg.ty).collect::<Vec<_>>())?;
    if !types::is_atomic(&ty) {
        return None;
    }
    let args = args.into_iter().map(|arg| cast(arg, &ty)).collect();
    let (name, op) = if greatest { ("greatest", Comparison::Greater) } else { ("least", Comparison::Less) };
    Some(call(name, ty, args, move |args| {
        let rows = super::rows(args);
        let mut best: Option<Arg> = None;
        for arg in args {
            let next = Arg { array: spread_array(arg, rows)?, scalar: false };
            best = Some(match best {
                None => next,
                Some(best) => {
                    let wins = compare_arrays(op, &next, &best)?;
                    // Where one is NULL the other wins; a NULL comparison decides nothing.
                    let takes: BooleanArray = (0..rows)
                        .map(|row| {
                            let better = wins.is_valid(row) && wins.value(row);
                            Some(next.array.is_valid(row) && (best.array.is_null(row) || better))
                        })
                        .collect();
                    Arg { array: zip(&takes, &next.array, &best.array)?, scalar: false }
                }
            });
        }
        match best {
            Some(best) => Ok(best.array),
            None => datafusion_common::internal_err!("no values"),
        }
    }))
}

/// The values of an argument as one for each row.
pub(super) fn spread_array(arg: &Arg, rows: usize) -> Result<ArrayRef> {
    if !arg.scalar || arg.array.len() == rows {
        return Ok(arg.array.clone());
    }
    let first = arrow::array::UInt32Array::from(vec![0; rows]);
    Ok(arrow::compute::take(&arg.array, &first, None)?)
}
