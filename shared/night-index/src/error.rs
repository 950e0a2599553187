//! What can go wrong with an index.

use archive::ArchiveError;
use job::ErrorKind;
use packet::PacketError;

/// An error of the index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The archive, or a sample, cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A sample cannot be encoded: a fault of ours.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// The store of the index refused or failed.
    #[error("cannot reach {path} of the index: {source}")]
    Store {
        /// The object.
        path: String,
        /// The store's own words.
        source: object_store::Error,
    },
    /// An object of the index is not what was written.
    #[error("{path} of the index is damaged: {reason}; delete it, and it is made anew")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A night cannot be indexed as it is; it is told why, and its files are looked into instead.
    #[error("{0}")]
    Unfit(String),
    /// A sample or bundle cannot be written: a fault of ours.
    #[error("a sample cannot be written: {0}")]
    Write(String),
    /// A thread of work broke off.
    #[error("the work broke off: {0}")]
    Worker(String),
}

impl IndexError {
    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Archive(error) => error.kind(),
            Self::Packet(error) => error.kind(),
            Self::Store { .. } => ErrorKind::Transient,
            Self::Damaged { .. } | Self::Unfit(_) | Self::Write(_) | Self::Worker(_) => ErrorKind::Permanent,
        }
    }

    /// Whether it lies in what a night holds: trying again would meet the same.
    pub(crate) fn is_of_the_night(&self) -> bool {
        match self {
            Self::Unfit(_) | Self::Packet(_) | Self::Write(_) => true,
            Self::Archive(ArchiveError::Consumer(_) | ArchiveError::Damaged { .. }) => true,
            Self::Archive(_) | Self::Store { .. } | Self::Damaged { .. } | Self::Worker(_) => false,
        }
    }

    /// Whether what was asked for is not there (any more).
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Store { source: object_store::Error::NotFound { .. }, .. }
                | Self::Archive(ArchiveError::Store { source: object_store::Error::NotFound { .. }, .. })
        )
    }
}

impl From<arrow::error::ArrowError> for IndexError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Write(error.to_string())
    }
}

impl From<parquet::errors::ParquetError> for IndexError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Write(error.to_string())
    }
}
