//! What an attempt does while it holds its task: prepare, pump, and keep the lease.

use crate::{
    Service, TransferError,
    ahead::Ahead,
    early::{Begun, Planned},
    pace::Pacer,
    progress::Progress,
    pump::{Pump, Start},
    run_task::{Claimed, Delivered},
    service::now,
};
use broker::Compression;
use job::{Arrived, Checkpoint, Content, Counts, Fenced, Job, Packet, Task, TaskFile, TaskId};
use std::{collections::BTreeMap, future::Future, time::Duration};
use store::{Versioned, update_seen_task};
use tokio::time::Instant;

/// A broker that answers has long handled what an older attempt had left in its sockets once this has passed.
const BACKLOG: Duration = Duration::from_secs(1);

/// Why an attempt ended early.
#[derive(Debug)]
pub(crate) struct AttemptError {
    pub error: Box<TransferError>,
    /// Nothing of the attempt can arrive any more.
    pub drained: bool,
    /// Messages of the task that the topic holds, as far as is known.
    pub sent: Option<u64>,
}

impl<E: Into<TransferError>> From<E> for AttemptError {
    fn from(error: E) -> Self {
        Self { error: Box::new(error.into()), drained: true, sent: None }
    }
}

/// Until when a worker may work, if its time is limited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until(pub Option<Instant>);

impl Until {
    async fn passed(self) {
        match self.0 {
            Some(moment) => tokio::time::sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }
}

/// A pump, and what it is to work through.
struct Prepared {
    pump: Pump,
    ahead: Ahead,
}

impl Service {
    /// Sees an attempt through. The lease is renewed all the while; an attempt that cannot renew it ends.
    pub(crate) async fn attempt(
        &self,
        job: &Job,
        claimed: Claimed,
        progress: Progress,
        until: Until,
    ) -> Result<Delivered, AttemptError> {
        let (id, attempt) = (claimed.row.value.id, claimed.row.value.attempt);
        let prepared = {
            let preparing = self.prepare(job, claimed, progress.clone());
            tokio::pin!(preparing);
            // Nothing is sent while it prepares: it may be dropped at any time.
            self.holding(id, attempt, &progress, until, &mut preparing).await.map_err(|lost| lost.error)??
        };
        let Prepared { pump, ahead } = prepared;
        let fetching = ahead.fetching();
        let mut pumping = tokio::task::spawn_blocking(move || pump.run(ahead));
        let ended = match self.holding(id, attempt, &progress, until, &mut pumping).await {
            Ok(ended) => ended.unwrap_or_else(|error| Err(broken_off(&error))),
            Err(lost) => {
                // Whatever it was, this attempt may no longer send: it ends.
                progress.stop();
                // It may wait for a store that hangs.
                fetching.abort();
                match (&mut pumping).await {
                    Ok(Err(stopped)) => Err(AttemptError { error: Box::new(lost.error), ..stopped }),
                    // It came to its end meanwhile.
                    Ok(Ok(delivered)) => Ok(delivered),
                    Err(panic) => Err(broken_off(&panic)),
                }
            }
        };
        // For the next task, or the next attempt: a worker that handed over may well be the one that goes on.
        self.kafka.make_ready(compression(&job.request.content));
        ended
    }

    /// Waits for `work` and keeps the task meanwhile.
    async fn holding<F: Future + Unpin>(
        &self,
        id: TaskId,
        attempt: u32,
        progress: &Progress,
        until: Until,
        mut work: F,
    ) -> Result<F::Output, Lost> {
        loop {
            tokio::select! {
                ended = &mut work => return Ok(ended),
                () = until.passed() => return Err(Lost { error: TransferError::OutOfTime }),
                () = tokio::time::sleep(self.settings.progress_interval) => {
                    let report = self.report(id, attempt, progress);
                    // A store that hangs is as good as none.
                    let patience = self.settings.attempts.lease.to_std().unwrap_or_default() / 4;
                    match tokio::time::timeout(patience, report).await {
                        Ok(Ok(())) => {}
                        // The lease runs on: a store that stumbles is asked again while there is time.
                        Ok(Err(error)) if error.kind().is_worth_retrying() && !error.ends_attempt()
                            && progress.may_send() => {}
                        Err(_) if progress.may_send() => {}
                        Ok(Err(error)) => return Err(Lost { error }),
                        Err(_) => return Err(Lost { error: TransferError::Fenced }),
                    }
                }
            }
        }
    }

    /// Writes progress and the newest checkpoint; learns of a cancel or a newer attempt.
    async fn report(&self, id: TaskId, attempt: u32, progress: &Progress) -> Result<(), TransferError> {
        let job = self.job(id.job).await?.value;
        if job.cancel_requested || job.state.is_final() {
            return Err(TransferError::Cancelled);
        }
        let acknowledged = progress.acknowledged();
        let (mut counts, reached) = progress.with(|tidings| {
            let reached = acknowledged.as_ref().and_then(|seen| tidings.milestones.reach(&seen.sequences));
            (tidings.counts.clone(), reached)
        });
        if let Some(acknowledged) = &acknowledged {
            counts.sent = acknowledged.sequences.iter().sum();
        }
        let mut renewed = Err(Fenced);
        let moment = now();
        self.change_held(progress, |task| {
            renewed = task.renew(attempt, moment, &self.settings.attempts, counts.clone(), reached.as_ref());
            renewed.is_ok()
        })
        .await?;
        renewed.map_err(|Fenced| TransferError::Fenced)?;
        progress.renewed(moment, &self.settings.attempts);
        self.keep_sample(id, progress).await;
        Ok(())
    }

    /// Finds where to go on, and readies everything for it. Sends nothing.
    async fn prepare(
        &self,
        job: &Job,
        claimed: Claimed,
        progress: Progress,
    ) -> Result<Prepared, AttemptError> {
        let Claimed { row: Versioned { value: mut task, .. }, begins, early } = claimed;
        let id = task.id;
        let begun = match early {
            Some(early) => early.take().await,
            None => None,
        };
        let (planned, fetched) = match begun {
            Some(Ok(Begun { planned, fetched })) => (planned, Some(fetched)),
            // What failed may come through now; if it does not, the attempt fails by it.
            _ => (Planned::of(self, job).await?, None),
        };
        let Planned { plan, content } = planned;
        if task.files.is_empty() {
            task.files = self.files_again(&task, &progress).await?;
        }
        if packet::avro_schema(&content.layout)? != plan.avro_schema {
            return Err(replanned(id, "its schema is not what this version of nightferry makes of it").into());
        }
        if plan.tns != self.tns.fingerprint() {
            return Err(replanned(id, "the TNS table was changed while the job was under way").into());
        }
        let begun_before = task.checkpoint.is_some() && !begins;
        let mut checkpoint = self.checkpoint_of(&task, job, &progress).await?;
        let mut arrived = Arrived::known(checkpoint.sequences.clone());
        if begun_before {
            arrived = self.arrived_of(job, id, &checkpoint).await?;
            if arrived.is_empty() {
                checkpoint = self.begin_anew(&mut task, checkpoint, &progress).await?;
            }
        }
        let publisher = self.kafka.publisher(
            &job.topic,
            id.index,
            arrived.counts(),
            compression(&job.request.content),
        )?;
        let first = checkpoint.row_groups;
        let ahead = fetched.and_then(|fetched| fetched.take(&task.files, first)).unwrap_or_else(|| {
            Ahead::of(self.archive.clone(), task.files.clone(), content.scan.clone(), first)
        });
        let start = Start {
            night: task.night,
            checkpoint,
            arrived: arrived.into_counts(),
            allowance: self.allowance(job, id).await?,
            planned_row_groups: task.row_groups(),
            planned_rows: task.rows(),
            pacer: Pacer::of(&job.request),
        };
        progress.watch(publisher.watch());
        let pump = Pump::new(content, self.tns.clone(), publisher, start, progress)?;
        Ok(Prepared { pump, ahead })
    }

    /// What the topic holds of the task. The lease of every older attempt is over: what it handed to its producer has
    /// arrived, or lies in a socket that the broker reads before it answers us twice.
    async fn arrived_of(
        &self,
        job: &Job,
        id: TaskId,
        checkpoint: &Checkpoint,
    ) -> Result<Arrived, TransferError> {
        if self.settings.foreign_attempts {
            self.kafka.topic_state(job.topic.as_str()).await?;
            tokio::time::sleep(BACKLOG).await;
        }
        let known = Arrived::known(checkpoint.sequences.clone());
        let tasks = BTreeMap::from([(id.index, known)]);
        let mut found = self.kafka.arrived(&job.topic, tasks, checkpoint.offsets.clone()).await?;
        let gone = || TransferError::Books(format!("task {id} was not looked for"));
        found.remove(&id.index).ok_or_else(gone)
    }

    /// The task's checkpoint. Before anything is sent it says where the topic ended when the first attempt began.
    async fn checkpoint_of(
        &self,
        task: &Task,
        job: &Job,
        progress: &Progress,
    ) -> Result<Checkpoint, TransferError> {
        if let Some(checkpoint) = &task.checkpoint {
            return Ok(checkpoint.clone());
        }
        let first = self.first_checkpoint(job).await?;
        self.begin(progress, |row| row.begin(task.attempt, first.clone())).await?;
        Ok(first)
    }

    /// The checkpoint of a task of which nothing was sent: where the topic ends now.
    pub(crate) async fn first_checkpoint(&self, job: &Job) -> Result<Checkpoint, TransferError> {
        let offsets = self.kafka.topic_state(job.topic.as_str()).await?.ends();
        let planned = job.request.topic_partitions() as usize;
        if offsets.len() != planned {
            let (topic, found) = (job.topic.to_string(), offsets.len());
            return Err(broker::BrokerError::Partitions { topic, found, planned }.into());
        }
        let sequences = vec![0; offsets.len()];
        Ok(Checkpoint { row_groups: 0, counts: Counts::default(), sequences, offsets })
    }

    /// While the topic holds nothing of a task, it begins anew over its files as they are now: they may have been
    /// repaired meanwhile.
    async fn begin_anew(
        &self,
        task: &mut Task,
        checkpoint: Checkpoint,
        progress: &Progress,
    ) -> Result<Checkpoint, TransferError> {
        let files = self.same_files(task).await?;
        if files == task.files {
            return Ok(checkpoint);
        }
        let sequences = vec![0; checkpoint.sequences.len()];
        let anew =
            Checkpoint { row_groups: 0, counts: Counts::default(), sequences, offsets: checkpoint.offsets };
        let attempt = task.attempt;
        self.begin(progress, |row| {
            row.files.clone_from(&files);
            row.begin(attempt, anew.clone())
        })
        .await?;
        task.files = files;
        Ok(anew)
    }

    /// Looks again at a night that could not be opened at fan-out.
    async fn files_again(&self, task: &Task, progress: &Progress) -> Result<Vec<TaskFile>, TransferError> {
        let files = self.night_files(task.night).await?;
        self.begin(progress, |row| {
            row.files.clone_from(&files);
            if row.is_held_by(task.attempt) { Ok(()) } else { Err(Fenced) }
        })
        .await?;
        Ok(files)
    }

    /// Changes the row of a task that this attempt holds.
    async fn begin(
        &self,
        progress: &Progress,
        mut change: impl FnMut(&mut Task) -> Result<(), Fenced> + Send,
    ) -> Result<(), TransferError> {
        let mut held = Err(Fenced);
        self.change_held(progress, |row| {
            held = change(row);
            held.is_ok()
        })
        .await?;
        held.map_err(|Fenced| TransferError::Fenced)
    }

    /// Changes the row of the task at work. It is as this attempt wrote it last, unless another has taken the task.
    pub(crate) async fn change_held(
        &self,
        progress: &Progress,
        change: impl FnMut(&mut Task) -> bool + Send,
    ) -> Result<Task, TransferError> {
        let Some(seen) = progress.row() else {
            return Err(TransferError::Worker("a scan without a task has nothing to write".into()));
        };
        let row = update_seen_task(&*self.store, seen, change).await?;
        progress.wrote(row.clone());
        Ok(row.value)
    }

    /// What this task may still send under the job's limit: earlier nights come first.
    async fn allowance(&self, job: &Job, id: TaskId) -> Result<Option<u64>, TransferError> {
        let Some(limit) = job.request.alert_limit() else { return Ok(None) };
        let sent = self.sent_by_others(job, id).await?;
        Ok(Some(limit.saturating_sub(sent)))
    }
}

/// The attempt no longer holds its task.
struct Lost {
    error: TransferError,
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
