//! A broker killed in the middle of things.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::rdkafka_clients::{create, read};

/// A broker in a process of its own, which can be killed.
struct Process {
    child: Child,
    bootstrap: String,
}

impl Process {
    fn start(folder: &Path, listen: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_embedded-broker"))
            .arg(folder)
            .arg(listen)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut bootstrap = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut bootstrap).unwrap();
        Self { child, bootstrap: bootstrap.trim().to_owned() }
    }

    /// Kills it as `kill -9` does.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Remembers what was acknowledged.
#[derive(Default)]
struct Acknowledged(Mutex<Vec<(i32, i64, String)>>);

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Ok(message) = result {
            let value = String::from_utf8(message.payload().unwrap().to_vec()).unwrap();
            self.0.lock().unwrap().push((message.partition(), message.offset(), value));
        }
    }
}

fn producer(bootstrap: &str) -> ThreadedProducer<Acknowledged> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "1")
        .set("batch.num.messages", "200")
        .set("reconnect.backoff.max.ms", "200")
        .create_with_context(Acknowledged::default())
        .unwrap()
}

#[test]
fn a_killed_broker_loses_nothing_acknowledged_and_doubles_nothing() {
    const MESSAGES: usize = 200_000;
    const PARTITIONS: i32 = 4;
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Process::start(folder.path(), "127.0.0.1:0");
    let listen = broker.bootstrap.clone();
    create(&listen, "night", PARTITIONS);
    let producer = producer(&listen);
    let acknowledged = || producer.context().0.lock().unwrap().len();
    let mut kills = 0;
    for number in 0..MESSAGES {
        let value = format!("{number} {}", "x".repeat(100));
        let record =
            || BaseRecord::<(), str>::to("night").partition(number as i32 % PARTITIONS).payload(&value);
        while producer.send(record()).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if acknowledged() > (kills + 1) * MESSAGES / 10 && kills < 3 {
            broker.kill();
            broker = Process::start(folder.path(), &listen);
            kills += 1;
        }
    }
    producer.flush(Duration::from_secs(60)).unwrap();
    assert_eq!(kills, 3, "killed while producing");
    let acknowledged = std::mem::take(&mut *producer.context().0.lock().unwrap());
    assert_eq!(acknowledged.len(), MESSAGES);
    broker.kill();

    let broker = Process::start(folder.path(), "127.0.0.1:0");
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &broker.bootstrap)
        .set("group.id", "readers")
        .set("auto.offset.reset", "earliest")
        .set("check.crcs", "true")
        .create()
        .unwrap();
    consumer.subscribe(&["night"]).unwrap();
    let values = read(&consumer, MESSAGES);
    for (partition, offset, value) in &acknowledged {
        assert_eq!(values[partition].get(*offset as usize), Some(value), "offset {offset} of {partition}");
    }
    for partition in 0..PARTITIONS {
        let ends = consumer.fetch_watermarks("night", partition, Duration::from_secs(10)).unwrap();
        assert_eq!(ends, (0, MESSAGES as i64 / i64::from(PARTITIONS)), "each message once");
        let numbers =
            values[&partition].iter().map(|value| value.split(' ').next().unwrap().parse::<i32>().unwrap());
        assert!(numbers.eq((0..MESSAGES as i32).skip(partition as usize).step_by(PARTITIONS as usize)));
    }
}

#[test]
fn a_second_process_on_a_folder_is_refused_until_the_first_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::start(folder.path(), "127.0.0.1:0");
    let second = Command::new(env!("CARGO_BIN_EXE_embedded-broker"))
        .arg(folder.path())
        .arg("127.0.0.1:0")
        .output()
        .unwrap();
    assert!(!second.status.success());
    let complaint = String::from_utf8(second.stderr).unwrap();
    assert!(complaint.contains("is in use by another broker"), "{complaint}");
    first.kill();
    let third = Process::start(folder.path(), "127.0.0.1:0");
    assert!(third.bootstrap.starts_with("127.0.0.1:"));
}

#[test]
fn a_terminated_broker_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Process::start(folder.path(), "127.0.0.1:0");
    create(&broker.bootstrap, "night", 1);
    assert!(!folder.path().join("clean").exists());
    let terminate = Command::new("kill").arg(broker.child.id().to_string()).status().unwrap();
    assert!(terminate.success());
    let deadline = Instant::now() + Duration::from_secs(10);
    let status = loop {
        assert!(Instant::now() < deadline, "does not end");
        if let Some(status) = broker.child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success());
    assert!(folder.path().join("clean").exists());
}
