//! Users' conditions and classes: from text to what keeps or drops an alert.
//!
//! Conditions are written in Spark's SQL and mean what they mean in Spark 4 with ANSI off: same input, same rows
//! (CONTRACT §3). A condition can only read the alert's own fields: no subquery, no table, no function outside the
//! list. What is wrong is refused at once, with the place in the text and the nearest name.
//!
//! This crate does no I/O. Which leaves to read, and reading them, is the business of whoever scans the archive: it
//! asks [`Conditions::fields`], and binds the conditions to what it delivers.
//!
//! ```
//! use arrow::array::{Float32Array, RecordBatch, StructArray};
//! use arrow::datatypes::{DataType, Field, Fields, Schema};
//! use query::Conditions;
//! use std::sync::Arc;
//!
//! let leaves = Fields::from(vec![Field::new("magpsf", DataType::Float32, true)]);
//! let schema = Arc::new(Schema::new(vec![Field::new("candidate", DataType::Struct(leaves.clone()), true)]));
//!
//! let error = Conditions::parse("magpsf > 19.5", &schema).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "unknown field `magpsf` at line 1, column 1; did you mean `candidate.magpsf`?"
//! );
//! assert_eq!(error.snippet(), "magpsf > 19.5\n^^^^^^");
//!
//! let conditions = Conditions::parse("candidate.magpsf > 19.5; -- faint\n candidate.magpsf < 21", &schema)?;
//! let predicate = conditions.bind(&schema)?;
//! let magnitudes = Arc::new(Float32Array::from(vec![Some(19.0), Some(20.0), Some(22.0), None]));
//! let candidates = StructArray::new(leaves, vec![magnitudes], None);
//! let batch = RecordBatch::try_new(schema, vec![Arc::new(candidates)])?;
//! let verdict = predicate.evaluate(&batch)?;
//! assert_eq!(verdict.keep, vec![false, true, false, false].into());
//! assert_eq!(verdict.dropped, [2, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod classes;
mod conditions;
mod error;
mod fields;
mod predicate;
mod spark;
mod suggest;
mod text;

pub use classes::{ClassSelection, known_classes};
pub use conditions::{Condition, Conditions};
pub use error::{ConditionProblem, Place, ProblemKind, QueryError};
pub use job::FieldPath;
pub use predicate::{Predicate, Verdict};
pub use spark::{FunctionNote, function_notes};
