//! The publisher sends in order, without a gap, and stops when it is told to.

use super::{PARTITIONS, arrived};
use crate::cluster::Cluster;
use broker::{Acknowledged, BrokerError, Compression, Existing, Kafka, KafkaConfig, MessageKey, Outgoing};
use job::ErrorKind;
use std::{cell::Cell, time::Duration};
use tokio::task::JoinHandle;

pub async fn messages_arrive_in_order_without_a_gap_under_their_keys(cluster: &Cluster) {
    const EACH: usize = 2_000;
    let kafka = cluster.kafka();
    let payload = |number: usize| format!("{number:0>1000}");
    for compression in [Compression::None, Compression::Lz4] {
        let topic = cluster.topic();
        kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
        let mut publisher = kafka.publisher(&topic, 7, &[0; PARTITIONS], compression).unwrap();
        for number in 0..PARTITIONS * EACH {
            let partition = (number % PARTITIONS) as i32;
            publisher.send(partition, payload(number).as_bytes(), &|| false).unwrap();
        }
        let bytes = (PARTITIONS * EACH * 1000) as u64;
        let expected = Acknowledged {
            sequences: vec![EACH as u64; PARTITIONS],
            offsets: vec![EACH as i64; PARTITIONS],
            messages: (PARTITIONS * EACH) as u64,
            bytes,
        };
        assert_eq!(publisher.finish(&|| false).unwrap(), expected);
        assert_eq!(publisher.watch().acknowledged(), expected);
        for (partition, found) in cluster.read(topic.as_str()).into_iter().enumerate() {
            assert_eq!(found.len(), EACH);
            for (sequence, read) in found.into_iter().enumerate() {
                let key = MessageKey { task: 7, sequence: sequence as u64 };
                assert_eq!(MessageKey::read(&read.key), Some(key));
                assert_eq!(read.payload, payload(sequence * PARTITIONS + partition).as_bytes());
            }
        }
        let on_disk = cluster.bytes_on_disk(topic.as_str());
        match compression {
            Compression::None => assert!(on_disk > bytes, "{on_disk} bytes"),
            Compression::Lz4 => assert!((1..bytes / 4).contains(&on_disk), "{on_disk} bytes"),
        }
    }
}

pub async fn a_message_may_have_ten_megabytes_and_no_more(cluster: &Cluster) {
    const TEN_MEGABYTES: usize = 10 * 1024 * 1024;
    let (kafka, topic) = (cluster.kafka(), cluster.topic());
    kafka.create_topics(&topic, 1, Existing::Refuse).await.unwrap();
    // The limit is that of a batch, whose head and the key want their part.
    let sizes = [0, 55_000, 4_000_000, TEN_MEGABYTES - 200];
    let mut publisher = kafka.publisher(&topic, 1, &[0], Compression::Lz4).unwrap();
    for size in sizes {
        publisher.send(0, &noise(size), &|| false).unwrap();
    }
    publisher.finish(&|| false).unwrap();
    let found = cluster.read(topic.as_str()).remove(0);
    assert!(found.iter().map(|read| &read.payload).eq(sizes.map(noise).iter()));
    assert_eq!(arrived(&kafka, &topic, 1, vec![0], vec![0]).await.unwrap(), [4], "the tail reads them too");

    // The first is refused by librdkafka, the second by the cluster.
    for size in [TEN_MEGABYTES + 1, TEN_MEGABYTES - 12] {
        let mut publisher = kafka.publisher(&topic, 1, &[4], Compression::None).unwrap();
        let sent = publisher.send(0, &noise(size), &|| false);
        let error = sent.and_then(|()| publisher.finish(&|| false).map(drop)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Permanent, "{size} bytes: {error}");
        assert!(publisher.stop(Duration::from_secs(5)));
    }
    assert_eq!(kafka.topic_state(topic.as_str()).await.unwrap().offsets, [(0, 4)]);
}

pub async fn a_full_queue_is_waited_for_and_a_stop_leaves_a_prefix(cluster: &Cluster) {
    // Three times what may wait in the producer, and handed over at once: no broker keeps up.
    const MESSAGES: usize = 800;
    let noise = noise(250_000);
    let payload = |number: usize| [&number.to_le_bytes()[..], &noise].concat();
    let (kafka, topic) = (cluster.kafka(), cluster.topic());
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    let numbers = |partition: usize, reached: u64| {
        (partition..MESSAGES).step_by(PARTITIONS).skip(reached as usize).collect::<Vec<_>>()
    };
    let mut reached = vec![0; PARTITIONS];
    // Asked before every 256 messages of a partition, and again while the queue is full: the first is told to stop when that is.
    let asked_at_least = (PARTITIONS * MESSAGES.div_ceil(PARTITIONS).div_ceil(256)) as u32;
    for patience in [asked_at_least + 5, u32::MAX] {
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > patience
        };
        let mut publisher = kafka.publisher(&topic, 1, &reached, Compression::None).unwrap();
        let mut left: Vec<(usize, usize)> = (0..PARTITIONS)
            .flat_map(|partition| {
                numbers(partition, reached[partition]).into_iter().map(move |number| (number, partition))
            })
            .collect();
        left.sort_unstable();
        let (mut buffer, mut messages) = (Vec::new(), Vec::new());
        for (number, partition) in &left {
            let start = buffer.len();
            buffer.extend(payload(*number));
            messages.push(Outgoing { partition: *partition as i32, bytes: start..buffer.len() });
        }
        let sent = publisher.send_all(buffer, &messages, &stop);
        let outcome = sent.and_then(|()| publisher.finish(&|| false).map(drop));
        assert!(asked.get() > asked_at_least, "the queue was never full");
        match outcome {
            Ok(()) => assert_eq!(patience, u32::MAX),
            Err(error) => {
                assert!(matches!(error, BrokerError::Stopped), "{error}");
                assert_eq!(error.kind(), ErrorKind::Conflict);
                let handed_over = publisher.handed_over().to_vec();
                assert!(publisher.stop(Duration::from_secs(10)), "nothing is under way any more");
                reached = arrived(&kafka, &topic, 1, vec![0; PARTITIONS], vec![0; PARTITIONS]).await.unwrap();
                let lost: u64 = handed_over.iter().zip(&reached).map(|(sent, there)| sent - there).sum();
                assert!(lost > 0, "what was queued is thrown away");
            }
        }
    }
    for (partition, found) in cluster.read(topic.as_str()).into_iter().enumerate() {
        let expected = numbers(partition, 0).into_iter().map(payload);
        assert!(
            found.into_iter().map(|read| read.payload).eq(expected),
            "partition {partition}: each once, in order"
        );
    }
}

/// A topic may yet appear for half a minute: long enough that all clusters are waited for at once.
pub fn a_topic_that_is_gone_is_a_lasting_failure(cluster: &Cluster) -> JoinHandle<()> {
    let delivery_timeout = Duration::from_secs(120);
    let kafka = Kafka::new(KafkaConfig { delivery_timeout, ..cluster.config.clone() }).unwrap();
    let mut publisher = kafka.publisher(&cluster.topic(), 1, &[0], Compression::Lz4).unwrap();
    tokio::task::spawn_blocking(move || {
        let sent = publisher.send(0, b"alert", &|| false);
        let error = sent.and_then(|()| publisher.finish(&|| false).map(drop)).unwrap_err();
        assert!(matches!(error, BrokerError::Delivery { lasting: true, .. }), "{error}");
    })
}

/// Bytes that do not compress, always the same.
fn noise(size: usize) -> Vec<u8> {
    let mut state = size as u64 | 1;
    let mut bytes = vec![0; size];
    for chunk in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}
