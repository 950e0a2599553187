//! What is promised of topics, on every kind of cluster, and what each refuses.

// In tests a panic is how a case fails, also in what the cases call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cluster;
mod conformance;
mod crash;
#[cfg(feature = "ssl")]
mod refusals;
#[cfg(feature = "ssl")]
mod tokens;

use cluster::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_conforms() {
    conformance::check(&Cluster::embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_kafka_conforms() {
    conformance::check(&Cluster::open()).await;
}

#[cfg(feature = "ssl")]
#[tokio::test(flavor = "multi_thread")]
async fn apache_kafka_conforms_by_tls() {
    conformance::check(&Cluster::by_tls()).await;
}

#[cfg(feature = "ssl")]
#[tokio::test(flavor = "multi_thread")]
async fn apache_kafka_conforms_to_users_by_scram() {
    conformance::check(&Cluster::by_scram()).await;
}

#[cfg(feature = "ssl")]
#[tokio::test(flavor = "multi_thread")]
async fn apache_kafka_conforms_to_users_by_scram_and_tls() {
    conformance::check(&Cluster::by_scram_and_tls()).await;
}

#[cfg(feature = "ssl")]
#[tokio::test(flavor = "multi_thread")]
async fn apache_kafka_conforms_to_users_by_tokens() {
    conformance::check(&tokens::cluster()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_gone_is_a_lasting_failure_on_each() {
    let clusters = [Cluster::embedded(), Cluster::open()].into_iter();
    #[cfg(feature = "ssl")]
    let clusters = clusters.chain([
        Cluster::by_tls(),
        Cluster::by_scram(),
        Cluster::by_scram_and_tls(),
        tokens::cluster(),
    ]);
    let clusters: Vec<_> = clusters.collect();
    let waiting: Vec<_> =
        clusters.iter().map(conformance::a_topic_that_is_gone_is_a_lasting_failure).collect();
    for failure in waiting {
        failure.await.unwrap();
    }
}
