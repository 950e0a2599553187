//! Who may not, is told so within seconds, and for good.

use crate::cluster::{Cluster, FERRY, USERS};
use broker::{BrokerError, Compression, Existing, Kafka, KafkaConfig, Security};
use job::ErrorKind;
use std::time::{Duration, Instant};

fn ferry_with(password: &str) -> Kafka {
    let security = Security::Scram { username: FERRY.0.into(), password: password.into(), tls: false };
    Kafka::new(KafkaConfig { security, ..KafkaConfig::plaintext(USERS.bootstrap_for_scram()) }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_a_lasting_failure_that_says_so() {
    let (kafka, topic) = (ferry_with("wr0ng"), Cluster::by_scram().topic());
    let begun = Instant::now();
    let mut errors = vec![
        kafka.ping().await.unwrap_err(),
        kafka.create_topics(&topic, 1, Existing::Refuse).await.unwrap_err(),
        kafka.publish_schema(&topic, "{}").await.unwrap_err(),
        kafka.topic_state(topic.as_str()).await.unwrap_err(),
        kafka.delete_topics(&topic).await.unwrap_err(),
    ];
    let mut publisher = kafka.publisher(&topic, 1, &[0], Compression::Lz4).unwrap();
    publisher.send(0, b"alert", &|| false).unwrap();
    errors.push(publisher.finish(&|| false).unwrap_err());
    for error in &errors {
        assert!(matches!(error, BrokerError::Login { lasting: true, .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Permanent);
        let told = format!("{error} {error:?}");
        assert!(told.contains("invalid credentials") && !told.contains("wr0ng"), "{told}");
    }
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(25), "six answers in {waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_topic_is_a_lasting_failure_that_says_so() {
    let cluster = Cluster::by_scram();
    let (ours, topic, other) = (cluster.kafka(), cluster.topic(), cluster.topic());
    ours.create_topics(&topic, 1, Existing::Refuse).await.unwrap();
    // Who comes without a name may read, and no more.
    let reader = Kafka::new(KafkaConfig::plaintext(USERS.bootstrap())).unwrap();
    reader.topic_state(topic.as_str()).await.unwrap();
    let begun = Instant::now();
    let mut errors = vec![
        reader.create_topics(&other, 1, Existing::Refuse).await.unwrap_err(),
        reader.publish_schema(&topic, "{}").await.unwrap_err(),
        reader.delete_topics(&topic).await.unwrap_err(),
    ];
    let mut publisher = reader.publisher(&topic, 1, &[0], Compression::Lz4).unwrap();
    let sent = publisher.send(0, b"alert", &|| false);
    errors.push(sent.and_then(|()| publisher.finish(&|| false).map(drop)).unwrap_err());
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::Permanent, "{error:?}");
        assert!(error.to_string().to_lowercase().contains("authorization failed"), "{error}");
    }
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(10), "four answers in {waited:?}");
    assert_eq!(ours.topic_state(topic.as_str()).await.unwrap().offsets, [(0, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_another_name_is_not_ours_to_delete() {
    let kafka = Cluster::by_scram().kafka();
    let topic = "fxmatch_ztf_2026-03-23_1".parse().unwrap();
    kafka.create_topics(&topic, 1, Existing::Accept).await.unwrap();
    let error = kafka.delete_topics(&topic).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permanent, "{error}");
}
