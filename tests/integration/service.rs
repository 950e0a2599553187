//! What functions call, with a real broker and archive: manifests in the bucket, workers whose time is up, lost work.

use crate::harness::sample_archive;
use archive::Archive;
use async_trait::async_trait;
use broker::{Kafka, KafkaConfig};
use chrono::{TimeDelta, Utc};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use job::{
    Caller, Ceiling, ErrorKind, JobId, JobRequest, JobState, Limits, Survey, TaskId, TopicName, UsageId,
};
use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{DeadLetter, Embedded, Queue, StoreError, Work};
use transfer::{
    ChosenNights, Errand, ErrandEnd, Forecast, Foresight, Intake, Need, Outcome, Question, Scout, Service,
    ServiceParts, Settings, Surroundings, Told, Topics, TransferError,
};

const NIGHTS: [&str; 2] = ["2025-09-01", "2025-09-02"];
const ALERTS: u64 = 300;

/// Keeps what was sent, for the case to do or to lose.
#[derive(Clone, Default)]
struct Kept {
    work: Arc<Mutex<Vec<Work>>>,
    letters: Arc<Mutex<Vec<DeadLetter>>>,
}

#[async_trait]
impl Queue for Kept {
    async fn send(&self, work: &[Work]) -> Result<(), StoreError> {
        self.work.lock().unwrap().extend(work);
        Ok(())
    }

    async fn bury(&self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        self.letters.lock().unwrap().extend(letters.iter().cloned());
        Ok(())
    }

    async fn is_idle(&self) -> Result<bool, StoreError> {
        Ok(self.work.lock().unwrap().is_empty())
    }
}

struct World {
    service: Service,
    queue: Kept,
    bucket: Arc<InMemory>,
    broker: EmbeddedBroker,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = sample_archive(&folder.path().join("archive"), &NIGHTS, ALERTS, false);
        let config = BrokerConfig::new(folder.path().join("kafka")).listen("127.0.0.1:0".parse().unwrap());
        let broker = EmbeddedBroker::start(config).unwrap();
        let (queue, bucket) = (Kept::default(), Arc::new(InMemory::new()));
        let mut settings = Settings::with_delivery_timeout(Duration::from_secs(10));
        settings.foreign_attempts = false;
        settings.limits = limits;
        let service = Service::new(ServiceParts {
            store: Arc::new(Embedded::in_memory().unwrap()),
            queue: Arc::new(queue.clone()),
            archive: Archive::open(archive.to_str().unwrap()).unwrap(),
            kafka: Kafka::new(KafkaConfig::plaintext(broker.bootstrap())).unwrap(),
            bucket: bucket.clone(),
            tns: Arc::default(),
            settings,
        });
        Self { service, queue, bucket, broker, folder }
    }

    fn taken(&self) -> Vec<Work> {
        std::mem::take(&mut *self.queue.work.lock().unwrap())
    }

    /// Does what is queued, and what comes of it, until nothing is left; how many pieces each were handed on.
    async fn work_through(&self, until: Option<TimeDelta>) -> usize {
        let mut again = 0;
        let mut open = self.taken();
        while let Some(piece) = open.pop() {
            match self.service.work(piece, until.map(|until| Utc::now() + until)).await.unwrap() {
                Outcome::Ended => {}
                Outcome::Again { wait } | Outcome::Busy { wait } => {
                    again += 1;
                    tokio::time::sleep(wait).await;
                    open.push(piece);
                }
            }
            open.extend(self.taken());
        }
        again
    }

    async fn put(&self, path: &str, text: &str) {
        self.bucket.put(&Path::parse(path).unwrap(), text.to_owned().into()).await.unwrap();
    }

    async fn object(&self, path: &str) -> Value {
        let found = self.bucket.get(&Path::parse(path).unwrap()).await.unwrap();
        serde_json::from_slice(&found.bytes().await.unwrap()).unwrap()
    }

    async fn told(&self, path: &str, version: &str) {
        self.service.manifest_created(path, version, &Caller::new("bucket")).await.unwrap();
    }

    /// State and alerts in the topic, by the receipt, which adds up or is not there.
    async fn came_to(&self, id: JobId) -> (JobState, u64) {
        let receipt = self.service.receipt(id).await.unwrap();
        (receipt.state, receipt.total.sent)
    }
}

fn request(text: &str) -> JobRequest {
    JobRequest::parse(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_manifest_is_one_job_however_often_it_is_told_of() {
    let world = World::new();
    let path = "jobs/nightly/manifest.yaml";
    world.put(path, "nights: [2025-09-01]\nlimit: 7\n").await;
    world.told(path, "first").await;
    world.told(path, "first").await;
    let id: JobId = world.object("jobs/nightly/answer.json").await["job"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.service.list(10, None).await.unwrap().len(), 1);
    world.work_through(None).await;
    assert_eq!(world.came_to(id).await, (JobState::Done, 7));
    // The same text dropped once more is another object, and another job.
    world.told(path, "second").await;
    assert_eq!(world.service.list(10, None).await.unwrap().len(), 2);
    assert_eq!(world.service.list(1, Some("bucket")).await.unwrap().len(), 1);
    assert!(world.service.list(10, Some("ada")).await.unwrap().is_empty());
    world.work_through(None).await;
    world.broker.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_a_jobs_own_name_is_that_job_and_heals_when_written_over() {
    let world = World::new();
    let id = JobId::random();
    let path = format!("jobs/{id}/manifest.json");
    world.put(&path, r#"{"nights": ["2025-09-01"], "limit": 7}"#).await;
    world.told(&path, "first").await;
    // A hasty hand writes it again, before the job was split.
    world.put(&path, r#"{"nights": ["2025-09-02"], "limit": 100000}"#).await;
    world.told(&path, "second").await;
    assert_eq!(world.object(&path).await["request"]["limit"], 7);
    world.told(&path, "of our own hand").await;
    world.work_through(None).await;
    assert_eq!(world.came_to(id).await, (JobState::Done, 7));
    assert_eq!(world.service.list(10, None).await.unwrap().len(), 1);
    world.broker.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_cannot_be_taken_is_answered_beside_it() {
    let world = World::new();
    for (text, told) in [
        ("nights: [1999-01-01]", "the archive has none of the chosen nights"),
        ("nights: [2025-09-01]\nconditions: candidate.magpfs < 18", "magpfs"),
        ("{\"nights\": ", "EOF"),
    ] {
        world.put("jobs/wrong/manifest.yaml", text).await;
        world.told("jobs/wrong/manifest.yaml", "one").await;
        let answer = world.object("jobs/wrong/answer.json").await;
        assert!(answer.to_string().contains(told) && answer.get("job").is_none(), "{text}: {answer}");
    }
    world.told("jobs/never was/manifest.json", "one").await;
    assert!(world.service.list(10, None).await.unwrap().is_empty());
    world.broker.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_time_is_up_hands_over_and_nothing_is_doubled() {
    let world = World::new();
    // Three seconds a night, and less for a worker; a producer takes half a second to begin, more on a busy machine.
    let asked = request("nights: [2025-09-01..2025-09-02]\npace: {alerts_per_second: 100}");
    let id = world.service.submit(asked, &Caller::default()).await.unwrap().id;
    let handed_over = world.work_through(Some(TimeDelta::milliseconds(1800))).await;
    assert!(handed_over >= 2, "{handed_over}");
    assert_eq!(world.came_to(id).await, (JobState::Done, 2 * ALERTS));
    let task = world.service.store.task(TaskId { job: id, index: 0 }).await.unwrap().unwrap().value;
    assert!(task.attempt >= 2);
    assert!(
        world.service.job(id).await.unwrap().value.log.iter().all(|line| !line.text.contains("time is up"))
    );
    world.broker.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_cannot_be_read_is_told_to_those_who_look_after_the_service() {
    let world = World::new();
    let file = world.folder.path().join("archive/science/year=2025/month=09/day=02");
    let file = std::fs::read_dir(file).unwrap().next().unwrap().unwrap().path();
    std::fs::write(file, b"PAR1 no Parquet PAR1").unwrap();
    let id = world.service.submit(request("nights: [2025-09-01..2025-09-02]"), &Caller::default()).await;
    let id = id.unwrap().id;
    world.work_through(None).await;
    assert_eq!(world.came_to(id).await, (JobState::Partial, ALERTS));
    let letters = world.queue.letters.lock().unwrap().clone();
    let told: Vec<_> = letters.iter().map(|letter| (letter.job, letter.night.to_string())).collect();
    assert_eq!(told, [(id, NIGHTS[1].to_owned())]);
    assert!(letters[0].error.contains("Parquet"), "{}", letters[0].error);
    world.broker.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_was_lost_is_found_by_who_tends_and_by_nobody_while_the_queue_holds_some() {
    let world = World::new();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let asked = request("nights: [2025-09-01..2025-09-02]");
        ids.push(world.service.submit(asked, &Caller::default()).await.unwrap().id);
    }
    // The first is split and its tasks are lost, the second was never split.
    assert_eq!(world.taken().len(), 2);
    world.service.fan_out(ids[0]).await.unwrap();
    assert_eq!(world.service.tend().await.unwrap().woken, 0, "the queue holds its tasks");
    assert_eq!(world.taken().len(), 2);
    assert_eq!(world.service.tend().await.unwrap().woken, 0, "they were submitted just now");
    for id in &ids {
        let earlier = |job: &mut job::Job| {
            job.created -= TimeDelta::hours(1);
            true
        };
        store::update_job(&*world.service.store, *id, earlier).await.unwrap();
    }
    assert_eq!(world.service.tend().await.unwrap().woken, 2);
    world.work_through(None).await;
    for id in ids {
        assert_eq!(world.came_to(id).await, (JobState::Done, 2 * ALERTS));
    }
    world.broker.shutdown();
}

/// Looks ahead and makes topics as another process does: what is asked and what is told are text between the two.
struct Elsewhere(Service);

impl Elsewhere {
    async fn ask(&self, request: &JobRequest, need: Option<Need>) -> Result<Told, TransferError> {
        let asked = serde_json::to_string(&Question { request: request.clone(), need }).unwrap();
        let answer = self.0.answer(&serde_json::from_str(&asked).unwrap()).await;
        match serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap() {
            Told::Refused(refusal) => Err(TransferError::Told(Box::new(refusal))),
            told => Ok(told),
        }
    }
}

#[async_trait]
impl Foresight for Elsewhere {
    async fn nights(&self, request: &JobRequest) -> Result<ChosenNights, TransferError> {
        let Told::Nights(nights) = self.ask(request, None).await? else { panic!("not nights") };
        Ok(nights)
    }

    async fn forecast(&self, request: &JobRequest, need: Need) -> Result<Forecast, TransferError> {
        let Told::Forecast(forecast) = self.ask(request, Some(need)).await? else { panic!("no forecast") };
        Ok(*forecast)
    }
}

impl Elsewhere {
    async fn send(&self, errand: Errand) -> Result<(), TransferError> {
        let sent = serde_json::to_string(&errand).unwrap();
        let end = self.0.run_errand(&serde_json::from_str(&sent).unwrap()).await;
        match serde_json::from_str(&serde_json::to_string(&end).unwrap()).unwrap() {
            ErrandEnd::Refused(refusal) => Err(TransferError::Told(Box::new(refusal))),
            ErrandEnd::Done => Ok(()),
        }
    }
}

#[async_trait]
impl Topics for Elsewhere {
    async fn create(&self, topic: &TopicName, partitions: i32) -> Result<(), TransferError> {
        self.send(Errand::Create { topic: topic.clone(), partitions }).await
    }

    async fn delete(&self, topic: &TopicName) -> Result<(), TransferError> {
        self.send(Errand::Delete { topic: topic.clone() }).await
    }

    async fn ping(&self) -> Result<(), TransferError> {
        self.send(Errand::Ping).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_fare_the_same_whoever_makes_them() {
    let world = World::new();
    let here: &dyn Topics = &world.service.kafka;
    let elsewhere = Elsewhere(world.service.clone());
    for (number, (first, second)) in
        [(here, &elsewhere as &dyn Topics), (&elsewhere, here)].into_iter().enumerate()
    {
        let topic = TopicName::new(Survey::default(), Utc::now());
        first.create(&topic, 3).await.unwrap();
        for name in [topic.to_string(), topic.schema_topic()] {
            assert_eq!(
                world.service.kafka.topic_state(&name).await.unwrap().offsets,
                [(0, 0); 3],
                "{number}"
            );
        }
        let errors =
            [first.create(&topic, 3).await.unwrap_err(), second.create(&topic, 3).await.unwrap_err()];
        assert_eq!(errors.each_ref().map(TransferError::kind), [ErrorKind::Conflict; 2]);
        assert_eq!(errors[0].to_string(), errors[1].to_string());
        second.delete(&topic).await.unwrap();
        first.delete(&topic).await.unwrap();
        assert!(world.service.kafka.topic_state(topic.as_str()).await.is_err());
    }
    here.ping().await.unwrap();
    elsewhere.ping().await.unwrap();
    world.broker.shutdown();
    let (here, there) = (here.ping().await.unwrap_err(), elsewhere.ping().await.unwrap_err());
    assert_eq!((here.kind(), there.kind()), (ErrorKind::Transient, ErrorKind::Transient));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_fares_the_same_whoever_looks_ahead() {
    let limits = Limits { job: Ceiling { alerts: Some(ALERTS), ..Ceiling::default() }, ..Limits::default() };
    let world = World::with_limits(limits);
    world.service.update_index(None, None).await.unwrap();
    let scout: &Scout = &world.service;
    let ledger: &transfer::Ledger = scout;
    let elsewhere = Arc::new(Elsewhere(world.service.clone()));
    let about = Surroundings {
        archive: "elsewhere".into(),
        bootstrap: world.broker.bootstrap(),
        retention: Duration::from_secs(86_400),
    };
    let elsewhere = Intake::new(ledger.clone(), elsewhere.clone(), elsewhere, about);
    for (text, expected) in [
        ("nights: [2025-09-01]\nconditions: candidate.magpsf > 90", Ok("stay empty")),
        ("nights: [2025-09-01, 2025-09-05]\nclasses: [No such class]", Ok("No such class")),
        ("nights: [2025-09-01]\nconditions: candidate.magpfs > 18", Err("candidate.magpsf")),
        ("nights: [2025-09-01]\nconditions: candidate.magpsf > ", Err("conditions")),
        ("nights: [2025-09-01]\ncontent: [objectIdd]", Err("did you mean `objectId`")),
        ("nights: [2031-01-01]", Err("2 nights from 2025-09-01 to 2025-09-02")),
        ("nights: [2025-09-01..2025-09-02]", Err("600 alerts")),
    ] {
        let here = world.service.submit(request(text), &Caller::default()).await;
        let there = elsewhere.submit(request(text), &Caller::default()).await;
        match (here, there, expected) {
            (Ok(here), Ok(there), Ok(expected)) => {
                let (here, there) = (&here.status, &there.status);
                assert!(here.notes.iter().any(|note| note.contains(expected)), "{text}: {:?}", here.notes);
                assert_eq!(here.notes, there.notes, "{text}");
                assert_eq!(here.empty_nights, there.empty_nights, "{text}");
            }
            (Err(here), Err(there), Err(expected)) => {
                let told = |error: &TransferError| {
                    let problems = serde_json::to_string(&error.problems()).unwrap();
                    (error.kind(), error.to_string(), problems)
                };
                let (kind, message, problems) = told(&here);
                assert!(format!("{message} {problems}").contains(expected), "{text}: {message} {problems}");
                assert_eq!((kind, message, problems), told(&there), "{text}");
            }
            (here, there, _) => panic!("{text}: {here:?} here, {there:?} there"),
        }
    }
    // Jobs of both come through.
    let id = elsewhere.submit(request("nights: [2025-09-01]"), &Caller::default()).await.unwrap().id;
    world.work_through(None).await;
    assert_eq!(world.came_to(id).await, (JobState::Done, ALERTS));
    world.broker.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_surely_fits_is_taken_without_a_scan_and_what_may_not_is_estimated() {
    let job = Ceiling { alerts: Some(ALERTS + 1), ..Ceiling::default() };
    let user_day = Ceiling { alerts: Some(10 * ALERTS), ..Ceiling::default() };
    let one_night = || request("nights: [2025-09-01]\nconditions: candidate.jd > 0");
    let today = UsageId { user: "me".into(), day: Utc::now().date_naive() };
    // What a submit has counted on shows whether it looked.
    for (user_day, counted) in [(Ceiling::default(), 0), (user_day, ALERTS)] {
        let world = World::with_limits(Limits { job, user_day });
        world.service.submit(one_night(), &Caller::new("me")).await.unwrap();
        assert_eq!(world.service.store.usage(&today).await.unwrap().value.total().alerts, counted);
        let both = request("nights: [2025-09-01..2025-09-02]\nconditions: candidate.jd > 0");
        let error = world.service.submit(both, &Caller::new("me")).await.unwrap_err();
        assert!(error.to_string().contains("600 alerts"), "{error}");
        world.broker.shutdown();
    }
}
