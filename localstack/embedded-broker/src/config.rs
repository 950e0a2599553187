//! What a broker is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What a broker is started with. [`BrokerConfig::new`] fills in all but the folder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BrokerConfig {
    /// Where topics and committed offsets are kept; created if it does not exist. One broker at a time may use it.
    pub folder: PathBuf,
    /// Address to listen on. Port 0 takes any that is free. Default: 127.0.0.1, port 0.
    pub listen: SocketAddr,
    /// Host name that clients are told to connect to. Default: the address listened on, or 127.0.0.1 if that is every
    /// address.
    pub advertised_host: Option<String>,
    /// The largest request taken, in bytes; a connection that announces a larger one is closed. Default: 100 MiB.
    pub max_request_bytes: usize,
    /// The most connections at a time; further ones are closed at once. Default: 1,000.
    pub max_connections: usize,
    /// Segment files held open. Default: 256.
    pub max_open_files: usize,
    /// How often data go to the disk itself and retention is applied. Default: 10 s.
    pub upkeep_interval: Duration,
    /// How long a new consumer group waits for further members before its first assignment. Default: 100 ms.
    pub group_formation_delay: Duration,
}

impl BrokerConfig {
    /// A broker on 127.0.0.1 and any free port, its data in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            advertised_host: None,
            max_request_bytes: 100 << 20,
            max_connections: 1_000,
            max_open_files: 256,
            upkeep_interval: Duration::from_secs(10),
            group_formation_delay: Duration::from_millis(100),
        }
    }

    /// The same, listening on `listen`.
    #[must_use]
    pub fn listen(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }
}
