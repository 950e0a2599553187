//! One partition on disk: segments of record batches as the producers sent them.
//!
//! Guarantees: offsets are dense and start at 0; a batch is whole in one segment or absent; what was acknowledged survives
//! the end of the process, for it is in the operating system's page cache (a power cut may lose what came after the last
//! sync). Nothing is decompressed on the way in: only base offset, leader epoch and, for append-time topics, the time
//! stamp fields of a batch are rewritten.

mod append;
mod batch;
mod files;
mod partition;
mod producers;
mod read;
mod records;
mod recovery;
mod retention;
mod segment;
mod times;

pub(crate) use append::append_whole;
pub(crate) use batch::IncomingBatch;
pub(crate) use files::OpenFiles;
pub(crate) use partition::{Appended, LogSettings, PartitionLog, Refusal};
pub(crate) use read::{ReadPlan, read_batches};
pub(crate) use recovery::RecoverError;
pub(crate) use times::{TimePlan, TimedOffset};

/// Milliseconds since 1970, as Kafka counts time.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
