//! Messages a second into and out of an embedded broker, with librdkafka on the same machine.
//!
//! `cargo run --release -p embedded-broker --example throughput [messages] [bytes] [codec]`
#![expect(clippy::print_stdout, reason = "the program's output")]

use std::error::Error;
use std::time::{Duration, Instant};

use embedded_broker::{BrokerConfig, EmbeddedBroker};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};

const TOPIC: &str = "throughput";
const PARTITIONS: i32 = 10;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let messages: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let bytes: usize = arguments.next().map_or(Ok(1_400), |text| text.parse())?;
    let codec = arguments.next().unwrap_or_else(|| "lz4".to_owned());

    let folder = std::env::temp_dir().join(format!("throughput-{}", std::process::id()));
    let broker = EmbeddedBroker::start(BrokerConfig::new(&folder))?;
    create_topic(&broker.bootstrap())?;
    let payloads = payloads(bytes);
    println!("{messages} messages of {bytes} bytes, {PARTITIONS} partitions, {codec}, idempotent, acks=all");
    println!("{:<10}{:>10}{:>14}{:>12}{:>16}", "", "seconds", "messages/s", "MB/s", "broker's CPU s");
    let table = Table { messages, bytes };
    table.row("in", || produce(&broker.bootstrap(), messages, &payloads, &codec))?;
    table.row("out", || consume(&broker.bootstrap(), messages))?;
    broker.shutdown();
    let start = Instant::now();
    let broker = EmbeddedBroker::start(BrokerConfig::new(&folder))?;
    println!("{:<10}{:>10.3}", "reopen", start.elapsed().as_secs_f64());
    table.row("out again", || consume(&broker.bootstrap(), messages))?;
    broker.shutdown();
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

struct Table {
    messages: u64,
    bytes: usize,
}

impl Table {
    fn row(&self, what: &str, work: impl FnOnce() -> Outcome<Duration>) -> Outcome<()> {
        let before = broker_cpu_ticks()?;
        let seconds = work()?.as_secs_f64();
        // Ticks are hundredths of a second on every Linux there is.
        let cpu = broker_cpu_ticks()?.saturating_sub(before) as f64 / 100.0;
        let rate = self.messages as f64 / seconds;
        println!("{what:<10}{seconds:>10.3}{rate:>14.0}{:>12.0}{cpu:>16.2}", rate * self.bytes as f64 / 1e6);
        Ok(())
    }
}

/// Processor time of the broker's own threads: steadier than the clock on a machine with other work.
fn broker_cpu_ticks() -> Outcome<u64> {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(task?.path().join("stat"))?;
        let (name, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
        if name.ends_with("(broker") {
            let times = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
            ticks += times.sum::<Result<u64, _>>()?;
        }
    }
    Ok(ticks)
}

fn create_topic(bootstrap: &str) -> Outcome<()> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let topic = NewTopic::new(TOPIC, PARTITIONS, TopicReplication::Fixed(1))
        .set("message.timestamp.type", "LogAppendTime");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for created in runtime.block_on(admin.create_topics([&topic], &AdminOptions::new()))? {
        created.map_err(|(topic, code)| format!("{topic}: {code}"))?;
    }
    Ok(())
}

/// Half of each message repeats, half is noise: what alerts without cutouts are like to a codec.
fn payloads(bytes: usize) -> Vec<Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..256)
        .map(|_| (0..bytes).map(|at| if at % 16 < 8 { noise() } else { at as u8 & 0x1f }).collect())
        .collect()
}

fn produce(bootstrap: &str, messages: u64, payloads: &[Vec<u8>], codec: &str) -> Outcome<Duration> {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("compression.type", codec)
        .set("linger.ms", "20")
        .set("batch.size", "1000000")
        .set("batch.num.messages", "100000")
        .set("queue.buffering.max.kbytes", "131072")
        .set("queue.buffering.max.messages", "1000000")
        .create()?;
    let start = Instant::now();
    for number in 0..messages {
        let payload = payloads.get(number as usize % payloads.len()).ok_or("no payload")?;
        let partition = (number % PARTITIONS as u64) as i32;
        let mut record = BaseRecord::<(), [u8]>::to(TOPIC).payload(payload).partition(partition);
        while let Err((error, again)) = producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error.into());
            }
            std::thread::sleep(Duration::from_millis(1));
            record = again;
        }
    }
    producer.flush(Duration::from_secs(120))?;
    Ok(start.elapsed())
}

fn consume(bootstrap: &str, messages: u64) -> Outcome<Duration> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", format!("reader-{}", Instant::now().elapsed().as_nanos()))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("check.crcs", "true")
        .set("fetch.message.max.bytes", "4194304")
        .create()?;
    let mut assignment = rdkafka::TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assignment.add_partition_offset(TOPIC, partition, rdkafka::Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let start = Instant::now();
    let mut next = vec![0_i64; PARTITIONS as usize];
    let mut read = 0;
    while read < messages {
        let message = consumer.poll(Duration::from_secs(10)).ok_or("no message for 10 seconds")??;
        let expected = next.get_mut(message.partition() as usize).ok_or("an unknown partition")?;
        if message.offset() != *expected {
            return Err(format!("offset {} instead of {expected}", message.offset()).into());
        }
        *expected += 1;
        read += 1;
    }
    Ok(start.elapsed())
}
