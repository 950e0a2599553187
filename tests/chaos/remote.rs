//! The ledger as a worker sees it.

use crate::ledger::{Call, Fault, Handed};
use async_trait::async_trait;
use job::{Job, JobId, Task, TaskId, TopicName, Usage, UsageId};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{ops::Range, time::Duration};
use store::{Queue, Store, StoreError, Versioned, Work};

/// A client of the ledger.
#[derive(Clone)]
pub struct Remote {
    url: String,
    http: reqwest::Client,
}

impl Remote {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), http: reqwest::Client::new() }
    }

    async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, StoreError> {
        let failed = |error: reqwest::Error| StoreError::Database(error.to_string());
        let request = self.http.post(&self.url).timeout(Duration::from_secs(10)).json(&call);
        let reply: Result<Value, Fault> =
            request.send().await.map_err(failed)?.json().await.map_err(failed)?;
        match reply {
            Ok(value) => Ok(serde_json::from_value(value)?),
            Err(Fault::Exists(what)) => Err(StoreError::Exists(what)),
            Err(Fault::Changed(what)) => Err(StoreError::Changed(what)),
            Err(Fault::Missing(what)) => Err(StoreError::Missing(what)),
            Err(Fault::Other(what)) => Err(StoreError::Database(what)),
        }
    }

    /// Work, if there is some.
    pub async fn take(&self) -> Result<Option<Handed>, StoreError> {
        self.call(Call::Take).await
    }

    /// Says what came of work.
    pub async fn settle(&self, receipt: u64, again: Option<Duration>) -> Result<(), StoreError> {
        self.call(Call::Settle(receipt, again.map(|wait| wait.as_millis() as u64))).await
    }
}

#[async_trait]
impl Store for Remote {
    async fn insert_job(&self, job: &Job) -> Result<Versioned<Job>, StoreError> {
        self.call(Call::InsertJob(Box::new(job.clone()))).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Versioned<Job>>, StoreError> {
        self.call(Call::Job(id)).await
    }

    async fn job_of_topic(&self, topic: &TopicName) -> Result<Option<Versioned<Job>>, StoreError> {
        self.call(Call::JobOfTopic(topic.clone())).await
    }

    async fn jobs(&self, at_most: usize) -> Result<Vec<Versioned<Job>>, StoreError> {
        self.call(Call::Jobs(at_most)).await
    }

    async fn replace_job(&self, job: Versioned<Job>) -> Result<Versioned<Job>, StoreError> {
        self.call(Call::ReplaceJob(Box::new(job))).await
    }

    async fn insert_tasks(&self, tasks: &[Task]) -> Result<(), StoreError> {
        self.call(Call::InsertTasks(tasks.to_vec())).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<Versioned<Task>>, StoreError> {
        self.call(Call::Task(id)).await
    }

    async fn tasks(&self, job: JobId) -> Result<Vec<Versioned<Task>>, StoreError> {
        self.call(Call::Tasks(job)).await
    }

    async fn tasks_in(&self, job: JobId, numbers: Range<u32>) -> Result<Vec<Versioned<Task>>, StoreError> {
        self.call(Call::TasksIn(job, numbers)).await
    }

    async fn replace_task(&self, task: Versioned<Task>) -> Result<Versioned<Task>, StoreError> {
        self.call(Call::ReplaceTask(Box::new(task))).await
    }

    async fn usage(&self, id: &UsageId) -> Result<Versioned<Usage>, StoreError> {
        self.call(Call::Usage(id.user.clone(), id.day)).await
    }

    async fn replace_usage(
        &self,
        id: &UsageId,
        usage: Versioned<Usage>,
    ) -> Result<Versioned<Usage>, StoreError> {
        self.call(Call::ReplaceUsage(id.user.clone(), id.day, usage)).await
    }
}

#[async_trait]
impl Queue for Remote {
    async fn send(&self, work: &[Work]) -> Result<(), StoreError> {
        self.call(Call::Send(work.to_vec())).await
    }

    /// Nobody tends here.
    async fn is_idle(&self) -> Result<bool, StoreError> {
        Ok(false)
    }
}
