//! Topics are made, found and deleted.

use super::PARTITIONS;
use crate::cluster::Cluster;
use broker::{BrokerError, Existing, Kafka, KafkaConfig, SCHEMA_COPIES};
use job::ErrorKind;
use rdkafka::producer::{BaseRecord, Producer};
use std::time::{Duration, Instant};

pub async fn both_topics_are_made_as_configured(cluster: &Cluster) {
    let retention = Duration::from_secs(5 * 24 * 3600);
    let kafka = Kafka::new(KafkaConfig { retention, ..cluster.config.clone() }).unwrap();
    let topic = cluster.topic();
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    for name in [topic.as_str(), &topic.schema_topic()] {
        // Both exist when the call returns, with leaders: the offsets can be asked for.
        let state = kafka.topic_state(name).await.unwrap();
        assert_eq!(state.offsets, [(0, 0); PARTITIONS]);
        assert_eq!(cluster.copies(name), [1; PARTITIONS]);
        let settings = cluster.settings(name).await;
        for (setting, value) in [
            ("retention.ms", "432000000"),
            ("cleanup.policy", "delete"),
            ("message.timestamp.type", "LogAppendTime"),
            ("max.message.bytes", "10485760"),
        ] {
            assert_eq!(settings[setting], value, "{setting} of {name}");
        }
    }
}

pub async fn a_topic_that_exists_is_accepted_or_refused(cluster: &Cluster) {
    let (kafka, topic) = (cluster.kafka(), cluster.topic());
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    let twice = kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await;
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::Conflict);
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Accept).await.unwrap();
    let other = kafka.create_topics(&topic, 5, Existing::Accept).await.unwrap_err();
    assert!(matches!(other, BrokerError::Partitions { found: PARTITIONS, planned: 5, .. }), "{other}");
    assert_eq!(other.kind(), ErrorKind::Permanent);
}

pub async fn what_the_cluster_cannot_do_is_not_tried_again(cluster: &Cluster) {
    let kafka = Kafka::new(KafkaConfig { replication: 3, ..cluster.config.clone() }).unwrap();
    let begun = Instant::now();
    let error = kafka.create_topics(&cluster.topic(), 1, Existing::Refuse).await.unwrap_err();
    assert!(matches!(error, BrokerError::Refused { .. }), "three copies on one broker: {error}");
    assert_eq!(error.kind(), ErrorKind::Permanent);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

pub async fn the_schema_is_there_a_thousand_times_however_often_it_is_published(cluster: &Cluster) {
    const SCHEMA: &str = r#"{"type": "record"}"#;
    let (kafka, topic) = (cluster.kafka(), cluster.topic());
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    let schema_topic = topic.schema_topic();
    // A fan-out that was broken off.
    let producer = cluster.producer();
    for copy in 0..200 {
        let record =
            BaseRecord::<str, [u8]>::to(&schema_topic).partition(copy % PARTITIONS as i32).key(SCHEMA);
        producer.send(record.payload(b"")).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(10)).unwrap();
    for _ in 0..2 {
        kafka.publish_schema(&topic, SCHEMA).await.unwrap();
        let state = kafka.topic_state(&schema_topic).await.unwrap();
        assert_eq!(state.messages(), SCHEMA_COPIES, "a second time adds nothing");
        assert!(state.ends().iter().all(|end| *end > 300), "spread over the partitions: {state:?}");
    }
    assert!(cluster.read(&schema_topic).iter().flatten().all(|read| read.key == SCHEMA.as_bytes()));
}

pub async fn deleted_topics_are_gone_and_may_be_made_again(cluster: &Cluster) {
    let (kafka, topic) = (cluster.kafka(), cluster.topic());
    kafka.create_topics(&topic, PARTITIONS as i32, Existing::Refuse).await.unwrap();
    kafka.publish_schema(&topic, "{}").await.unwrap();
    kafka.delete_topics(&topic).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    for name in [topic.as_str(), &topic.schema_topic()] {
        // Apache Kafka answers before the deletion has reached every part of it.
        while let Ok(state) = kafka.topic_state(name).await {
            assert!(Instant::now() < deadline, "{name} is still there: {state:?}");
        }
        assert_eq!(kafka.topic_state(name).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    kafka.delete_topics(&topic).await.unwrap();
    kafka.create_topics(&topic, 2, Existing::Refuse).await.unwrap();
    assert_eq!(kafka.topic_state(&topic.schema_topic()).await.unwrap().offsets, [(0, 0); 2]);
}
