//! Topics live as long as their job said, not longer.

use crate::{Ledger, Service, TransferError, service::now};
use chrono::{DateTime, Utc};
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
            if let Err(error) = self.kafka.delete_topics(&job.topic).await {
                tracing::warn!(job = %job.id, topic = %job.topic, %error, "expired topics could not be deleted");
                continue;
            }
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
}

impl Ledger {
    /// Whether the last alert of a job has expired.
    pub(crate) fn is_expired(&self, job: &Job, moment: DateTime<Utc>) -> bool {
        let end = job.ended.and_then(|ended| ended.checked_add_signed(job.expires - job.created));
        end.is_some_and(|end| moment > end)
    }
}
