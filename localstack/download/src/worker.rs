//! One thread: reads its partitions to their ends and writes their alerts.

use crate::avro::Decoder;
use crate::error::is_passing;
use crate::files::{Alerts, Messages, OpenFiles};
use crate::folder::{Folders, Group};
use crate::horizon::Known;
use crate::journal::Journal;
use crate::plan::Ending;
use crate::topic::{self, Span};
use crate::{DownloadError, Format, Horizon, Limits, Progress};
use arrow::array::RecordBatch;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::TopicPartitionList;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a thread without messages looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);

/// The same while the topic is still being filled: the end comes as news.
const GLANCE: Duration = Duration::from_millis(20);

/// What the threads of a run share.
pub(crate) struct Shared<'a> {
    pub(crate) topic: &'a str,
    pub(crate) limits: &'a Limits,
    pub(crate) horizon: &'a Horizon,
    pub(crate) journal: &'a Mutex<Journal>,
    pub(crate) folders: &'a Folders,
    pub(crate) format: Format,
    pub(crate) stop: AtomicBool,
    pub(crate) written: AtomicU64,
    /// Alerts that were there before, and where each partition went on.
    pub(crate) on_disk: u64,
    pub(crate) starts: BTreeMap<i32, i64>,
    pub(crate) total: AtomicU64,
    pub(crate) short: AtomicU64,
    pub(crate) beyond: AtomicU64,
    pub(crate) progress: &'a (dyn Fn(Progress) + Sync),
}

impl Shared<'_> {
    /// Tells that so many alerts have come.
    pub(crate) fn tell(&self, alerts: u64) {
        let alerts = self.written.fetch_add(alerts, Ordering::Relaxed) + alerts;
        let total = self.total.load(Ordering::Relaxed).max(alerts);
        (self.progress)(Progress { alerts, total });
    }

    /// Takes over the total of a topic whose ends are known now.
    fn settle(&self, ends: &BTreeMap<i32, i64>) {
        let left = |(partition, start): (&i32, &i64)| {
            ends.get(partition).map_or(0, |end| u64::try_from(end - start).unwrap_or_default())
        };
        let left: u64 = self.starts.iter().map(left).sum();
        self.total.store(self.on_disk + left, Ordering::Relaxed);
    }
}

pub(crate) struct Worker<'a> {
    shared: &'a Shared<'a>,
    consumer: &'a BaseConsumer,
    decoder: Decoder,
    files: OpenFiles<'a>,
    /// The messages of the batch under way, where files are made of those.
    messages: Messages,
    /// Partitions that are not at their end, and that end; while the topic is open none of them is known.
    unread: BTreeMap<i32, i64>,
    is_open: bool,
    /// The next offset of each partition.
    next: BTreeMap<i32, i64>,
    /// The same as far as alerts are in the files.
    in_files: BTreeMap<i32, i64>,
    /// Where each alert of the batch under way comes from.
    origins: Vec<(i32, i64)>,
    /// Alerts of the batch under way that were told already.
    told: u64,
    bytes_since_commit: u64,
    last_commit: Instant,
}

impl<'a> Worker<'a> {
    /// A thread for `spans`, which it reads from `low` to `high`, or to where the horizon will be if that is open.
    pub(crate) fn new(
        shared: &'a Shared<'a>,
        consumer: &'a BaseConsumer,
        decoder: Decoder,
        files: OpenFiles<'a>,
        spans: &[Span],
        is_open: bool,
    ) -> Self {
        let next: BTreeMap<i32, i64> = spans.iter().map(|span| (span.partition, span.low)).collect();
        Self {
            shared,
            consumer,
            decoder,
            files,
            messages: Messages::default(),
            unread: spans
                .iter()
                .map(|span| (span.partition, if is_open { i64::MAX } else { span.high }))
                .collect(),
            is_open,
            in_files: next.clone(),
            next,
            origins: Vec::new(),
            told: 0,
            bytes_since_commit: 0,
            last_commit: Instant::now(),
        }
    }

    /// Reads to the ends. On an error what is in the files by then still counts.
    pub(crate) fn run(mut self) -> Result<(), DownloadError> {
        let outcome = self.read();
        if outcome.is_err() {
            self.shared.stop.store(true, Ordering::Relaxed);
        }
        if !matches!(outcome, Err(DownloadError::Disk { .. } | DownloadError::Parquet { .. })) {
            let committed = self.commit();
            return outcome.and(committed);
        }
        outcome
    }

    fn read(&mut self) -> Result<(), DownloadError> {
        topic::assign(
            self.consumer,
            self.shared.topic,
            self.next.iter().map(|(&partition, &low)| (partition, low)),
        )?;
        let (mut heard, mut last) = (Instant::now(), None);
        while !self.unread.is_empty() && !self.shared.stop.load(Ordering::Relaxed) {
            match self.consumer.poll(if self.is_open { GLANCE } else { LOOK }) {
                Some(Ok(message)) => {
                    self.take(&message)?;
                    // The clock is asked once a batch.
                    if self.decoder.is_full() {
                        self.write_batch()?;
                        self.commit_if_due()?;
                        self.look_ahead()?;
                        heard = Instant::now();
                    }
                    continue;
                }
                Some(Err(KafkaError::PartitionEOF(_))) if self.is_open => heard = Instant::now(),
                Some(Err(KafkaError::PartitionEOF(partition))) => self.check_end(partition)?,
                Some(Err(source)) if !is_passing(&source) => return Err(self.refused("read", source)),
                Some(Err(error)) => {
                    tracing::debug!(%error, "the cluster is troubled, waiting");
                    last = Some(error);
                }
                None => {}
            }
            // Nothing more is there at the moment.
            if self.decoder.rows() > 0 {
                heard = Instant::now();
                if self.is_open { self.tell() } else { self.write_batch()? }
            }
            self.commit_if_due()?;
            self.look_ahead()?;
            if heard.elapsed() > self.shared.limits.patience {
                self.write_batch()?;
                if !(self.is_open && self.is_answered()) {
                    return Err(topic::silent(self.shared.topic, heard.elapsed(), last.as_ref()));
                }
                (heard, last) = (Instant::now(), None);
            }
        }
        self.write_batch()
    }

    /// Whether the cluster still speaks: a topic that is being filled may have nothing new for long.
    fn is_answered(&self) -> bool {
        let partition = self.unread.keys().next().copied().unwrap_or_default();
        self.consumer.fetch_watermarks(self.shared.topic, partition, self.shared.limits.patience).is_ok()
    }

    /// Looks whether the ends of an open topic are known by now.
    fn look_ahead(&mut self) -> Result<(), DownloadError> {
        if !self.is_open {
            return Ok(());
        }
        let known = self.shared.horizon.known();
        match &known {
            Known::Open(expected) => {
                if let Some(expected) = expected {
                    self.shared.total.store(*expected, Ordering::Relaxed);
                }
                return Ok(());
            }
            Known::At(ends) => self.shared.settle(ends),
            Known::Now => {}
        }
        self.is_open = false;
        let partitions: Vec<i32> = self.unread.keys().copied().collect();
        for partition in partitions {
            let high = self.high(partition)?;
            let next = self.next.get(&partition).copied().unwrap_or_default();
            let ending = Ending::new(high, next, partition, &known);
            self.shared.short.fetch_add(ending.short, Ordering::Relaxed);
            self.shared.beyond.fetch_add(ending.beyond, Ordering::Relaxed);
            self.unread.insert(partition, ending.end);
            if next >= ending.end {
                self.end_partition(partition)?;
            }
        }
        // The broker's news that nothing follows may still wait from when the topic was shorter: starting again at the
        // same places throws it away.
        let left = self
            .unread
            .keys()
            .map(|partition| (*partition, self.next.get(partition).copied().unwrap_or_default()));
        topic::assign(self.consumer, self.shared.topic, left)
    }

    /// Tells of the alerts that wait for more to make a batch.
    fn tell(&mut self) {
        let rows = self.decoder.rows() as u64;
        self.shared.tell(rows.saturating_sub(self.told));
        self.told = rows;
    }

    fn refused(&self, action: &'static str, source: KafkaError) -> DownloadError {
        DownloadError::Kafka { action, topic: self.shared.topic.to_owned(), source }
    }

    /// Where a partition ends now.
    fn high(&self, partition: i32) -> Result<i64, DownloadError> {
        let watermarks =
            self.consumer.fetch_watermarks(self.shared.topic, partition, self.shared.limits.patience);
        watermarks.map(|(_, high)| high).map_err(|source| self.refused("look up", source))
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) -> Result<(), DownloadError> {
        let (partition, offset) = (message.partition(), message.offset());
        let (Some(&end), Some(next)) = (self.unread.get(&partition), self.next.get_mut(&partition)) else {
            return Ok(());
        };
        if offset >= end {
            return self.end_partition(partition);
        }
        if offset < *next {
            return Ok(());
        }
        let payload = message.payload().unwrap_or_default();
        self.decoder.add(payload).map_err(|problem| DownloadError::Message {
            topic: self.shared.topic.to_owned(),
            partition,
            offset,
            problem,
        })?;
        if self.shared.format == Format::Avro {
            self.messages.add(payload);
        }
        *next = offset + 1;
        self.origins.push((partition, offset));
        self.bytes_since_commit += payload.len() as u64;
        if offset + 1 == end { self.end_partition(partition) } else { Ok(()) }
    }

    /// The broker says that nothing follows. Before the end that is only so if what follows are no messages (a
    /// transaction's marks, compacted records), not if the topic has lost its tail.
    fn check_end(&mut self, partition: i32) -> Result<(), DownloadError> {
        let (Some(&end), Some(&next)) = (self.unread.get(&partition), self.next.get(&partition)) else {
            return Ok(());
        };
        let high = self.high(partition)?;
        if high < end {
            let topic = self.shared.topic.to_owned();
            return Err(DownloadError::Shrunk { topic, partition, end, high, next });
        }
        self.end_partition(partition)
    }

    /// Stops fetching a partition: asking for more of it would hold up the others.
    fn end_partition(&mut self, partition: i32) -> Result<(), DownloadError> {
        if let Some(end) = self.unread.remove(&partition) {
            // Offsets without a message (a transaction's mark, a compacted record) count as read.
            self.next.insert(partition, end);
        }
        let mut list = TopicPartitionList::new();
        list.add_partition(self.shared.topic, partition);
        self.consumer.pause(&list).map_err(|source| self.refused("read", source))
    }

    fn write_batch(&mut self) -> Result<(), DownloadError> {
        if self.decoder.rows() > 0 {
            self.tell();
            let batch = self.decoder.take().map_err(bug)?;
            for group in self.shared.folders.split(&batch).map_err(bug)? {
                self.write_group(&batch, group)?;
            }
            self.files.bound_memory()?;
            self.origins.clear();
            self.messages.clear();
            self.told = 0;
        }
        self.in_files.clone_from(&self.next);
        Ok(())
    }

    fn write_group(&mut self, batch: &RecordBatch, group: Group) -> Result<(), DownloadError> {
        let (partition, offset) = self.origins.get(group.first_row).copied().unwrap_or_default();
        let name = || format!("{}-{partition}-{offset}", self.shared.topic);
        let alerts = match self.shared.format {
            Format::Parquet => Alerts::Columns(self.shared.folders.columns(batch, group.rows).map_err(bug)?),
            Format::Avro => Alerts::Messages(&self.messages, group.rows.as_deref()),
        };
        self.files.write(group.folder, name, alerts)
    }

    fn commit_if_due(&mut self) -> Result<(), DownloadError> {
        let limits = self.shared.limits;
        let is_worthwhile = self.bytes_since_commit >= limits.worthwhile_bytes.min(limits.commit_bytes);
        let is_due = self.bytes_since_commit >= limits.commit_bytes
            || is_worthwhile && self.last_commit.elapsed() >= limits.commit_interval
            || self.files.are_many();
        if is_due && self.bytes_since_commit > 0 {
            self.write_batch()?;
            self.commit()?;
        }
        Ok(())
    }

    /// Completes the files and counts them.
    fn commit(&mut self) -> Result<(), DownloadError> {
        let completed = self.files.complete(self.in_files.clone())?;
        // A thread that panicked within left the journal as it was before or after a step: the disk decides.
        self.shared.journal.lock().unwrap_or_else(PoisonError::into_inner).commit(completed)?;
        self.bytes_since_commit = 0;
        self.last_commit = Instant::now();
        Ok(())
    }
}

fn bug(error: arrow::error::ArrowError) -> DownloadError {
    DownloadError::Bug(error.to_string())
}
