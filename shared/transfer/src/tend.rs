//! What somebody has to do from time to time, so that nothing stays behind.

use crate::{Service, TransferError, service::now};
use chrono::TimeDelta;
use job::Job;
use store::Work;

/// A job that was submitted less long ago is still being submitted.
const SUBMIT_TIME: TimeDelta = TimeDelta::minutes(5);

/// What tending came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tended {
    /// Jobs whose topics had expired and were deleted.
    pub expired: usize,
    /// Jobs that had open work which nobody was about to do.
    pub woken: usize,
}

impl Service {
    /// Puts work back on the queue that was lost with whoever should have sent it, and deletes expired topics. While the
    /// queue holds anything, no task is taken for lost. Safe when it runs twice or at once.
    pub async fn tend(&self) -> Result<Tended, TransferError> {
        let is_idle = self.queue.is_idle().await?;
        let mut woken = 0;
        for job in self.store.jobs(usize::MAX).await? {
            let job = job.value;
            // One that was never split waits for nobody else's tasks.
            let is_lost =
                !job.state.is_final() && now() - job.created > SUBMIT_TIME && (is_idle || !job.ready);
            if !is_lost {
                continue;
            }
            tracing::warn!(job = %job.id, trace = %job.trace, "nobody was about to work on it");
            // One job's trouble is its own.
            match self.wake(&job).await {
                Ok(()) => woken += 1,
                Err(error) => tracing::warn!(job = %job.id, %error, "it could not be woken"),
            }
        }
        Ok(Tended { woken, expired: self.expire().await? })
    }

    async fn wake(&self, job: &Job) -> Result<(), TransferError> {
        if !job.ready {
            match self.intake().announce_again(job).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Ok(self.queue.send(&[Work::FanOut(job.id)]).await?),
                Err(error) if error.kind().is_worth_retrying() => return Err(error),
                Err(error) => return self.fail_job(job.id, &error).await,
            }
        }
        self.send_tasks(job.id).await?;
        Ok(self.queue.send(&[Work::Finish(job.id)]).await?)
    }
}
