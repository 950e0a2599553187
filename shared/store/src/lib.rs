//! Where jobs and tasks are kept, and the queue that hands out work.
//!
//! [`Store`] guarantees one thing: a row is only ever replaced by someone who has seen its latest version. A worker
//! that was fenced by a newer attempt, a retry that races a cancel, a handler that runs twice: each finds
//! [`StoreError::Changed`], looks again and decides anew ([`update_job`], [`update_task`]).
//!
//! Backends: [`Embedded`], a database file for one process; those of AWS are in `cloud`. Every backend passes
//! [`conformance`].
//!
//! What it leaves to others: which transition is allowed when (`transfer`), and what the rows mean (`job`).

pub mod conformance;
mod embedded;
mod error;
mod queue;
mod update;

pub use embedded::Embedded;
pub use error::StoreError;
pub use queue::{DeadLetter, InProcessQueue, ManifestStarts, Queue, Work};
pub use update::{update_job, update_seen_task, update_task, update_usage};

use async_trait::async_trait;
use job::{Job, JobId, Task, TaskId, TopicName, Usage, UsageId};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A row and the version that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versioned<T> {
    /// The row.
    pub value: T,
    /// Grows by one with every change.
    pub version: u64,
}

/// Jobs and their tasks.
#[async_trait]
pub trait Store: Send + Sync {
    /// Keeps a new job. [`StoreError::Exists`] if its id is taken.
    async fn insert_job(&self, job: &Job) -> Result<Versioned<Job>, StoreError>;
    /// A job, if there is one of this name.
    async fn job(&self, id: JobId) -> Result<Option<Versioned<Job>>, StoreError>;
    /// The job that fills this topic, if there is one.
    async fn job_of_topic(&self, topic: &TopicName) -> Result<Option<Versioned<Job>>, StoreError>;
    /// The newest jobs, newest first.
    async fn jobs(&self, at_most: usize) -> Result<Vec<Versioned<Job>>, StoreError>;
    /// Replaces a job if nobody changed it since it was read; else [`StoreError::Changed`].
    async fn replace_job(&self, job: Versioned<Job>) -> Result<Versioned<Job>, StoreError>;
    /// Keeps new tasks; tasks that exist already are left as they are, so that fan-out may run twice. When it returns,
    /// all are kept; one that is broken off may have kept some, and whoever goes on hands in the same tasks again.
    async fn insert_tasks(&self, tasks: &[Task]) -> Result<(), StoreError>;
    /// A task, if there is one of this name.
    async fn task(&self, id: TaskId) -> Result<Option<Versioned<Task>>, StoreError>;
    /// The tasks of a job in order of their numbers.
    async fn tasks(&self, job: JobId) -> Result<Vec<Versioned<Task>>, StoreError>;
    /// Those whose numbers are in this range, in order of them; numbers that no task has are passed over.
    async fn tasks_in(&self, job: JobId, numbers: Range<u32>) -> Result<Vec<Versioned<Task>>, StoreError>;
    /// Replaces a task if nobody changed it since it was read; else [`StoreError::Changed`].
    async fn replace_task(&self, task: Versioned<Task>) -> Result<Versioned<Task>, StoreError>;
    /// What a user has asked for in a day; version 0 is nothing so far.
    async fn usage(&self, id: &UsageId) -> Result<Versioned<Usage>, StoreError>;
    /// Replaces it if nobody changed it since it was read; else [`StoreError::Changed`].
    async fn replace_usage(
        &self,
        id: &UsageId,
        usage: Versioned<Usage>,
    ) -> Result<Versioned<Usage>, StoreError>;
}
