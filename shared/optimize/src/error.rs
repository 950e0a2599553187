//! What can go wrong between two archives.

use archive::ArchiveError;
use arrow::error::ArrowError;
use job::ErrorKind;
use parquet::errors::ParquetError;
use std::path::{Path, PathBuf};

/// Why a night, or all of them, could not be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum OptimizeError {
    /// One of the archives cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive that is written to refused or failed.
    #[error("cannot write {path}: {source}")]
    Store {
        /// The object.
        path: String,
        /// The store's own words.
        source: object_store::Error,
    },
    /// The folder for what is under way fails.
    #[error("{path}: {source}; free some space, or name another folder with --scratch")]
    Scratch {
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// The two archives are one.
    #[error("the archive and where it is written to are the same place; name another with --to")]
    SamePlace,
    /// The night holds files of somebody else where it is to be written.
    #[error("{folder} holds {name}, which is not ours; name another place with --to")]
    Foreign {
        /// The night's folder.
        folder: String,
        /// The first such file.
        name: String,
    },
    /// The files of the night are others than when the reading began.
    #[error("its files changed while they were read; run it again")]
    Changed,
    /// What was written is not what was read: a fault of ours. Nothing of it is left.
    #[error("what was written differs from what was read ({0}); nothing of it was kept")]
    Differs(String),
    /// A value cannot be sorted or written.
    #[error("a column cannot be rewritten: {0}")]
    Columns(#[from] ArrowError),
    /// Parquet cannot be written.
    #[error("Parquet cannot be written: {0}")]
    Parquet(#[from] ParquetError),
    /// A thread of work broke off.
    #[error("the work broke off: {0}")]
    Worker(String),
    /// A night took longer than was reckoned.
    #[error("it was broken off, as it would not have ended in time; run it where there is more of it")]
    TimeIsUp,
    /// Somebody wants it to end.
    #[error("stopped")]
    Stopped,
}

impl OptimizeError {
    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Archive(error) => error.kind(),
            Self::SamePlace | Self::Foreign { .. } => ErrorKind::Invalid,
            Self::Store { source: object_store::Error::PermissionDenied { .. }, .. } => ErrorKind::Permanent,
            Self::Store { .. } | Self::Scratch { .. } | Self::Changed | Self::Stopped => ErrorKind::Transient,
            Self::TimeIsUp => ErrorKind::Permanent,
            Self::Differs(_) | Self::Columns(_) | Self::Parquet(_) | Self::Worker(_) => ErrorKind::Permanent,
        }
    }

    pub(crate) fn store(path: &object_store::path::Path, source: object_store::Error) -> Self {
        Self::Store { path: path.to_string(), source }
    }

    pub(crate) fn scratch(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Scratch { path, source }
    }

    /// An error that went through a scan on its way.
    pub(crate) fn from_scan(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Consumer(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => Self::Archive(ArchiveError::Consumer(other)),
            },
            error => Self::Archive(error),
        }
    }
}
