//! The limit: the worker's own publisher, with messages that need no reading, filtering or encoding.

use crate::usage::Usage;
use broker::{Compression, Kafka, KafkaConfig, Outgoing};
use job::TopicName;
use rdkafka::{
    ClientConfig, Message, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use serde_json::json;
use std::time::{Duration, Instant};

/// A broker that has sent nothing for so long has nothing more.
const END_OF_TOPIC: Duration = Duration::from_secs(5);

/// Bytes that are handed over at once.
const AT_ONCE: usize = 2 * 1024 * 1024;

/// What to send, and whereto.
#[derive(clap::Args)]
pub struct Args {
    /// The broker with a topic of such messages.
    #[arg(long)]
    like_bootstrap: String,
    /// That topic.
    #[arg(long)]
    like_topic: String,
    /// The broker to send to.
    #[arg(long)]
    bootstrap: String,
    /// The topic to send to.
    #[arg(long)]
    topic: String,
    /// Partitions of both.
    #[arg(long)]
    partitions: i32,
    /// Messages to send.
    #[arg(long)]
    messages: u64,
    /// Bytes of different messages that are kept; they are sent again and again.
    #[arg(long, default_value_t = 256 * 1024 * 1024)]
    pool_bytes: usize,
    /// As they are, not by LZ4.
    #[arg(long)]
    uncompressed: bool,
}

/// Reads some of the messages, then sends as many as asked for; prints what the sending took.
pub fn send(args: Args) {
    let pool = pool(&args);
    let kafka = Kafka::new(KafkaConfig::plaintext(&args.bootstrap)).unwrap();
    let topic: TopicName = args.topic.parse().unwrap();
    let compression = if args.uncompressed { Compression::None } else { Compression::Lz4 };
    // As a worker has one ready.
    kafka.make_ready(compression);
    std::thread::sleep(crate::run::WARM);
    let sequences = vec![0; usize::try_from(args.partitions).unwrap()];
    let (begun, before) = (Instant::now(), Usage::now());
    let mut publisher = kafka.publisher(&topic, 0, &sequences, compression).unwrap();
    let mut bytes = 0;
    // As the worker does: some megabytes of messages at once.
    let (mut buffer, mut outgoing) = (publisher.buffer(), Vec::new());
    for ((partition, message), number) in pool.iter().cycle().zip(1..=args.messages) {
        bytes += message.len() as u64;
        let start = buffer.len();
        buffer.extend_from_slice(message);
        outgoing.push(Outgoing { partition: *partition, bytes: start..buffer.len() });
        if buffer.len() >= AT_ONCE || number == args.messages {
            publisher.send_all(std::mem::take(&mut buffer), &outgoing, &|| false).unwrap();
            buffer = publisher.buffer();
            buffer.clear();
            outgoing.clear();
        }
    }
    let acknowledged = publisher.finish(&|| false).unwrap();
    let wall = begun.elapsed();
    let cpu_seconds = Usage::now().cpu_seconds - before.cpu_seconds;
    assert_eq!(acknowledged.messages, args.messages);
    println!(
        "{}",
        json!({
            "wall_seconds": wall.as_secs_f64(),
            "cpu_seconds": cpu_seconds,
            "sent": args.messages,
            "bytes_sent": bytes,
            "different_messages": pool.len(),
        })
    );
}

/// Messages of the topic with their partitions, as they come.
fn pool(args: &Args) -> Vec<(i32, Vec<u8>)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &args.like_bootstrap)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut from = TopicPartitionList::new();
    for partition in 0..args.partitions {
        from.add_partition_offset(&args.like_topic, partition, rdkafka::Offset::Beginning).unwrap();
    }
    consumer.assign(&from).unwrap();
    let (mut pool, mut bytes) = (Vec::new(), 0);
    while let Some(message) = consumer.poll(END_OF_TOPIC) {
        let message = message.unwrap();
        let payload = message.payload().unwrap_or_default();
        bytes += payload.len();
        pool.push((message.partition(), payload.to_vec()));
        if bytes >= args.pool_bytes || pool.len() as u64 == args.messages {
            break;
        }
    }
    assert!(!pool.is_empty(), "{} holds nothing", args.like_topic);
    // They come partition by partition, and are sent by turns.
    let mut turn = vec![0_u64; from.count()];
    let mut by_turns: Vec<(u64, (i32, Vec<u8>))> = pool
        .into_iter()
        .map(|(partition, message)| {
            let turn = &mut turn[partition as usize];
            *turn += 1;
            (*turn, (partition, message))
        })
        .collect();
    by_turns.sort_by_key(|(turn, (partition, _))| (*turn, *partition));
    by_turns.into_iter().map(|(_, message)| message).collect()
}
