//! One handler for each kind of request. Kafka's numbers for errors come from the protocol's own list; a field is set only
//! where the version has it, for the encoder refuses others.

pub(crate) mod commits;
pub(crate) mod configs;
pub(crate) mod fetch;
pub(crate) mod groups;
pub(crate) mod groups_admin;
pub(crate) mod metadata;
pub(crate) mod offsets;
pub(crate) mod produce;
pub(crate) mod producers;
pub(crate) mod topics;
pub(crate) mod versions;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

/// Stands for "not asked for" where a client might be told what it may do.
const NO_AUTHORIZED_OPERATIONS: i32 = i32::MIN;

/// The epoch of the one leader there ever is.
const LEADER_EPOCH: i32 = 0;

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

fn code(result: Result<(), ResponseError>) -> i16 {
    result.err().map_or(0, |error| error.code())
}

/// What a failure of the disk is to a client; the reason is for the log.
fn storage_error(error: &std::io::Error, what: &'static str) -> ResponseError {
    tracing::error!(%error, what, "the disk failed");
    ResponseError::KafkaStorageError
}
