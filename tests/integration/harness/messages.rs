//! The messages of a topic as they are.

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use std::time::Duration;

/// A broker that has nothing for so long has nothing more.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bytes of so many messages of a topic, sorted.
pub fn payloads(bootstrap: &str, topic: &str, messages: u64) -> Vec<Vec<u8>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "payloads")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
    let mut from = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        from.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
    }
    consumer.assign(&from).unwrap();
    let mut payloads = Vec::new();
    while (payloads.len() as u64) < messages {
        let message = consumer.poll(PATIENCE).expect("the topic holds less than was sent").unwrap();
        payloads.push(message.payload().unwrap().to_vec());
    }
    payloads.sort();
    payloads
}
