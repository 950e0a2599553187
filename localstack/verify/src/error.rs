//! Why a comparison cannot be made. What it finds is no error.

use download::DownloadError;
use job::ErrorKind;
use std::path::PathBuf;

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The topic cannot be read.
    #[error("{0}")]
    Topic(#[from] DownloadError),
    /// The folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The topic is larger than a comparison can hold.
    #[error("{0}")]
    TooLarge(String),
    /// A fault of this crate.
    #[error("a fault of the comparison itself: {0}")]
    Bug(String),
}

impl VerifyError {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Topic(error) => error.kind(),
            Self::Folder { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ErrorKind::NotFound
            }
            Self::Folder { .. } | Self::TooLarge(_) => ErrorKind::Permanent,
            Self::Bug(_) => ErrorKind::Bug,
        }
    }
}

impl From<arrow::error::ArrowError> for VerifyError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Bug(error.to_string())
    }
}
