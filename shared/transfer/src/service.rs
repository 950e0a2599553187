//! The parts that the use-cases work with.

use crate::TransferError;
use archive::Archive;
use broker::Kafka;
use chrono::{DateTime, Utc};
use job::{Job, JobId};
use object_store::ObjectStore;
use packet::TnsCatalogue;
use std::{ops::Deref, sync::Arc, time::Duration};
use store::{Queue, Store, StoreError, Versioned, Work, update_job};

/// What a service is made of.
pub struct ServiceParts {
    /// Jobs and tasks.
    pub store: Arc<dyn Store>,
    /// Where work waits.
    pub queue: Arc<dyn Queue>,
    /// The nights.
    pub archive: Archive,
    /// The cluster.
    pub kafka: Kafka,
    /// Manifests, plans and receipts, under `jobs/<id>/`.
    pub bucket: Arc<dyn ObjectStore>,
    /// Classified transients.
    pub tns: Arc<TnsCatalogue>,
    /// Limits and times.
    pub settings: Settings,
}

/// Limits and times of a service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a silent attempt is taken to be alive. At least the broker's delivery timeout, so that nothing of an
    /// older attempt arrives after a new one has read the topic's tail.
    pub lease: Duration,
    /// How often a running task writes its progress.
    pub progress_interval: Duration,
    /// How often a task is begun before it counts as failed.
    pub attempts: u32,
    /// A night larger than this becomes several tasks.
    pub task_bytes: u64,
    /// The shortest wait before a failed attempt is repeated; it doubles each time.
    pub retry_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(330),
            progress_interval: Duration::from_millis(500),
            attempts: 5,
            task_bytes: 12 * 1024 * 1024 * 1024,
            retry_wait: Duration::from_secs(1),
        }
    }
}

/// The use-cases over their parts. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<ServiceParts>);

impl Deref for Service {
    type Target = ServiceParts;

    fn deref(&self) -> &ServiceParts {
        &self.0
    }
}

impl Service {
    /// A service of the given parts.
    pub fn new(parts: ServiceParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The job of this name.
    pub async fn job(&self, id: JobId) -> Result<Versioned<Job>, TransferError> {
        self.store.job(id).await?.ok_or(TransferError::NoSuchJob(id))
    }

    /// Puts back to work what an earlier process left. Only for a stack of one process, which holds the store's lock:
    /// every earlier attempt has ended with the process that ran it, and after `grace` nothing of it can be on its way
    /// to the broker.
    pub async fn recover(&self, grace: Duration) -> Result<usize, TransferError> {
        let free = now() + chrono::TimeDelta::from_std(grace).unwrap_or_default();
        let mut recovered = 0;
        for job in self.store.jobs(usize::MAX).await? {
            if job.value.state.is_final() {
                continue;
            }
            recovered += 1;
            let id = job.value.id;
            // One job's trouble is its own: the others go on.
            if let Err(error) = self.recover_job(&job.value, free).await {
                tracing::warn!(job = %id, %error, "the job cannot go on");
                self.fail_job(id, &error).await?;
            }
        }
        Ok(recovered)
    }

    async fn recover_job(&self, job: &Job, free: DateTime<Utc>) -> Result<(), TransferError> {
        if !job.ready {
            return Ok(self.queue.send(&[Work::FanOut(job.id)]).await?);
        }
        for task in self.store.tasks(job.id).await? {
            if !task.value.state.is_final() {
                let free_again = |task: &mut job::Task| task.lease_until.replace(free).is_some();
                store::update_task(&*self.store, task.value.id, free_again).await?;
            }
        }
        self.send_tasks(job.id).await?;
        self.finish_if_complete(job.id).await
    }

    pub(crate) async fn change_job(
        &self,
        id: JobId,
        change: impl FnMut(&mut Job) -> bool + Send,
    ) -> Result<Versioned<Job>, TransferError> {
        update_job(&*self.store, id, change).await.map_err(|error| match error {
            StoreError::Missing(_) => TransferError::NoSuchJob(id),
            other => other.into(),
        })
    }
}

/// The moment. In one place, so that there is one clock.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
