//! What a cluster knows of a topic: its partitions, where they begin and end, and the schema of its alerts.

use crate::DownloadError;
use crate::avro::Schema;
use crate::error::is_passing;
use job::TopicName;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// The offsets of a partition: from the first that is there to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The partition.
    pub partition: i32,
    /// The first offset that is there.
    pub low: i64,
    /// One past the last offset.
    pub high: i64,
}

impl Span {
    /// How many offsets it has.
    pub fn offsets(&self) -> u64 {
        u64::try_from(self.high - self.low).unwrap_or_default()
    }
}

/// A client that reads by offset. Without a group: where to go on is written in the folder, beside the files.
pub fn consumer(bootstrap: &str) -> Result<BaseConsumer, DownloadError> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "nightferry")
        // Required by the client, and otherwise not used: nothing joins it.
        .set("group.id", "nightferry-download")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // An offset that is gone is an error, not a reason to read all again.
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("check.crcs", "true")
        .set("queued.max.messages.kbytes", "32768")
        .set("fetch.message.max.bytes", "4194304")
        // The defaults pause a whole second when the queue is full, and half of one when a partition has nothing new.
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "50")
        .create()
        .map_err(|source| DownloadError::Unreachable { bootstrap: bootstrap.to_owned(), source })
}

/// Begins to read partitions from their offsets.
pub fn assign(
    consumer: &BaseConsumer,
    topic: &str,
    starts: impl Iterator<Item = (i32, i64)>,
) -> Result<(), DownloadError> {
    let failed = |source| DownloadError::Kafka { action: "read", topic: topic.to_owned(), source };
    let mut list = TopicPartitionList::new();
    for (partition, offset) in starts {
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).map_err(failed)?;
    }
    consumer.assign(&list).map_err(failed)
}

/// The partitions of a topic, in order. `bootstrap` is named in errors.
pub fn spans(
    consumer: &BaseConsumer,
    topic: &str,
    bootstrap: &str,
    patience: Duration,
) -> Result<Vec<Span>, DownloadError> {
    let failed = |source: KafkaError| match source.rdkafka_error_code() {
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            DownloadError::NoTopic { topic: topic.to_owned(), bootstrap: bootstrap.to_owned() }
        }
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::AllBrokersDown,
        ) => DownloadError::Unreachable { bootstrap: bootstrap.to_owned(), source },
        _ => DownloadError::Kafka { action: "look up", topic: topic.to_owned(), source },
    };
    let metadata = consumer.fetch_metadata(Some(topic), patience).map_err(failed)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let partitions = found.map(|found| (found.error(), found.partitions()));
    let mut partitions: Vec<i32> = match partitions {
        Some((None, partitions)) if !partitions.is_empty() => {
            partitions.iter().map(|found| found.id()).collect()
        }
        Some((Some(error), _)) => return Err(failed(KafkaError::MetadataFetch(error.into()))),
        _ => return Err(failed(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition))),
    };
    partitions.sort_unstable();
    let spans = partitions.into_iter().map(|partition| {
        let (low, high) = consumer.fetch_watermarks(topic, partition, patience).map_err(failed)?;
        Ok(Span { partition, low, high })
    });
    spans.collect()
}

/// The Avro schema of the alerts: the key of any message of the schema topic.
pub fn schema_text(
    consumer: &BaseConsumer,
    data_topic: &TopicName,
    bootstrap: &str,
    patience: Duration,
) -> Result<String, DownloadError> {
    let topic = data_topic.schema_topic();
    let mut unread = spans(consumer, &topic, bootstrap, patience)?;
    unread.retain(|span| span.low < span.high);
    assign(consumer, &topic, unread.iter().map(|span| (span.partition, span.low)))?;
    let deadline = Instant::now() + patience;
    let mut last = None;
    while !unread.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(silent(&topic, patience, last.as_ref()));
        }
        match consumer.poll(left.min(Duration::from_millis(200))) {
            Some(Ok(message)) => match message.key().filter(|key| !key.is_empty()) {
                Some(key) => return read_text(key, &topic),
                None => unread
                    .retain(|span| span.partition != message.partition() || message.offset() + 1 < span.high),
            },
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                unread.retain(|span| span.partition != partition)
            }
            Some(Err(source)) if !is_passing(&source) => {
                return Err(DownloadError::Kafka { action: "read", topic, source });
            }
            Some(Err(error)) => last = Some(error),
            None => {}
        }
    }
    Err(DownloadError::NoSchema { topic })
}

/// What a text that is no schema of a transfer is told with.
pub fn schema_of(text: &str, data_topic: &TopicName) -> Result<Schema, DownloadError> {
    Schema::parse(text).map_err(|problem| DownloadError::Schema {
        topic: data_topic.schema_topic(),
        place: problem.place,
        problem: problem.problem,
    })
}

/// Nothing came for too long.
pub fn silent(topic: &str, waited: Duration, last: Option<&KafkaError>) -> DownloadError {
    let last = last.map_or_else(String::new, |error| format!(" ({error})"));
    DownloadError::Silent { topic: topic.to_owned(), waited, last }
}

fn read_text(key: &[u8], topic: &str) -> Result<String, DownloadError> {
    let text = std::str::from_utf8(key).map_err(|error| DownloadError::Schema {
        topic: topic.to_owned(),
        place: "the text".to_owned(),
        problem: format!("is not UTF-8: {error}"),
    })?;
    Ok(text.to_owned())
}
