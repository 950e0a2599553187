//! What a message holds: contents, derived columns, the Avro schema in the field's style, and the encoder.
//!
//! - [`Layout`] resolves a content against a job's schema: which columns, under which names, read from where
//!   (CONTRACT §4).
//! - [`avro_schema`] writes the layout as the Avro schema that the field's clients can take (CONTRACT §5).
//! - [`Encoder`] turns record batches into raw Avro messages, without a value tree per alert.
//! - [`finkclass`] and [`TnsCatalogue`] derive the two classes that every content carries (CONTRACT §2).
//! - [`readable`] reads a message back, for people to look at.
//! - [`partition_of`] fixes the partition of an alert by its object, so that an object's alerts stay in order.
//!
//! No I/O: who reads the archive and who sends the messages is decided above.

mod avro_schema;
mod derived;
mod encoder;
mod error;
mod fields;
mod layout;
mod partition;
mod readable;
mod timestamp;
mod tns;

pub use avro_schema::{avro_schema, fingerprint};
pub use derived::{FINKCLASS_INPUTS, as_text_views, column, finkclass, finkclass_inputs};
pub use encoder::{Encoder, Messages};
pub use error::PacketError;
pub use fields::{FieldNote, field_note};
pub use layout::{Column, DERIVED_COLUMNS, Layout, NIGHT_COLUMNS, Source, queryable_schema, type_of};
pub use partition::partition_of;
pub use readable::{base64, from_base64, readable};
pub use tns::{TNS_RADIUS_ARCSEC, TnsCatalogue, TnsSource, tnsclass};
