//! librdkafka's mock broker.

use rdkafka::{mocking::MockCluster, producer::DefaultProducerContext};

/// A mock broker in this process, with a topic: it cannot be asked to make one.
pub fn cluster(topic: &str, partitions: i32) -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(topic, partitions, 1).unwrap();
    cluster
}
