//! What was read, kept and sent.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The books of one task: everything that was read is either dropped or kept, everything kept is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Counts {
    /// Alerts read from the archive.
    pub read: u64,
    /// Alerts dropped because their class was not chosen.
    pub dropped_by_class: u64,
    /// Alerts dropped by each condition, in the user's order; an alert counts for the first that drops it.
    pub dropped_by_condition: Vec<u64>,
    /// Alerts that were left out because the job's limit was reached.
    pub over_limit: u64,
    /// Alerts that passed.
    pub kept: u64,
    /// Alerts that the broker has acknowledged.
    pub sent: u64,
    /// Bytes of Avro that the broker has acknowledged.
    pub bytes_sent: u64,
    /// Bytes fetched from the archive, footers among them.
    pub bytes_read: u64,
    /// Requests made of the archive, each paid by S3; those for footers among them.
    pub requests: u64,
    /// Requests by which files were found unchanged and their footers read.
    pub footer_requests: u64,
    /// Alerts kept, by finkclass.
    pub classes: BTreeMap<String, u64>,
}

impl Counts {
    /// Whether read = dropped + kept.
    pub fn adds_up(&self) -> bool {
        let conditions: u64 = self.dropped_by_condition.iter().sum();
        self.read == self.dropped_by_class + conditions + self.over_limit + self.kept
    }

    /// Adds the books of another task of the same job.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.dropped_by_class += other.dropped_by_class;
        if self.dropped_by_condition.len() < other.dropped_by_condition.len() {
            self.dropped_by_condition.resize(other.dropped_by_condition.len(), 0);
        }
        for (mine, theirs) in self.dropped_by_condition.iter_mut().zip(&other.dropped_by_condition) {
            *mine += theirs;
        }
        self.over_limit += other.over_limit;
        self.kept += other.kept;
        self.sent += other.sent;
        self.bytes_sent += other.bytes_sent;
        self.bytes_read += other.bytes_read;
        self.requests += other.requests;
        self.footer_requests += other.footer_requests;
        for (class, count) in &other.classes {
            *self.classes.entry(class.clone()).or_default() += count;
        }
    }
}

/// The offsets of one partition that hold a job's alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartitionSpan {
    /// The partition.
    pub partition: i32,
    /// The first offset.
    pub start: i64,
    /// One past the last offset.
    pub end: i64,
    /// Alerts between them.
    #[serde(default)]
    pub count: u64,
}
