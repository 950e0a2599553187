//! How long a job took: what the next one is estimated by.

use crate::{Task, TaskState};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a job of one smooth run did, and in what time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Took {
    /// Seconds from submit to the begin of the first task.
    pub before: f64,
    /// Seconds of all tasks together.
    pub working: f64,
    /// Alerts read.
    pub read: u64,
    /// Bytes of Avro sent.
    pub bytes_sent: u64,
}

impl Took {
    /// Of the tasks of a job; none where one of them was tried twice or did not succeed, for such a time says little.
    pub fn of(created: DateTime<Utc>, tasks: &[Task]) -> Option<Self> {
        let mut took = Self { before: f64::MAX, working: 0.0, read: 0, bytes_sent: 0 };
        for task in tasks {
            let (started, ended) = (task.started?, task.ended?);
            if task.state != TaskState::Done || task.attempt > 1 {
                return None;
            }
            took.before = took.before.min((started - created).as_seconds_f64().max(0.0));
            took.working += (ended - started).as_seconds_f64().max(0.0);
            took.read += task.counts.read;
            took.bytes_sent += task.counts.bytes_sent;
        }
        (took.read > 0).then_some(took)
    }
}
