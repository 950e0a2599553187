//! What can go wrong in a store.

use job::ErrorKind;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row of this name exists.
    #[error("{0} exists already")]
    Exists(String),
    /// There is no such row.
    #[error("there is no {0}")]
    Missing(String),
    /// Somebody changed the row since it was read.
    #[error("{0} was changed by someone else")]
    Changed(String),
    /// The database is in use by another process.
    #[error("the database {path} is in use by another process; stop it, or use another data folder")]
    Locked {
        /// The file.
        path: String,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(String),
    /// The database is asked for more than it gives at a time.
    #[error("the database is asked for too much at once: {0}")]
    Throttled(String),
    /// The database refuses, and will again.
    #[error("the database refuses: {0}")]
    Refused(String),
    /// A row is larger than the database takes.
    #[error("{what} takes {bytes} bytes, where a row may take {most}; instead: {instead}")]
    TooLarge {
        /// What it holds.
        what: String,
        /// Its size.
        bytes: usize,
        /// The largest.
        most: usize,
        /// What makes it smaller.
        instead: &'static str,
    },
    /// A message of the queue is no work.
    #[error("a message of the queue is no work: {0}")]
    NoWork(String),
    /// A row cannot be read.
    #[error("a row of the database cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl StoreError {
    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Exists(_) | Self::Changed(_) => ErrorKind::Conflict,
            Self::Missing(_) => ErrorKind::NotFound,
            Self::Locked { .. } | Self::Refused(_) | Self::TooLarge { .. } => ErrorKind::Permanent,
            Self::Throttled(_) => ErrorKind::Throttled,
            Self::NoWork(_) => ErrorKind::Invalid,
            Self::Database(_) => ErrorKind::Transient,
            Self::Unreadable(_) => ErrorKind::Bug,
        }
    }
}
