//! Cancel, retry and rerun: what a user does to a job that is under way or has ended.

use crate::{JobDocument, Ledger, TransferError, service::now};
use job::{JobId, JobState};
use store::{StoreError, Work, update_task};

impl Ledger {
    /// Stops a job: workers stop at their next batch, and the topic stays readable up to there. Cancelling a job that
    /// is cancelled is harmless; one that has ended otherwise is refused.
    pub async fn cancel(&self, id: JobId) -> Result<JobDocument, TransferError> {
        let job = self
            .change_job(id, |job| {
                if job.state.is_final() || job.cancel_requested {
                    return false;
                }
                job.cancel_requested = true;
                job.note(now(), "cancel requested");
                true
            })
            .await?;
        if job.value.state.is_final() && job.value.state != JobState::Cancelled {
            return Err(TransferError::NotNow(format!(
                "the job has ended already: it is {}",
                job.value.state
            )));
        }
        for task in self.store.tasks(id).await? {
            // A task that nobody works on ends here; one that runs is ended by its worker.
            update_task(&*self.store, task.value.id, |task| task.cancel_idle(now())).await?;
        }
        if job.value.state == JobState::Queued {
            self.change_job(id, |job| {
                let unsplit = job.state == JobState::Queued && job.tasks == 0;
                if unsplit {
                    job.state = JobState::Cancelled;
                    job.ended = Some(now());
                }
                unsplit
            })
            .await?;
        }
        self.finish_soon(id).await?;
        self.document(id).await
    }

    /// Runs the failed (or cancelled) nights of a job again, into the same topic.
    pub async fn retry(&self, id: JobId) -> Result<JobDocument, TransferError> {
        let job = self.job(id).await?.value;
        if !matches!(job.state, JobState::Failed | JobState::Partial | JobState::Cancelled) {
            let reason =
                format!("the job is {}; only failed, partial and cancelled jobs can be retried", job.state);
            return Err(TransferError::NotNow(reason));
        }
        if job.removed || now() > job.expires {
            return Err(TransferError::NotNow(
                "the job's topic has expired; submit the document again".into(),
            ));
        }
        for task in self.store.tasks(id).await? {
            self.reopen(task.value.id).await?;
        }
        let again = self
            .change_job(id, |job| {
                let ended = job.state.is_final();
                if ended {
                    job.state = if job.ready { JobState::Running } else { JobState::Queued };
                    job.cancel_requested = false;
                    job.retries += 1;
                    job.failure = None;
                    job.ended = None;
                    job.note(now(), "retry");
                }
                ended
            })
            .await?
            .value;
        match again.ready {
            true => self.send_tasks(id).await?,
            false => self.queue.send(&[Work::FanOut(id)]).await?,
        }
        self.finish_soon(id).await?;
        self.document(id).await
    }

    /// Has a job ended whose tasks have all ended.
    async fn finish_soon(&self, id: JobId) -> Result<(), TransferError> {
        let job = self.job(id).await?.value;
        if job.state != JobState::Running {
            return Ok(());
        }
        let tasks = self.store.tasks(id).await?;
        if tasks.iter().all(|task| task.value.state.is_final()) {
            self.queue.send(&[Work::Finish(id)]).await?;
        }
        Ok(())
    }

    async fn reopen(&self, task: job::TaskId) -> Result<(), StoreError> {
        update_task(&*self.store, task, job::Task::reopen).await.map(drop)
    }
}
