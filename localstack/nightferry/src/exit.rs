//! What the process ends with: scripts rely on these numbers.

use crate::client::ClientError;
use job::ErrorKind;

/// Everything went well.
pub const OK: u8 = 0;
/// Something failed: the job, the stack, the disk.
pub const FAILED: u8 = 1;
/// The request was refused; the message says where and what to write instead.
pub const REFUSED: u8 = 3;
/// The service does not answer.
pub const UNREACHABLE: u8 = 4;
/// The job ended, but not with every night in the topic: partial or cancelled.
pub const INCOMPLETE: u8 = 5;

/// Told in `--help`.
pub const HELP: &str = "Exit codes: 0 well, 1 failed, 2 wrong arguments, 3 refused, 4 service unreachable, \
5 job ended partial or cancelled.";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The API refused or did not answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// A document cannot be read.
    #[error("{0}")]
    Request(#[from] job::RequestError),
    /// A part of the stack does not start.
    #[error("{0}")]
    Stack(String),
    /// A download failed.
    #[error("{0}")]
    Download(#[from] download::DownloadError),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's own words.
        source: std::io::Error,
    },
}

impl CommandError {
    /// The number to end with.
    pub fn code(&self) -> u8 {
        match self {
            Self::Client(ClientError::Refused(_)) | Self::Request(_) => REFUSED,
            Self::Client(ClientError::Unreachable { .. }) => UNREACHABLE,
            Self::Download(error) => match error.kind() {
                ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Conflict => REFUSED,
                ErrorKind::Transient | ErrorKind::Throttled => UNREACHABLE,
                ErrorKind::Permanent | ErrorKind::Bug => FAILED,
            },
            Self::Client(_) | Self::Stack(_) | Self::File { .. } => FAILED,
        }
    }

    pub(crate) fn stack(error: impl std::fmt::Display) -> Self {
        Self::Stack(error.to_string())
    }
}
