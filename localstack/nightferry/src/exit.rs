//! What the process ends with: scripts rely on these numbers.

use crate::client::ClientError;
use chrono::{DateTime, Utc};
use job::{ErrorKind, TopicName};

/// Everything went well.
pub const OK: u8 = 0;
/// Something failed: the job, the stack, the disk.
pub const FAILED: u8 = 1;
/// The request was refused; the message says where and what to write instead.
pub const REFUSED: u8 = 3;
/// The service does not answer.
pub const UNREACHABLE: u8 = 4;
/// Not all is there: the job ended partial or cancelled, or alerts had expired before they were downloaded.
pub const INCOMPLETE: u8 = 5;
/// Receipt, topic and folder do not agree.
pub const DIFFERS: u8 = 6;

/// Told in `--help`.
pub const HELP: &str = "Exit codes: 0 well, 1 failed, 2 wrong arguments, 3 refused, 4 service unreachable, \
5 not all is there (job partial or cancelled, alerts expired), 6 verify found differences.";

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
    /// A topic is gone because its time is over.
    #[error(
        "topic {topic} expired on {}: its alerts were kept until then; submit the job again to have them anew",
        expires.format("%Y-%m-%d %H:%M UTC")
    )]
    Expired {
        /// The topic.
        topic: TopicName,
        /// Since when.
        expires: DateTime<Utc>,
    },
    /// A comparison failed.
    #[error("{0}")]
    Verify(#[from] verify::VerifyError),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's own words.
        source: std::io::Error,
    },
}

fn code_of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Conflict => REFUSED,
        ErrorKind::Transient | ErrorKind::Throttled => UNREACHABLE,
        ErrorKind::Permanent | ErrorKind::Bug => FAILED,
    }
}

impl CommandError {
    /// The number to end with.
    pub fn code(&self) -> u8 {
        match self {
            Self::Client(ClientError::Refused(_)) | Self::Request(_) | Self::Expired { .. } => REFUSED,
            Self::Client(ClientError::Unreachable { .. }) => UNREACHABLE,
            Self::Download(error) => code_of(error.kind()),
            Self::Verify(error) => code_of(error.kind()),
            Self::Client(_) | Self::Stack(_) | Self::File { .. } => FAILED,
        }
    }

    pub(crate) fn stack(error: impl std::fmt::Display) -> Self {
        Self::Stack(error.to_string())
    }
}
