//! Spark's meaning, on Arrow arrays: the one place where nightferry's conditions differ from DataFusion's SQL.
//!
//! DataFusion carries the tree of an expression and evaluates AND, OR, NOT, IS NULL and CASE, whose three-valued logic
//! is Spark's. Everything else is a [`call`] to a kernel of this module, because (Spark 4, ANSI off, UTC):
//!
//! | rule of Spark | what DataFusion does | here |
//! |---|---|---|
//! | operands are cast as Spark's analyser casts them: `'19.5' > 3` casts to INT, `1 IN ('1')` to STRING, `1/2` to DOUBLE | its own coercion | `types` |
//! | `19.5` is DECIMAL(3,1); decimals keep Spark's precision and scale, and round half up | floats, or Arrow's own scales | `decimal` |
//! | a cast that cannot succeed is NULL; strings are trimmed; numbers print as Java prints them | an error stops the scan | `cast`, `java`, `time` |
//! | −0.0 = 0.0, every NaN equals every NaN and is above all numbers | IEEE total order | `compare` |
//! | integers wrap; division and remainder by zero are NULL, also of floats | an error, or infinity | `arithmetic`, `decimal` |
//! | logarithms of what is not positive are NULL, the root of a negative number is NaN | NaN or an error | `math` |
//! | `round` rounds half up what Java prints | rounds the binary value | `math` |
//! | positions in strings: 0, negative and beyond the end | an error, or others | `strings` |
//! | LIKE escapes with a backslash; RLIKE finds, with Java's classes and anchors | no escape, Rust's classes | `pattern` |
//! | `size(NULL)` is −1, elements out of range are NULL, `array_contains` may be NULL | NULL or an error | `collections` |
//!
//! Known to differ from Spark: a float as text where Java 17 writes a digit too many (JDK-4511638), the last bit of some
//! transcendental functions, time zones by name (a string that ends in one is NULL). Refused though Spark takes it: what
//! needs more than the alert, what changes from day to day, comparing arrays, lambdas, intervals and arithmetic on dates,
//! RLIKE with a pattern that is not a literal or that `regex` cannot search in linear time.
//!
//! `function_list` is the list of what a condition may call; nothing outside it can be called.

pub(crate) mod arithmetic;
mod call;
pub(crate) mod cast;
pub(crate) mod collections;
pub(crate) mod compare;
pub(crate) mod conditional;
pub(crate) mod decimal;
mod function_list;
mod function_notes;
pub(crate) mod functions;
mod java;
mod math;
pub(crate) mod pattern;
pub(crate) mod strings;
pub(crate) mod time;
pub(crate) mod types;

pub(crate) use call::{Arg, Typed, rows};
pub use function_notes::{FunctionNote, function_notes};
