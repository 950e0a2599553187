//! librdkafka's clients, as the product and its users have them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::{broker, now_ms};

const PATIENCE: Duration = Duration::from_secs(30);

pub fn create(bootstrap: &str, topic: &str, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let created = runtime.block_on(admin.create_topics([&topic], &AdminOptions::new())).unwrap();
    created[0].as_ref().unwrap();
}

pub fn producer(bootstrap: &str, codec: &str) -> ThreadedProducer<DefaultProducerContext> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("compression.type", codec)
        .set("linger.ms", "5")
        .create()
        .unwrap()
}

fn consumer(bootstrap: &str, group: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("check.crcs", "true")
        .set("session.timeout.ms", "6000")
        .create()
        .unwrap()
}

pub fn send(producer: &ThreadedProducer<DefaultProducerContext>, topic: &str, partition: i32, value: &str) {
    let record = || BaseRecord::<(), str>::to(topic).partition(partition).payload(value);
    while let Err((error, _)) = producer.send(record()) {
        let full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
        assert!(full, "{error}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The values of every partition, in order, until there are `count`; offsets must be dense.
pub fn read(consumer: &BaseConsumer, count: usize) -> BTreeMap<i32, Vec<String>> {
    let mut values = BTreeMap::<i32, Vec<String>>::new();
    let mut next = BTreeMap::<i32, i64>::new();
    let deadline = Instant::now() + PATIENCE;
    while values.values().map(Vec::len).sum::<usize>() < count {
        assert!(Instant::now() < deadline, "only {:?}", values.values().map(Vec::len).collect::<Vec<_>>());
        let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
        let message = message.unwrap();
        let expected = next.entry(message.partition()).or_insert(message.offset());
        assert_eq!(message.offset(), *expected);
        *expected += 1;
        let value = String::from_utf8(message.payload().unwrap().to_vec()).unwrap();
        values.entry(message.partition()).or_default().push(value);
    }
    values
}

#[test]
fn every_compression_passes_and_is_read_again_from_the_beginning() {
    let broker = broker();
    let bootstrap = broker.broker.bootstrap();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("night-{codec}");
        create(&bootstrap, &topic, 3);
        let producer = producer(&bootstrap, codec);
        for number in 0..3_000 {
            send(&producer, &topic, number % 3, &format!("alert {number} {}", "x".repeat(200)));
        }
        producer.flush(PATIENCE).unwrap();
        for reader in 0..2 {
            let consumer = consumer(&bootstrap, &format!("{codec}-{reader}"));
            consumer.subscribe(&[&topic]).unwrap();
            let values = read(&consumer, 3_000);
            for (partition, values) in values {
                let numbers =
                    values.iter().map(|value| value.split(' ').nth(1).unwrap().parse::<i32>().unwrap());
                assert!(numbers.eq((0..1_000).map(|at| at * 3 + partition)), "{codec}");
            }
        }
    }
}

#[test]
fn commits_of_a_group_outlive_a_restart() {
    let mut broker = broker();
    create(&broker.broker.bootstrap(), "night", 2);
    for round in 0..3 {
        let bootstrap = broker.broker.bootstrap();
        let producer = producer(&bootstrap, "lz4");
        for number in 0..100 {
            send(&producer, "night", number % 2, &format!("{round} {number}"));
        }
        producer.flush(PATIENCE).unwrap();
        let consumer = consumer(&bootstrap, "readers");
        consumer.subscribe(&["night"]).unwrap();
        let values = read(&consumer, 100);
        assert!(values.values().flatten().all(|value| value.starts_with(&format!("{round} "))));
        consumer.commit_consumer_state(CommitMode::Sync).unwrap();
        drop((consumer, producer));
        broker = broker.restart();
    }
}

#[test]
fn two_members_share_a_topic_and_one_takes_over() {
    let broker = broker();
    let bootstrap = broker.broker.bootstrap();
    create(&bootstrap, "night", 4);
    let members: Vec<_> = (0..2).map(|_| consumer(&bootstrap, "readers")).collect();
    for member in &members {
        member.subscribe(&["night"]).unwrap();
    }
    let assigned = |member: &BaseConsumer| {
        let _ = member.poll(Duration::from_millis(20));
        member.assignment().unwrap().count()
    };
    let deadline = Instant::now() + PATIENCE;
    while members.iter().map(assigned).collect::<Vec<_>>() != [2, 2] {
        assert!(Instant::now() < deadline, "never shared");
    }
    let mut members = members.into_iter();
    let stays = members.next().unwrap();
    drop(members);
    while assigned(&stays) != 4 {
        assert!(Instant::now() < deadline, "never taken over");
    }
}

#[test]
fn offsets_are_found_by_time() {
    let broker = broker();
    let bootstrap = broker.broker.bootstrap();
    create(&bootstrap, "night", 1);
    let start = now_ms() - 100_000;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let producer = producer(&bootstrap, codec);
        for number in 0..1_000 {
            let record = BaseRecord::<(), str>::to("night").payload("alert").timestamp(start + number);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }
    let consumer = consumer(&bootstrap, "readers");
    let mut times = TopicPartitionList::new();
    times.add_partition_offset("night", 0, Offset::Offset(start + 700)).unwrap();
    let found = consumer.offsets_for_times(times, PATIENCE).unwrap();
    assert_eq!(found.elements()[0].offset(), Offset::Offset(700));
    let late = consumer.fetch_watermarks("night", 0, PATIENCE).unwrap();
    assert_eq!(late, (0, 5_000));
}

#[test]
fn a_mistyped_topic_is_an_error_and_does_not_exist_afterwards() {
    let broker = broker();
    let bootstrap = broker.broker.bootstrap();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &bootstrap)
        .set("group.id", "readers")
        .set("allow.auto.create.topics", "true")
        .create()
        .unwrap();
    consumer.subscribe(&["nigth"]).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < deadline, "no error");
        if let Some(Err(error)) = consumer.poll(Duration::from_millis(100)) {
            break error;
        }
    };
    assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::UnknownTopicOrPartition));
    assert!(consumer.fetch_metadata(None, PATIENCE).unwrap().topics().is_empty());
}

#[test]
fn transactions_are_refused_at_once() {
    let broker = broker();
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", broker.broker.bootstrap())
        .set("transactional.id", "t")
        .create()
        .unwrap();
    let start = Instant::now();
    assert!(producer.init_transactions(PATIENCE).is_err());
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
}

#[test]
fn readers_keep_up_while_others_write() {
    let broker = broker();
    let bootstrap = broker.broker.bootstrap();
    create(&bootstrap, "night", 2);
    std::thread::scope(|scope| {
        for partition in 0..2 {
            let bootstrap = &bootstrap;
            scope.spawn(move || {
                let producer = producer(bootstrap, "lz4");
                for number in 0..20_000 {
                    send(&producer, "night", partition, &format!("{number}"));
                }
                producer.flush(PATIENCE).unwrap();
            });
        }
        let consumer = consumer(&bootstrap, "readers");
        consumer.subscribe(&["night"]).unwrap();
        for values in read(&consumer, 40_000).into_values() {
            assert!(values.iter().map(|value| value.parse::<i32>().unwrap()).eq(0..20_000));
        }
    });
}
