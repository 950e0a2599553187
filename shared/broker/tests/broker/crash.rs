//! The publisher and the tail, against a real broker that comes and goes.

// In tests a panic is how a case fails, also in what the cases call.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use broker::{BrokerError, Compression, Existing, Kafka, KafkaConfig, MessageKey};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use job::{Arrived, TopicName};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseRecord, Producer, ThreadedProducer},
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

const PARTITIONS: usize = 3;

fn kafka(broker: &EmbeddedBroker, delivery_timeout: Duration) -> Kafka {
    Kafka::new(KafkaConfig { delivery_timeout, ..KafkaConfig::plaintext(broker.bootstrap()) })
}

fn topic(text: &str) -> TopicName {
    text.parse().unwrap()
}

/// How many messages of a task each partition holds.
async fn arrived(
    kafka: &Kafka,
    topic: &TopicName,
    task: u32,
    known: Vec<u64>,
    from: Vec<i64>,
) -> Result<Vec<u64>, BrokerError> {
    let tasks = BTreeMap::from([(task, Arrived::known(known))]);
    Ok(kafka.arrived(topic, tasks, from).await?.remove(&task).unwrap().into_counts())
}

/// Every message of the topic: for each partition the payloads in order.
fn read(bootstrap: &str, topic: &TopicName, expected: usize) -> HashMap<i32, Vec<String>> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", "reader").create().unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS as i32 {
        all.add_partition_offset(topic.as_str(), partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&all).unwrap();
    let mut found: HashMap<i32, Vec<String>> = HashMap::new();
    let mut silent = 0;
    while silent < 10 {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                silent = 0;
                let messages = found.entry(message.partition()).or_default();
                assert_eq!(message.offset(), messages.len() as i64, "offsets are dense");
                messages.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
            }
            _ => silent += 1,
        }
        if found.values().map(Vec::len).sum::<usize>() > expected {
            break;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_vanishes_leaves_a_prefix_and_a_new_attempt_completes_it() {
    const MESSAGES: usize = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let first = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
    let address = first.address();
    let topic = topic("ftransfer_ztf_2026-03-23_1");
    let kafka = kafka(&first, Duration::from_secs(2));
    let mut broker = Some(first);
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    let twice = kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await;
    assert_eq!(twice.unwrap_err().kind(), job::ErrorKind::Conflict);
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Accept).await.unwrap();

    let payload = |number: usize| format!("{number}-{}", "x".repeat(500));
    let mut attempts = 0;
    let mut reached = vec![0; PARTITIONS];
    loop {
        let mut publisher = kafka.publisher(&topic, 7, &reached, Compression::Lz4).unwrap();
        let mut seen = [0; PARTITIONS];
        let mut sent = Ok(());
        for number in 0..MESSAGES {
            let partition = number % PARTITIONS;
            if seen[partition] >= reached[partition] {
                sent = publisher.send(partition as i32, payload(number).as_bytes(), &|| false);
            }
            seen[partition] += 1;
            if attempts < 2 && number == (attempts + 1) * 20_000 {
                broker.take().unwrap().shutdown();
            }
            if sent.is_err() {
                break;
            }
        }
        let ended = match sent {
            Ok(()) => publisher.finish(&|| false).map(drop),
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => break,
            Err(error) => {
                assert!(matches!(error, BrokerError::Delivery { lasting: false, .. }), "{error}");
                publisher.stop(Duration::from_secs(5));
                broker =
                    Some(EmbeddedBroker::start(BrokerConfig::new(folder.path()).listen(address)).unwrap());
                reached = arrived(&kafka, &topic, 7, vec![0; PARTITIONS], vec![0; PARTITIONS]).await.unwrap();
                attempts += 1;
            }
        }
    }
    assert_eq!(attempts, 2, "the broker went away twice");
    let broker = broker.unwrap();
    let found = read(&broker.bootstrap(), &topic, MESSAGES);
    for partition in 0..PARTITIONS {
        let expected: Vec<String> = (partition..MESSAGES).step_by(PARTITIONS).map(payload).collect();
        assert!(found[&(partition as i32)] == expected, "partition {partition}: each once, in order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_task_s_own_messages_count_and_a_gap_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
    let topic = topic("ftransfer_ztf_2026-03-23_2");
    let kafka = kafka(&broker, Duration::from_secs(10));
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    let producer: ThreadedProducer<rdkafka::producer::DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", broker.bootstrap()).create().unwrap();
    let send = |task, sequence| {
        let key = MessageKey { task, sequence }.to_bytes();
        let record = BaseRecord::<[u8], [u8]>::to(topic.as_str()).partition(1).key(&key).payload(b"alert");
        producer.send(record).map_err(|(error, _)| error).unwrap();
    };
    for (task, sequence) in [(1, 0), (2, 0), (1, 1), (2, 1), (2, 2)] {
        send(task, sequence);
    }
    producer.flush(Duration::from_secs(10)).unwrap();
    let count =
        |task, known: u64, from: i64| arrived(&kafka, &topic, task, vec![0, known, 0], vec![0, from, 0]);
    assert_eq!(count(1, 0, 0).await.unwrap(), [0, 2, 0]);
    assert_eq!(count(2, 0, 0).await.unwrap(), [0, 3, 0]);
    assert_eq!(count(2, 1, 2).await.unwrap(), [0, 3, 0], "from a checkpoint on");
    assert_eq!(count(9, 0, 0).await.unwrap(), [0, 0, 0]);
    send(1, 3);
    producer.flush(Duration::from_secs(10)).unwrap();
    let error = count(1, 0, 0).await.unwrap_err();
    assert!(matches!(error, BrokerError::Gap { partition: 1, expected: 2, found: 3, .. }), "{error}");
    assert_eq!(error.kind(), job::ErrorKind::Permanent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_there_a_thousand_times_over_all_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
    let topic = topic("ftransfer_ztf_2026-03-23_3");
    let kafka = kafka(&broker, Duration::from_secs(10));
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    for _ in 0..2 {
        kafka.publish_schema(&topic, r#"{"type": "record"}"#).await.unwrap();
        let state = kafka.topic_state(&topic.schema_topic()).await.unwrap();
        assert_eq!(state.messages(), broker::SCHEMA_COPIES, "a second time adds nothing");
        assert!(state.ends().iter().all(|end| *end > 300), "{state:?}");
    }
}
