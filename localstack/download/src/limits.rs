//! How much a download takes at once.

use std::num::NonZeroUsize;
use std::time::Duration;

/// How much a download takes at once. The defaults suit a laptop as well as a server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Partitions read at the same time, each by a thread of its own. Default: the number of cores.
    pub threads: NonZeroUsize,
    /// Bytes of messages after which a thread completes its files. Default: 1 GiB.
    pub commit_bytes: u64,
    /// Time after which a thread completes its files, if they are worth it: a kill costs no more than the longer of this
    /// and of `worthwhile_bytes`. Default: 60 s.
    pub commit_interval: Duration,
    /// Bytes of messages below which files are not completed for the time's sake: a topic that fills slowly would become
    /// many tiny files, and what a kill costs is read again in a second. Default: 64 MiB.
    pub worthwhile_bytes: u64,
    /// Memory that alerts may take until they are written, over all threads. Default: 128 MiB.
    pub memory_bytes: usize,
    /// How long to wait for the cluster before giving up. Default: 30 s.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            commit_bytes: 1 << 30,
            commit_interval: Duration::from_secs(60),
            worthwhile_bytes: 64 << 20,
            memory_bytes: 128 << 20,
            patience: Duration::from_secs(30),
        }
    }
}
