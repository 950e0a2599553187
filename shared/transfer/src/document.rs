//! What users are told of a job: the document they submitted, with what has become of it.

use crate::{Ledger, TransferError, service::now};
use chrono::{DateTime, Utc};
use job::{Counts, Failure, Job, JobId, JobRequest, JobState, LogLine, Night, Task, TaskState, TraceId};
use serde::{Deserialize, Serialize};

/// So many jobs are looked through for those of one user.
const NEWEST: usize = 1000;

/// A job as the API shows it. It can be submitted again as it is.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobDocument {
    /// The job's name.
    #[schema(value_type = String)]
    pub id: JobId,
    /// What was asked for.
    #[serde(flatten)]
    pub request: JobRequest,
    /// What has become of it.
    pub status: JobStatus,
}

/// What has become of a job.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobStatus {
    /// Queued, running, done, partial, failed or cancelled.
    pub state: JobState,
    /// The data topic; told as soon as it exists and its schema is in place.
    pub topic: Option<String>,
    /// The mark that every log line about it bears.
    #[serde(default)]
    #[schema(value_type = String)]
    pub trace: TraceId,
    /// The topic's partitions.
    pub partitions: i32,
    /// When it was submitted.
    pub created: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// When the topic's first alerts begin to expire.
    pub expires: DateTime<Utc>,
    /// The last alert has expired: the topic is gone.
    #[serde(default)]
    pub expired: bool,
    /// Alerts in the chosen nights.
    pub alerts: u64,
    /// The books of all nights.
    pub counts: Counts,
    /// Alerts looked at a second, since the first task began.
    pub alerts_per_second: Option<f64>,
    /// Estimated from the rate so far.
    pub seconds_left: Option<f64>,
    /// Each night.
    pub nights: Vec<NightStatus>,
    /// Chosen nights that the archive lacks.
    #[schema(value_type = Vec<String>)]
    pub empty_nights: Vec<Night>,
    /// What the user should know though it is no error.
    pub notes: Vec<String>,
    /// Why the job as a whole failed.
    pub failure: Option<Failure>,
    /// What happened, oldest first.
    pub log: Vec<LogLine>,
}

/// A night of a job (or a part of a large one).
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NightStatus {
    /// The night.
    #[schema(value_type = String)]
    pub night: Night,
    /// Which part of it.
    pub part: u32,
    /// What has become of it.
    pub state: TaskState,
    /// Alerts in it.
    pub alerts: u64,
    /// How often it was begun.
    pub attempts: u32,
    /// Its books.
    pub counts: Counts,
    /// Why it failed, or why it is tried again.
    pub failure: Option<Failure>,
}

/// A job in a list.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobSummary {
    /// The job's name.
    #[schema(value_type = String)]
    pub id: JobId,
    /// The user's name for it.
    pub name: Option<String>,
    /// What has become of it.
    pub state: JobState,
    /// Who submitted it.
    #[serde(default)]
    pub user: String,
    /// The data topic, as soon as it is ready.
    pub topic: Option<String>,
    /// When it was submitted.
    pub created: DateTime<Utc>,
    /// When the topic's first alerts begin to expire.
    pub expires: DateTime<Utc>,
    /// The last alert has expired: the topic is gone.
    #[serde(default)]
    pub expired: bool,
    /// The content.
    pub content: String,
    /// Alerts sent.
    pub sent: u64,
}

impl Ledger {
    /// A job as it stands.
    pub async fn document(&self, id: JobId) -> Result<JobDocument, TransferError> {
        let job = self.job(id).await?.value;
        let tasks: Vec<Task> = self.store.tasks(id).await?.into_iter().map(|task| task.value).collect();
        let expired = job.removed || self.is_expired(&job, now());
        Ok(document_of(job, &tasks, now(), expired))
    }

    /// The job that fills a topic, as it stands.
    pub async fn document_of_topic(&self, topic: &str) -> Result<JobDocument, TransferError> {
        let unknown = || TransferError::NoSuchTopic(topic.chars().take(100).collect());
        let name = topic.parse().map_err(|_| unknown())?;
        let job = self.store.job_of_topic(&name).await?.ok_or_else(unknown)?;
        self.document(job.value.id).await
    }

    /// The newest jobs, newest first; of one user only, if one is named, as far as they are among the newest thousand.
    pub async fn list(&self, at_most: usize, of: Option<&str>) -> Result<Vec<JobSummary>, TransferError> {
        let mut summaries = Vec::new();
        let newest = self.store.jobs(if of.is_some() { NEWEST } else { at_most }).await?;
        let wanted =
            newest.into_iter().map(|job| job.value).filter(|job| of.is_none_or(|user| job.user == user));
        for job in wanted.take(at_most) {
            let tasks = self.store.tasks(job.id).await?;
            summaries.push(JobSummary {
                id: job.id,
                name: job.request.name.clone(),
                state: job.state,
                topic: job.ready.then(|| job.topic.to_string()),
                user: job.user.clone(),
                created: job.created,
                expires: job.expires,
                expired: job.removed || self.is_expired(&job, now()),
                content: job.request.content.to_string(),
                sent: tasks.iter().map(|task| task.value.counts.sent).sum(),
            });
        }
        Ok(summaries)
    }
}

fn document_of(job: Job, tasks: &[Task], moment: DateTime<Utc>, expired: bool) -> JobDocument {
    let mut counts = Counts::default();
    for task in tasks {
        counts.add(&task.counts);
    }
    let nights: Vec<NightStatus> = tasks.iter().map(night_status).collect();
    let alerts = nights.iter().map(|night| night.alerts).sum();
    let started = tasks.iter().filter_map(|task| task.started).min();
    let until = job.ended.unwrap_or(moment);
    let seconds = started.map(|started| (until - started).as_seconds_f64()).filter(|seconds| *seconds > 0.0);
    let rate = seconds.filter(|_| counts.read > 0).map(|seconds| counts.read as f64 / seconds);
    let open = tasks.iter().filter(|task| !task.state.is_final());
    let unread: u64 = open.map(|task| task.rows().saturating_sub(task.counts.read)).sum();
    let seconds_left = rate.filter(|_| !job.state.is_final()).map(|rate| unread as f64 / rate);
    let partitions = job.request.topic_partitions();
    JobDocument {
        id: job.id,
        request: job.request,
        status: JobStatus {
            state: job.state,
            topic: job.ready.then(|| job.topic.to_string()),
            trace: job.trace,
            partitions,
            created: job.created,
            ended: job.ended,
            expires: job.expires,
            expired,
            alerts,
            counts,
            alerts_per_second: rate,
            seconds_left,
            nights,
            empty_nights: job.empty_nights,
            notes: job.notes,
            failure: job.failure,
            log: job.log,
        },
    }
}

fn night_status(task: &Task) -> NightStatus {
    NightStatus {
        night: task.night,
        part: task.part,
        state: task.state,
        alerts: task.rows(),
        attempts: task.attempt,
        counts: task.counts.clone(),
        failure: task.failure.clone(),
    }
}
