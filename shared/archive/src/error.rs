//! What can go wrong between an archive and us.

use job::{ErrorKind, Night};

/// An error of the archive. It always names the place.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The archive's location cannot be understood or reached.
    #[error(
        "the archive `{location}` cannot be opened: {reason}; give a folder or an s3:// URL above `science/`"
    )]
    Location {
        /// As given.
        location: String,
        /// Why not.
        reason: String,
    },
    /// The archive has no `science/year=…` tree.
    #[error("the archive `{location}` has no nights: no `science/year=YYYY/month=MM/day=DD` under it")]
    Empty {
        /// As given.
        location: String,
    },
    /// The object store refused or failed.
    #[error("cannot read {path}: {source}")]
    Store {
        /// The object.
        path: String,
        /// The store's own words.
        source: object_store::Error,
    },
    /// A file is not the Parquet that it should be.
    #[error("{path} is damaged or not Parquet: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file was replaced after fan-out.
    #[error("{path} was replaced while the job was running; submit the job again")]
    Replaced {
        /// The file.
        path: String,
    },
    /// Two nights hold a column in types that have no common type.
    #[error(
        "column `{column}` is {first_type} in the night {first} but {second_type} in the night {second}, and these have no common type; choose nights of one kind"
    )]
    Conflict {
        /// The column, dots and all.
        column: String,
        /// A night that has it in one type.
        first: Night,
        /// That type.
        first_type: String,
        /// A night that has it in another.
        second: Night,
        /// That other type.
        second_type: String,
    },
    /// A row filter or a receiver of batches failed.
    #[error("{0}")]
    Consumer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ArchiveError {
    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Location { .. } | Self::Conflict { .. } => ErrorKind::Invalid,
            Self::Empty { .. } => ErrorKind::NotFound,
            Self::Store { source: object_store::Error::NotFound { .. }, .. } => ErrorKind::NotFound,
            Self::Store { source: object_store::Error::PermissionDenied { .. }, .. } => ErrorKind::Permanent,
            Self::Store { .. } => ErrorKind::Transient,
            Self::Damaged { .. } | Self::Replaced { .. } => ErrorKind::Permanent,
            Self::Consumer(_) => ErrorKind::Permanent,
        }
    }

    pub(crate) fn store(path: &object_store::path::Path, source: object_store::Error) -> Self {
        match source {
            object_store::Error::Precondition { .. } => Self::Replaced { path: path.to_string() },
            source => Self::Store { path: path.to_string(), source },
        }
    }

    pub(crate) fn damaged(path: &str, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}
