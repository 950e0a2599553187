//! Topics live as long as their job said, not longer.

use crate::{Service, TransferError, service::now};
use chrono::{DateTime, TimeDelta, Utc};
use job::Job;

impl Service {
    /// Deletes the topics of jobs whose last alert has expired; returns how many. Safe when it runs twice or at once.
    pub async fn expire(&self) -> Result<usize, TransferError> {
        let mut removed = 0;
        for job in self.store.jobs(usize::MAX).await? {
            let job = job.value;
            if job.removed || !self.is_expired(&job, now()) {
                continue;
            }
            self.kafka.delete_topics(&job.topic).await?;
            self.change_job(job.id, |job| {
                let first = !job.removed;
                if first {
                    job.removed = true;
                    job.note(now(), "the topic has expired and was deleted");
                }
                first
            })
            .await?;
            removed += 1;
        }
        Ok(removed)
    }

    /// Whether the last alert of a job has expired.
    pub(crate) fn is_expired(&self, job: &Job, moment: DateTime<Utc>) -> bool {
        let retention = TimeDelta::from_std(self.kafka.config().retention).unwrap_or(TimeDelta::MAX);
        let end = job.ended.and_then(|ended| ended.checked_add_signed(retention));
        end.is_some_and(|end| moment > end)
    }
}
