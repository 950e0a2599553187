//! A job and its tasks, as they are kept.

use crate::{
    Caller, Counts, ErrorKind, JobId, JobRequest, JobState, Night, Setbacks, TaskState, Took, TopicName,
    TraceId,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most lines that a job's log keeps; the oldest go first.
const MAX_LOG_LINES: usize = 500;

/// Everything that is known of a job but its tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What was asked for.
    pub request: JobRequest,
    /// Who asked for it.
    #[serde(default = "somebody")]
    pub user: String,
    /// The mark by which the logs of everyone who has worked on it are found.
    #[serde(default)]
    pub trace: TraceId,
    /// What has become of it.
    pub state: JobState,
    /// Its data topic. Told to users only when `ready`.
    pub topic: TopicName,
    /// Both topics exist and the schema is in place.
    pub ready: bool,
    /// The number of tasks, known after fan-out.
    pub tasks: u32,
    /// Chosen nights for which the archive has nothing.
    pub empty_nights: Vec<Night>,
    /// What the user should know though it is no error, such as a field that some nights lack.
    pub notes: Vec<String>,
    /// The user asked to stop.
    pub cancel_requested: bool,
    /// How often it was opened again.
    #[serde(default)]
    pub retries: u32,
    /// Why the job as a whole failed.
    pub failure: Option<Failure>,
    /// When it was submitted.
    pub created: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// When the topic's first alerts begin to expire.
    pub expires: DateTime<Utc>,
    /// The topics were deleted, as they had expired.
    #[serde(default)]
    pub removed: bool,
    /// How long it took, once it has ended smoothly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Took>,
    /// What happened, oldest first.
    pub log: Vec<LogLine>,
}

/// The user where nobody says who they are: a laptop.
pub const SOMEBODY: &str = "anonymous";

fn somebody() -> String {
    SOMEBODY.into()
}

impl Job {
    /// A job that has just been submitted.
    pub fn new(
        id: JobId,
        request: JobRequest,
        caller: &Caller,
        topic: TopicName,
        created: DateTime<Utc>,
        expires: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            request,
            user: caller.user.clone(),
            trace: caller.trace.clone(),
            state: JobState::Queued,
            topic,
            ready: false,
            tasks: 0,
            empty_nights: Vec::new(),
            notes: Vec::new(),
            cancel_requested: false,
            retries: 0,
            failure: None,
            created,
            ended: None,
            expires,
            removed: false,
            took: None,
            log: Vec::new(),
        }
    }

    /// Adds a line to the job's log.
    pub fn note(&mut self, moment: DateTime<Utc>, text: impl Into<String>) {
        self.log.push(LogLine { time: moment, text: text.into() });
        let surplus = self.log.len().saturating_sub(MAX_LOG_LINES);
        self.log.drain(..surplus);
    }
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogLine {
    /// When.
    pub time: DateTime<Utc>,
    /// What.
    pub text: String,
}

/// Why something failed, as told to the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Failure {
    /// What happened and where.
    pub reason: String,
    /// Whether trying again can help.
    pub worth_retrying: bool,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), worth_retrying: kind.is_worth_retrying() }
    }
}

/// The name of a task: its job and its number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The job.
    pub job: JobId,
    /// The task's number in the job, from 0 in order of nights and parts.
    pub index: u32,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.job, self.index)
    }
}

/// One unit of work: a night, or a part of a large one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub id: TaskId,
    /// The night.
    pub night: Night,
    /// Which part of the night, from 0.
    pub part: u32,
    /// The files to read, in the order in which their alerts are sent.
    pub files: Vec<TaskFile>,
    /// What has become of it.
    pub state: TaskState,
    /// How often it was begun. A worker may write only while this is still its own number: that fences an older twin.
    pub attempt: u32,
    /// Until when the current attempt is taken to be alive.
    pub lease_until: Option<DateTime<Utc>>,
    /// Its books.
    pub counts: Counts,
    /// From where a new attempt goes on.
    pub checkpoint: Option<Checkpoint>,
    /// Why it failed, or why it is tried again.
    pub failure: Option<Failure>,
    /// What went wrong since it last got on.
    #[serde(default)]
    pub setbacks: Setbacks,
    /// When its first attempt began.
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
}

impl Task {
    /// A task that waits for its first attempt.
    pub fn new(id: TaskId, night: Night, part: u32, files: Vec<TaskFile>) -> Self {
        Self {
            id,
            night,
            part,
            files,
            state: TaskState::Queued,
            attempt: 0,
            lease_until: None,
            counts: Counts::default(),
            checkpoint: None,
            failure: None,
            setbacks: Setbacks::default(),
            started: None,
            ended: None,
        }
    }

    /// Alerts in its files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Row groups in its files.
    pub fn row_groups(&self) -> u32 {
        self.files.iter().map(|file| file.row_groups).sum()
    }
}

/// A file of the archive as it was at fan-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskFile {
    /// Its path under the archive's root.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its version, where the storage knows one. A file that changed since fan-out is an error.
    pub etag: Option<String>,
    /// Alerts in it.
    pub rows: u64,
    /// Row groups in it.
    pub row_groups: u32,
}

/// From where a new attempt goes on: everything before is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Row groups of the task (counted over its files) that are done.
    pub row_groups: u32,
    /// The task's books up to there.
    pub counts: Counts,
    /// For each partition: how many of the task's messages it holds from those row groups.
    pub sequences: Vec<u64>,
    /// For each partition: an offset at or before which all those messages lie; the tail is read from here.
    pub offsets: Vec<i64>,
}
