//! Sending: what the worker's publisher takes of messages that are there already, until the broker has acknowledged them.

use crate::{
    mock,
    night::{Night, content},
};
use broker::{Compression, Kafka, KafkaConfig, Outgoing};
use criterion::{BenchmarkId, Criterion, Throughput};
use job::TopicName;
use packet::{Encoder, Messages, TnsCatalogue, finkclass, tnsclass};

/// Partitions of the topic.
const PARTITIONS: i32 = 10;

/// Light messages compressed by LZ4, full ones as they are, as jobs send them.
pub fn publish(criterion: &mut Criterion, night: &Night) {
    let topic: TopicName = "ftransfer_ztf_2026-03-22_1".parse().unwrap();
    let cluster = mock::cluster(topic.as_str(), PARTITIONS);
    let kafka = Kafka::new(KafkaConfig::plaintext(cluster.bootstrap_servers())).unwrap();
    let mut group = criterion.benchmark_group("publish");
    group.throughput(Throughput::Elements(night.rows()));
    for (name, compression) in [("Light packet", Compression::Lz4), ("Full packet", Compression::None)] {
        let (buffer, outgoing) = messages(night, name);
        let sequences = vec![0; PARTITIONS as usize];
        // One for all rounds: a new one first asks the broker for a number of its own, which takes half a second.
        let mut publisher = kafka.publisher(&topic, 0, &sequences, compression).unwrap();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                let mut filled = publisher.buffer();
                filled.extend_from_slice(&buffer);
                publisher.send_all(filled, &outgoing, &|| false).unwrap();
                publisher.finish(&|| false).unwrap();
            });
        });
    }
}

/// The night's messages of a content, one partition after the other.
fn messages(night: &Night, name: &str) -> (Vec<u8>, Vec<Outgoing>) {
    let encoder = Encoder::new(night.layout(&content(name)));
    let mut messages = Messages::default();
    for batch in night.batches(&night.plan(&content(name))) {
        let tns = tnsclass(&batch, &TnsCatalogue::default());
        encoder.encode(&batch, night.night, &finkclass(&batch), &tns, &mut messages).unwrap();
    }
    let partition = |message: usize| message as i32 % PARTITIONS;
    let outgoing = (0..messages.len())
        .map(|message| Outgoing { partition: partition(message), bytes: messages.span(message) })
        .collect();
    (messages.buffer().to_vec(), outgoing)
}
