//! Who may not, is told so within seconds, and for good.

use crate::{
    cluster::{Cluster, USERS, scram},
    conformance::arrived,
};
use broker::{BrokerError, Compression, Existing, Kafka, KafkaConfig};
use job::{ErrorKind, TopicName};
use std::time::{Duration, Instant};

/// What everything that the service does with topics comes to where the cluster is out of reach.
async fn errors_of(kafka: &Kafka, topic: &TopicName) -> Vec<BrokerError> {
    let begun = Instant::now();
    let mut errors = vec![
        kafka.ping().await.unwrap_err(),
        kafka.create_topics(&topic, 1, Existing::Refuse).await.unwrap_err(),
        kafka.publish_schema(&topic, "{}").await.unwrap_err(),
        kafka.topic_state(topic.as_str()).await.unwrap_err(),
        kafka.delete_topics(topic).await.unwrap_err(),
        arrived(kafka, topic, 1, vec![0], vec![0]).await.unwrap_err(),
    ];
    let mut publisher = kafka.publisher(topic, 1, &[0], Compression::Lz4).unwrap();
    publisher.send(0, b"alert", &|| false).unwrap();
    errors.push(publisher.finish(&|| false).unwrap_err());
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(28), "seven answers in {waited:?}");
    errors
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_a_lasting_failure_that_says_so() {
    for mut cluster in [Cluster::by_scram(), Cluster::by_scram_and_tls()] {
        let tls = cluster.config.authorities.is_some();
        cluster.config.security = scram("wr0ng", tls);
        for error in errors_of(&cluster.kafka(), &cluster.topic()).await {
            assert!(matches!(error, BrokerError::Login { lasting: true, .. }), "{error}");
            assert_eq!(error.kind(), ErrorKind::Permanent);
            let told = format!("{error} {error:?}");
            assert!(told.contains("invalid credentials") && !told.contains("wr0ng"), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_for_which_nobody_vouches_is_a_lasting_failure_that_names_it() {
    let (mut tls, mut scram) = (Cluster::by_tls(), Cluster::by_scram_and_tls());
    // Each has an authority of its own.
    std::mem::swap(&mut tls.config.authorities, &mut scram.config.authorities);
    for cluster in [tls, scram] {
        for error in errors_of(&cluster.kafka(), &cluster.topic()).await {
            assert_untrusted(&error, &cluster.config);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_the_system_knows_do_not_vouch_for_a_cluster_of_ones_own() {
    let mut cluster = Cluster::by_scram_and_tls();
    cluster.config.authorities = None;
    let error = cluster.kafka().ping().await.unwrap_err();
    assert!(error.to_string().contains("the system's own"), "{error}");
    assert_untrusted(&error, &cluster.config);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_address_is_a_lasting_failure_that_names_it() {
    let mut cluster = Cluster::by_tls();
    cluster.config.bootstrap = cluster.config.bootstrap.replace("127.0.0.1", "localhost");
    let error = cluster.kafka().ping().await.unwrap_err();
    assert_untrusted(&error, &cluster.config);
}

/// It says which broker, which authorities and what is wrong, and is for good.
fn assert_untrusted(error: &BrokerError, config: &KafkaConfig) {
    assert!(matches!(error, BrokerError::Untrusted { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Permanent);
    let authorities =
        config.authorities.as_deref().map_or_else(String::new, |path| path.display().to_string());
    let told = error.to_string();
    for part in [&config.bootstrap, &authorities, "certificate"] {
        assert!(told.contains(part), "{told}: {part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_that_cannot_be_read_are_told_by_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("empty.pem"), "").unwrap();
    for (name, told) in [("missing.pem", "No such file"), ("empty.pem", "no certificate in PEM")] {
        let config = KafkaConfig { authorities: Some(file(name)), ..Cluster::by_tls().config };
        let error = Kafka::new(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(&file(name).display().to_string()), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    std::fs::write(file("damaged.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .unwrap();
    let config = KafkaConfig { authorities: Some(file("damaged.pem")), ..Cluster::by_tls().config };
    let error = Kafka::new(config).unwrap().ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
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
