//! Why a download fails.

use crate::{Format, Layout};
use job::ErrorKind;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::path::PathBuf;
use std::time::Duration;

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// No broker answered.
    #[error("no broker answers at {bootstrap}: check the address and that the cluster is up")]
    Unreachable {
        /// The address tried.
        bootstrap: String,
        /// What the client says.
        source: KafkaError,
    },
    /// The cluster has no such topic.
    #[error(
        "topic {topic} does not exist at {bootstrap}: check its name; topics are deleted some days after a transfer"
    )]
    NoTopic {
        /// The topic.
        topic: String,
        /// The cluster asked.
        bootstrap: String,
    },
    /// The schema topic holds no schema.
    #[error(
        "topic {topic} holds no schema yet, so the alerts cannot be decoded: is the transfer still starting?"
    )]
    NoSchema {
        /// The schema topic.
        topic: String,
    },
    /// The schema is not one of those a transfer makes.
    #[error("the schema in topic {topic} cannot be used: {place} {problem}")]
    Schema {
        /// The schema topic.
        topic: String,
        /// The field at fault.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A message does not fit the schema.
    #[error("the message at offset {offset} of partition {partition} of topic {topic} is damaged: {problem}")]
    Message {
        /// The data topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The message's place in it.
        offset: i64,
        /// What is wrong with it, and in which field.
        problem: String,
    },
    /// The alerts lack the column that the layout goes by.
    #[error(
        "the alerts have no column {column} of type {wanted}, so they cannot be laid out by it: choose another layout, such as none"
    )]
    NoColumn {
        /// The column sought.
        column: String,
        /// The type it must have.
        wanted: &'static str,
    },
    /// Another run is at it.
    #[error("another download of topic {topic} into {} is running: wait for its end, or choose another folder", outdir.display())]
    Busy {
        /// The topic.
        topic: String,
        /// The folder.
        outdir: PathBuf,
    },
    /// The folder was begun with another layout.
    #[error("{} was begun with layout {begun:?}, not {asked:?}: go on with that one, or choose another folder", outdir.display())]
    OtherLayout {
        /// The folder.
        outdir: PathBuf,
        /// Its layout.
        begun: Layout,
        /// The layout asked for now.
        asked: Layout,
    },
    /// The folder was begun with another format.
    #[error("{} was begun with format {}, not {}: go on with that one, or choose another folder", outdir.display(), begun.ending(), asked.ending())]
    OtherFormat {
        /// The folder.
        outdir: PathBuf,
        /// Its format.
        begun: Format,
        /// The format asked for now.
        asked: Format,
    },
    /// The topic is not the one that the folder was begun with.
    #[error("topic {topic} is not the one that {} was begun from ({sign}): choose another folder", outdir.display())]
    OtherTopic {
        /// The topic.
        topic: String,
        /// The folder.
        outdir: PathBuf,
        /// By what one can tell.
        sign: String,
    },
    /// There are files of the topic, but no record of how far they go.
    #[error("{} is there already, but not the record of how far that download went: choose another folder, or remove the files of this topic first", file.display())]
    NoRecord {
        /// One of the files.
        file: PathBuf,
    },
    /// The record of how far the download went cannot be read.
    #[error("{} cannot be read ({problem}): choose another folder", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The name of a finished file is taken.
    #[error("{} is in the way of a file of this download: move it elsewhere and run again", path.display())]
    Taken {
        /// The file in the way.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A Parquet file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the writer says.
        source: parquet::errors::ParquetError,
    },
    /// The cluster refused.
    #[error("cannot {action} topic {topic}: {source}")]
    Kafka {
        /// What was tried.
        action: &'static str,
        /// The topic.
        topic: String,
        /// What the client says.
        source: KafkaError,
    },
    /// The cluster stopped sending.
    #[error(
        "no message of topic {topic} has come for {waited:?} though there are more{last}: what has come is on disk, run again to go on"
    )]
    Silent {
        /// The topic.
        topic: String,
        /// How long nothing came.
        waited: Duration,
        /// The last error before, if there was one, in brackets.
        last: String,
    },
    /// The topic lost messages while it was read.
    #[error(
        "partition {partition} of topic {topic} ended at {end} at the start of this run and ends at {high} now, read to {next}: the cluster has lost alerts; what has come is on disk"
    )]
    Shrunk {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Its end at the start.
        end: i64,
        /// Its end now.
        high: i64,
        /// The offset that is to be read next.
        next: i64,
    },
    /// A fault of this crate.
    #[error("a fault of the downloader itself: {0}")]
    Bug(String),
}

impl DownloadError {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } => ErrorKind::Transient,
            Self::NoTopic { .. } | Self::NoSchema { .. } => ErrorKind::NotFound,
            Self::NoColumn { .. }
            | Self::OtherLayout { .. }
            | Self::OtherFormat { .. }
            | Self::OtherTopic { .. }
            | Self::NoRecord { .. } => ErrorKind::Invalid,
            Self::Busy { .. } => ErrorKind::Conflict,
            Self::Kafka { source, .. } if is_passing(source) => ErrorKind::Transient,
            Self::Schema { .. }
            | Self::Message { .. }
            | Self::Record { .. }
            | Self::Taken { .. }
            | Self::Shrunk { .. }
            | Self::Disk { .. }
            | Self::Parquet { .. }
            | Self::Kafka { .. } => ErrorKind::Permanent,
            Self::Bug(_) => ErrorKind::Bug,
        }
    }
}

/// Whether the client gets over it by itself, or a later try may.
pub fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    if matches!(error, KafkaError::MessageConsumptionFatal(_) | KafkaError::ClientConfig(..)) {
        return false;
    }
    !matches!(
        error.rdkafka_error_code(),
        Some(
            Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::AutoOffsetReset
                | Code::OffsetOutOfRange
                | Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::Authentication
                | Code::BadMessage
                | Code::BadCompression
                | Code::InvalidMessage
                | Code::MessageSizeTooLarge
                | Code::InvalidArgument
        )
    )
}
