//! Raw Avro becomes Arrow arrays, without a value tree in between.

mod column;
mod cursor;
mod decoder;
mod schema;

pub(crate) use decoder::Decoder;
pub(crate) use schema::{Field, Kind, Schema};

#[cfg(test)]
mod tests;
