//! The receipt of a job: what was read, dropped, kept and sent, and where it lies. It adds up, or it is not written.

use chrono::{DateTime, Utc};
use job::{Counts, Failure, JobId, JobState, Night, PartitionSpan, Task, TaskFile, TaskState};
use serde::{Deserialize, Serialize};

/// What a job has done, checked against the topic: written once it has ended.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The job.
    #[schema(value_type = String)]
    pub id: JobId,
    /// What became of it.
    pub state: JobState,
    /// The data topic.
    pub topic: String,
    /// A short mark of the topic's schema; none where the job ended before it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_fingerprint: Option<String>,
    /// When it was written.
    pub written: DateTime<Utc>,
    /// The books of all nights together.
    pub total: Counts,
    /// The books of each night, and of each part of a large one, in the order of the tasks in the messages' keys.
    pub nights: Vec<NightReceipt>,
    /// First offset, end offset and number of alerts of each partition.
    pub partitions: Vec<PartitionSpan>,
    /// Why the job as a whole failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The books of a night, or of a part of it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NightReceipt {
    /// The night.
    #[schema(value_type = String)]
    pub night: Night,
    /// Which part of it.
    pub part: u32,
    /// What became of it.
    pub state: TaskState,
    /// Its books. Those of a night that was not finished cover the row groups that were.
    pub counts: Counts,
    /// Alerts in the topic from a row group that was not finished: sent, but not yet in the books.
    #[serde(default)]
    pub unfinished: u64,
    /// Its alerts in each partition of the topic.
    #[serde(default)]
    pub messages: Vec<u64>,
    /// The files that were read.
    pub files: Vec<TaskFile>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl NightReceipt {
    /// The books of a task, of which each partition holds so many messages.
    pub(crate) fn of(task: &Task, messages: Vec<u64>) -> Self {
        let mut counts = task.counts.clone();
        counts.sent = messages.iter().sum();
        Self {
            night: task.night,
            part: task.part,
            state: task.state,
            unfinished: counts.sent.saturating_sub(counts.kept),
            counts,
            messages,
            files: task.files.clone(),
            failure: task.failure.clone(),
        }
    }

    /// Read = dropped + kept; kept = sent, but for what an unfinished row group sent.
    fn check(&self) -> Result<(), String> {
        let (counts, night) = (&self.counts, self.night);
        if !counts.adds_up() {
            return Err(format!("night {night}: what was read is not what was dropped and kept: {counts:?}"));
        }
        if counts.kept + self.unfinished != counts.sent {
            return Err(format!("night {night}: {} kept, {} in the topic", counts.kept, counts.sent));
        }
        let rows: u64 = self.files.iter().map(|file| file.rows).sum();
        if self.state == TaskState::Done && (self.unfinished > 0 || counts.read > rows) {
            let (read, unfinished) = (counts.read, self.unfinished);
            return Err(format!(
                "night {night}: {read} of {rows} alerts read, {unfinished} beyond the books"
            ));
        }
        Ok(())
    }
}

impl Receipt {
    /// Whether it adds up: every night's books, the total, and every offset of the topic.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut total = Counts::default();
        let mut messages = vec![0; self.partitions.len()];
        for night in &self.nights {
            night.check()?;
            total.add(&night.counts);
            if night.messages.len() > messages.len() {
                return Err(format!("night {}: more partitions than the topic has", night.night));
            }
            for (sum, count) in messages.iter_mut().zip(&night.messages) {
                *sum += count;
            }
        }
        if total != self.total {
            return Err(format!("the total is {:?}, the nights come to {total:?}", self.total));
        }
        for (span, sent) in self.partitions.iter().zip(messages) {
            if span.end.unsigned_abs() != sent {
                return Err(format!(
                    "partition {} ends at offset {}, {sent} alerts were sent to it",
                    span.partition, span.end
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use job::TaskId;

    fn receipt() -> Receipt {
        let file = TaskFile { path: "a".into(), size: 1, etag: None, rows: 10, row_groups: 2 };
        let id = TaskId { job: JobId::random(), index: 0 };
        let mut task = Task::new(id, "2026-03-22".parse().unwrap(), 0, vec![file]);
        task.state = TaskState::Done;
        task.counts = Counts { read: 10, dropped_by_class: 3, kept: 7, sent: 7, ..Counts::default() };
        let nights = vec![NightReceipt::of(&task, vec![4, 3])];
        let span = |partition, end| PartitionSpan { partition, start: 0, end, count: end.unsigned_abs() };
        Receipt {
            id: id.job,
            state: JobState::Done,
            topic: "ftransfer_ztf_2026-03-23_1".into(),
            schema_fingerprint: None,
            written: DateTime::UNIX_EPOCH,
            total: nights[0].counts.clone(),
            nights,
            partitions: vec![span(0, 4), span(1, 3)],
            failure: None,
        }
    }

    #[test]
    fn a_receipt_that_does_not_add_up_is_noticed() {
        assert_eq!(receipt().check(), Ok(()));
        let broken: [fn(&mut Receipt); 7] = [
            |receipt| receipt.partitions[1].end = 4,
            |receipt| receipt.partitions[0].end = 3,
            |receipt| receipt.total.read = 11,
            |receipt| receipt.nights[0].counts.dropped_by_class = 2,
            |receipt| receipt.nights[0].messages = vec![4, 2],
            |receipt| receipt.nights[0].messages.push(0),
            |receipt| {
                receipt.nights[0].unfinished = 1;
                receipt.nights[0].counts.kept = 6;
                receipt.nights[0].counts.dropped_by_class = 4;
                receipt.total = receipt.nights[0].counts.clone();
            },
        ];
        for (number, damage) in broken.iter().enumerate() {
            let mut damaged = receipt();
            damage(&mut damaged);
            assert!(damaged.check().is_err(), "damage {number}");
        }
    }

    #[test]
    fn a_night_that_was_stopped_tells_what_it_sent_beyond_its_books() {
        let mut stopped = receipt();
        let mut task = Task::new(
            TaskId { job: stopped.id, index: 0 },
            "2026-03-22".parse().unwrap(),
            0,
            stopped.nights[0].files.clone(),
        );
        task.state = TaskState::Cancelled;
        task.counts = Counts { read: 5, dropped_by_class: 2, kept: 3, ..Counts::default() };
        stopped.nights = vec![NightReceipt::of(&task, vec![2, 3])];
        stopped.total = stopped.nights[0].counts.clone();
        stopped.partitions[0].end = 2;
        assert_eq!((stopped.nights[0].unfinished, stopped.nights[0].counts.sent), (2, 5));
        assert_eq!(stopped.check(), Ok(()));
    }
}
