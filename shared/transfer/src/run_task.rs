//! One attempt at a task: claim, find where to go on, pump, settle.

use crate::{
    Service, TransferError,
    attempt::AttemptError,
    pace::{is_in_order, may_begin, window},
    service::now,
};
use chrono::TimeDelta;
use job::{Claim, Counts, Ending, Failure, Fenced, Job, Next, Settlement, Task, TaskId, TaskState, Wish};
use std::time::Duration;
use store::{Work, update_task};

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing more to do for this message.
    Ended,
    /// The task waits for another attempt: deliver the message again after this.
    Again {
        /// How long to wait.
        wait: Duration,
    },
    /// An attempt may still be at it: look again after this.
    Busy {
        /// How long to wait.
        wait: Duration,
    },
}

/// What an attempt that was seen through has to show.
pub(crate) struct Delivered {
    /// The books, closed.
    pub counts: Counts,
    /// Messages of the task in each partition.
    pub sequences: Vec<u64>,
}

impl Service {
    /// Runs a task, once more if need be. Safe when it runs twice, late, or at once with its twin.
    pub async fn run_task(&self, id: TaskId) -> Result<Outcome, TransferError> {
        let job = self.job(id.job).await?.value;
        if is_in_order(&job.request) {
            // The end of an earlier task queues this one again.
            let tasks = self.store.tasks(id.job).await?;
            if !may_begin(&job.request, tasks.iter().map(|task| &task.value), id) {
                return Ok(Outcome::Ended);
            }
        }
        let task = match self.claim(id, &job).await? {
            (Claim::Mine, task) => task,
            (Claim::Ended { .. }, _) => {
                self.task_ended(id).await?;
                return Ok(Outcome::Ended);
            }
            (Claim::Busy(wait), _) => return Ok(Outcome::Busy { wait: std_wait(wait) }),
        };
        let (attempt, night) = (task.attempt, task.night);
        tracing::info!(job = %id.job, %night, attempt, "task begins");
        let result = self.attempt(&job, task).await;
        self.settle(id, attempt, result).await
    }

    /// Takes the task by a conditional write: from then on an older attempt can write nothing.
    async fn claim(&self, id: TaskId, job: &Job) -> Result<(Claim, Task), TransferError> {
        let wish = match (job.state.is_final(), job.cancel_requested) {
            (true, _) => Wish::Nothing,
            (_, true) => Wish::Cancel,
            _ => Wish::Run,
        };
        let mut claim = Claim::Ended { changed: false };
        let claimed = update_task(&*self.store, id, |task| {
            claim = task.claim(now(), wish, &self.settings.attempts);
            matches!(claim, Claim::Mine | Claim::Ended { changed: true })
        })
        .await?;
        Ok((claim, claimed.value))
    }

    /// Writes what came of the attempt, and goes on with the job.
    async fn settle(
        &self,
        id: TaskId,
        attempt: u32,
        result: Result<Delivered, AttemptError>,
    ) -> Result<Outcome, TransferError> {
        let settlement = settlement(&result);
        let mut next = Ok(Next::Ended);
        let ended = update_task(&*self.store, id, |task| {
            next = task.settle(attempt, now(), &self.settings.attempts, settlement.clone());
            next.is_ok()
        })
        .await?;
        let night = ended.value.night;
        if let Err(AttemptError { error, .. }) = &result {
            tracing::warn!(job = %id.job, %night, attempt, %error, "task attempt failed");
            let text = format!("night {night}: {error}");
            // A fault that lasts is told once, not at every attempt; a twin that was faster is no fault.
            let is_twin = matches!(**error, TransferError::Fenced);
            let told = |job: &Job| is_twin || job.log.iter().rev().take(20).any(|line| line.text == text);
            self.change_job(id.job, |job| {
                let news = !told(job);
                if news {
                    job.note(now(), text.clone());
                }
                news
            })
            .await?;
        }
        match next {
            Ok(Next::Again(wait)) => Ok(Outcome::Again { wait: std_wait(wait) }),
            // The job's books are closed when nothing can arrive any more.
            Ok(Next::EndedButBusy(wait)) => Ok(Outcome::Busy { wait: std_wait(wait) }),
            Ok(Next::Ended) | Err(Fenced) => {
                self.task_ended(id).await?;
                Ok(Outcome::Ended)
            }
        }
    }

    /// The next task of a job that goes in order follows; the last one ends the job.
    async fn task_ended(&self, id: TaskId) -> Result<(), TransferError> {
        let job = self.job(id.job).await?.value;
        if is_in_order(&job.request) && !job.state.is_final() {
            let tasks = self.store.tasks(id.job).await?;
            let waiting = window(&job.request, tasks.iter().map(|task| &task.value))
                .filter(|task| task.state == TaskState::Queued && task.attempt == 0);
            let work: Vec<Work> = waiting.map(|task| Work::Task(task.id)).collect();
            self.queue.send(&work).await?;
        }
        self.finish_if_complete(id.job).await
    }
}

fn settlement(result: &Result<Delivered, AttemptError>) -> Settlement {
    match result {
        Ok(delivered) => Settlement {
            ending: Ending::Done { counts: delivered.counts.clone(), sequences: delivered.sequences.clone() },
            drained: true,
            sent: None,
        },
        Err(failed) => Settlement {
            ending: match &*failed.error {
                TransferError::Cancelled => Ending::Cancelled,
                error => Ending::Failed { failure: Failure::new(error.kind(), error.to_string()) },
            },
            drained: failed.drained,
            sent: failed.sent,
        },
    }
}

fn std_wait(wait: TimeDelta) -> Duration {
    wait.to_std().unwrap_or_default()
}
