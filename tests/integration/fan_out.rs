//! A fan-out that is broken off is gone on with, over a store that keeps tasks one by one.

use crate::harness::sample_archive;
use archive::Archive;
use async_trait::async_trait;
use broker::{Kafka, KafkaConfig};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use job::{Job, JobId, JobRequest, NightSelection, Task, TaskId, TopicName, Usage, UsageId};
use object_store::memory::InMemory;
use std::{
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::{Embedded, InProcessQueue, Store, StoreError, Versioned};
use transfer::{Service, ServiceParts, Settings};

/// Keeps this many tasks, then fails once.
struct BreaksOff {
    store: Embedded,
    after: AtomicUsize,
}

#[async_trait]
impl Store for BreaksOff {
    async fn insert_job(&self, job: &Job) -> Result<Versioned<Job>, StoreError> {
        self.store.insert_job(job).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Versioned<Job>>, StoreError> {
        self.store.job(id).await
    }

    async fn job_of_topic(&self, topic: &TopicName) -> Result<Option<Versioned<Job>>, StoreError> {
        self.store.job_of_topic(topic).await
    }

    async fn jobs(&self, at_most: usize) -> Result<Vec<Versioned<Job>>, StoreError> {
        self.store.jobs(at_most).await
    }

    async fn replace_job(&self, job: Versioned<Job>) -> Result<Versioned<Job>, StoreError> {
        self.store.replace_job(job).await
    }

    async fn insert_tasks(&self, tasks: &[Task]) -> Result<(), StoreError> {
        let kept = self.after.swap(usize::MAX, Ordering::SeqCst).min(tasks.len());
        self.store.insert_tasks(&tasks[tasks.len() - kept..]).await?;
        match kept == tasks.len() {
            true => Ok(()),
            false => Err(StoreError::Database("it is gone".into())),
        }
    }

    async fn task(&self, id: TaskId) -> Result<Option<Versioned<Task>>, StoreError> {
        self.store.task(id).await
    }

    async fn tasks(&self, job: JobId) -> Result<Vec<Versioned<Task>>, StoreError> {
        self.store.tasks(job).await
    }

    async fn tasks_in(&self, job: JobId, numbers: Range<u32>) -> Result<Vec<Versioned<Task>>, StoreError> {
        self.store.tasks_in(job, numbers).await
    }

    async fn replace_task(&self, task: Versioned<Task>) -> Result<Versioned<Task>, StoreError> {
        self.store.replace_task(task).await
    }

    async fn usage(&self, id: &UsageId) -> Result<Versioned<Usage>, StoreError> {
        self.store.usage(id).await
    }

    async fn replace_usage(
        &self,
        id: &UsageId,
        usage: Versioned<Usage>,
    ) -> Result<Versioned<Usage>, StoreError> {
        self.store.replace_usage(id, usage).await
    }
}

fn service(archive: &Path, bootstrap: &str, keeps: usize) -> Service {
    let after = AtomicUsize::new(keeps);
    Service::new(ServiceParts {
        store: Arc::new(BreaksOff { store: Embedded::in_memory().unwrap(), after }),
        queue: Arc::new(InProcessQueue::default()),
        archive: Archive::open(archive.to_str().unwrap()).unwrap(),
        kafka: Kafka::new(KafkaConfig::plaintext(bootstrap)).unwrap(),
        bucket: Arc::new(InMemory::new()),
        tns: Arc::default(),
        settings: Settings::with_delivery_timeout(Duration::from_secs(10)),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_that_is_broken_off_between_tasks_loses_no_night() {
    let folder = tempfile::tempdir().unwrap();
    let nights = "2025-09-01..2025-09-03";
    let archive = sample_archive(&folder.path().join("archive"), &[nights], 50, false);
    let broker = EmbeddedBroker::start(
        BrokerConfig::new(folder.path().join("kafka")).listen("127.0.0.1:0".parse().unwrap()),
    )
    .unwrap();
    let service = service(&archive, &broker.bootstrap(), 1);
    let request = JobRequest::new(NightSelection::parse(&[nights]).unwrap());
    let id = service.submit(request, &job::Caller::default()).await.unwrap().id;

    let error = service.fan_out(id).await.unwrap_err();
    assert!(error.kind().is_worth_retrying(), "{error}");
    assert_eq!(service.store.tasks(id).await.unwrap().len(), 1);
    assert!(!service.job(id).await.unwrap().value.ready);
    // Meanwhile the archive has lost a night: the job has the nights that it had, and that one will fail.
    std::fs::remove_dir_all(archive.join("science/year=2025/month=09/day=01")).unwrap();

    service.fan_out(id).await.unwrap();
    let job = service.job(id).await.unwrap().value;
    assert!(job.ready);
    assert_eq!(job.tasks, 3);
    let tasks: Vec<Task> =
        service.store.tasks(id).await.unwrap().into_iter().map(|task| task.value).collect();
    let kept: Vec<(u32, String, u64)> =
        tasks.iter().map(|task| (task.id.index, task.night.to_string(), task.rows())).collect();
    let expected = ["2025-09-01", "2025-09-02", "2025-09-03"].map(|night| (night.to_owned(), 50));
    let expected: Vec<_> = (0..).zip(expected).map(|(index, (night, rows))| (index, night, rows)).collect();
    assert_eq!(kept, expected);
    broker.shutdown();
}
