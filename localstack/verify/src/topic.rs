//! A topic, read once from its first offset to its end.

use crate::identity::{Identity, nights};
use crate::{Meter, Options, Source, VerifyError};
use broker::MessageKey;
use download::avro::{Decoder, Schema};
use download::topic::{self, Span};
use download::{DownloadError, is_passing};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a thread without messages looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);

/// What stands for the task of a message whose key names none.
pub(crate) const NO_TASK: u16 = u16::MAX;

/// An alert of the topic: 16 bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) mark: u64,
    pub(crate) offset: u32,
    pub(crate) task: u16,
    pub(crate) partition: u16,
}

/// What a topic holds.
#[derive(Default)]
pub(crate) struct Topic {
    /// Its alerts, sorted by mark, then by place.
    pub(crate) alerts: Vec<Sent>,
    pub(crate) partitions: Vec<Partition>,
    /// The nights that the alerts of each task say they are of, as far as they were asked.
    pub(crate) nights: BTreeMap<u16, u32>,
}

/// What is to be said of a partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partition {
    pub(crate) partition: i32,
    pub(crate) low: i64,
    pub(crate) high: i64,
    pub(crate) messages: u64,
    /// Offsets without a message.
    pub(crate) gaps: u64,
    /// Messages whose key is none of a transfer, and the first of them.
    pub(crate) unsigned: u64,
    pub(crate) first_unsigned: Option<i64>,
    /// Messages whose number does not follow that of the message before, by task, and the first of them.
    pub(crate) broken: u64,
    pub(crate) first_broken: Option<String>,
    pub(crate) next: i64,
    /// The next number of each task.
    pub(crate) sequences: BTreeMap<u32, u64>,
}

/// A topic that is about to be read.
pub(crate) struct Opened {
    source: Source,
    schema: Schema,
    spans: Vec<Span>,
}

impl Opened {
    pub(crate) fn open(source: &Source, options: &Options) -> Result<Self, VerifyError> {
        let consumer = topic::consumer(&source.bootstrap)?;
        let name = &source.topic;
        let spans = topic::spans(&consumer, name.as_str(), &source.bootstrap, options.patience)?;
        let text = topic::schema_text(&consumer, name, &source.bootstrap, options.patience)?;
        let schema = topic::schema_of(&text, name)?;
        if spans.iter().any(|span| u32::try_from(span.high).is_err() || span.partition >= i32::from(u16::MAX))
        {
            return Err(VerifyError::TooLarge(format!("topic {name} is too large to be compared")));
        }
        Ok(Self { source: source.clone(), schema, spans })
    }

    /// The columns that alerts may be known by.
    pub(crate) fn columns(&self) -> Vec<String> {
        columns(&self.schema)
    }

    /// Reads all partitions, as many at once as there are threads.
    pub(crate) fn read(
        self,
        options: &Options,
        identity: Identity,
        meter: &Meter<'_>,
    ) -> Result<Topic, VerifyError> {
        meter.expect(self.spans.iter().map(Span::offsets).sum());
        let stop = AtomicBool::new(false);
        let threads = options.threads.get().min(self.spans.len()).max(1);
        let read = &|thread: usize| {
            let spans: Vec<Span> = self.spans.iter().skip(thread).step_by(threads).copied().collect();
            let consumer = topic::consumer(&self.source.bootstrap)?;
            let outcome = Reader::new(&self, options, identity, meter, &spans).run(&consumer, &stop);
            if outcome.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            outcome
        };
        let parts: Result<Vec<Topic>, VerifyError> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || read(thread))).collect();
            let panicked = |_| Err(VerifyError::Bug("a thread panicked".to_owned()));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        });
        let mut whole = Topic::default();
        for part in parts? {
            if whole.alerts.is_empty() {
                whole.alerts = part.alerts;
            } else {
                whole.alerts.extend(part.alerts);
            }
            whole.partitions.extend(part.partitions);
            for (task, night) in part.nights {
                whole.nights.entry(task).or_insert(night);
            }
        }
        whole.alerts.sort_unstable_by_key(|alert| (alert.mark, alert.partition, alert.offset));
        whole.partitions.sort_by_key(|partition| partition.partition);
        Ok(whole)
    }
}

/// The columns of a schema that alerts may be known by; `candidate.jd` stands for a field of a struct.
pub(crate) fn columns(schema: &Schema) -> Vec<String> {
    columns_of(&schema.to_arrow())
}

/// The same of an Arrow schema.
pub(crate) fn columns_of(schema: &arrow::datatypes::Schema) -> Vec<String> {
    let mut columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    if let Ok(field) = schema.field_with_name("candidate")
        && let arrow::datatypes::DataType::Struct(inner) = field.data_type()
        && inner.iter().any(|field| field.name() == "jd")
    {
        columns.push("candidate.jd".to_owned());
    }
    columns
}

/// The indices of columns of the root.
pub(crate) fn indices(schema: &Schema, names: &[&str]) -> Vec<usize> {
    let schema = schema.to_arrow();
    names.iter().filter_map(|name| schema.index_of(name).ok()).collect()
}

/// One thread.
struct Reader<'a> {
    name: &'a str,
    options: &'a Options,
    identity: Identity,
    meter: &'a Meter<'a>,
    decoder: Decoder,
    /// Where the alerts of the batch under way are from.
    places: Vec<(u32, u16, u16)>,
    partitions: BTreeMap<i32, Partition>,
    unread: usize,
    alerts: Vec<Sent>,
    nights: BTreeMap<u16, u32>,
}

impl<'a> Reader<'a> {
    fn new(
        opened: &'a Opened,
        options: &'a Options,
        identity: Identity,
        meter: &'a Meter<'a>,
        spans: &[Span],
    ) -> Self {
        let mut names = identity.columns().to_vec();
        if options.receipt.is_none() {
            // Nobody else says which night a task is.
            names.extend(["year", "month", "day"]);
        }
        let partitions = spans.iter().map(|span| {
            let Span { partition, low, high } = *span;
            (partition, Partition { partition, low, high, next: low, ..Partition::default() })
        });
        Self {
            name: opened.source.topic.as_str(),
            options,
            identity,
            meter,
            decoder: Decoder::of_columns(&opened.schema, &indices(&opened.schema, &names)),
            places: Vec::new(),
            partitions: partitions.collect(),
            unread: spans.iter().filter(|span| span.low < span.high).count(),
            alerts: Vec::with_capacity(spans.iter().map(|span| span.offsets() as usize).sum()),
            nights: BTreeMap::new(),
        }
    }

    fn run(mut self, consumer: &BaseConsumer, stop: &AtomicBool) -> Result<Topic, VerifyError> {
        let starts = self.partitions.values().filter(|found| found.low < found.high);
        topic::assign(consumer, self.name, starts.map(|found| (found.partition, found.low)))?;
        let (mut heard, mut last) = (Instant::now(), None);
        while self.unread > 0 && !stop.load(Ordering::Relaxed) {
            match consumer.poll(LOOK) {
                Some(Ok(message)) => {
                    self.take(&message)?;
                    if self.decoder.is_full() {
                        self.take_batch()?;
                        heard = Instant::now();
                    }
                    continue;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => self.end(partition),
                Some(Err(source)) if !is_passing(&source) => {
                    let topic = self.name.to_owned();
                    return Err(DownloadError::Kafka { action: "read", topic, source }.into());
                }
                Some(Err(error)) => last = Some(error),
                None => {}
            }
            if self.decoder.rows() > 0 {
                self.take_batch()?;
                heard = Instant::now();
            }
            if heard.elapsed() > self.options.patience {
                return Err(topic::silent(self.name, heard.elapsed(), last.as_ref()).into());
            }
        }
        self.take_batch()?;
        let partitions = self.partitions.into_values().collect();
        Ok(Topic { alerts: self.alerts, partitions, nights: self.nights })
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) -> Result<(), VerifyError> {
        let offset = message.offset();
        let Some(found) = self.partitions.get_mut(&message.partition()) else { return Ok(()) };
        // What came after the beginning is not compared.
        if offset < found.next || offset >= found.high {
            return Ok(());
        }
        found.gaps += (offset - found.next).unsigned_abs();
        found.next = offset + 1;
        found.messages += 1;
        let task = found.follow(message.key().unwrap_or_default(), offset);
        let place = (u32::try_from(offset).unwrap_or_default(), task, found.partition as u16);
        if found.next == found.high {
            self.unread -= 1;
        }
        self.decoder.add(message.payload().unwrap_or_default()).map_err(|problem| {
            DownloadError::Message {
                topic: self.name.to_owned(),
                partition: message.partition(),
                offset,
                problem,
            }
        })?;
        self.places.push(place);
        Ok(())
    }

    /// Nothing follows in a partition, though its end lies further on: offsets without a message.
    fn end(&mut self, partition: i32) {
        if let Some(found) = self.partitions.get_mut(&partition)
            && found.next < found.high
        {
            found.gaps += (found.high - found.next).unsigned_abs();
            found.next = found.high;
            self.unread -= 1;
        }
    }

    fn take_batch(&mut self) -> Result<(), VerifyError> {
        let batch = self.decoder.take()?;
        let marks = self.identity.marks(&batch)?;
        let marks = marks.ok_or_else(|| VerifyError::Bug("the topic lacks its own columns".to_owned()))?;
        if let Some(nights) = nights(&batch)? {
            for ((_, task, _), night) in self.places.iter().zip(nights) {
                self.nights.entry(*task).or_insert(night);
            }
        }
        let alerts = marks.into_iter().zip(self.places.drain(..));
        self.alerts.extend(alerts.map(|(mark, (offset, task, partition))| Sent {
            mark,
            offset,
            task,
            partition,
        }));
        self.meter.add(batch.num_rows() as u64);
        Ok(())
    }
}

impl Partition {
    /// Checks a message's number against that of the one before, and returns its task.
    fn follow(&mut self, key: &[u8], offset: i64) -> u16 {
        let key = MessageKey::read(key).filter(|key| key.task < u32::from(NO_TASK));
        let Some(MessageKey { task, sequence }) = key else {
            self.unsigned += 1;
            self.first_unsigned.get_or_insert(offset);
            return NO_TASK;
        };
        // Where the first messages have expired, the first number there counts as right.
        let first = if self.low > 0 { sequence } else { 0 };
        let next = self.sequences.entry(task).or_insert(first);
        if *next != sequence {
            self.broken += 1;
            let broken =
                || format!("at offset {offset} task {task} goes on with {sequence} after {next} messages");
            self.first_broken.get_or_insert_with(broken);
        }
        *next = sequence + 1;
        task as u16
    }
}
