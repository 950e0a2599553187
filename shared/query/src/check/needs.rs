//! What single fields must hold for a condition to be true: only where that is plain, and never more than is so.

use super::{Checker, literals};
use crate::spark::{Typed, cast, types};
use crate::text::{Ast, BinaryOp, Node};
use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;
use job::{FieldPath, Need, NeededValues};
use std::collections::{BTreeMap, BTreeSet};

/// Bounds of one field, both included.
#[derive(Default)]
struct Bounds {
    least: Option<Bound>,
    greatest: Option<Bound>,
}

#[derive(Clone, Copy)]
enum Bound {
    Whole(i64),
    Real(f64),
}

/// How a field is compared with a literal.
#[derive(Clone, Copy)]
enum Side {
    Equal,
    AtLeast,
    AtMost,
}

impl Checker<'_> {
    /// What a condition that was found sound needs.
    pub(super) fn needs(&mut self, ast: &Ast) -> Vec<Need> {
        let (mut needs, mut bounds) = (Vec::new(), BTreeMap::new());
        self.gather(ast, &mut needs, &mut bounds);
        needs.extend(bounds.into_iter().filter_map(|(field, bounds)| bounds.need(field)));
        needs
    }

    fn gather(&mut self, ast: &Ast, needs: &mut Vec<Need>, bounds: &mut BTreeMap<FieldPath, Bounds>) {
        match &ast.node {
            // All of them have to be true; what one of them does not tell, the others may.
            Node::All(parts) => parts.iter().for_each(|part| self.gather(part, needs, bounds)),
            Node::Binary(op, left, right) => {
                let (side, turned) = match op {
                    BinaryOp::Equal | BinaryOp::NullSafeEqual => (Side::Equal, Side::Equal),
                    BinaryOp::Less | BinaryOp::LessEqual => (Side::AtMost, Side::AtLeast),
                    BinaryOp::Greater | BinaryOp::GreaterEqual => (Side::AtLeast, Side::AtMost),
                    _ => return,
                };
                self.compared(left, side, right, needs, bounds);
                self.compared(right, turned, left, needs, bounds);
            }
            Node::Between { value, low, high, negated: false } => {
                self.compared(value, Side::AtLeast, low, needs, bounds);
                self.compared(value, Side::AtMost, high, needs, bounds);
            }
            Node::In { value, list, negated: false } => needs.extend(self.one_of(value, list)),
            _ => {}
        }
    }

    fn compared(
        &mut self,
        field: &Ast,
        side: Side,
        literal: &Ast,
        needs: &mut Vec<Need>,
        bounds: &mut BTreeMap<FieldPath, Bounds>,
    ) {
        let Some(((path, column), literal)) = self.field(field).zip(literal_of(literal)) else { return };
        if let (DataType::Utf8, Side::Equal, Some(text)) = (&column, side, literal.literal_text()) {
            return needs.push(Need { field: path, values: NeededValues::Texts([text.to_owned()].into()) });
        }
        let Some(bound) = bound(&column, literal) else { return };
        let of_field = bounds.entry(path).or_default();
        if matches!(side, Side::Equal | Side::AtLeast) {
            of_field.least = Some(of_field.least.map_or(bound, |known| known.further(bound, true)));
        }
        if matches!(side, Side::Equal | Side::AtMost) {
            of_field.greatest = Some(of_field.greatest.map_or(bound, |known| known.further(bound, false)));
        }
    }

    /// A list of literals of the field's own kind; a NULL among them is equal to nothing.
    fn one_of(&mut self, value: &Ast, list: &[Ast]) -> Option<Need> {
        let (field, column) = self.field(value)?;
        let literals: Vec<Typed> = list.iter().map(literal_of).collect::<Option<_>>()?;
        let values = if column == DataType::Utf8 {
            let texts = literals.iter().map(|literal| literal.literal_text().map(str::to_owned));
            NeededValues::Texts(texts.collect::<Option<_>>()?)
        } else {
            let whole = |literal| match bound(&column, literal)? {
                Bound::Whole(number) => Some(number),
                Bound::Real(_) => None,
            };
            NeededValues::Whole(literals.into_iter().map(whole).collect::<Option<BTreeSet<i64>>>()?)
        };
        Some(Need { field, values })
    }

    /// A field by its name alone, and its type.
    fn field(&mut self, ast: &Ast) -> Option<(FieldPath, DataType)> {
        if !matches!(ast.node, Node::Name(_) | Node::Field(..)) {
            return None;
        }
        let typed = self.expression(ast).ok()?;
        let Expr::Column(column) = &typed.expr else { return None };
        let path = self.used.keys().find(|path| path.to_string() == column.name)?;
        Some((path.clone(), typed.ty.clone()))
    }
}

fn literal_of(ast: &Ast) -> Option<Typed> {
    match &ast.node {
        Node::Literal(literal) => literals::literal(literal, ast.at).ok(),
        _ => None,
    }
}

/// The literal as the field is compared with it, where each value of the field stays what it is in that comparison.
fn bound(column: &DataType, literal: Typed) -> Option<Bound> {
    use DataType::{Float32, Float64, Int8, Int16, Int32, Int64};
    let ty = types::comparison(column, &literal.ty, true)?;
    let exact = matches!(
        (column, &ty),
        (Int8 | Int16 | Int32 | Int64, Int8 | Int16 | Int32 | Int64)
            | (Float32 | Float64, Float32 | Float64)
            | (Int8 | Int16 | Int32, Float64)
    );
    // A string literal is cast to the column's type: that is left to the condition itself.
    if !exact || literal.ty == DataType::Utf8 {
        return None;
    }
    match cast::cast(literal, &ty).literal()? {
        ScalarValue::Int8(number) => (*number).map(|number| Bound::Whole(number.into())),
        ScalarValue::Int16(number) => (*number).map(|number| Bound::Whole(number.into())),
        ScalarValue::Int32(number) => (*number).map(|number| Bound::Whole(number.into())),
        ScalarValue::Int64(number) => (*number).map(Bound::Whole),
        ScalarValue::Float32(number) => {
            number.filter(|number| !number.is_nan()).map(|number| Bound::Real(number.into()))
        }
        ScalarValue::Float64(number) => number.filter(|number| !number.is_nan()).map(Bound::Real),
        _ => None,
    }
}

impl Bound {
    /// The narrower of two bounds; of a pair that cannot be told apart the first.
    fn further(self, other: Self, upwards: bool) -> Self {
        let beyond = match (self, other) {
            (Self::Whole(known), Self::Whole(new)) => {
                if upwards {
                    new > known
                } else {
                    new < known
                }
            }
            (Self::Real(known), Self::Real(new)) => {
                if upwards {
                    new > known
                } else {
                    new < known
                }
            }
            _ => false,
        };
        if beyond { other } else { self }
    }
}

impl Bounds {
    fn need(self, field: FieldPath) -> Option<Need> {
        let values = match (self.least, self.greatest) {
            (Some(Bound::Whole(least)), Some(Bound::Whole(greatest))) if least == greatest => {
                NeededValues::Whole([least].into())
            }
            (None | Some(Bound::Whole(_)), None | Some(Bound::Whole(_))) => {
                let whole = |bound| match bound {
                    Some(Bound::Whole(number)) => Some(number),
                    _ => None,
                };
                NeededValues::WholeWithin { least: whole(self.least), greatest: whole(self.greatest) }
            }
            (least, Some(Bound::Real(greatest))) => {
                let least = match least {
                    Some(Bound::Real(least)) => Some(least),
                    _ => None,
                };
                NeededValues::RealWithin { least, greatest }
            }
            // NaN is above every bound, and no footer tells where there is one.
            _ => return None,
        };
        Some(Need { field, values })
    }
}

#[cfg(test)]
mod tests {
    use crate::Conditions;
    use arrow::datatypes::{DataType, Field, Schema};
    use job::{Need, NeededValues};

    fn needs(text: &str) -> Vec<Need> {
        let inner = vec![
            Field::new("magpsf", DataType::Float32, true),
            Field::new("ra", DataType::Float64, true),
            Field::new("fid", DataType::Int32, true),
        ];
        let schema = Schema::new(vec![
            Field::new("objectId", DataType::Utf8, true),
            Field::new("candid", DataType::Int64, true),
            Field::new("candidate", DataType::Struct(inner.into()), true),
        ]);
        Conditions::parse(text, &schema).unwrap().list()[0].needs().to_vec()
    }

    fn one(field: &str, values: NeededValues) -> Vec<Need> {
        vec![Need { field: field.into(), values }]
    }

    #[test]
    fn names_and_lists_of_them_are_needed() {
        let texts =
            |names: &[&str]| NeededValues::Texts(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(needs("OBJECTID = 'ZTF1'"), one("objectId", texts(&["ZTF1"])));
        assert_eq!(needs("'ZTF1' == objectId"), one("objectId", texts(&["ZTF1"])));
        assert_eq!(needs("objectId IN ('b', 'a')"), one("objectId", texts(&["a", "b"])));
        assert_eq!(needs("candid IN (3, 1)"), one("candid", NeededValues::Whole([1, 3].into())));
        assert_eq!(needs("candidate.fid = 2"), one("candidate.fid", NeededValues::Whole([2].into())));
    }

    #[test]
    fn bounds_of_floats_are_needed_only_where_they_keep_nan_out() {
        let real = |least, greatest| NeededValues::RealWithin { least, greatest };
        assert_eq!(needs("candidate.ra < 10.5"), one("candidate.ra", real(None, 10.5)));
        assert_eq!(needs("candidate.ra > 10.5"), []);
        assert_eq!(
            needs("10 <= candidate.ra AND 20 > candidate.ra"),
            one("candidate.ra", real(Some(10.0), 20.0))
        );
        assert_eq!(
            needs("candidate.ra BETWEEN 1 AND 9 AND candidate.ra > 3 AND candidate.magpsf > 2"),
            one("candidate.ra", real(Some(3.0), 9.0))
        );
        let single = 17.3_f32;
        assert_eq!(
            needs("candidate.magpsf = 17.3F"),
            one("candidate.magpsf", real(Some(single.into()), single.into()))
        );
        assert_eq!(needs("candidate.magpsf = 17.3"), one("candidate.magpsf", real(Some(17.3), 17.3)));
    }

    #[test]
    fn what_is_not_plain_needs_nothing() {
        for text in [
            "objectId = 'a' OR candid = 1",
            "NOT (objectId = 'a')",
            "objectId NOT IN ('a')",
            "objectId IN ('a', NULL)",
            "objectId != 'a'",
            "lower(objectId) = 'a'",
            "objectId = 5",
            "candid = '5'",
            "candid = 1.5",
            "candid < 1e3",
            "candidate.ra < float('NaN')",
            "candid + 1 = 2",
            "candidate.ra NOT BETWEEN 1 AND 2",
        ] {
            assert_eq!(needs(text), [], "{text}");
        }
    }
}
