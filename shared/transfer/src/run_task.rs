//! One attempt at a task: claim, find where to go on, pump, report.

use crate::{
    Manifest, Plan, Service, TransferError,
    content_plan::ContentPlan,
    fan_out::planned_columns,
    pump::{self, AttemptError, Progress, Pump, Start},
    service::now,
};
use broker::{Compression, DeliveryWatch};
use job::{Checkpoint, Content, Counts, Failure, Job, Packet, Task, TaskId, TaskState};
use std::time::Duration;
use store::{StoreError, Work, update_task};

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The task has ended, now or before.
    Ended,
    /// The task waits for another attempt, which is queued for later.
    Again {
        /// How long to wait.
        wait: Duration,
    },
    /// Another attempt is at it: look again after this.
    Busy {
        /// How long to wait.
        wait: Duration,
    },
}

impl Service {
    /// Runs a task, once more if need be. Safe when it runs twice, late, or at once with its twin.
    pub async fn run_task(&self, id: TaskId) -> Result<Outcome, TransferError> {
        let job = self.job(id.job).await?.value;
        if job.request.alert_limit().is_some() {
            // Under a limit nights go one after the other: the end of the earlier one queues this one again.
            let tasks = self.store.tasks(id.job).await?;
            if tasks.iter().any(|task| task.value.id.index < id.index && !task.value.state.is_final()) {
                return Ok(Outcome::Ended);
            }
        }
        let task = match self.claim(id, &job).await? {
            Claim::Mine(task) => *task,
            Claim::Ended => {
                self.task_ended(id).await?;
                return Ok(Outcome::Ended);
            }
            Claim::Busy(wait) => return Ok(Outcome::Busy { wait }),
        };
        let (attempt, night) = (task.attempt, task.night);
        tracing::info!(job = %id.job, %night, attempt, "task begins");
        let result = self.attempt(&job, task).await;
        self.settle(id, attempt, result).await
    }

    /// Takes the task by a conditional write: from then on an older attempt can write nothing.
    async fn claim(&self, id: TaskId, job: &Job) -> Result<Claim, TransferError> {
        let mut claim = Claim::Ended;
        let (cancelled, over) = (job.cancel_requested, job.state.is_final());
        let lease = chrono::TimeDelta::from_std(self.settings.lease).unwrap_or(chrono::TimeDelta::hours(1));
        let claimed = update_task(&*self.store, id, |task| {
            claim = Claim::Ended;
            if task.state.is_final() || over {
                return false;
            }
            // Before anything else: whoever holds the lease may still be sending.
            if let Some(until) = task.lease_until.filter(|until| *until > now()) {
                claim = Claim::Busy((until - now()).to_std().unwrap_or(Duration::from_secs(1)));
                return false;
            }
            if cancelled {
                task.state = TaskState::Cancelled;
                task.ended = Some(now());
                return true;
            }
            task.state = TaskState::Running;
            task.attempt += 1;
            task.lease_until = Some(now() + lease);
            task.started = task.started.or(Some(now()));
            claim = Claim::Mine(Box::new(task.clone()));
            true
        })
        .await?;
        tracing::debug!(task = %id, attempt = claimed.value.attempt, "claimed or not");
        Ok(claim)
    }

    async fn attempt(&self, job: &Job, mut task: Task) -> Result<Counts, AttemptError> {
        let (id, attempt) = (task.id, task.attempt);
        let manifest: Manifest = self.read_json(id.job, "manifest.json").await?;
        let plan: Plan = self.read_json(id.job, "plan.json").await?;
        if task.files.is_empty() {
            task.files = self.files_again(&task).await?;
        }
        let content = ContentPlan::new(&manifest.request, planned_columns(&plan)?.schema())?;
        if packet::avro_schema(&content.layout)? != plan.avro_schema {
            return Err(replanned(id, "its schema is not what this version of nightferry makes of it").into());
        }
        let begun_before = task.checkpoint.is_some();
        let mut checkpoint = self.checkpoint_of(&task, job, manifest.partitions).await?;
        let mut arrived = checkpoint.sequences.clone();
        if begun_before {
            let (sequences, offsets) = (arrived, checkpoint.offsets.clone());
            arrived = self.kafka.sequences(&job.topic, id.index, sequences, offsets).await?;
            if arrived.iter().all(|count| *count == 0) {
                checkpoint = self.begin_anew(&mut task, checkpoint).await?;
            } else if plan.tns != self.tns.fingerprint() {
                return Err(replanned(id, "the TNS table was changed while the job was under way").into());
            }
        }
        let start = Start {
            night: task.night,
            row_groups: checkpoint.row_groups,
            counts: checkpoint.counts.clone(),
            sequences: checkpoint.sequences.clone(),
            arrived: arrived.clone(),
            allowance: self.allowance(job, id).await?,
            planned_row_groups: task.files.iter().map(|file| file.row_groups).sum(),
            planned_rows: task.files.iter().map(|file| file.rows).sum(),
        };
        let publisher =
            self.kafka.publisher(&job.topic, id.index, &arrived, compression(&manifest.request.content))?;
        let watch = publisher.watch();
        let (sender, receiver) = pump::prepared_row_groups();
        let fetching = pump::fetch(
            self.archive.clone(),
            task.files.clone(),
            content.scan.clone(),
            checkpoint.row_groups,
            sender,
        );
        let progress = Progress::from(checkpoint.counts.clone());
        let pump = Pump::new(content, self.tns.clone(), publisher, start, progress.clone())?;
        let fetching = tokio::spawn(fetching);
        let mut pumping = tokio::task::spawn_blocking(move || pump.run(receiver));
        let ended = loop {
            tokio::select! {
                ended = &mut pumping => break ended,
                () = tokio::time::sleep(self.settings.progress_interval) => {
                    let report = self.report(id, attempt, &progress, &watch);
                    // A store that hangs must not keep a worker sending beyond its lease.
                    let reported = tokio::time::timeout(self.settings.lease / 4, report).await;
                    if let Err(error) = reported.unwrap_or(Err(TransferError::Fenced)) {
                        // Whatever it was, this attempt may no longer write: it ends.
                        progress.stop();
                        fetching.abort();
                        let stopped = (&mut pumping).await;
                        return Err(match stopped {
                            Ok(Err(stopped)) => AttemptError { error: Box::new(error), ..stopped },
                            Ok(Ok(counts)) => AttemptError { sent: Some(counts.sent), ..AttemptError::from(error) },
                            Err(panic) => broken_off(&panic),
                        });
                    }
                }
            }
        };
        fetching.abort();
        ended.unwrap_or_else(|error| Err(broken_off(&error)))
    }

    /// Writes progress and the newest checkpoint; learns of a cancel or a newer attempt.
    async fn report(
        &self,
        id: TaskId,
        attempt: u32,
        progress: &Progress,
        watch: &DeliveryWatch,
    ) -> Result<(), TransferError> {
        if self.job(id.job).await?.value.cancel_requested {
            return Err(TransferError::Cancelled);
        }
        let acknowledged = watch.acknowledged();
        let (mut counts, reached) = progress.with(|tidings| {
            let mut reached = None;
            let covers = |sequences: &[u64]| {
                sequences.iter().zip(&acknowledged.sequences).all(|(own, seen)| own <= seen)
            };
            while tidings.milestones.front().is_some_and(|milestone| covers(&milestone.sequences)) {
                reached = tidings.milestones.pop_front();
            }
            (tidings.counts.clone(), reached)
        });
        counts.sent = acknowledged.sequences.iter().sum();
        let lease = chrono::TimeDelta::from_std(self.settings.lease).unwrap_or(chrono::TimeDelta::hours(1));
        let mut fenced = false;
        update_task(&*self.store, id, |task| {
            fenced = task.attempt != attempt || task.state != TaskState::Running;
            if fenced {
                return false;
            }
            task.counts = counts.clone();
            task.lease_until = Some(now() + lease);
            if let (Some(milestone), Some(checkpoint)) = (&reached, &mut task.checkpoint) {
                checkpoint.row_groups = milestone.row_groups;
                checkpoint.counts.clone_from(&milestone.counts);
                checkpoint.sequences.clone_from(&milestone.sequences);
                for (known, end) in checkpoint.offsets.iter_mut().zip(&milestone.offsets) {
                    *known = (*known).max(*end);
                }
            }
            true
        })
        .await?;
        if fenced { Err(TransferError::Fenced) } else { Ok(()) }
    }

    /// The task's checkpoint. Before anything is sent it says where the topic ended when the first attempt began.
    async fn checkpoint_of(
        &self,
        task: &Task,
        job: &Job,
        partitions: i32,
    ) -> Result<Checkpoint, TransferError> {
        if let Some(checkpoint) = &task.checkpoint {
            return Ok(checkpoint.clone());
        }
        let offsets = self.kafka.topic_state(job.topic.as_str()).await?.ends();
        if offsets.len() != partitions as usize {
            return Err(broker::BrokerError::Partitions {
                topic: job.topic.to_string(),
                found: offsets.len(),
                planned: partitions as usize,
            }
            .into());
        }
        let sequences = vec![0; offsets.len()];
        let first = Checkpoint { row_groups: 0, counts: Counts::default(), sequences, offsets };
        let mut fenced = false;
        update_task(&*self.store, task.id, |row| {
            fenced = row.attempt != task.attempt;
            if !fenced {
                row.checkpoint = Some(first.clone());
            }
            !fenced
        })
        .await?;
        if fenced { Err(TransferError::Fenced) } else { Ok(first) }
    }

    /// What this task may still send under the job's limit: earlier nights come first.
    async fn allowance(&self, job: &Job, id: TaskId) -> Result<Option<u64>, TransferError> {
        let Some(limit) = job.request.alert_limit() else { return Ok(None) };
        let tasks = self.store.tasks(id.job).await?;
        let earlier = tasks.iter().filter(|task| task.value.id.index != id.index);
        let sent: u64 = earlier.map(|task| task.value.counts.sent).sum();
        Ok(Some(limit.saturating_sub(sent)))
    }

    /// Writes what came of the attempt, and goes on with the job.
    async fn settle(
        &self,
        id: TaskId,
        attempt: u32,
        result: Result<Counts, AttemptError>,
    ) -> Result<Outcome, TransferError> {
        let mut outcome = Outcome::Ended;
        let settings = self.settings.clone();
        let ended = update_task(&*self.store, id, |task| {
            outcome = Outcome::Ended;
            if task.attempt != attempt || task.state != TaskState::Running {
                return false;
            }
            task.ended = Some(now());
            if let Err(AttemptError { sent: Some(sent), .. }) = &result {
                task.counts.sent = *sent;
            }
            if result.as_ref().map_or_else(|failed| failed.drained, |_| true) {
                task.lease_until = None;
            }
            match result.as_ref().map_err(|failed| &*failed.error) {
                Ok(counts) => {
                    task.state = TaskState::Done;
                    task.counts = counts.clone();
                    task.failure = None;
                }
                Err(TransferError::Cancelled) => task.state = TaskState::Cancelled,
                // Attempts are counted over retries by the user too: each of those gives as many again.
                Err(error)
                    if error.kind().is_worth_retrying() && !attempt.is_multiple_of(settings.attempts) =>
                {
                    task.state = TaskState::Queued;
                    task.ended = None;
                    task.failure = Some(Failure::new(error.kind(), error.to_string()));
                    let doublings = (attempt % settings.attempts).min(6);
                    outcome = Outcome::Again { wait: settings.retry_wait * 2_u32.pow(doublings - 1) };
                }
                Err(error) => {
                    task.state = TaskState::Failed;
                    task.failure = Some(Failure::new(error.kind(), error.to_string()));
                }
            }
            true
        })
        .await?;
        let night = ended.value.night;
        if let Err(AttemptError { error, .. }) = &result {
            tracing::warn!(job = %id.job, %night, attempt, %error, "task attempt failed");
            let text = format!("night {night}: {error}");
            self.change_job(id.job, |job| {
                job.note(now(), text.clone());
                true
            })
            .await?;
        }
        if outcome == Outcome::Ended {
            self.task_ended(id).await?;
        }
        Ok(outcome)
    }

    /// Under a limit the next night follows; the last task ends the job.
    async fn task_ended(&self, id: TaskId) -> Result<(), TransferError> {
        let job = self.job(id.job).await?.value;
        if job.request.alert_limit().is_some() && !job.state.is_final() {
            let tasks = self.store.tasks(id.job).await?;
            let next = tasks.into_iter().map(|task| task.value).find(|task| task.state == TaskState::Queued);
            if let Some(next) = next {
                self.queue.send(&[Work::Task(next.id)]).await?;
            }
        }
        self.finish_if_complete(id.job).await
    }
}

enum Claim {
    Mine(Box<Task>),
    Ended,
    Busy(Duration),
}

/// Cutouts are gzip and do not shrink.
fn compression(content: &Content) -> Compression {
    match content {
        Content::Packet(Packet::Cutouts | Packet::Full) => Compression::None,
        Content::Packet(Packet::Light | Packet::Medium) => Compression::Lz4,
        Content::Fields(fields)
            if fields.iter().any(|field| field.to_ascii_lowercase().starts_with("cutout")) =>
        {
            Compression::None
        }
        Content::Fields(_) => Compression::Lz4,
    }
}

/// A pump that panicked left its producer to be dropped: what was under way may still arrive.
fn broken_off(error: &tokio::task::JoinError) -> AttemptError {
    let reason = if error.is_panic() { "it met data that it could not handle" } else { "it was ended" };
    AttemptError { error: Box::new(TransferError::Worker(reason.into())), drained: false, sent: None }
}

/// A task whose plan no longer fits: going on would mix two choices in one topic.
fn replanned(id: TaskId, reason: &str) -> TransferError {
    let path = format!("jobs/{}/plan.json", id.job);
    TransferError::Damaged { path, reason: format!("{reason}; submit the job again") }
}

impl Service {
    /// While the topic holds nothing of a task, it begins anew over its files as they are now: they may have been
    /// repaired meanwhile.
    async fn begin_anew(&self, task: &mut Task, checkpoint: Checkpoint) -> Result<Checkpoint, TransferError> {
        let files = self.same_files(task).await?;
        if files == task.files {
            return Ok(checkpoint);
        }
        let sequences = vec![0; checkpoint.sequences.len()];
        let anew =
            Checkpoint { row_groups: 0, counts: Counts::default(), sequences, offsets: checkpoint.offsets };
        let attempt = task.attempt;
        let written = update_task(&*self.store, task.id, |row| {
            let mine = row.attempt == attempt;
            if mine {
                row.files.clone_from(&files);
                row.checkpoint = Some(anew.clone());
            }
            mine
        })
        .await?;
        if written.value.attempt != attempt {
            return Err(TransferError::Fenced);
        }
        task.files = files;
        Ok(anew)
    }

    /// Looks again at a night that could not be opened at fan-out.
    async fn files_again(&self, task: &Task) -> Result<Vec<job::TaskFile>, TransferError> {
        let files = self.night_files(task.night).await?;
        let kept = files.clone();
        let attempt = task.attempt;
        let written = update_task(&*self.store, task.id, |row| {
            let mine = row.attempt == attempt;
            if mine {
                row.files.clone_from(&kept);
            }
            mine
        })
        .await;
        match written {
            Ok(row) if row.value.attempt == attempt => Ok(files),
            Ok(_) | Err(StoreError::Changed(_)) => Err(TransferError::Fenced),
            Err(error) => Err(error.into()),
        }
    }
}
