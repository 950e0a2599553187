//! Where to go on is told by the topic alone.

use super::PARTITIONS;
use crate::cluster::Cluster;
use broker::{BrokerError, Compression, Existing, Kafka, MessageKey};
use job::{Arrived, TopicName};
use rdkafka::producer::{BaseRecord, Producer};
use std::{collections::BTreeMap, sync::Barrier, time::Duration};

/// How many messages of a task each partition holds.
pub async fn arrived(
    kafka: &Kafka,
    topic: &TopicName,
    task: u32,
    known: Vec<u64>,
    from: Vec<i64>,
) -> Result<Vec<u64>, BrokerError> {
    let tasks = BTreeMap::from([(task, Arrived::known(known))]);
    Ok(kafka.arrived(topic, tasks, from).await?.remove(&task).unwrap().into_counts())
}

pub async fn two_tasks_fill_a_topic_at_once(cluster: &Cluster) {
    const EACH: u64 = 10_000;
    let (kafka, topic) = (cluster.kafka(), cluster.topic());
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    let together = Barrier::new(2);
    std::thread::scope(|scope| {
        for task in [3, 4] {
            let (kafka, topic, together) = (&kafka, &topic, &together);
            scope.spawn(move || {
                let mut publisher = kafka.publisher(topic, task, &[0; PARTITIONS], Compression::Lz4).unwrap();
                for number in 0..PARTITIONS as u64 * EACH {
                    // From time to time they wait for each other: neither may come first altogether.
                    if number % 6_000 == 0 {
                        publisher.finish(&|| false).unwrap();
                        together.wait();
                    }
                    let (partition, sequence) = (number % PARTITIONS as u64, number / PARTITIONS as u64);
                    let payload = format!("{task} {sequence:0>200}");
                    publisher.send(partition as i32, payload.as_bytes(), &|| false).unwrap();
                }
                publisher.finish(&|| false).unwrap();
            });
        }
    });
    let mut turns = 0;
    for found in cluster.read(topic.as_str()) {
        let mut next = BTreeMap::from([(3, 0), (4, 0)]);
        let mut before = None;
        for read in found {
            let key = MessageKey::read(&read.key).unwrap();
            assert_eq!(read.payload, format!("{} {:0>200}", key.task, key.sequence).as_bytes());
            let expected = next.get_mut(&key.task).unwrap();
            assert_eq!(key.sequence, *expected, "each task's messages are in their order");
            *expected += 1;
            turns += usize::from(before.replace(key.task) != Some(key.task));
        }
        assert_eq!(next, BTreeMap::from([(3, EACH), (4, EACH)]));
    }
    assert!(turns > 2 * PARTITIONS, "they came one after the other");
    for task in [3, 4] {
        let all = vec![EACH; PARTITIONS];
        assert_eq!(
            arrived(&kafka, &topic, task, vec![0; PARTITIONS], vec![0; PARTITIONS]).await.unwrap(),
            all
        );
    }
}

pub async fn only_the_task_s_own_messages_count_and_a_gap_is_refused(cluster: &Cluster) {
    let (kafka, topic) = (cluster.kafka(), cluster.topic());
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    let producer = cluster.producer();
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
