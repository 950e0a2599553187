//! One attempt at a task: claim, find where to go on, pump, settle.

use crate::{
    AttemptEnd, AttemptFigures, Ledger, Service, TransferError,
    attempt::{AttemptError, Until},
    early::Early,
    figures::since,
    pace::is_in_order,
    progress::Progress,
    service::now,
};
use chrono::{DateTime, TimeDelta, Utc};
use job::{
    Claim, Counts, Ending, Failure, Fenced, Job, Next, Setbacks, Settlement, Task, TaskId, TaskState, Wish,
};
use std::time::Duration;
use store::{DeadLetter, StoreError, Versioned, Work, update_seen_task};
use tokio::time::Instant;
use tracing::Instrument;

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

/// A task that this attempt holds.
pub(crate) struct Claimed {
    pub row: Versioned<Task>,
    /// Nothing of it has been sent: where it begins was written as it was taken.
    pub begins: bool,
    /// What it begins with, if that is on its way already.
    pub early: Option<Early>,
}

/// What an attempt that was seen through has to show.
pub(crate) struct Delivered {
    /// The books, closed.
    pub counts: Counts,
    /// Messages of the task in each partition.
    pub sequences: Vec<u64>,
}

impl Service {
    /// Sees a piece of work through, as far as time allows. Safe when it runs twice, late, or at once with its twin.
    ///
    /// # Errors
    /// Passing faults only: the work is to be handed out again. Any other error has ended the job, with its reason.
    pub async fn work(&self, work: Work, until: Option<DateTime<Utc>>) -> Result<Outcome, TransferError> {
        let done = match work {
            Work::FanOut(job) => self.fan_out(job).await.map(|()| Outcome::Ended),
            Work::Finish(job) => self.finish_if_complete(job).await.map(|()| Outcome::Ended),
            Work::Task(task) => self.run_task(task, until).await,
        };
        match done {
            Err(TransferError::Store(StoreError::Missing(what))) => {
                tracing::warn!(job = %work.job(), what, "work for what is not there");
                Ok(Outcome::Ended)
            }
            Err(error) if !error.kind().is_worth_retrying() => {
                tracing::error!(job = %work.job(), %error, "the job cannot go on");
                match self.fail_job(work.job(), &error).await {
                    // Whose work it was, nobody knows.
                    Ok(()) | Err(TransferError::NoSuchJob(_)) => Ok(Outcome::Ended),
                    Err(error) => Err(error),
                }
            }
            other => other,
        }
    }

    /// Runs a task, once more if need be; hands it over at `until`, when the worker's time is up.
    pub async fn run_task(&self, id: TaskId, until: Option<DateTime<Utc>>) -> Result<Outcome, TransferError> {
        let job = self.job(id.job).await?.value;
        let seen = self.store.task(id).await?.ok_or_else(|| StoreError::Missing(format!("task {id}")))?;
        // Else the end of an earlier task queues this one again.
        if !self.may_begin(&job, &seen.value).await? {
            return Ok(Outcome::Ended);
        }
        let task = match self.claim(seen, &job).await? {
            (Claim::Mine, task) => task,
            (Claim::Ended { changed }, Claimed { row: Versioned { value: task, .. }, .. }) => {
                if changed && task.state == TaskState::Failed {
                    self.bury(&task).await;
                }
                self.task_ended(&job).await?;
                return Ok(Outcome::Ended);
            }
            (Claim::Busy(wait), _) => return Ok(Outcome::Busy { wait: std_wait(wait) }),
        };
        let (night, attempt) = (task.row.value.night, task.row.value.attempt);
        let span =
            tracing::info_span!("task", job = %id.job, task = id.index, %night, attempt, trace = %job.trace);
        self.see_through(&job, task, until).instrument(span).await
    }

    async fn see_through(
        &self,
        job: &Job,
        claimed: Claimed,
        until: Option<DateTime<Utc>>,
    ) -> Result<Outcome, TransferError> {
        let task = &claimed.row.value;
        tracing::info!(alerts = task.rows(), "task begins");
        let (id, night, attempt, begun) = (task.id, task.night, task.attempt, Instant::now());
        let before = task.checkpoint.as_ref().map(|known| known.counts.clone()).unwrap_or_default();
        let until = until.map(|until| begun + (until - now()).to_std().unwrap_or_default());
        let progress = Progress::of(&claimed.row, &self.settings.attempts);
        let result = self.attempt(job, claimed, progress.clone(), Until(until)).await;
        let (counts, stages) = progress.with(|tidings| (tidings.counts.clone(), tidings.stages));
        let reached = result.as_ref().map_or(&counts, |done| &done.counts);
        // Without a publisher it never came to reading.
        let Counts { read, kept, bytes_read, requests, footer_requests, .. } =
            if progress.acknowledged().is_some() { since(&before, reached) } else { Counts::default() };
        let acknowledged = progress.acknowledged().unwrap_or_default();
        self.keep_sample(id, &progress).await;
        let (outcome, end) = self.settle(job, attempt, &progress, result).await?;
        let figures = AttemptFigures {
            task: id,
            night,
            attempt,
            trace: job.trace.clone(),
            end,
            read,
            kept,
            sent: acknowledged.messages,
            bytes_read,
            requests,
            footer_requests,
            bytes_sent: acknowledged.bytes,
            stages,
            took: begun.elapsed(),
        };
        let seconds = figures.took.as_secs_f64();
        tracing::info!(read, kept, sent = figures.sent, seconds, end = end.name(), "task attempt ended");
        (self.settings.meter)(&figures);
        Ok(outcome)
    }

    /// Takes the task by a conditional write: from then on an older attempt can write nothing. One that was never begun is
    /// begun by the same write: where the topic ended before is not behind any of its messages.
    async fn claim(&self, seen: Versioned<Task>, job: &Job) -> Result<(Claim, Claimed), TransferError> {
        let wish = match (job.state.is_final(), job.cancel_requested) {
            (true, _) => Wish::Nothing,
            (_, true) => Wish::Cancel,
            _ => Wish::Run,
        };
        let may_begin = wish == Wish::Run && seen.value.is_new(now());
        let is_free = seen.value.clone().claim(now(), wish, &self.settings.attempts) == Claim::Mine;
        let early = is_free.then(|| Early::of(self, job, &seen.value)).flatten();
        // What is wrong with the broker, if it cannot be known, the attempt will find and tell.
        let first = if may_begin { self.first_checkpoint(job).await.ok() } else { None };
        let (mut claim, mut begins) = (Claim::Ended { changed: false }, false);
        let row = update_seen_task(&*self.store, seen, |task| {
            claim = task.claim(now(), wish, &self.settings.attempts);
            begins = match &first {
                Some(first) if claim == Claim::Mine && task.checkpoint.is_none() => {
                    task.begin(task.attempt, first.clone()).is_ok()
                }
                _ => false,
            };
            matches!(claim, Claim::Mine | Claim::Ended { changed: true })
        })
        .await?;
        Ok((claim, Claimed { row, begins, early }))
    }

    /// Writes what came of the attempt, and goes on with the job.
    async fn settle(
        &self,
        job: &Job,
        attempt: u32,
        progress: &Progress,
        result: Result<Delivered, AttemptError>,
    ) -> Result<(Outcome, AttemptEnd), TransferError> {
        let settlement = settlement(&result);
        let mut next = Ok(Next::Ended);
        let ended = self
            .change_held(progress, |task| {
                next = task.settle(attempt, now(), &self.settings.attempts, settlement.clone());
                next.is_ok()
            })
            .await?;
        let is_handed_over = matches!(settlement.ending, Ending::HandedOver);
        if let Err(AttemptError { error, .. }) = &result
            && !(is_handed_over && matches!(next, Ok(Next::Again(_))))
        {
            tracing::warn!(%error, "task attempt failed");
            self.tell_fault(&ended, ended.failure.as_ref().filter(|_| is_handed_over), error).await?;
        }
        let end = match (&next, ended.state) {
            (Ok(Next::Again(_)), _) if is_handed_over => AttemptEnd::HandedOver,
            (Ok(Next::Again(_)) | Err(Fenced), _) => AttemptEnd::Again,
            (_, TaskState::Done) => AttemptEnd::Done,
            (_, TaskState::Cancelled) => AttemptEnd::Cancelled,
            _ => AttemptEnd::Failed,
        };
        if end == AttemptEnd::Failed {
            self.bury(&ended).await;
        }
        let outcome = match next {
            Ok(Next::Again(wait)) => Outcome::Again { wait: std_wait(wait) },
            // The job's books are closed when nothing can arrive any more.
            Ok(Next::EndedButBusy(wait)) => Outcome::Busy { wait: std_wait(wait) },
            Ok(Next::Ended) | Err(Fenced) => {
                self.task_ended(job).await?;
                Outcome::Ended
            }
        };
        Ok((outcome, end))
    }

    /// Writes a fault into the job's log. One that lasts is told once, not at every attempt; a twin that was faster is no
    /// fault.
    async fn tell_fault(
        &self,
        task: &Task,
        failure: Option<&Failure>,
        error: &TransferError,
    ) -> Result<(), TransferError> {
        let reason = failure.map_or_else(|| error.to_string(), |failure| failure.reason.clone());
        let text = format!("night {}: {reason}", task.night);
        let is_twin = matches!(error, TransferError::Fenced);
        let told = |job: &Job| is_twin || job.log.iter().rev().take(20).any(|line| line.text == text);
        self.change_job(task.id.job, |job| {
            let news = !told(job);
            if news {
                job.note(now(), text.clone());
            }
            news
        })
        .await?;
        Ok(())
    }

    /// The next task of a job that goes in order follows; the last one ends the job.
    async fn task_ended(&self, job: &Job) -> Result<(), TransferError> {
        let job = self.job(job.id).await?.value;
        if is_in_order(&job.request) && !job.state.is_final() {
            let open = self.first_open(&job).await?;
            // One with a setback waits for its own turn already.
            let waiting = open
                .iter()
                .filter(|task| task.state == TaskState::Queued && task.setbacks == Setbacks::default());
            let work: Vec<Work> = waiting.map(|task| Work::Task(task.id)).collect();
            self.queue.send(&work).await?;
        }
        self.finish_seen(&job).await
    }
}

impl Ledger {
    /// Tells those who look after the service that a task ended in failure. The job says so in any case.
    pub(crate) async fn bury(&self, task: &Task) {
        let letter = DeadLetter {
            job: task.id.job,
            task: task.id.index,
            night: task.night,
            part: task.part,
            attempts: task.attempt,
            error: task.failure.as_ref().map_or_else(String::new, |failure| failure.reason.clone()),
        };
        if let Err(error) = self.queue.bury(&[letter]).await {
            let (job, night) = (task.id.job, task.night);
            tracing::error!(parent: None, %job, %night, %error, "a dead letter could not be sent");
        }
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
                TransferError::OutOfTime => Ending::HandedOver,
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
