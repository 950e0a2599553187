//! The end of a job: its state follows from its tasks, and the receipt says what is where.

use crate::{Plan, Service, TransferError, service::now};
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
    /// A short mark of the topic's schema.
    pub schema_fingerprint: String,
    /// When it was written.
    pub written: DateTime<Utc>,
    /// The books of all nights together.
    pub total: Counts,
    /// The books of each task.
    pub nights: Vec<NightReceipt>,
    /// First and end offset of each partition.
    pub partitions: Vec<PartitionSpan>,
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
    /// Its books.
    pub counts: Counts,
    /// The files that were read.
    pub files: Vec<TaskFile>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Service {
    /// Ends the job when its last task has ended. Whoever comes first does it; others find it done.
    pub(crate) async fn finish_if_complete(&self, id: JobId) -> Result<(), TransferError> {
        match self.finish(id).await {
            Err(error) if !error.kind().is_worth_retrying() => self.fail_job(id, &error).await,
            other => other,
        }
    }

    async fn finish(&self, id: JobId) -> Result<(), TransferError> {
        let job = self.job(id).await?.value;
        if job.state != JobState::Running || !job.ready {
            return Ok(());
        }
        let tasks: Vec<Task> = self.store.tasks(id).await?.into_iter().map(|task| task.value).collect();
        if tasks.len() < job.tasks as usize {
            return Ok(());
        }
        let Some(state) = JobState::of_tasks(tasks.iter().map(|task| task.state)) else { return Ok(()) };
        let receipt = self.receipt_of(id, state, &tasks).await?;
        self.write_json(id, "receipt.json", &receipt).await?;
        let summary = summary(state, &receipt.total);
        self.change_job(id, |job| {
            let ends = job.state == JobState::Running;
            if ends {
                job.state = state;
                job.ended = Some(now());
                job.note(now(), summary.clone());
            }
            ends
        })
        .await?;
        tracing::info!(job = %id, %state, sent = receipt.total.sent, "job ended");
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
        self.read_json(id, "receipt.json").await
    }

    async fn receipt_of(&self, id: JobId, state: JobState, tasks: &[Task]) -> Result<Receipt, TransferError> {
        let job = self.job(id).await?.value;
        let plan: Plan = self.read_json(id, "plan.json").await?;
        let topic = self.kafka.topic_state(job.topic.as_str()).await?;
        let mut total = Counts::default();
        for task in tasks {
            total.add(&task.counts);
        }
        // Only when every night is done do we know what the topic must hold; then it must hold exactly that.
        if state == JobState::Done
            && (!total.adds_up() || total.kept != total.sent || topic.messages() != total.sent)
        {
            let held = topic.messages();
            return Err(TransferError::Books(format!(
                "kept {}, sent {}, the topic holds {held}",
                total.kept, total.sent
            )));
        }
        let spans = topic.offsets.iter().enumerate();
        Ok(Receipt {
            id,
            state,
            topic: job.topic.to_string(),
            schema_fingerprint: plan.fingerprint,
            written: now(),
            total,
            nights: tasks.iter().map(night_receipt).collect(),
            partitions: spans
                .map(|(partition, (start, end))| PartitionSpan {
                    partition: partition as i32,
                    start: *start,
                    end: *end,
                })
                .collect(),
        })
    }
}

fn night_receipt(task: &Task) -> NightReceipt {
    NightReceipt {
        night: task.night,
        part: task.part,
        state: task.state,
        counts: task.counts.clone(),
        files: task.files.clone(),
        failure: task.failure.clone(),
    }
}

fn summary(state: JobState, total: &Counts) -> String {
    match (state, total.sent) {
        (JobState::Done, 0) => format!("done: none of {} alerts passed; the topic is empty", total.read),
        _ => format!("{state}: {} of {} alerts are in the topic", total.sent, total.read),
    }
}
