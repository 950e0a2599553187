//! Sends the messages of one task, in order, without a gap.

use crate::{
    BrokerError, Compression, KafkaConfig, MessageKey,
    config::MAX_MESSAGE_BYTES,
    error::is_lasting,
    handover::{self, Handover, Payload, Piece},
    link::Link,
};
use job::TopicName;
use rdkafka::{
    ClientContext, Message,
    client::OAuthToken,
    error::KafkaError,
    message::DeliveryResult,
    producer::{Producer, ProducerContext, PurgeConfig, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use std::{
    collections::VecDeque,
    ops::{Deref, Range},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

/// Bytes that may wait in the producer: what bounds a worker's memory when the broker is slow.
const QUEUE_KBYTES: &str = "32768";
/// The longest message that librdkafka copies into its request: none is, as each stays where it is until it is delivered. Of
/// full packets that spares a copy, of what is compressed the memory for one.
const COPIED_BYTES: &str = "0";
/// How often the pace of acknowledgements is noted.
const MARK_INTERVAL: Duration = Duration::from_millis(200);
/// How often a full queue is looked at again.
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(2);
/// How long at once the last acknowledgements are waited for.
const LAST_WAIT: Duration = Duration::from_millis(50);

/// Messages handed over between two looks at `stop`: some 50 µs.
const AT_ONCE: usize = 256;
/// What key and head of a message may take of [`MAX_MESSAGE_BYTES`].
const HEAD_BYTES: usize = 100;
/// Buffers that are kept to be filled again have no more bytes together: making one costs as much as filling it, and many
/// come back at once.
const SPARE_BYTES: usize = 32 * 1024 * 1024;

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

/// A message to be sent: its partition, and where its bytes lie in the buffer that it shares with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The partition.
    pub partition: i32,
    /// Its place in the buffer.
    pub bytes: Range<usize>,
}

/// Sends the messages of one task. Dropping it unfinished throws away what has not left yet.
pub struct Publisher {
    /// Before the producer, which it must not outlive.
    handover: Handover,
    producer: Purged,
    tally: Arc<Tally>,
    /// Where buffers come back to.
    home: (mpsc::Sender<Vec<u8>>, mpsc::Receiver<Vec<u8>>),
    /// The messages of one partition among those that are being sent.
    pieces: Vec<Piece>,
    topic: TopicName,
    task: u32,
    next: Vec<u64>,
    /// Bytes that a message may have, key and head included.
    most: usize,
    /// Messages handed over in this attempt.
    handed_over: u64,
    /// How many had been handed over when, oldest first: those not yet acknowledged.
    marks: VecDeque<(u64, Instant)>,
    /// How long the oldest unacknowledged message may wait.
    patience: Duration,
}

/// A producer that throws away what has not left yet when it is dropped.
struct Purged(ThreadedProducer<Deliveries>);

impl Deref for Purged {
    type Target = ThreadedProducer<Deliveries>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Purged {
    fn drop(&mut self) {
        self.0.purge(PurgeConfig::default().queue());
    }
}

/// The context of a producer: what delivery reports add up to, once it is known what is sent.
pub(crate) struct Deliveries {
    tally: OnceLock<Arc<Tally>>,
    link: Link,
    /// Whether librdkafka has complained of anything.
    troubled: AtomicBool,
}

impl Deliveries {
    /// A producer that nobody has sent anything with.
    pub(crate) fn producer(
        config: &KafkaConfig,
        compression: Compression,
    ) -> Result<ThreadedProducer<Self>, KafkaError> {
        let context = Self { tally: OnceLock::new(), link: config.link(), troubled: AtomicBool::new(false) };
        config
            .client()
            .set("enable.idempotence", "true")
            // A message that cannot be delivered must not be followed by one that can.
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            // Without, it connects to nobody until it first asks for a producer's number, and asks again half a second later.
            .set("enable.sparse.connections", "false")
            .set("compression.type", compression.name())
            .set("linger.ms", "2")
            .set("batch.size", "1000000")
            .set("batch.num.messages", "10000")
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .set("message.copy.max.bytes", COPIED_BYTES)
            .set("queue.buffering.max.kbytes", QUEUE_KBYTES)
            .set("queue.buffering.max.messages", "500000")
            .set("message.timeout.ms", config.delivery_timeout.as_millis().to_string())
            .create_with_context(context)
    }

    /// Whether anything has happened to it that a new producer would not have met.
    pub(crate) fn is_troubled(&self) -> bool {
        self.troubled.load(Ordering::Acquire)
    }

    fn fail(&self, reason: String, code: Option<RDKafkaErrorCode>) {
        if let Some(tally) = self.tally.get() {
            tally.fail(reason, code);
        }
    }
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
        self.troubled.store(true, Ordering::Release);
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.fail(reason.to_owned(), Some(RDKafkaErrorCode::Fatal));
        }
        self.link.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.link.generate_oauth_token(config)
    }
}

impl ProducerContext for Deliveries {
    /// The buffer that the message lies in.
    type DeliveryOpaque = Arc<Payload>;

    fn delivery(&self, result: &DeliveryResult<'_>, _: Arc<Payload>) {
        match result {
            Ok(message) => {
                let Some(tally) = self.tally.get() else { return };
                let partition = message.partition() as usize;
                if let (Some(count), Some(end)) =
                    (tally.acknowledged.get(partition), tally.ends.get(partition))
                {
                    end.fetch_max(message.offset() + 1, Ordering::Relaxed);
                    count.fetch_add(1, Ordering::Release);
                }
                tally.bytes.fetch_add(message.payload_len() as u64, Ordering::Relaxed);
            }
            Err((error, _)) => self.fail(error.to_string(), error.rdkafka_error_code()),
        }
    }
}

impl Publisher {
    /// Over a producer that was made ahead, or a new one.
    pub(crate) fn new(
        config: &KafkaConfig,
        ready: Option<ThreadedProducer<Deliveries>>,
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
        let most = MAX_MESSAGE_BYTES.parse().unwrap_or(usize::MAX);
        let producer = match ready {
            Some(producer) => producer,
            None => Deliveries::producer(config, compression)
                .map_err(|source| BrokerError::topic(topic.to_string(), &source))?,
        };
        // Nobody has set it before: a producer is taken once. What is fatal from now on is told to the tally, and what was
        // just before is asked for here.
        let _ = producer.context().tally.set(tally.clone());
        if let Some((code, reason)) = producer.client().fatal_error() {
            tally.fail(reason, Some(code));
        }
        let handover = Handover::new(producer.client(), topic.as_str())
            .map_err(|source| BrokerError::topic(topic.to_string(), &source))?;
        Ok(Self {
            handover,
            producer: Purged(producer),
            tally,
            home: mpsc::channel(),
            pieces: Vec::new(),
            topic: topic.clone(),
            task,
            next: sequences.to_vec(),
            most,
            handed_over: 0,
            marks: VecDeque::new(),
            patience: config.delivery_timeout / 2,
        })
    }

    /// A buffer to write messages into: one that is done with, as it was left, or a new one.
    pub fn buffer(&mut self) -> Vec<u8> {
        let mut spare: Vec<Vec<u8>> = self.home.1.try_iter().collect();
        let buffer = spare.pop().unwrap_or_default();
        // After a jam of the broker there are many: those are given back.
        let mut bytes = 0;
        for kept in spare {
            bytes += kept.capacity();
            if bytes <= SPARE_BYTES {
                let _ = self.home.0.send(kept);
            }
        }
        buffer
    }

    /// Hands over one message, copied: [`Publisher::send_all`] for a single one.
    pub fn send(
        &mut self,
        partition: i32,
        payload: &[u8],
        stop: &dyn Fn() -> bool,
    ) -> Result<(), BrokerError> {
        self.send_all(payload.to_vec(), &[Outgoing { partition, bytes: 0..payload.len() }], stop)
    }

    /// Hands over messages that lie in `buffer`, those of each partition in order; waits while the queue is full. The
    /// buffer is not copied, and comes back by [`Publisher::buffer`] once all are acknowledged.
    ///
    /// # Errors
    /// [`BrokerError::Stopped`] when `stop`, which is asked before every few messages, says to give up, and whatever
    /// made delivery fail: either way a beginning of each partition's messages has been handed over
    /// ([`Publisher::handed_over`]), and no more may be.
    pub fn send_all(
        &mut self,
        buffer: Vec<u8>,
        messages: &[Outgoing],
        stop: &dyn Fn() -> bool,
    ) -> Result<(), BrokerError> {
        let whole = buffer.len();
        let payload = Payload::new(buffer, self.home.0.clone());
        let mut pieces = std::mem::take(&mut self.pieces);
        for partition in 0..self.next.len() {
            let first = self.next.get(partition).copied().unwrap_or_default();
            let own = messages.iter().filter(|message| message.partition as usize == partition);
            pieces.clear();
            pieces.extend(own.zip(first..).map(|(message, sequence)| Piece {
                bytes: message.bytes.clone(),
                key: MessageKey { task: self.task, sequence }.to_bytes(),
            }));
            let fits =
                |piece: &Piece| piece.bytes.end <= whole && piece.bytes.len() + HEAD_BYTES <= self.most;
            // librdkafka would leave out what is too long and take what follows.
            let sound = pieces.iter().position(|piece| !fits(piece)).unwrap_or(pieces.len());
            for part in pieces.get(..sound).unwrap_or_default().chunks(AT_ONCE) {
                self.hand_over(partition as i32, &payload, part, stop)?;
            }
            if let Some(long) = pieces.get(sound) {
                let reason = format!(
                    "an alert takes {} bytes, more than the {} of a message",
                    long.bytes.len(),
                    self.most
                );
                return Err(BrokerError::Delivery { topic: self.topic.to_string(), reason, lasting: true });
            }
        }
        self.pieces = pieces;
        let planned = self.next.len();
        match messages.iter().find(|message| !(0..planned as i32).contains(&message.partition)) {
            None => Ok(()),
            Some(beyond) => {
                let found = beyond.partition.unsigned_abs() as usize;
                Err(BrokerError::Partitions { topic: self.topic.to_string(), found, planned })
            }
        }
    }

    fn hand_over(
        &mut self,
        partition: i32,
        payload: &Arc<Payload>,
        mut pieces: &[Piece],
        stop: &dyn Fn() -> bool,
    ) -> Result<(), BrokerError> {
        while !pieces.is_empty() {
            self.check_pace()?;
            if stop() {
                return Err(BrokerError::Stopped);
            }
            let (taken, refused) = self.handover.hand_over(partition, payload, pieces);
            if let Some(next) = self.next.get_mut(partition as usize) {
                *next += taken as u64;
            }
            self.handed_over += taken as u64;
            pieces = pieces.get(taken..).unwrap_or_default();
            match refused {
                None => {}
                Some(RDKafkaErrorCode::QueueFull) => std::thread::sleep(FULL_QUEUE_WAIT),
                Some(code) => {
                    return Err(BrokerError::Delivery {
                        topic: self.topic.to_string(),
                        reason: code.to_string(),
                        lasting: is_lasting(Some(code)),
                    });
                }
            }
        }
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
            handover::send_lingering(self.producer.client(), LAST_WAIT);
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

    /// Lets go of a publisher that has finished, without waiting for its threads: up to a tenth of a second.
    pub fn retire(self) {
        let Self { handover, producer, .. } = self;
        drop(handover);
        // Without a thread to be had, it is dropped here.
        let _ = std::thread::Builder::new().name("producer's end".into()).spawn(move || drop(producer));
    }

    /// Looks on from another thread.
    pub fn watch(&self) -> DeliveryWatch {
        DeliveryWatch(self.tally.clone())
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}
