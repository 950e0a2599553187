//! CASE and its kin, evaluated by DataFusion: one type for all branches.

use super::call::Typed;
use super::cast::cast;
use super::compare::{Comparison, compare};
use super::types;
use arrow::datatypes::DataType;
use datafusion_expr::expr::Case;
use datafusion_expr::{BinaryExpr, Expr, Operator};

/// `CASE WHEN … THEN … ELSE … END`; the conditions are booleans. `None` if the branches have no common type.
pub(crate) fn case(arms: Vec<(Typed, Typed)>, otherwise: Option<Typed>) -> Option<Typed> {
    let otherwise = otherwise.unwrap_or_else(|| Typed::null(DataType::Null));
    let all: Vec<&DataType> =
        arms.iter().map(|(_, value)| &value.ty).chain(std::iter::once(&otherwise.ty)).collect();
    let ty = types::common(&all)?;
    if ty == DataType::Null {
        return Some(Typed::null(DataType::Null));
    }
    if !types::is_atomic(&ty) {
        return None;
    }
    let arms = arms
        .into_iter()
        .map(|(when, then)| (Box::new(cast(when, &DataType::Boolean).expr), Box::new(cast(then, &ty).expr)))
        .collect();
    let case =
        Case { expr: None, when_then_expr: arms, else_expr: Some(Box::new(cast(otherwise, &ty).expr)) };
    Some(Typed::computed(Expr::Case(case), ty))
}

/// The first of the values that is not NULL.
pub(super) fn coalesce(mut values: Vec<Typed>) -> Option<Typed> {
    let last = values.pop()?;
    if values.is_empty() {
        return Some(last);
    }
    case(values.into_iter().map(|value| (is_not_null(value.clone()), value)).collect(), Some(last))
}

/// NULL where the two are equal, else the first.
pub(super) fn null_if(value: Typed, other: Typed) -> Option<Typed> {
    let equal = compare(Comparison::Equal, value.clone(), other)?;
    case(vec![(equal, Typed::null(DataType::Null))], Some(value))
}

pub(crate) fn is_null(value: Typed) -> Typed {
    Typed::computed(Expr::IsNull(Box::new(value.expr)), DataType::Boolean)
}

pub(crate) fn is_not_null(value: Typed) -> Typed {
    Typed::computed(Expr::IsNotNull(Box::new(value.expr)), DataType::Boolean)
}

/// NOT of a boolean.
pub(crate) fn not(value: Typed) -> Typed {
    let value = cast(value, &DataType::Boolean);
    Typed::computed(Expr::Not(Box::new(value.expr)), DataType::Boolean)
}

/// All booleans joined by AND (or OR), as a balanced tree: hundreds of them must not nest hundreds deep.
pub(crate) fn join(op: Operator, values: Vec<Typed>) -> Option<Typed> {
    let mut level: Vec<Expr> = values.into_iter().map(|value| cast(value, &DataType::Boolean).expr).collect();
    while level.len() > 1 {
        let mut pairs = level.into_iter();
        let mut next = Vec::new();
        while let Some(left) = pairs.next() {
            next.push(match pairs.next() {
                Some(right) => Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))),
                None => left,
            });
        }
        level = next;
    }
    Some(Typed::computed(level.pop()?, DataType::Boolean))
}
