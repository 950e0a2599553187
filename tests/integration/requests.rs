//! What was asked of the archive is what stands in the books, and an answer that never comes holds nobody.

use crate::harness::sample_archive;
use archive::Archive;
use async_trait::async_trait;
use broker::{Kafka, KafkaConfig};
use chrono::{TimeDelta, Utc};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use futures::stream::BoxStream;
use job::{Content, JobId, JobRequest, JobState, NightSelection, Packet, TaskId};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, local::LocalFileSystem, memory::InMemory,
    path::Path,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{Embedded, InProcessQueue};
use transfer::{Outcome, Service, ServiceParts, Settings};

/// A folder, and how often something was read of it.
#[derive(Debug)]
struct Counted {
    folder: LocalFileSystem,
    requests: AtomicU64,
    /// Bytes asked for, where a range was.
    bytes: AtomicU64,
    /// Requests that are answered; those after them wait for ever.
    answered: AtomicU64,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counted {}", self.folder)
    }
}

#[async_trait]
impl ObjectStore for Counted {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.folder.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.folder.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        if before >= self.answered.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        let is_ranged = options.range.is_some();
        let result = self.folder.get_opts(path, options).await?;
        if is_ranged {
            self.bytes.fetch_add(result.range.end - result.range.start, Ordering::Relaxed);
        }
        Ok(result)
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.folder.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.folder.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.folder.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.folder.copy_opts(from, to, options).await
    }
}

/// A job over one night of three files, split.
struct Split {
    service: Service,
    counted: Arc<Counted>,
    broker: EmbeddedBroker,
    job: JobId,
    _folder: tempfile::TempDir,
}

impl Split {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Three files: with cutouts a file has 3,000 alerts.
        let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 6_100, true);
        let counted = Arc::new(Counted {
            folder: LocalFileSystem::new_with_prefix(&archive).unwrap(),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            answered: AtomicU64::new(u64::MAX),
        });
        let config = BrokerConfig::new(folder.path().join("kafka")).listen("127.0.0.1:0".parse().unwrap());
        let broker = EmbeddedBroker::start(config).unwrap();
        let service = Service::new(ServiceParts {
            store: Arc::new(Embedded::in_memory().unwrap()),
            queue: Arc::new(InProcessQueue::default()),
            archive: Archive::of_store(counted.clone(), "a folder that is counted"),
            kafka: Kafka::new(KafkaConfig::plaintext(broker.bootstrap())).unwrap(),
            bucket: Arc::new(InMemory::new()),
            tns: Arc::default(),
            settings: Settings::with_delivery_timeout(Duration::from_secs(10)),
        });
        let mut request = JobRequest::new(NightSelection::parse(&["2026-03-22"]).unwrap());
        request.conditions = "candidate.magpsf > 19".into();
        request.content = Content::Packet(Packet::Full);
        let job = service.submit(request, &job::Caller::default()).await.unwrap().id;
        service.fan_out(job).await.unwrap();
        Self { service, counted, broker, job, _folder: folder }
    }

    fn task(&self) -> TaskId {
        TaskId { job: self.job, index: 0 }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_task_is_in_its_books() {
    let split = Split::new().await;
    let Split { service, counted, job, .. } = &split;
    let (requests, bytes) =
        (counted.requests.swap(0, Ordering::Relaxed), counted.bytes.swap(0, Ordering::Relaxed));
    assert!(requests > 0 && bytes > 0, "the fan-out reads footers");
    let outcome = service.run_task(split.task(), None).await.unwrap();
    assert_eq!(outcome, Outcome::Ended);
    let document = service.document(*job).await.unwrap();
    let counts = &document.status.nights[0].counts;
    assert!(counts.sent > 0, "{counts:?}");
    assert_eq!(counts.requests, counted.requests.load(Ordering::Relaxed));
    assert_eq!(counts.bytes_read, counted.bytes.load(Ordering::Relaxed));
    // Each file is looked at, its end read, and its page index, which lies before that.
    assert_eq!(counts.footer_requests, 3 * 3);
    let receipt = service.receipt(*job).await.unwrap();
    assert_eq!(receipt.total.requests, counts.requests);
    split.broker.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_time_is_up_does_not_wait_for_a_store_that_hangs() {
    let split = Split::new().await;
    let Split { service, counted, job, .. } = &split;
    counted.requests.store(0, Ordering::Relaxed);
    // The first file is opened, and its first row group never comes.
    counted.answered.store(3, Ordering::Relaxed);
    let until = Utc::now() + TimeDelta::seconds(2);
    let attempt = service.run_task(split.task(), Some(until));
    let asked = || counted.requests.load(Ordering::Relaxed);
    let twin = async {
        while asked() <= 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // All that it asks for at once.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = asked();
        let outcome = service.run_task(split.task(), None).await.unwrap();
        assert!(matches!(outcome, Outcome::Busy { .. }), "{outcome:?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(asked(), before, "a task that another holds was begun");
    };
    let attempt = tokio::time::timeout(Duration::from_secs(30), attempt);
    let (outcome, ()) = futures::future::join(attempt, twin).await;
    let outcome = outcome.expect("it waits on").unwrap();
    assert!(matches!(outcome, Outcome::Again { .. } | Outcome::Busy { .. }), "{outcome:?}");
    counted.answered.store(u64::MAX, Ordering::Relaxed);
    while let Outcome::Again { wait } | Outcome::Busy { wait } =
        service.run_task(split.task(), None).await.unwrap()
    {
        tokio::time::sleep(wait).await;
    }
    let receipt = service.receipt(*job).await.unwrap();
    assert_eq!((receipt.state, receipt.total.read), (JobState::Done, 6_100));
    split.broker.shutdown();
}
