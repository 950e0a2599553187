//! A store whose calls are timed.

use async_trait::async_trait;
use job::{Job, JobId, Task, TaskId, TopicName, Usage, UsageId};
use std::{
    future::Future,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use store::{Embedded, Store, StoreError, Versioned};

/// What the calls came to.
#[derive(Debug, Default)]
pub struct Calls {
    number: AtomicU64,
    microseconds: AtomicU64,
    rows: AtomicU64,
}

impl Calls {
    /// From here on.
    pub fn reset(&self) {
        for count in [&self.number, &self.microseconds, &self.rows] {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// How many there were.
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// How long they took in all, from call to answer.
    pub fn seconds(&self) -> f64 {
        self.microseconds.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// Rows of tasks that were read in lists.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    async fn timed<T>(&self, call: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let answer = call.await;
        self.number.fetch_add(1, Ordering::Relaxed);
        self.microseconds.fetch_add(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
        answer
    }

    fn listed<T>(&self, rows: Result<Vec<T>, StoreError>) -> Result<Vec<T>, StoreError> {
        if let Ok(rows) = &rows {
            self.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
        }
        rows
    }
}

/// The store of the one-process stack, timed.
pub struct Counted {
    pub store: Embedded,
    pub calls: Arc<Calls>,
}

#[async_trait]
impl Store for Counted {
    async fn insert_job(&self, job: &Job) -> Result<Versioned<Job>, StoreError> {
        self.calls.timed(self.store.insert_job(job)).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Versioned<Job>>, StoreError> {
        self.calls.timed(self.store.job(id)).await
    }

    async fn job_of_topic(&self, topic: &TopicName) -> Result<Option<Versioned<Job>>, StoreError> {
        self.calls.timed(self.store.job_of_topic(topic)).await
    }

    async fn jobs(&self, at_most: usize) -> Result<Vec<Versioned<Job>>, StoreError> {
        self.calls.timed(self.store.jobs(at_most)).await
    }

    async fn replace_job(&self, job: Versioned<Job>) -> Result<Versioned<Job>, StoreError> {
        self.calls.timed(self.store.replace_job(job)).await
    }

    async fn insert_tasks(&self, tasks: &[Task]) -> Result<(), StoreError> {
        self.calls.timed(self.store.insert_tasks(tasks)).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<Versioned<Task>>, StoreError> {
        self.calls.timed(self.store.task(id)).await
    }

    async fn tasks(&self, job: JobId) -> Result<Vec<Versioned<Task>>, StoreError> {
        self.calls.listed(self.calls.timed(self.store.tasks(job)).await)
    }

    async fn tasks_in(&self, job: JobId, numbers: Range<u32>) -> Result<Vec<Versioned<Task>>, StoreError> {
        self.calls.listed(self.calls.timed(self.store.tasks_in(job, numbers)).await)
    }

    async fn replace_task(&self, task: Versioned<Task>) -> Result<Versioned<Task>, StoreError> {
        self.calls.timed(self.store.replace_task(task)).await
    }

    async fn usage(&self, id: &UsageId) -> Result<Versioned<Usage>, StoreError> {
        self.calls.timed(self.store.usage(id)).await
    }

    async fn replace_usage(
        &self,
        id: &UsageId,
        usage: Versioned<Usage>,
    ) -> Result<Versioned<Usage>, StoreError> {
        self.calls.timed(self.store.replace_usage(id, usage)).await
    }
}
