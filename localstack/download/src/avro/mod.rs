//! Raw Avro becomes Arrow arrays, without a value tree in between; and Avro files, whose blocks hold the same messages.

mod column;
mod container;
mod cursor;
mod decoder;
mod schema;
mod skip;

pub(crate) use container::Writer;
pub use container::{Container, ContainerError};
pub use decoder::Decoder;
pub(crate) use schema::{Field, Kind};
pub use schema::{Schema, SchemaProblem};

#[cfg(test)]
mod tests;
