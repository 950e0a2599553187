//! All that connections share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::buffers::Buffers;
use crate::catalog::Catalog;
use crate::group::Coordinator;
use crate::locked::locked;
use crate::log::now_ms;

/// This node's number in what looks like a cluster of one.
pub(crate) const NODE_ID: i32 = 1;

/// All that connections share.
pub(crate) struct Broker {
    /// Host and port that clients are told to connect to.
    pub advertised: (String, u16),
    /// The largest request taken.
    pub max_request_bytes: usize,
    /// The most connections at a time.
    pub max_connections: usize,
    /// How often data go to the disk itself and retention is applied.
    pub upkeep_interval: Duration,
    /// Room for answers.
    pub buffers: Buffers,
    /// The topics.
    pub catalog: Catalog,
    /// The consumer groups.
    pub coordinator: Coordinator,
    /// Rings whenever anything was appended, for those who wait for records.
    pub appended: Notify,
}

impl Broker {
    /// Applies every topic's retention.
    pub(crate) fn apply_retention(&self) {
        for partition in self.catalog.partitions() {
            if let Err(error) = locked(&partition.log).apply_retention(now_ms()) {
                tracing::error!(%error, "old segments could not be deleted");
            }
        }
    }

    /// Lets the disk itself have everything there is. The partitions' locks are not held meanwhile. Returns whether it
    /// worked.
    pub(crate) fn sync(self: &Arc<Self>) -> bool {
        let mut synced = true;
        for partition in self.catalog.partitions() {
            let unsynced = locked(&partition.log).unsynced();
            for (file, bytes) in unsynced {
                match self.catalog.files().get(&file).and_then(|open| open.sync_data()) {
                    Ok(()) => locked(&partition.log).synced(&file, bytes),
                    // A topic or segment deleted just now needs no sync.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => {
                        tracing::error!(%error, path = %file.path.display(), "a segment could not be synced");
                        synced = false;
                    }
                }
            }
        }
        if let Err(error) = self.coordinator.offsets_file().and_then(|file| file.sync_data()) {
            tracing::error!(%error, "committed offsets could not be synced");
            synced = false;
        }
        synced
    }
}
