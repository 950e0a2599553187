//! Sends the messages of one task, in order, without a gap.

use crate::{
    BrokerError, Compression, KafkaConfig, MessageKey, config::MAX_MESSAGE_BYTES, error::is_lasting,
    link::Link,
};
use job::TopicName;
use rdkafka::{
    ClientContext, Message,
    client::OAuthToken,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, Producer, ProducerContext, PurgeConfig, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Bytes that may wait in the producer: what bounds a worker's memory when the broker is slow.
const QUEUE_KBYTES: &str = "65536";
/// How often the pace of acknowledgements is noted.
const MARK_INTERVAL: Duration = Duration::from_millis(200);
/// How often a full queue is looked at again.
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(2);

/// What the broker has acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// For each partition: messages of the task that it holds, those of earlier attempts included.
    pub sequences: Vec<u64>,
    /// For each partition: one past the highest offset acknowledged in this attempt, or -1.
    pub offsets: Vec<i64>,
    /// Messages acknowledged in this attempt.
    pub messages: u64,
    /// Their payload bytes.
    pub bytes: u64,
}

/// Sends the messages of one task. Dropping it unfinished throws away what has not left yet.
pub struct Publisher {
    producer: ThreadedProducer<Deliveries>,
    topic: TopicName,
    task: u32,
    next: Vec<u64>,
    /// Messages handed over in this attempt.
    handed_over: u64,
    /// How many had been handed over when, oldest first: those not yet acknowledged.
    marks: VecDeque<(u64, Instant)>,
    /// How long the oldest unacknowledged message may wait.
    patience: Duration,
}

/// What delivery reports add up to.
struct Deliveries {
    tally: Arc<Tally>,
    link: Link,
}

#[derive(Debug)]
struct Tally {
    first: Vec<u64>,
    acknowledged: Vec<AtomicU64>,
    ends: Vec<AtomicI64>,
    bytes: AtomicU64,
    failed: AtomicBool,
    failure: Mutex<Option<(String, Option<RDKafkaErrorCode>)>>,
}

impl Tally {
    fn fail(&self, reason: String, code: Option<RDKafkaErrorCode>) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert((reason, code));
        self.failed.store(true, Ordering::Release);
    }

    fn failure(&self) -> Option<(String, Option<RDKafkaErrorCode>)> {
        if !self.failed.load(Ordering::Acquire) {
            return None;
        }
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn messages(&self) -> u64 {
        self.acknowledged.iter().map(|count| count.load(Ordering::Acquire)).sum()
    }

    fn acknowledged(&self) -> Acknowledged {
        let acknowledged: Vec<u64> =
            self.acknowledged.iter().map(|count| count.load(Ordering::Acquire)).collect();
        Acknowledged {
            sequences: self.first.iter().zip(&acknowledged).map(|(first, count)| first + count).collect(),
            offsets: self.ends.iter().map(|end| end.load(Ordering::Relaxed)).collect(),
            messages: acknowledged.iter().sum(),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Looks on while a publisher works, from any thread.
#[derive(Clone, Debug)]
pub struct DeliveryWatch(Arc<Tally>);

impl DeliveryWatch {
    /// What has been acknowledged so far.
    pub fn acknowledged(&self) -> Acknowledged {
        self.0.acknowledged()
    }
}

impl ClientContext for Deliveries {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = Link::ENABLE_REFRESH_OAUTH_TOKEN;

    fn error(&self, error: KafkaError, reason: &str) {
        // A lost connection is retried by librdkafka until the delivery timeout; only a fatal error ends an attempt.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.tally.fail(reason.to_owned(), Some(RDKafkaErrorCode::Fatal));
        }
        self.link.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.link.generate_oauth_token(config)
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(message) => {
                let partition = message.partition() as usize;
                if let (Some(count), Some(end)) =
                    (self.tally.acknowledged.get(partition), self.tally.ends.get(partition))
                {
                    end.fetch_max(message.offset() + 1, Ordering::Relaxed);
                    count.fetch_add(1, Ordering::Release);
                }
                self.tally.bytes.fetch_add(message.payload_len() as u64, Ordering::Relaxed);
            }
            Err((error, _)) => self.tally.fail(error.to_string(), error.rdkafka_error_code()),
        }
    }
}

impl Publisher {
    pub(crate) fn new(
        config: &KafkaConfig,
        topic: &TopicName,
        task: u32,
        sequences: &[u64],
        compression: Compression,
    ) -> Result<Self, BrokerError> {
        let tally = Arc::new(Tally {
            first: sequences.to_vec(),
            acknowledged: sequences.iter().map(|_| AtomicU64::new(0)).collect(),
            ends: sequences.iter().map(|_| AtomicI64::new(-1)).collect(),
            bytes: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        });
        let producer = config
            .client()
            .set("enable.idempotence", "true")
            // A message that cannot be delivered must not be followed by one that can.
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("compression.type", compression.name())
            .set("linger.ms", "20")
            .set("batch.size", "1000000")
            .set("batch.num.messages", "10000")
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .set("queue.buffering.max.kbytes", QUEUE_KBYTES)
            .set("queue.buffering.max.messages", "500000")
            .set("message.timeout.ms", config.delivery_timeout.as_millis().to_string())
            .create_with_context(Deliveries { tally, link: config.link() })
            .map_err(|source| BrokerError::topic(topic.to_string(), &source))?;
        Ok(Self {
            producer,
            topic: topic.clone(),
            task,
            next: sequences.to_vec(),
            handed_over: 0,
            marks: VecDeque::new(),
            patience: config.delivery_timeout / 2,
        })
    }

    /// Hands over the next message of a partition; waits while the queue is full, unless `stop` says to give up.
    pub fn send(
        &mut self,
        partition: i32,
        payload: &[u8],
        stop: &dyn Fn() -> bool,
    ) -> Result<(), BrokerError> {
        self.check_pace()?;
        let Some(next) = self.next.get_mut(partition as usize) else {
            let (topic, found, planned) = (self.topic.to_string(), partition as usize, self.next.len());
            return Err(BrokerError::Partitions { topic, found, planned });
        };
        let key = MessageKey { task: self.task, sequence: *next }.to_bytes();
        loop {
            let record = BaseRecord::<[u8], [u8]>::to(self.topic.as_str())
                .partition(partition)
                .key(&key)
                .payload(payload);
            match self.producer.send(record) {
                Ok(()) => break,
                Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                    self.check_pace()?;
                    if stop() {
                        return Err(BrokerError::Stopped);
                    }
                    std::thread::sleep(FULL_QUEUE_WAIT);
                }
                Err((error, _)) => {
                    let lasting = is_lasting(error.rdkafka_error_code());
                    return Err(BrokerError::Delivery {
                        topic: self.topic.to_string(),
                        reason: error.to_string(),
                        lasting,
                    });
                }
            }
        }
        if let Some(next) = self.next.get_mut(partition as usize) {
            *next += 1;
        }
        self.handed_over += 1;
        Ok(())
    }

    /// Gives up before any message can time out in the queue: librdkafka would drop it and send those behind it, which
    /// its gapless guarantee does not cover. A broker that is silent, or slower than its own queue, ends the attempt.
    fn check_pace(&mut self) -> Result<(), BrokerError> {
        self.check_failure()?;
        let now = Instant::now();
        match self.marks.back() {
            Some((_, marked)) if now.duration_since(*marked) < MARK_INTERVAL => return Ok(()),
            _ => self.marks.push_back((self.handed_over, now)),
        }
        let acknowledged = self.tally().messages();
        let link = &self.producer.context().link;
        if acknowledged == 0 {
            link.check()?;
        }
        while self.marks.front().is_some_and(|(count, _)| *count <= acknowledged) {
            self.marks.pop_front();
        }
        match self.marks.front() {
            Some((_, marked)) if now.duration_since(*marked) > self.patience => {
                let waited = self.patience.as_secs_f32();
                let reason = format!("the broker has acknowledged nothing for {waited} s");
                let failed = BrokerError::Delivery { topic: self.topic.to_string(), reason, lasting: false };
                Err(link.in_vain(failed))
            }
            _ => Ok(()),
        }
    }

    fn check_failure(&self) -> Result<(), BrokerError> {
        let Some((mut reason, mut code)) = self.tally().failure() else { return Ok(()) };
        // What follows a fatal error fails with that word alone: the reason is kept apart.
        if let Some((fatal, words)) = self.producer.client().fatal_error() {
            (reason, code) = (words, Some(fatal));
        }
        Err(BrokerError::Delivery { topic: self.topic.to_string(), reason, lasting: is_lasting(code) })
    }

    /// For each partition, the number of the task's messages handed over so far, earlier attempts included.
    pub fn handed_over(&self) -> &[u64] {
        &self.next
    }

    /// Waits until everything is acknowledged, a delivery fails, or `stop` says to give up.
    pub fn finish(&mut self, stop: &dyn Fn() -> bool) -> Result<Acknowledged, BrokerError> {
        loop {
            self.check_pace()?;
            let reached = self.tally().acknowledged();
            if reached.sequences == self.next {
                return Ok(reached);
            }
            if stop() {
                return Err(BrokerError::Stopped);
            }
            // Sends what lingers; a time-out only means that there is more to wait for.
            let _ = self.producer.flush(Duration::from_millis(100));
        }
    }

    /// Stops delivery: what has not left yet is thrown away, what is under way is waited for. `false` when something
    /// is still under way after that: it may yet arrive, so the topic must not be read back before the lease is over.
    pub fn stop(self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        self.producer.purge(PurgeConfig::default().queue());
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            // What comes back to the queue for another try must not be tried: what lay before it is gone.
            self.producer.purge(PurgeConfig::default().queue());
            let _ = self.producer.flush(Duration::from_millis(50));
        }
        self.producer.in_flight_count() == 0
    }

    /// Looks on from another thread.
    pub fn watch(&self) -> DeliveryWatch {
        DeliveryWatch(self.producer.context().tally.clone())
    }

    fn tally(&self) -> &Tally {
        &self.producer.context().tally
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.producer.purge(PurgeConfig::default().queue());
    }
}
