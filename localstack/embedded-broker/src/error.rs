//! Why a broker does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::log::RecoverError;

/// Why a broker does not start. Once it runs, failures are answered to the client they concern and logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// Another broker uses the data folder.
    #[error("{folder} is in use by another broker: stop that one, or give this one a folder of its own")]
    FolderInUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another port, or 0 for any that is free")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file that names the topics is not what the broker wrote.
    #[error("{path} is damaged: {why}; restore it from a copy, or move the data folder away to start empty")]
    DamagedMetadata {
        /// The metadata file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A segment of a partition is not what the broker wrote.
    #[error(
        "{path} is damaged at byte {position}: restore it from a copy, or move the partition's folder away to start it empty"
    )]
    DamagedLog {
        /// The segment file.
        path: PathBuf,
        /// Where the first batch stands that cannot be read.
        position: u64,
    },
}

impl BrokerError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl From<RecoverError> for BrokerError {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Io { path, source } => Self::Io { path, source },
            RecoverError::Damaged { path, position } => Self::DamagedLog { path, position },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_where_and_what_to_do() {
        let in_use = BrokerError::FolderInUse { folder: "/data".into() };
        assert_eq!(
            in_use.to_string(),
            "/data is in use by another broker: stop that one, or give this one a folder of its own"
        );
        let address = SocketAddr::from(([127, 0, 0, 1], 9092));
        let taken = BrokerError::Listen { address, source: io::ErrorKind::AddrInUse.into() };
        assert_eq!(
            taken.to_string(),
            "cannot listen on 127.0.0.1:9092: address in use; choose another port, or 0 for any that is free"
        );
    }
}
