//! BETWEEN, IN, LIKE, RLIKE, IS and CASE.

use super::{Checked, Checker};
use crate::error::ProblemKind;
use crate::spark::compare::{Comparison, compare, is_in};
use crate::spark::{Typed, conditional, pattern, strings, types};
use crate::text::{Ast, IsWhat, Problem, Span};
use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;

impl Checker<'_> {
    pub(super) fn between(&mut self, value: &Ast, low: &Ast, high: &Ast, negated: bool, at: Span) -> Checked {
        let (low_at, high_at) = (low.at, high.at);
        let (value, low, high) = (self.expression(value)?, self.expression(low)?, self.expression(high)?);
        self.refuse_moving(&low, &value.ty, low_at)?;
        self.refuse_moving(&high, &value.ty, high_at)?;
        let names = [&value, &low, &high].map(|typed| types::name(&typed.ty));
        let above = compare(Comparison::GreaterEqual, value.clone(), low);
        let below = compare(Comparison::LessEqual, value, high);
        let both =
            above.zip(below).and_then(|(above, below)| conditional::join(Operator::And, vec![above, below]));
        let [value, low, high] = names;
        both.map(|both| negate_if(negated, both))
            .ok_or_else(|| self.mismatch(format!("BETWEEN cannot compare {value} with {low} and {high}"), at))
    }

    pub(super) fn is_in(&mut self, value: &Ast, list: &[Ast], negated: bool, at: Span) -> Checked {
        let value = self.expression(value)?;
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            items.push(self.expression(item)?);
        }
        let value_ty = types::name(&value.ty);
        let other = items.iter().map(|item| &item.ty).find(|ty| **ty != value.ty).map(types::name);
        is_in(value, items).map(|found| negate_if(negated, found)).ok_or_else(|| {
            let what =
                format!("IN cannot compare {value_ty} with {}", other.unwrap_or_else(|| value_ty.clone()));
            self.mismatch(what, at)
        })
    }

    fn text(&mut self, ast: &Ast, keyword: &str) -> Checked {
        let typed = self.expression(ast)?;
        let ty = types::name(&typed.ty);
        strings::as_text(typed).ok_or_else(|| {
            self.mismatch(format!("{keyword} takes strings, but `{}` is {ty}", self.written(ast.at)), ast.at)
        })
    }

    pub(super) fn like(
        &mut self,
        value: &Ast,
        pattern: &Ast,
        escape: char,
        any_case: bool,
        negated: bool,
    ) -> Checked {
        let (text, like) = (self.text(value, "LIKE")?, self.text(pattern, "LIKE")?);
        match pattern::like(text, like, escape, any_case) {
            Ok(matched) => Ok(negate_if(negated, matched)),
            Err(reason) => Err(Problem::new(ProblemKind::Syntax, reason, pattern.at)),
        }
    }

    pub(super) fn rlike(&mut self, value: &Ast, pattern: &Ast, negated: bool) -> Checked {
        let (text, regex) = (self.text(value, "RLIKE")?, self.text(pattern, "RLIKE")?);
        match pattern::rlike(text, regex) {
            Ok(matched) => Ok(negate_if(negated, matched)),
            Err(reason) => Err(Problem::new(ProblemKind::Syntax, reason, pattern.at)),
        }
    }

    pub(super) fn is(&mut self, value: &Ast, what: &IsWhat, negated: bool, at: Span) -> Checked {
        let value = self.expression(value)?;
        let value_ty = types::name(&value.ty);
        let other = match what {
            IsWhat::Null if negated => return Ok(conditional::is_not_null(value)),
            IsWhat::Null => return Ok(conditional::is_null(value)),
            IsWhat::True => Typed::value(ScalarValue::Boolean(Some(true))),
            IsWhat::False => Typed::value(ScalarValue::Boolean(Some(false))),
            IsWhat::DistinctFrom(other) => self.expression(other)?,
        };
        // IS DISTINCT FROM is the opposite of `<=>`; IS TRUE is `<=> true`.
        let negated = negated != matches!(what, IsWhat::DistinctFrom(_));
        let other_ty = types::name(&other.ty);
        compare(Comparison::NullSafeEqual, value, other)
            .map(|same| negate_if(negated, same))
            .ok_or_else(|| self.mismatch(format!("IS cannot compare {value_ty} with {other_ty}"), at))
    }

    pub(super) fn case(
        &mut self,
        operand: Option<&Ast>,
        arms: &[(Ast, Ast)],
        otherwise: Option<&Ast>,
        at: Span,
    ) -> Checked {
        let operand = operand.map(|operand| self.expression(operand)).transpose()?;
        let mut checked = Vec::with_capacity(arms.len());
        for (when, then) in arms {
            let condition = self.expression(when)?;
            let condition = match &operand {
                None => {
                    self.boolean(&condition, "WHEN", when.at)?;
                    if condition.ty == DataType::Null {
                        return Err(self.mismatch("WHEN takes a condition, not NULL".to_owned(), when.at));
                    }
                    condition
                }
                Some(operand) => {
                    let (left, right) = (types::name(&operand.ty), types::name(&condition.ty));
                    compare(Comparison::Equal, operand.clone(), condition).ok_or_else(|| {
                        self.mismatch(format!("CASE cannot compare {left} with {right}"), when.at)
                    })?
                }
            };
            checked.push((condition, self.expression(then)?));
        }
        let otherwise = otherwise.map(|otherwise| self.expression(otherwise)).transpose()?;
        let branches: Vec<String> = checked
            .iter()
            .map(|(_, then)| &then.ty)
            .chain(otherwise.iter().map(|typed| &typed.ty))
            .filter(|ty| **ty != DataType::Null)
            .map(types::name)
            .collect();
        conditional::case(checked, otherwise).ok_or_else(|| {
            self.mismatch(format!("the branches of CASE have no common type: {}", branches.join(", ")), at)
        })
    }
}

fn negate_if(negated: bool, value: Typed) -> Typed {
    if negated { conditional::not(value) } else { value }
}
