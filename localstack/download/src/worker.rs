//! One thread: reads its partitions to their ends and writes their alerts.

use crate::avro::Decoder;
use crate::error::is_passing;
use crate::files::OpenFiles;
use crate::folder::Folders;
use crate::journal::Journal;
use crate::topic::{self, Span};
use crate::{DownloadError, Limits, Progress};
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

/// What the threads of a run share.
pub(crate) struct Shared<'a> {
    pub(crate) topic: &'a str,
    pub(crate) limits: &'a Limits,
    pub(crate) journal: &'a Mutex<Journal>,
    pub(crate) folders: &'a Folders,
    pub(crate) stop: AtomicBool,
    pub(crate) written: AtomicU64,
    pub(crate) total: u64,
    pub(crate) progress: &'a (dyn Fn(Progress) + Sync),
}

pub(crate) struct Worker<'a> {
    shared: &'a Shared<'a>,
    consumer: &'a BaseConsumer,
    decoder: Decoder,
    files: OpenFiles,
    /// Partitions that are not at their end.
    unread: BTreeMap<i32, i64>,
    /// The next offset of each partition.
    next: BTreeMap<i32, i64>,
    /// The same as far as alerts are in the files.
    in_files: BTreeMap<i32, i64>,
    /// Where each alert of the batch under way comes from.
    origins: Vec<(i32, i64)>,
    bytes_since_commit: u64,
    last_commit: Instant,
}

impl<'a> Worker<'a> {
    /// A thread for `spans`, which it reads from `low` to `high`.
    pub(crate) fn new(
        shared: &'a Shared<'a>,
        consumer: &'a BaseConsumer,
        decoder: Decoder,
        files: OpenFiles,
        spans: &[Span],
    ) -> Self {
        let next: BTreeMap<i32, i64> = spans.iter().map(|span| (span.partition, span.low)).collect();
        Self {
            shared,
            consumer,
            decoder,
            files,
            unread: spans.iter().map(|span| (span.partition, span.high)).collect(),
            in_files: next.clone(),
            next,
            origins: Vec::new(),
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
            match self.consumer.poll(LOOK) {
                Some(Ok(message)) => {
                    self.take(&message)?;
                    // The clock is asked once a batch.
                    if self.decoder.is_full() {
                        self.write_batch()?;
                        self.commit_if_due()?;
                        heard = Instant::now();
                    }
                    continue;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => self.check_end(partition)?,
                Some(Err(source)) if !is_passing(&source) => {
                    let topic = self.shared.topic.to_owned();
                    return Err(DownloadError::Kafka { action: "read", topic, source });
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "the cluster is troubled, waiting");
                    last = Some(error);
                }
                None => {}
            }
            if self.decoder.rows() > 0 {
                // Nothing more is there at the moment: time to write what has come.
                self.write_batch()?;
                heard = Instant::now();
            }
            self.commit_if_due()?;
            if heard.elapsed() > self.shared.limits.patience {
                self.write_batch()?;
                return Err(topic::silent(self.shared.topic, heard.elapsed(), last.as_ref()));
            }
        }
        self.write_batch()
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
        let topic = self.shared.topic;
        let high = match self.consumer.fetch_watermarks(topic, partition, self.shared.limits.patience) {
            Ok((_, high)) => high,
            Err(source) => {
                return Err(DownloadError::Kafka { action: "look up", topic: topic.to_owned(), source });
            }
        };
        if high < end {
            return Err(DownloadError::Shrunk { topic: topic.to_owned(), partition, end, high, next });
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
        self.consumer.pause(&list).map_err(|source| DownloadError::Kafka {
            action: "read",
            topic: self.shared.topic.to_owned(),
            source,
        })
    }

    fn write_batch(&mut self) -> Result<(), DownloadError> {
        let rows = self.decoder.rows();
        if rows > 0 {
            let bug = |error: arrow::error::ArrowError| DownloadError::Bug(error.to_string());
            let batch = self.decoder.take().map_err(bug)?;
            for group in self.shared.folders.split(&batch).map_err(bug)? {
                let (partition, offset) = self.origins.get(group.first_row).copied().unwrap_or_default();
                let name = || format!("{}-{partition}-{offset}.parquet", self.shared.topic);
                self.files.write(group.folder, name, group.alerts)?;
            }
            self.files.bound_memory()?;
            self.origins.clear();
        }
        self.in_files.clone_from(&self.next);
        let written = self.shared.written.fetch_add(rows as u64, Ordering::Relaxed) + rows as u64;
        (self.shared.progress)(Progress { alerts: written, total: self.shared.total });
        Ok(())
    }

    fn commit_if_due(&mut self) -> Result<(), DownloadError> {
        let limits = self.shared.limits;
        let is_due = self.bytes_since_commit >= limits.commit_bytes
            || self.last_commit.elapsed() >= limits.commit_interval
            || self.files.are_many();
        if is_due && self.bytes_since_commit > 0 { self.commit() } else { Ok(()) }
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
