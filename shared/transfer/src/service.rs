//! The parts that the use-cases work with.

use crate::{
    AttemptFigures, Intake, JobDocument, Ledger, Scout, Surroundings, TransferError, ledger::LedgerParts,
};
use archive::Archive;
use broker::{Compression, Kafka};
use chrono::{DateTime, TimeDelta, Utc};
use job::{AttemptRules, Caller, Job, JobRequest, Limits};
use object_store::ObjectStore;
use packet::TnsCatalogue;
use std::{ops::Deref, sync::Arc, time::Duration};
use store::{Queue, Store, Work};

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
    /// Manifests, plans and receipts, under `jobs/<id>/`; the index under `index/`.
    pub bucket: Arc<dyn ObjectStore>,
    /// Classified transients.
    pub tns: Arc<TnsCatalogue>,
    /// Limits and times.
    pub settings: Settings,
}

/// Limits and times of a service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The times by which attempts at tasks live.
    pub attempts: AttemptRules,
    /// Attempts may run in other processes, and die with them: what they left in a broker's sockets is waited for.
    pub foreign_attempts: bool,
    /// How often a running task writes its progress and learns of a cancel.
    pub progress_interval: Duration,
    /// A night larger than this becomes several tasks.
    pub task_bytes: u64,
    /// Tasks of all jobs that run at once.
    pub workers: usize,
    /// What a job, and what a user in a day, may ask for.
    pub limits: Limits,
    /// Where clients poll, if not where the service itself reaches the cluster.
    pub readers: Option<String>,
    /// Who is told what each attempt at a task did.
    pub meter: fn(&AttemptFigures),
}

impl Settings {
    /// The defaults for a broker that is given up after `delivery_timeout` without an acknowledgement.
    pub fn with_delivery_timeout(delivery_timeout: Duration) -> Self {
        let delivery = TimeDelta::from_std(delivery_timeout).unwrap_or(TimeDelta::minutes(5));
        Self {
            attempts: AttemptRules {
                lease: delivery + TimeDelta::seconds(30),
                delivery,
                patience: TimeDelta::hours(6),
                retry_wait: TimeDelta::seconds(1),
                deaths: 10,
            },
            foreign_attempts: true,
            progress_interval: Duration::from_millis(500),
            task_bytes: 12 * 1024 * 1024 * 1024,
            workers: 1,
            limits: Limits::default(),
            readers: None,
            meter: |_| {},
        }
    }
}

/// The use-cases over their parts: those of a [`Scout`], those of an [`Intake`], and those that need archive and broker.
/// Cheap to clone.
#[derive(Clone)]
pub struct Service {
    scout: Scout,
    intake: Intake,
    /// The cluster.
    pub kafka: Kafka,
}

impl Deref for Service {
    type Target = Scout;

    fn deref(&self) -> &Scout {
        &self.scout
    }
}

impl Service {
    /// A service of the given parts.
    pub fn new(parts: ServiceParts) -> Self {
        let ServiceParts { store, queue, archive, kafka, bucket, tns, settings } = parts;
        let ledger = Ledger::new(LedgerParts { store, queue, bucket, settings });
        let about = Surroundings {
            archive: archive.location().to_owned(),
            bootstrap: kafka.config().bootstrap.clone(),
            retention: kafka.config().retention,
        };
        let scout = Scout::new(ledger.clone(), archive, tns);
        let intake = Intake::new(ledger, Arc::new(kafka.clone()), Arc::new(scout.clone()), about);
        Self { scout, intake, kafka }
    }

    /// Makes ready for the first task what takes time: for a process that is going to work on tasks.
    pub fn warm_up(&self) {
        // Nobody knows yet whether its messages shrink.
        self.kafka.make_ready(Compression::Lz4);
        self.kafka.make_ready(Compression::None);
    }

    /// What makes jobs.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// [`Intake::submit`].
    pub async fn submit(&self, request: JobRequest, caller: &Caller) -> Result<JobDocument, TransferError> {
        self.intake.submit(request, caller).await
    }

    /// Where clients poll.
    pub fn bootstrap(&self) -> &str {
        self.intake.bootstrap()
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
        let mut ended = Vec::new();
        for task in self.store.tasks(job.id).await? {
            let free_again = |task: &mut job::Task| task.lease_until.replace(free).is_some();
            let freed = store::update_task(&*self.store, task.value.id, free_again).await?.value;
            if freed.state.is_final() && freed.lease_until.is_some() {
                ended.push(Work::Task(freed.id));
            }
        }
        self.send_tasks(job.id).await?;
        // Ended, but what they sent may still arrive: the books are closed after that.
        self.queue.send(&ended).await?;
        self.finish_if_complete(job.id).await
    }
}

/// The moment. In one place, so that there is one clock.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
