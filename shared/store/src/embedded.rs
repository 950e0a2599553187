//! A store in one database file, for one process.

use crate::{Store, StoreError, Versioned};
use async_trait::async_trait;
use job::{Job, JobId, Task, TaskId, TopicName, Usage, UsageId};
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use serde::{Serialize, de::DeserializeOwned};
use std::{ops::Range, path::Path, sync::Arc};

const JOBS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("jobs");
/// By submission time, to list the newest without reading all.
const JOBS_BY_TIME: TableDefinition<'_, &str, &str> = TableDefinition::new("jobs_by_time");
/// By topic, for those who know only that.
const JOBS_BY_TOPIC: TableDefinition<'_, &str, &str> = TableDefinition::new("jobs_by_topic");
const TASKS: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("tasks");
const USAGE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("usage");

/// Jobs and tasks in a file. The file is locked: a second process is refused.
#[derive(Clone)]
pub struct Embedded {
    database: Arc<Database>,
}

impl Embedded {
    /// Opens or makes the database file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => {
                StoreError::Locked { path: path.display().to_string() }
            }
            other => StoreError::Database(format!("{}: {other}", path.display())),
        })?;
        Self::with(database)
    }

    /// A store that is gone with the process.
    pub fn in_memory() -> Result<Self, StoreError> {
        let backend = redb::backends::InMemoryBackend::new();
        Self::with(Database::builder().create_with_backend(backend).map_err(failed)?)
    }

    fn with(database: Database) -> Result<Self, StoreError> {
        let begun = database.begin_write().map_err(failed)?;
        begun.open_table(JOBS_BY_TIME).map_err(failed)?;
        {
            // A file of an earlier version has jobs but no list of topics.
            let jobs = begun.open_table(JOBS).map_err(failed)?;
            let mut by_topic = begun.open_table(JOBS_BY_TOPIC).map_err(failed)?;
            if by_topic.len().map_err(failed)? < jobs.len().map_err(failed)? {
                for entry in jobs.iter().map_err(failed)? {
                    let (id, row) = entry.map_err(failed)?;
                    let job: Versioned<Job> = decode(row.value())?;
                    by_topic.insert(job.value.topic.as_str(), id.value()).map_err(failed)?;
                }
            }
        }
        begun.open_table(TASKS).map_err(failed)?;
        begun.open_table(USAGE).map_err(failed)?;
        begun.commit().map_err(failed)?;
        Ok(Self { database: Arc::new(database) })
    }

    /// Runs a call of the database, which waits for the disk, off the async threads.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = self.database.clone();
        let ended = tokio::task::spawn_blocking(move || work(&database)).await;
        ended.map_err(|_| StoreError::Database("the call was broken off".into()))?
    }
}

#[async_trait]
impl Store for Embedded {
    async fn insert_job(&self, job: &Job) -> Result<Versioned<Job>, StoreError> {
        let row = Versioned { value: job.clone(), version: 1 };
        self.call(move |database| {
            let id = row.value.id.to_string();
            let begun = database.begin_write().map_err(failed)?;
            {
                let mut jobs = begun.open_table(JOBS).map_err(failed)?;
                if jobs.get(id.as_str()).map_err(failed)?.is_some() {
                    return Err(StoreError::Exists(format!("job {id}")));
                }
                jobs.insert(id.as_str(), encode(&row)?.as_slice()).map_err(failed)?;
                let mut by_time = begun.open_table(JOBS_BY_TIME).map_err(failed)?;
                let moment = format!("{}/{id}", row.value.created.format("%Y%m%d%H%M%S%6f"));
                by_time.insert(moment.as_str(), id.as_str()).map_err(failed)?;
                let mut by_topic = begun.open_table(JOBS_BY_TOPIC).map_err(failed)?;
                by_topic.insert(row.value.topic.as_str(), id.as_str()).map_err(failed)?;
            }
            begun.commit().map_err(failed)?;
            Ok(row)
        })
        .await
    }

    async fn job(&self, id: JobId) -> Result<Option<Versioned<Job>>, StoreError> {
        self.call(move |database| {
            let begun = database.begin_read().map_err(failed)?;
            let jobs = begun.open_table(JOBS).map_err(failed)?;
            jobs.get(id.to_string().as_str()).map_err(failed)?.map(|row| decode(row.value())).transpose()
        })
        .await
    }

    async fn job_of_topic(&self, topic: &TopicName) -> Result<Option<Versioned<Job>>, StoreError> {
        let topic = topic.to_string();
        self.call(move |database| {
            let begun = database.begin_read().map_err(failed)?;
            let by_topic = begun.open_table(JOBS_BY_TOPIC).map_err(failed)?;
            let jobs = begun.open_table(JOBS).map_err(failed)?;
            let Some(id) = by_topic.get(topic.as_str()).map_err(failed)? else { return Ok(None) };
            jobs.get(id.value()).map_err(failed)?.map(|row| decode(row.value())).transpose()
        })
        .await
    }

    async fn jobs(&self, at_most: usize) -> Result<Vec<Versioned<Job>>, StoreError> {
        self.call(move |database| {
            let begun = database.begin_read().map_err(failed)?;
            let jobs = begun.open_table(JOBS).map_err(failed)?;
            let by_time = begun.open_table(JOBS_BY_TIME).map_err(failed)?;
            let mut newest = Vec::new();
            for entry in by_time.iter().map_err(failed)?.rev().take(at_most) {
                let (_, id) = entry.map_err(failed)?;
                if let Some(row) = jobs.get(id.value()).map_err(failed)? {
                    newest.push(decode(row.value())?);
                }
            }
            Ok(newest)
        })
        .await
    }

    async fn replace_job(&self, job: Versioned<Job>) -> Result<Versioned<Job>, StoreError> {
        self.call(move |database| {
            let id = job.value.id.to_string();
            let begun = database.begin_write().map_err(failed)?;
            let next = {
                let mut jobs = begun.open_table(JOBS).map_err(failed)?;
                let seen = jobs
                    .get(id.as_str())
                    .map_err(failed)?
                    .map(|row| decode::<Job>(row.value()))
                    .transpose()?;
                let next = successor(seen, job, || format!("job {id}"))?;
                jobs.insert(id.as_str(), encode(&next)?.as_slice()).map_err(failed)?;
                next
            };
            begun.commit().map_err(failed)?;
            Ok(next)
        })
        .await
    }

    async fn insert_tasks(&self, tasks: &[Task]) -> Result<(), StoreError> {
        let tasks = tasks.to_vec();
        self.call(move |database| {
            let begun = database.begin_write().map_err(failed)?;
            {
                let mut table = begun.open_table(TASKS).map_err(failed)?;
                for task in tasks {
                    let job = task.id.job.to_string();
                    let key = (job.as_str(), task.id.index);
                    if table.get(key).map_err(failed)?.is_none() {
                        let row = encode(&Versioned { value: task, version: 1 })?;
                        table.insert(key, row.as_slice()).map_err(failed)?;
                    }
                }
            }
            begun.commit().map_err(failed)
        })
        .await
    }

    async fn task(&self, id: TaskId) -> Result<Option<Versioned<Task>>, StoreError> {
        self.call(move |database| {
            let begun = database.begin_read().map_err(failed)?;
            let tasks = begun.open_table(TASKS).map_err(failed)?;
            let job = id.job.to_string();
            tasks.get((job.as_str(), id.index)).map_err(failed)?.map(|row| decode(row.value())).transpose()
        })
        .await
    }

    async fn tasks(&self, job: JobId) -> Result<Vec<Versioned<Task>>, StoreError> {
        self.tasks_in(job, 0..u32::MAX).await
    }

    async fn tasks_in(&self, job: JobId, numbers: Range<u32>) -> Result<Vec<Versioned<Task>>, StoreError> {
        self.call(move |database| {
            let begun = database.begin_read().map_err(failed)?;
            let tasks = begun.open_table(TASKS).map_err(failed)?;
            let job = job.to_string();
            let rows =
                tasks.range((job.as_str(), numbers.start)..(job.as_str(), numbers.end)).map_err(failed)?;
            rows.map(|row| decode(row.map_err(failed)?.1.value())).collect()
        })
        .await
    }

    async fn replace_task(&self, task: Versioned<Task>) -> Result<Versioned<Task>, StoreError> {
        self.call(move |database| {
            let id = task.value.id;
            let job = id.job.to_string();
            let key = (job.as_str(), id.index);
            let begun = database.begin_write().map_err(failed)?;
            let next = {
                let mut tasks = begun.open_table(TASKS).map_err(failed)?;
                let seen =
                    tasks.get(key).map_err(failed)?.map(|row| decode::<Task>(row.value())).transpose()?;
                let next = successor(seen, task, || format!("task {id}"))?;
                tasks.insert(key, encode(&next)?.as_slice()).map_err(failed)?;
                next
            };
            begun.commit().map_err(failed)?;
            Ok(next)
        })
        .await
    }

    async fn usage(&self, id: &UsageId) -> Result<Versioned<Usage>, StoreError> {
        let key = id.to_string();
        self.call(move |database| {
            let begun = database.begin_read().map_err(failed)?;
            let usage = begun.open_table(USAGE).map_err(failed)?;
            match usage.get(key.as_str()).map_err(failed)? {
                Some(row) => decode(row.value()),
                None => Ok(Versioned { value: Usage::default(), version: 0 }),
            }
        })
        .await
    }

    async fn replace_usage(
        &self,
        id: &UsageId,
        usage: Versioned<Usage>,
    ) -> Result<Versioned<Usage>, StoreError> {
        let key = id.to_string();
        self.call(move |database| {
            let begun = database.begin_write().map_err(failed)?;
            let next = {
                let mut table = begun.open_table(USAGE).map_err(failed)?;
                let seen =
                    table.get(key.as_str()).map_err(failed)?.map(|row| decode(row.value())).transpose()?;
                let nothing = Versioned { value: Usage::default(), version: 0 };
                let next = successor(Some(seen.unwrap_or(nothing)), usage, || format!("usage {key}"))?;
                table.insert(key.as_str(), encode(&next)?.as_slice()).map_err(failed)?;
                next
            };
            begun.commit().map_err(failed)?;
            Ok(next)
        })
        .await
    }
}

/// The row to write, if the one at hand is of the version that was seen.
fn successor<T>(
    current: Option<Versioned<T>>,
    wanted: Versioned<T>,
    name: impl Fn() -> String,
) -> Result<Versioned<T>, StoreError> {
    match current {
        None => Err(StoreError::Missing(name())),
        Some(current) if current.version != wanted.version => Err(StoreError::Changed(name())),
        Some(current) => Ok(Versioned { value: wanted.value, version: current.version + 1 }),
    }
}

fn encode<T: Serialize>(row: &Versioned<T>) -> Result<Vec<u8>, StoreError> {
    Ok(serde_json::to_vec(&(row.version, &row.value))?)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<Versioned<T>, StoreError> {
    let (version, value) = serde_json::from_slice(bytes)?;
    Ok(Versioned { value, version })
}

fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Database(error.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn the_embedded_store_keeps_what_every_store_promises() {
        conformance::check(&Embedded::in_memory().unwrap()).await;
    }

    #[tokio::test]
    async fn a_restart_finds_everything_and_a_second_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.redb");
        let store = Embedded::open(&path).unwrap();
        let job = conformance::sample_job();
        store.insert_job(&job).await.unwrap();
        assert!(matches!(Embedded::open(&path), Err(StoreError::Locked { .. })));
        drop(store);
        let store = Embedded::open(&path).unwrap();
        assert_eq!(store.job(job.id).await.unwrap().unwrap().value, job);
    }
}
