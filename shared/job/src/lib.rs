//! The domain of nightferry.
mod field;
pub use field::FieldPath;
