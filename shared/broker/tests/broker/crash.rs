//! A broker that comes and goes under a publisher. In this process, as it is ended at a chosen message; `tests/chaos`
//! does it to Apache Kafka, at any.

use crate::{cluster::Cluster, conformance::arrived};
use broker::{BrokerError, Compression, Existing, Kafka, KafkaConfig};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use std::time::Duration;

const PARTITIONS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_vanishes_leaves_a_prefix_and_a_new_attempt_completes_it() {
    const MESSAGES: usize = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let first = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
    let address = first.address();
    let topic = "ftransfer_ztf_2026-03-23_1".parse().unwrap();
    let delivery_timeout = Duration::from_secs(2);
    let kafka =
        Kafka::new(KafkaConfig { delivery_timeout, ..KafkaConfig::plaintext(first.bootstrap()) }).unwrap();
    let mut broker = Some(first);
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();

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
    let found = Cluster::plaintext(&broker.bootstrap(), folder.path()).read(topic.as_str());
    for (partition, found) in found.into_iter().enumerate() {
        let expected = (partition..MESSAGES).step_by(PARTITIONS).map(|number| payload(number).into_bytes());
        let found = found.into_iter().map(|read| read.payload);
        assert!(found.eq(expected), "partition {partition}: each once, in order");
    }
}
