//! What a job says it sent, as far as a comparison needs it.

use job::{Night, PartitionSpan};
use std::collections::BTreeMap;

/// What a job says it sent.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// Its tasks, in the order of their numbers.
    pub tasks: Vec<ReceiptTask>,
    /// First and end offset of each partition.
    pub partitions: Vec<PartitionSpan>,
}

/// A night of a job, or a part of a large one.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptTask {
    /// The night.
    pub night: Night,
    /// Alerts sent.
    pub sent: u64,
    /// Whether the task came to its end: the count of one that did not may lag behind the topic.
    pub is_done: bool,
}

impl Receipt {
    /// Alerts sent, by night; and whether all tasks of the night came to their end.
    pub(crate) fn nights(&self) -> BTreeMap<Night, (u64, bool)> {
        let mut nights = BTreeMap::new();
        for task in &self.tasks {
            let (sent, is_done) = nights.entry(task.night).or_insert((0, true));
            *sent += task.sent;
            *is_done &= task.is_done;
        }
        nights
    }

    /// Alerts sent.
    pub(crate) fn sent(&self) -> u64 {
        self.tasks.iter().map(|task| task.sent).sum()
    }
}
