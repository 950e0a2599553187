//! The two topics of a job.

use crate::{
    BrokerError, Compression, KafkaConfig, Publisher,
    admin::Administrator,
    asker::{ANSWER, Asker},
    config::MAX_MESSAGE_BYTES,
    link::Link,
    ready::ReadyProducers,
};
use job::{ErrorKind, TopicName};
use rdkafka::{
    admin::{AdminOptions, NewTopic, TopicReplication},
    consumer::BaseConsumer,
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

/// How many copies of the schema are published: every run of a client commits past those it has read (CONTRACT §5).
pub const SCHEMA_COPIES: u64 = 1_000;

/// A Kafka cluster.
#[derive(Clone)]
pub struct Kafka {
    config: Arc<KafkaConfig>,
    clients: Arc<Clients>,
}

/// Made when they are first needed, and kept: a new client costs a tenth of a second.
#[derive(Default)]
struct Clients {
    admin: Mutex<Option<Arc<Administrator>>>,
    asker: OnceLock<Asker>,
    ready: ReadyProducers,
}

impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kafka").field(&self.config).finish()
    }
}

/// What to make of a topic that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is ours: an earlier try made it.
    Accept,
    /// It is somebody else's.
    Refuse,
}

/// What a topic holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// For each partition: first and end offset.
    pub offsets: Vec<(i64, i64)>,
}

impl TopicState {
    /// Messages in the topic.
    pub fn messages(&self) -> u64 {
        self.offsets.iter().map(|(first, end)| (end - first).unsigned_abs()).sum()
    }

    /// The end offset of each partition.
    pub fn ends(&self) -> Vec<i64> {
        self.offsets.iter().map(|(_, end)| *end).collect()
    }
}

impl Kafka {
    /// A cluster. Nothing is contacted yet.
    pub fn new(config: KafkaConfig) -> Result<Self, BrokerError> {
        config.check()?;
        Ok(Self { config: Arc::new(config), clients: Arc::default() })
    }

    /// How it is reached.
    pub fn config(&self) -> &KafkaConfig {
        &self.config
    }

    /// Makes the data topic and the schema topic; both exist when this returns. With [`Existing::Accept`] doing it twice
    /// is harmless; with [`Existing::Refuse`] a topic that exists is a conflict.
    pub async fn create_topics(
        &self,
        topic: &TopicName,
        partitions: i32,
        existing: Existing,
    ) -> Result<(), BrokerError> {
        let retention = self.config.retention.as_millis().to_string();
        let schema_topic = topic.schema_topic();
        for name in [topic.as_str(), schema_topic.as_str()] {
            let new = NewTopic::new(name, partitions, TopicReplication::Fixed(self.config.replication))
                .set("cleanup.policy", "delete")
                .set("retention.ms", &retention)
                // An alert's own date would expire at once.
                .set("message.timestamp.type", "LogAppendTime")
                .set("max.message.bytes", MAX_MESSAGE_BYTES);
            let failed = |source: KafkaError| BrokerError::topic(name.to_owned(), &source);
            let options = AdminOptions::new().operation_timeout(Some(ANSWER)).request_timeout(Some(ANSWER));
            let admin = self.admin().await?;
            let results = admin.client().create_topics([&new], &options).await.map_err(failed)?;
            for result in results {
                match result {
                    Ok(_) => {}
                    Err((_, RDKafkaErrorCode::TopicAlreadyExists)) if existing == Existing::Accept => {}
                    Err((_, code)) => return Err(BrokerError::refused(name.to_owned(), code)),
                }
            }
            self.await_leaders(name, partitions).await?;
        }
        Ok(())
    }

    /// Publishes the schema so often that there are [`SCHEMA_COPIES`] of it, spread over the partitions.
    pub async fn publish_schema(&self, topic: &TopicName, schema: &str) -> Result<(), BrokerError> {
        let (kafka, topic, schema) = (self.clone(), topic.schema_topic(), schema.to_owned());
        blocking(move || kafka.top_up_schema(&topic, &schema)).await
    }

    /// First and end offset of each partition of a topic.
    pub async fn topic_state(&self, topic: &str) -> Result<TopicState, BrokerError> {
        let (kafka, topic) = (self.clone(), topic.to_owned());
        blocking(move || kafka.read_state(&topic)).await
    }

    /// Deletes both topics of a job; topics that are gone already are no error.
    pub async fn delete_topics(&self, topic: &TopicName) -> Result<(), BrokerError> {
        let schema_topic = topic.schema_topic();
        let failed = |source: KafkaError| BrokerError::topic(topic.to_string(), &source);
        let admin = self.admin().await?;
        let options = AdminOptions::new().operation_timeout(Some(ANSWER)).request_timeout(Some(ANSWER));
        let results =
            admin.client().delete_topics(&[topic.as_str(), &schema_topic], &options).await.map_err(failed)?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((name, code)) => return Err(BrokerError::refused(name, code)),
            }
        }
        Ok(())
    }

    /// A publisher for the messages of one task. `sequences` says for each partition how many of them are there
    /// already.
    pub fn publisher(
        &self,
        topic: &TopicName,
        task: u32,
        sequences: &[u64],
        compression: Compression,
    ) -> Result<Publisher, BrokerError> {
        let ready = self.clients.ready.take(&self.config, compression);
        Publisher::new(&self.config, ready, topic, task, sequences, compression)
    }

    /// Makes the producer of the next publisher ahead, so that it need not wait for its number.
    pub fn make_ready(&self, compression: Compression) {
        self.clients.ready.make(&self.config, compression);
    }

    /// Whether the cluster answers.
    pub async fn ping(&self) -> Result<(), BrokerError> {
        let kafka = self.clone();
        blocking(move || {
            kafka.asker()?.ask("(any)", |client, wait| client.fetch_metadata(None, wait).map(drop))
        })
        .await
    }

    pub(crate) fn consumer(&self) -> Result<BaseConsumer<Link>, KafkaError> {
        self.config
            .client()
            .set("group.id", "nightferry-tail")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .create_with_context(self.config.link())
    }

    fn asker(&self) -> Result<&Asker, BrokerError> {
        if let Some(asker) = self.clients.asker.get() {
            return Ok(asker);
        }
        let failed = |source: KafkaError| BrokerError::topic("(any)".into(), &source);
        let asker = Asker::new(&self.config).map_err(failed)?;
        Ok(self.clients.asker.get_or_init(|| asker))
    }

    /// The client that makes and deletes topics, once the cluster has let us in: it would not tell if that is refused.
    async fn admin(&self) -> Result<Arc<Administrator>, BrokerError> {
        let kafka = self.clone();
        blocking(move || {
            if !kafka.config.security.is_plaintext() {
                kafka.asker()?.log_in()?;
            }
            let mut kept = kafka.clients.admin.lock().unwrap_or_else(PoisonError::into_inner);
            match &*kept {
                Some(admin) if !admin.is_stale() => Ok(admin.clone()),
                _ => Ok(kept.insert(Arc::new(Administrator::new(&kafka.config)?)).clone()),
            }
        })
        .await
    }

    async fn await_leaders(&self, topic: &str, partitions: i32) -> Result<(), BrokerError> {
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.topic_state(topic).await {
                Ok(state) if state.offsets.len() == partitions as usize => return Ok(()),
                Ok(state) => {
                    let found = state.offsets.len();
                    return Err(BrokerError::Partitions {
                        topic: topic.to_owned(),
                        found,
                        planned: partitions as usize,
                    });
                }
                Err(error) if error.kind() == ErrorKind::Permanent || Instant::now() > deadline => {
                    return Err(error);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    pub(crate) fn read_state(&self, topic: &str) -> Result<TopicState, BrokerError> {
        let failed = |code| BrokerError::topic(topic.to_owned(), &KafkaError::MetadataFetch(code));
        let asker = self.asker()?;
        let metadata = asker.ask(topic, |client, wait| client.fetch_metadata(Some(topic), wait))?;
        let missing = || failed(RDKafkaErrorCode::UnknownTopicOrPartition);
        let described = metadata.topics().iter().find(|found| found.name() == topic).ok_or_else(missing)?;
        if let Some(error) = described.error() {
            return Err(failed(error.into()));
        }
        let mut partitions: Vec<i32> =
            described.partitions().iter().map(|partition| partition.id()).collect();
        if partitions.is_empty() {
            return Err(missing());
        }
        partitions.sort_unstable();
        let watermarks = partitions.into_iter().map(|partition| {
            asker.ask(topic, |client, wait| client.fetch_watermarks(topic, partition, wait))
        });
        Ok(TopicState { offsets: watermarks.collect::<Result<_, _>>()? })
    }

    fn top_up_schema(&self, topic: &str, schema: &str) -> Result<(), BrokerError> {
        let state = self.read_state(topic)?;
        let partitions = state.offsets.len() as u64;
        self.asker()?.publish(topic, schema, partitions, state.messages()..SCHEMA_COPIES)?;
        let arrived = self.read_state(topic)?.messages();
        if arrived < SCHEMA_COPIES {
            let reason = format!("only {arrived} of {SCHEMA_COPIES} copies of the schema arrived");
            return Err(BrokerError::Delivery { topic: topic.to_owned(), reason, lasting: false });
        }
        Ok(())
    }
}

/// Runs librdkafka's waiting calls off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, BrokerError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| {
        Err(BrokerError::Tail { topic: "(any)".into(), reason: "the call was broken off".into() })
    })
}
