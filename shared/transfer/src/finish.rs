//! The end of a job: its state follows from its tasks, and the receipt says what is where.

use crate::{Ledger, NightReceipt, Plan, Receipt, Service, TransferError, service::now};
use job::{
    Amount, Arrived, Counts, Failure, Job, JobId, JobState, PartitionSpan, Task, TaskState, Took, UsageId,
};
use std::collections::BTreeMap;
use store::update_usage;

impl Service {
    /// Ends the job when its last task has ended. Whoever comes first does it; others find it done.
    pub(crate) async fn finish_if_complete(&self, id: JobId) -> Result<(), TransferError> {
        let job = self.job(id).await?.value;
        self.finish_seen(&job).await
    }

    /// The same for a job that was read after its last task had ended.
    pub(crate) async fn finish_seen(&self, job: &Job) -> Result<(), TransferError> {
        match self.finish(job).await {
            Err(error) if !error.kind().is_worth_retrying() => self.fail_job(job.id, &error).await,
            other => other,
        }
    }

    async fn finish(&self, job: &Job) -> Result<(), TransferError> {
        let id = job.id;
        if job.state != JobState::Running || !job.ready {
            return Ok(());
        }
        if self.has_open_task(job).await? {
            return Ok(());
        }
        let tasks: Vec<Task> = self.store.tasks(id).await?.into_iter().map(|task| task.value).collect();
        if tasks.len() < job.tasks as usize {
            return Ok(());
        }
        let Some(state) = JobState::of_tasks(tasks.iter().map(|task| task.state)) else { return Ok(()) };
        // What an attempt left on its way may still arrive: its message comes back when it no longer can.
        if tasks.iter().any(|task| task.lease_until.is_some_and(|until| until > now())) {
            return Ok(());
        }
        let receipt = self.receipt_of(job, state, &tasks).await?;
        receipt.check().map_err(TransferError::Books)?;
        self.write_json(id, "receipt.json", &receipt).await?;
        self.count_usage(job, &receipt).await?;
        let summary = summary(state, &receipt.total);
        let retries = job.retries;
        let took = job.request.pace.is_free().then(|| Took::of(job.created, &tasks)).flatten();
        self.change_job(id, |job| {
            // Not one that was opened again while its books were closed here.
            let ends = job.state == JobState::Running && job.retries == retries;
            if ends {
                job.state = state;
                job.ended = Some(now());
                job.took = took;
                job.note(now(), summary.clone());
            }
            ends
        })
        .await?;
        tracing::info!(parent: None, job = %id, trace = %job.trace, %state, sent = receipt.total.sent, "job ended");
        Ok(())
    }

    async fn receipt_of(&self, job: &Job, state: JobState, tasks: &[Task]) -> Result<Receipt, TransferError> {
        let plan: Plan = self.read_json(job.id, "plan.json").await?;
        let messages = self.messages_of(job, tasks).await?;
        let topic = self.kafka.topic_state(job.topic.as_str()).await?;
        let none = vec![0; topic.offsets.len()];
        let in_topic = |task: &Task| messages.get(&task.id.index).unwrap_or(&none).clone();
        let nights: Vec<NightReceipt> =
            tasks.iter().map(|task| NightReceipt::of(task, in_topic(task))).collect();
        let mut total = Counts::default();
        for night in &nights {
            total.add(&night.counts);
        }
        let spans = topic.offsets.iter().enumerate();
        Ok(Receipt {
            id: job.id,
            state,
            topic: job.topic.to_string(),
            schema_fingerprint: Some(plan.fingerprint),
            written: now(),
            total,
            nights,
            partitions: spans
                .map(|(partition, (start, end))| PartitionSpan {
                    partition: partition as i32,
                    start: *start,
                    end: *end,
                    count: (end - start).unsigned_abs(),
                })
                .collect(),
            failure: None,
        })
    }

    /// Each task's messages in each partition: as a task that is done found them, and for all others as the topic itself
    /// has them.
    async fn messages_of(&self, job: &Job, tasks: &[Task]) -> Result<BTreeMap<u32, Vec<u64>>, TransferError> {
        let mut messages = BTreeMap::new();
        let mut unfinished = BTreeMap::new();
        let mut from: Vec<i64> = Vec::new();
        for task in tasks {
            let Some(checkpoint) = &task.checkpoint else { continue };
            if task.state == TaskState::Done {
                messages.insert(task.id.index, checkpoint.sequences.clone());
                continue;
            }
            unfinished.insert(task.id.index, Arrived::known(checkpoint.sequences.clone()));
            from.resize(from.len().max(checkpoint.offsets.len()), i64::MAX);
            for (earliest, offset) in from.iter_mut().zip(&checkpoint.offsets) {
                *earliest = (*earliest).min(*offset);
            }
        }
        if !unfinished.is_empty() {
            for (task, arrived) in self.kafka.arrived(&job.topic, unfinished, from).await? {
                messages.insert(task, arrived.into_counts());
            }
        }
        Ok(messages)
    }
}

impl Ledger {
    /// Ends a job that cannot be done at all.
    pub async fn fail_job(&self, id: JobId, error: &TransferError) -> Result<(), TransferError> {
        let failure = Failure::new(error.kind(), error.to_string());
        let before = self.job(id).await?.value;
        if !before.ready && !before.state.is_final() {
            // Nothing was sent; books that do not add up, in contrast, get no receipt.
            let receipt = Receipt {
                id,
                state: JobState::Failed,
                topic: before.topic.to_string(),
                schema_fingerprint: None,
                written: now(),
                total: Counts::default(),
                nights: Vec::new(),
                partitions: Vec::new(),
                failure: Some(failure.clone()),
            };
            self.write_json(id, "receipt.json", &receipt).await?;
            self.count_usage(&before, &receipt).await?;
        }
        self.change_job(id, |job| {
            if job.state.is_final() {
                return false;
            }
            job.state = JobState::Failed;
            job.ended = Some(now());
            job.failure = Some(failure.clone());
            job.note(now(), format!("failed: {}", failure.reason));
            true
        })
        .await?;
        Ok(())
    }

    /// The receipt of a job that has ended.
    pub async fn receipt(&self, id: JobId) -> Result<Receipt, TransferError> {
        let job = self.job(id).await?.value;
        if !job.state.is_final() {
            return Err(TransferError::NotNow(format!(
                "the job is {}; its receipt is written when it ends",
                job.state
            )));
        }
        let none = || {
            let reason =
                job.failure.as_ref().map_or("it was stopped before it began", |failure| &failure.reason);
            TransferError::NotNow(format!("the job is {} and has no receipt: {reason}", job.state))
        };
        match self.read_json::<Receipt>(id, "receipt.json").await {
            Ok(receipt) if receipt.state == job.state => Ok(receipt),
            // Of an earlier end, before a retry.
            Ok(_) => Err(none()),
            Err(TransferError::Bucket { source: object_store::Error::NotFound { .. }, .. }) => Err(none()),
            Err(error) => Err(error),
        }
    }

    /// What the job came to replaces what it was estimated to.
    async fn count_usage(&self, job: &Job, receipt: &Receipt) -> Result<(), TransferError> {
        if self.settings.limits.is_free() {
            return Ok(());
        }
        let mut nights: Vec<_> =
            receipt.nights.iter().filter(|night| night.counts.read > 0).map(|night| night.night).collect();
        nights.dedup();
        let total = &receipt.total;
        let amount = Amount { nights: nights.len() as u64, alerts: total.sent, bytes: total.bytes_sent };
        let id = UsageId { user: job.user.clone(), day: job.created.date_naive() };
        let change = |usage: &mut job::Usage| usage.jobs.insert(job.id, amount) != Some(amount);
        update_usage(&*self.store, &id, change).await?;
        Ok(())
    }
}

fn summary(state: JobState, total: &Counts) -> String {
    match (state, total.sent) {
        (JobState::Done, 0) => format!("done: none of {} alerts passed; the topic is empty", total.read),
        (JobState::Done, sent) => format!("done: {sent} of {} alerts are in the topic", total.read),
        // What was broken off is counted as read by whole row groups only.
        (_, sent) => format!("{state}: {sent} alerts are in the topic"),
    }
}
