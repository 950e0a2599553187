//! What a field must hold for an alert to pass.

use crate::FieldPath;
use std::collections::BTreeSet;

/// What a stored field must hold for a condition to be true: without it the condition is false or NULL, with it anything.
/// Whoever knows of a part of a file that no alert there has it, need not read that part.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The field: a root column, or a leaf of structs. NULL is never enough.
    pub field: FieldPath,
    /// Its values.
    pub values: NeededValues,
}

/// The values that are enough.
#[derive(Clone, Debug, PartialEq)]
pub enum NeededValues {
    /// One of these texts, byte by byte.
    Texts(BTreeSet<String>),
    /// One of these whole numbers.
    Whole(BTreeSet<i64>),
    /// A whole number within these bounds, both included.
    WholeWithin {
        /// The least.
        least: Option<i64>,
        /// The greatest.
        greatest: Option<i64>,
    },
    /// A number that is not NaN, within these bounds, both included; 0.0 and -0.0 are the same.
    RealWithin {
        /// The least.
        least: Option<f64>,
        /// The greatest.
        greatest: f64,
    },
}
