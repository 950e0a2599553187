//! What an attempt at a task did, for those who watch over the service.

use job::{Counts, Night, TaskId, TraceId};
use std::time::Duration;

/// How the time of a pump was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// Waiting for bytes of the archive.
    pub fetch: Duration,
    /// Decoding and filtering.
    pub scan: Duration,
    /// Deriving and encoding.
    pub encode: Duration,
    /// Handing over to the producer, and waiting for the broker's last acknowledgement.
    pub send: Duration,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The task is done.
    Done,
    /// The task ended in failure.
    Failed,
    /// The user cancelled the job.
    Cancelled,
    /// Another attempt goes on, as the worker's time was up.
    HandedOver,
    /// Another attempt goes on, after a passing fault.
    Again,
}

impl AttemptEnd {
    /// In one or two words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::HandedOver => "handed over",
            Self::Again => "again",
        }
    }
}

/// What one attempt at a task did: of this attempt alone, not of those before.
#[derive(Clone, Debug)]
pub struct AttemptFigures {
    /// The task.
    pub task: TaskId,
    /// Its night.
    pub night: Night,
    /// The number of the attempt.
    pub attempt: u32,
    /// The mark of the request.
    pub trace: TraceId,
    /// How it ended.
    pub end: AttemptEnd,
    /// Alerts read.
    pub read: u64,
    /// Alerts that passed.
    pub kept: u64,
    /// Alerts that the broker has acknowledged.
    pub sent: u64,
    /// Bytes fetched from the archive, footers among them.
    pub bytes_read: u64,
    /// Requests made of the archive, those for footers among them.
    pub requests: u64,
    /// Requests by which files were found unchanged and their footers read.
    pub footer_requests: u64,
    /// Bytes of the alerts acknowledged, before compression.
    pub bytes_sent: u64,
    /// How its time was spent.
    pub stages: Stages,
    /// How long it took in all.
    pub took: Duration,
}

/// The part of `counts` that came after `before`, of what is read and kept.
pub(crate) fn since(before: &Counts, counts: &Counts) -> Counts {
    Counts {
        read: counts.read.saturating_sub(before.read),
        kept: counts.kept.saturating_sub(before.kept),
        bytes_read: counts.bytes_read.saturating_sub(before.bytes_read),
        requests: counts.requests.saturating_sub(before.requests),
        footer_requests: counts.footer_requests.saturating_sub(before.footer_requests),
        ..Counts::default()
    }
}
