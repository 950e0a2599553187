//! The client that asks the cluster about topics, and publishes schemas.
//!
//! A producer, because that one looks at its news by itself: a refused login is told within seconds, where a mere
//! question would go unanswered.

use crate::{
    BrokerError, KafkaConfig,
    config::MAX_MESSAGE_BYTES,
    link::{FirstFailure, Link},
};
use rdkafka::{
    client::Client,
    error::{KafkaError, KafkaResult},
    producer::{BaseRecord, Producer, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use std::time::{Duration, Instant};

/// How long the broker may take to answer a question about topics.
pub(crate) const ANSWER: Duration = Duration::from_secs(15);
/// The first wait for an answer; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long a schema's copies may take to arrive.
const DELIVERY: Duration = Duration::from_secs(60);

pub(crate) struct Asker(ThreadedProducer<Link>);

impl Asker {
    pub(crate) fn new(config: &KafkaConfig) -> Result<Self, KafkaError> {
        let mut client = config.client();
        client
            // Of a schema a second copy does no harm, and an idempotent producer takes half a second longer to start.
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            // Without, it connects to who leads a partition when it first asks about that, and a twentieth of a second later if
            // it has just connected to another.
            .set("enable.sparse.connections", "false")
            // Over before the wait for it is.
            .set("message.timeout.ms", (DELIVERY - Duration::from_secs(5)).as_millis().to_string());
        Ok(Self(client.create_with_context(config.link())?))
    }

    /// Asks until there is an answer, or why there is none.
    pub(crate) fn ask<T>(
        &self,
        topic: &str,
        question: impl Fn(&Client<Link>, Duration) -> KafkaResult<T>,
    ) -> Result<T, BrokerError> {
        let client = self.0.client();
        let deadline = Instant::now() + ANSWER;
        let mut wait = FIRST_WAIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match question(client, wait.min(left)) {
                Ok(answer) => {
                    client.context().answered();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let silent = is_silence(&error);
            if silent {
                client.context().check()?;
            }
            if !silent || Instant::now() + FIRST_WAIT > deadline {
                let failed = BrokerError::topic(topic.to_owned(), &error);
                return Err(client.context().in_vain(failed));
            }
            wait *= 2;
        }
    }

    /// Waits until the cluster has let us in.
    pub(crate) fn log_in(&self) -> Result<(), BrokerError> {
        let silence = KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut);
        self.ask("(any)", |client, wait| {
            client.fetch_cluster_id(wait).map(drop).ok_or_else(|| silence.clone())
        })
    }

    /// Sends messages without a payload, spread over the partitions by their numbers, and waits for them.
    pub(crate) fn publish(
        &self,
        topic: &str,
        key: &str,
        partitions: u64,
        copies: std::ops::Range<u64>,
    ) -> Result<(), BrokerError> {
        let failed = |source: KafkaError| BrokerError::topic(topic.to_owned(), &source);
        let first = FirstFailure::default();
        for copy in copies {
            let partition = i32::try_from(copy % partitions).unwrap_or_default();
            let record = || {
                BaseRecord::<str, [u8], FirstFailure>::with_opaque_to(topic, first.clone())
                    .partition(partition)
                    .key(key)
                    .payload(b"")
            };
            while let Err((error, _)) = self.0.send(record()) {
                match error.rdkafka_error_code() {
                    Some(RDKafkaErrorCode::QueueFull) => self.0.flush(ANSWER).map_err(failed)?,
                    _ => return Err(failed(error)),
                }
            }
        }
        self.0.flush(DELIVERY).map_err(failed)?;
        first.get().map_or(Ok(()), |error| Err(failed(error.clone())))
    }
}

fn is_silence(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        error.rdkafka_error_code(),
        Some(BrokerTransportFailure | OperationTimedOut | RequestTimedOut | AllBrokersDown | Resolve)
    )
}
