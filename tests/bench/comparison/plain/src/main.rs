//! The same work as one would write it first: DataFusion's SQL over the files, arrow-avro's encoder, rdkafka's producer.
//!
//! `plain ARGUMENTS`, where the arguments are one JSON object: `archive` (the folder of the night), `query` (SQL over the
//! table `alerts`), `schema` (Avro), `bootstrap`, `topic`, `partitions`, `compression`. Prints one JSON object.

use arrow::{
    array::{Array, AsArray},
    datatypes::{DataType, Schema},
};
use arrow_avro::{
    schema::SCHEMA_METADATA_KEY,
    writer::{Encoder, WriterBuilder, format::AvroBinaryFormat},
};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use futures::StreamExt;
use rdkafka::{
    ClientConfig, ClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::DeliveryResult,
    producer::{BaseProducer, BaseRecord, Producer, ProducerContext},
};
use serde_json::{Value, json};
use std::{
    error::Error,
    hash::Hasher,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// The kernel counts CPU time in hundredths of a second (`USER_HZ`).
const TICKS_A_SECOND: f64 = 100.0;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Counts what did not arrive.
#[derive(Default)]
struct Deliveries {
    failed: AtomicU64,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Sender {
    producer: BaseProducer<Deliveries>,
    topic: String,
    sequences: Vec<u64>,
    bytes: u64,
}

impl Sender {
    /// A producer with the settings of nightferry's.
    fn new(given: &Value) -> Result<Self, Box<dyn Error>> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", text(given, "bootstrap"))
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("compression.type", text(given, "compression"))
            .set("linger.ms", "20")
            .set("batch.size", "1000000")
            .set("batch.num.messages", "10000")
            .set("message.max.bytes", "10485760")
            .set("queue.buffering.max.kbytes", "65536")
            .set("queue.buffering.max.messages", "500000")
            .set("message.timeout.ms", "60000")
            .create_with_context(Deliveries::default())?;
        let partitions = given["partitions"].as_u64().ok_or("partitions are missing")? as usize;
        Ok(Self { producer, topic: text(given, "topic").into(), sequences: vec![0; partitions], bytes: 0 })
    }

    /// Hands a message over, to the partition and with the key that nightferry gives it.
    fn send(&mut self, object: &str, message: &[u8]) -> Result<(), Box<dyn Error>> {
        let mut hasher = twox_hash::XxHash64::with_seed(0);
        hasher.write(object.as_bytes());
        let partition = (hasher.finish() % self.sequences.len() as u64) as usize;
        let mut key = [0; 12];
        key[4..].copy_from_slice(&self.sequences[partition].to_be_bytes());
        self.sequences[partition] += 1;
        self.bytes += message.len() as u64;
        loop {
            let record =
                BaseRecord::to(&self.topic).partition(partition as i32).key(&key).payload(message);
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
}

fn text<'a>(given: &'a Value, name: &str) -> &'a str {
    given[name].as_str().unwrap_or_default()
}

/// CPU seconds of all threads, and the most memory that was resident at once, in bytes.
fn usage() -> Result<(f64, u64), Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("no name")?;
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    Ok((ticks / TICKS_A_SECOND, kilobytes * 1024))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let given: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("usage: plain ARGUMENTS")?)?;
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let (begun, (cpu_before, _)) = (Instant::now(), usage()?);
    let context = SessionContext::new_with_config(config);
    context.register_parquet("alerts", text(&given, "archive"), ParquetReadOptions::default()).await?;
    let mut batches = context.sql(text(&given, "query")).await?.execute_stream().await?;
    let mut sender = Sender::new(&given)?;
    let mut encoder: Option<Encoder> = None;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        if encoder.is_none() {
            let metadata = [(SCHEMA_METADATA_KEY.to_owned(), text(&given, "schema").to_owned())].into();
            let schema = Schema::new_with_metadata(batch.schema().fields().clone(), metadata);
            encoder = Some(WriterBuilder::new(schema).build_encoder::<AvroBinaryFormat>()?);
        }
        let Some(encoder) = &mut encoder else { continue };
        encoder.encode(&batch)?;
        let rows = encoder.flush();
        let objects = batch.column_by_name("objectId").ok_or("there is no objectId")?;
        let objects = arrow::compute::cast(objects, &DataType::Utf8)?;
        let objects = objects.as_string::<i32>();
        for (row, message) in rows.iter().enumerate() {
            sender.send(if objects.is_valid(row) { objects.value(row) } else { "" }, &message)?;
        }
        sender.producer.poll(Duration::ZERO);
    }
    sender.producer.flush(Duration::from_secs(120))?;
    let failed = sender.producer.context().failed.load(Ordering::Relaxed);
    if failed > 0 {
        return Err(format!("{failed} messages did not arrive").into());
    }
    let (wall, (cpu, peak)) = (begun.elapsed(), usage()?);
    let told = json!({
        "wall_seconds": wall.as_secs_f64(),
        "cpu_seconds": cpu - cpu_before,
        "peak_bytes": peak,
        "sent": sender.sequences.iter().sum::<u64>(),
        "bytes_sent": sender.bytes,
    });
    println!("{told}");
    Ok(())
}
