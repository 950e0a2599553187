//! From a tree to a typed expression: names become fields, operators and calls become Spark's, types are checked.

mod calls;
mod literals;
mod needs;
mod predicates;

use crate::error::ProblemKind;
use crate::fields::{Field, Fields, child};
use crate::spark::arithmetic::{Bits, arithmetic, bit_not, bits, negate, plus};
use crate::spark::compare::{Comparison, compare};
use crate::spark::decimal::Operation;
use crate::spark::time::is_moving;
use crate::spark::{Typed, cast, collections, conditional, strings, types};
use crate::text::{Ast, BinaryOp, Ident, Node, Problem, Source, Span, TypeName, UnaryOp};
use arrow::datatypes::DataType;
use datafusion_common::{Column, ScalarValue};
use datafusion_expr::{Expr, Operator};
use job::{FieldPath, Need};
use std::collections::{BTreeMap, BTreeSet};

type Checked = Result<Typed, Problem>;

/// A condition that may be evaluated.
pub(crate) struct CheckedCondition {
    pub expr: Expr,
    /// The fields that it reads, with their Spark types. A struct is one if it is asked whether it is NULL.
    pub fields: BTreeMap<FieldPath, DataType>,
    /// What has to be read for them: of an array of structs no more than it looks at.
    pub leaves: BTreeSet<FieldPath>,
    /// What single fields must hold for it to be true.
    pub needs: Vec<Need>,
}

/// Checks one condition.
pub(crate) fn check(ast: &Ast, fields: &Fields<'_>, source: &Source) -> Result<CheckedCondition, Problem> {
    let mut checker = Checker { fields, source, used: BTreeMap::new(), reached: BTreeSet::new() };
    let typed = checker.expression(ast)?;
    if typed.ty != DataType::Boolean {
        let what = format!(
            "`{}` is {}, but a condition must be true or false",
            checker.written(ast.at),
            types::name(&typed.ty)
        );
        let instead = format!("{} IS NOT NULL", checker.written(ast.at));
        let suggestion = (typed.ty != DataType::Null).then_some(instead);
        return Err(Problem::new(ProblemKind::Type, what, ast.at).instead(suggestion));
    }
    let needs = checker.needs(ast);
    let leaves = checker.used.iter().flat_map(|(path, ty)| leaves(path, ty, &checker.reached)).collect();
    Ok(CheckedCondition { expr: typed.expr, fields: checker.used, leaves, needs })
}

/// What has to be read of a field, if of arrays of structs `reached` are the fields that are looked at.
fn leaves(path: &FieldPath, ty: &DataType, reached: &BTreeSet<String>) -> Vec<FieldPath> {
    let Some(DataType::Struct(fields)) = collections::element(ty) else { return vec![path.clone()] };
    let within = |name: &String| FieldPath::new(path.segments().iter().chain([name]).cloned());
    let looked_at = fields.iter().filter(|field| reached.contains(field.name()));
    let looked_at: Vec<FieldPath> = looked_at.map(|field| within(field.name())).collect();
    if !looked_at.is_empty() {
        return looked_at;
    }
    // Any of them tells how many there are: one that is read with little effort.
    let light = fields.iter().find(|field| field.data_type().is_primitive());
    light.or_else(|| fields.first()).map(|field| within(field.name())).into_iter().collect()
}

struct Checker<'a> {
    fields: &'a Fields<'a>,
    source: &'a Source,
    used: BTreeMap<FieldPath, DataType>,
    /// The fields of structs in arrays that are looked at.
    reached: BTreeSet<String>,
}

impl Checker<'_> {
    fn expression(&mut self, ast: &Ast) -> Checked {
        match &ast.node {
            Node::Literal(literal) => literals::literal(literal, ast.at),
            Node::Name(_) | Node::Field(..) => self.name(ast),
            Node::Index(holder, index) => self.index(holder, index, ast.at),
            Node::Unary(op, value) => self.unary(*op, value, ast.at),
            Node::Binary(op, left, right) => self.binary(*op, left, right, ast.at),
            Node::All(parts) => self.join("AND", Operator::And, parts),
            Node::Any(parts) => self.join("OR", Operator::Or, parts),
            Node::Not(value) => {
                let operand = self.expression(value)?;
                self.boolean(&operand, "NOT", value.at)?;
                Ok(conditional::not(operand))
            }
            Node::Between { value, low, high, negated } => self.between(value, low, high, *negated, ast.at),
            Node::In { value, list, negated } => self.is_in(value, list, *negated, ast.at),
            Node::Like { value, pattern, escape, any_case, negated } => {
                self.like(value, pattern, escape.unwrap_or('\\'), *any_case, *negated)
            }
            Node::Rlike { value, pattern, negated } => self.rlike(value, pattern, *negated),
            Node::Is { value, what, negated } => self.is(value, what, *negated, ast.at),
            Node::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref(), ast.at)
            }
            Node::Cast { value, to } => self.cast(value, to, ast.at),
            Node::Call { name, args } => self.call(name, args, ast.at),
        }
    }

    /// What the user wrote there, cut to a readable length.
    fn written(&self, at: Span) -> String {
        let text = self.source.slice(at);
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        if text.chars().count() <= 60 { text } else { text.chars().take(59).chain(['…']).collect() }
    }

    fn mismatch(&self, what: String, at: Span) -> Problem {
        Problem::new(ProblemKind::Type, what, at)
    }

    fn boolean(&self, typed: &Typed, keyword: &str, at: Span) -> Result<(), Problem> {
        if matches!(typed.ty, DataType::Boolean | DataType::Null) {
            return Ok(());
        }
        let (written, ty) = (self.written(at), types::name(&typed.ty));
        Err(self.mismatch(format!("{keyword} takes what is true or false, but `{written}` is {ty}"), at))
    }

    /// Refuses a string such as 'yesterday' where a time is meant: a condition means the same on every day.
    fn refuse_moving(&self, value: &Typed, other: &DataType, at: Span) -> Result<(), Problem> {
        let time = matches!(other, DataType::Date32 | DataType::Timestamp(..));
        match value.literal_text() {
            Some(text) if time && is_moving(text) => {
                let what =
                    format!("'{text}' changes from day to day: write the date itself, such as '2024-04-12'");
                Err(Problem::new(ProblemKind::Refused, what, at))
            }
            _ => Ok(()),
        }
    }

    /// A field, or what it holds under further names.
    fn name(&mut self, ast: &Ast) -> Checked {
        let mut names = Vec::new();
        let mut base = ast;
        while let Node::Field(inner, name) = &base.node {
            names.push(name.clone());
            base = inner;
        }
        match &base.node {
            Node::Name(name) => names.push(Ident { name: name.clone(), at: base.at }),
            // The field of one element is the element of the fields.
            Node::Index(holder, index) if names.len() == 1 => {
                let list = self.expression(holder)?;
                if let (Some(DataType::Struct(_)), Some(name)) =
                    (collections::element(&list.ty), names.first())
                {
                    let fields = self.reach(list, name, ast.at)?;
                    return self.index_of(fields, index, ast.at);
                }
                let mut value = self.expression(base)?;
                for name in names.iter().rev() {
                    value = self.reach(value, name, ast.at)?;
                }
                return Ok(value);
            }
            _ => {
                let mut value = self.expression(base)?;
                for name in names.iter().rev() {
                    value = self.reach(value, name, ast.at)?;
                }
                return Ok(value);
            }
        }
        names.reverse();
        let field = self.fields.find(&names)?;
        let rest = names.get(field.taken..).unwrap_or_default();
        let mut value = self.column(field);
        for name in rest {
            value = self.reach(value, name, ast.at)?;
        }
        Ok(value)
    }

    fn column(&mut self, field: Field) -> Typed {
        let name = field.path.to_string();
        self.used.insert(field.path, field.ty.clone());
        Typed::computed(Expr::Column(Column::new_unqualified(name)), field.ty)
    }

    /// `.name` of a map or of an array of structs.
    fn reach(&mut self, value: Typed, name: &Ident, at: Span) -> Checked {
        let refused = |ty: &DataType| {
            let what =
                format!("`.{}` asks for a field, but what is before it is {}", name.name, types::name(ty));
            Err(self.mismatch(what, at))
        };
        match value.ty.clone() {
            DataType::Map(..) => {
                let key = Typed::value(ScalarValue::from(name.name.as_str()));
                let ty = value.ty.clone();
                collections::map_value(value, key).map_or_else(|| refused(&ty), Ok)
            }
            DataType::List(item) => {
                let DataType::Struct(fields) = item.data_type() else { return refused(&value.ty) };
                match child(fields, name)? {
                    Some(field) => match types::normal(field.data_type()) {
                        Some(ty) => {
                            self.reached.insert(field.name().clone());
                            Ok(collections::field_of_each(value, field.name(), ty))
                        }
                        None => refused(&value.ty),
                    },
                    None => {
                        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                        let nearest = crate::suggest::nearest(&name.name, names).map(str::to_owned);
                        let what = format!("unknown field `{}`", self.written(at));
                        Err(Problem::new(ProblemKind::UnknownField, what, name.at).instead(nearest))
                    }
                }
            }
            ty => refused(&ty),
        }
    }

    fn index(&mut self, holder: &Ast, index: &Ast, at: Span) -> Checked {
        let holder = self.expression(holder)?;
        self.index_of(holder, index, at)
    }

    fn index_of(&mut self, holder: Typed, index: &Ast, at: Span) -> Checked {
        let index = self.expression(index)?;
        let (holder_ty, index_ty) = (types::name(&holder.ty), types::name(&index.ty));
        let item = match holder.ty {
            DataType::Map(..) => collections::map_value(holder, index),
            _ => collections::item(holder, index, false),
        };
        item.ok_or_else(|| {
            let what = format!("`[…]` takes an array and a whole number, or a map and a key; these are {holder_ty} and {index_ty}");
            self.mismatch(what, at)
        })
    }

    fn unary(&mut self, op: UnaryOp, value: &Ast, at: Span) -> Checked {
        let operand = self.expression(value)?;
        let ty = types::name(&operand.ty);
        let (symbol, result) = match op {
            UnaryOp::Minus => ("-", negate(operand)),
            UnaryOp::Plus => ("+", plus(operand)),
            UnaryOp::BitNot => ("~", bit_not(operand)),
        };
        result.ok_or_else(|| self.mismatch(format!("`{symbol}` does not take {ty}"), at))
    }

    fn binary(&mut self, op: BinaryOp, left: &Ast, right: &Ast, at: Span) -> Checked {
        let (left_at, right_at) = (left.at, right.at);
        let (left, right) = (self.expression(left)?, self.expression(right)?);
        let (left_ty, right_ty) = (left.ty.clone(), right.ty.clone());
        self.refuse_moving(&left, &right_ty, left_at)?;
        self.refuse_moving(&right, &left_ty, right_at)?;
        let comparison = |op, left, right| compare(op, left, right);
        let result = match op {
            BinaryOp::Add => arithmetic(Operation::Add, left, right),
            BinaryOp::Subtract => arithmetic(Operation::Subtract, left, right),
            BinaryOp::Multiply => arithmetic(Operation::Multiply, left, right),
            BinaryOp::Divide => arithmetic(Operation::Divide, left, right),
            BinaryOp::IntegerDivide => arithmetic(Operation::IntegerDivide, left, right),
            BinaryOp::Remainder => arithmetic(Operation::Remainder, left, right),
            BinaryOp::Concat => strings::concat(vec![left, right]),
            BinaryOp::BitAnd => bits(Bits::And, left, right),
            BinaryOp::BitOr => bits(Bits::Or, left, right),
            BinaryOp::BitXor => bits(Bits::Xor, left, right),
            BinaryOp::ShiftLeft => bits(Bits::ShiftLeft, left, right),
            BinaryOp::ShiftRight => bits(Bits::ShiftRight, left, right),
            BinaryOp::ShiftRightUnsigned => bits(Bits::ShiftRightUnsigned, left, right),
            BinaryOp::Equal => comparison(Comparison::Equal, left, right),
            BinaryOp::NotEqual => comparison(Comparison::NotEqual, left, right),
            BinaryOp::Less => comparison(Comparison::Less, left, right),
            BinaryOp::LessEqual => comparison(Comparison::LessEqual, left, right),
            BinaryOp::Greater => comparison(Comparison::Greater, left, right),
            BinaryOp::GreaterEqual => comparison(Comparison::GreaterEqual, left, right),
            BinaryOp::NullSafeEqual => comparison(Comparison::NullSafeEqual, left, right),
        };
        result.ok_or_else(|| {
            let what = format!(
                "`{}` does not take {} and {}: `{}` and `{}`",
                op.symbol(),
                types::name(&left_ty),
                types::name(&right_ty),
                self.written(left_at),
                self.written(right_at)
            );
            self.mismatch(what, at)
        })
    }

    fn join(&mut self, word: &str, op: Operator, parts: &[Ast]) -> Checked {
        let mut operands = Vec::with_capacity(parts.len());
        for part in parts {
            let operand = self.expression(part)?;
            self.boolean(&operand, word, part.at)?;
            operands.push(operand);
        }
        Ok(conditional::join(op, operands).unwrap_or_else(|| Typed::null(DataType::Boolean)))
    }

    fn cast(&mut self, value: &Ast, to: &TypeName, at: Span) -> Checked {
        let value = self.expression(value)?;
        let ty = literals::type_of(to)?;
        self.refuse_moving(&value, &ty, at)?;
        if cast::is_allowed(&value.ty, &ty) {
            return Ok(cast::cast(value, &ty));
        }
        let what = format!("{} cannot be cast to {}", types::name(&value.ty), types::name(&ty));
        Err(self.mismatch(what, at))
    }
}
