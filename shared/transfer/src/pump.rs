//! The pump of a task: row groups in, messages out, on one thread; the next row groups are fetched meanwhile.

use crate::{
    TransferError,
    ahead::{Ahead, Opened},
    attempt::AttemptError,
    content_plan::ContentPlan,
    figures::Stages,
    filter::{Dropped, Filter},
    pace::Pacer,
    progress::Progress,
    run_task::Delivered,
    sample::{self, OF_A_TASK},
};
use archive::{ArchiveError, ChosenRows, Opening};
use arrow::array::{Array, RecordBatch, StringArray};
use broker::{BrokerError, Outgoing, Publisher};
use job::{Checkpoint, Counts, Milestone, Night, Sequencer};
use packet::{Encoder, Messages, TnsCatalogue, finkclass, partition_of, tnsclass};
use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a failed attempt waits for what is under way to the broker.
const DRAIN: Duration = Duration::from_secs(10);

/// One task under way.
pub(crate) struct Pump {
    filter: Filter,
    sink: Sink,
    progress: Progress,
    row_groups: u32,
    planned_row_groups: u32,
    planned_rows: u64,
}

/// A row group whose turn it is, or soon will be.
struct RowGroup {
    chosen: ChosenRows,
    /// What opening its file took, if it is the first to be read of it.
    opening: Opening,
    /// What the choice of its rows dropped.
    dropped: Dropped,
}

/// What a pump starts from.
pub(crate) struct Start {
    pub night: Night,
    /// From where it goes on.
    pub checkpoint: Checkpoint,
    /// Messages of the task that each partition holds already: those are not sent again.
    pub arrived: Vec<u64>,
    /// The most alerts that this task may send.
    pub allowance: Option<u64>,
    /// What the footers promise.
    pub planned_row_groups: u32,
    /// What the footers promise.
    pub planned_rows: u64,
    /// How fast it may send.
    pub pacer: Option<Pacer>,
}

impl Pump {
    pub(crate) fn new(
        plan: ContentPlan,
        tns: Arc<TnsCatalogue>,
        publisher: Publisher,
        start: Start,
        progress: Progress,
    ) -> Result<Self, TransferError> {
        let Checkpoint { row_groups, mut counts, sequences, .. } = start.checkpoint;
        counts.dropped_by_condition.resize(plan.conditions.list().len(), 0);
        let filter = Filter::new(&plan, tns.clone(), start.night, progress.clone())?;
        progress.with(|tidings| tidings.counts = counts.clone());
        let sink = Sink {
            encoder: Encoder::new(plan.layout),
            tns,
            night: start.night,
            publisher,
            sequencer: Sequencer::new(sequences, start.arrived),
            pacer: start.pacer,
            allowance: start.allowance,
            counts,
            messages: Messages::default(),
            outgoing: Vec::new(),
            progress: progress.clone(),
            stages: Stages::default(),
            to_sample: OF_A_TASK,
        };
        Ok(Self {
            filter,
            sink,
            progress,
            row_groups,
            planned_row_groups: start.planned_row_groups,
            planned_rows: start.planned_rows,
        })
    }

    /// Works through the prepared row groups and waits until all is acknowledged. Runs on a thread of its own.
    pub(crate) fn run(mut self, mut ahead: Ahead) -> Result<Delivered, AttemptError> {
        match self.pump(&mut ahead) {
            Ok(()) => {
                let mut counts = self.sink.counts;
                counts.sent = counts.kept;
                self.sink.publisher.retire();
                Ok(Delivered { counts, sequences: self.sink.sequencer.reached().to_vec() })
            }
            Err(error) => {
                // Nobody fetches on for an attempt that has failed.
                drop(ahead);
                let watch = self.sink.publisher.watch();
                let drained = self.sink.publisher.stop(DRAIN);
                Err(AttemptError {
                    error: Box::new(error),
                    drained,
                    sent: Some(watch.acknowledged().sequences.iter().sum()),
                })
            }
        }
    }

    fn pump(&mut self, ahead: &mut Ahead) -> Result<(), TransferError> {
        let mut next = None;
        while let Some(row_group) = next.take().or_else(|| self.next(ahead)) {
            if self.sink.is_full() {
                break;
            }
            let row_group: RowGroup = row_group?;
            // While the bytes of its rows are on their way the next one's rows are chosen; under a limit it may not be wanted.
            if self.sink.allowance.is_none() && row_group.chosen.has_chosen() {
                next = self.next(ahead);
            }
            self.row_group(row_group, ahead)?;
        }
        if self.progress.is_stopped() {
            return Err(TransferError::Cancelled);
        }
        let progress = &self.progress;
        let sends_since = Instant::now();
        let finished = self.sink.publisher.finish(&|| progress.is_stopped());
        self.sink.stages.send += sends_since.elapsed();
        self.tell_stages();
        finished?;
        self.check_books()
    }

    /// What was read is what the footers promised, and what the topic holds is what was made of it.
    fn check_books(&self) -> Result<(), TransferError> {
        let counts = &self.sink.counts;
        let whole = self.row_groups == self.planned_row_groups && counts.read == self.planned_rows;
        if !whole && !self.sink.is_full() {
            let (read, planned) = (counts.read, self.planned_rows);
            return Err(TransferError::Books(format!("{read} of {planned} alerts of the night were read")));
        }
        if !counts.adds_up() || self.sink.sequencer.reached() != self.sink.publisher.handed_over() {
            return Err(TransferError::Books(format!("{counts:?}")));
        }
        Ok(())
    }

    fn tell_stages(&self) {
        let stages = self.sink.stages;
        self.progress.with(|tidings| tidings.stages = stages);
    }

    /// The next row group, with its rows chosen; none after the last. Why it cannot be read is told when its turn comes.
    fn next(&mut self, ahead: &mut Ahead) -> Option<Result<RowGroup, TransferError>> {
        let waits_since = Instant::now();
        let next = ahead.next();
        let chooses_since = Instant::now();
        self.sink.stages.fetch += chooses_since - waits_since;
        let chosen = next?.map_err(TransferError::from).and_then(|Opened { scan, opening }| {
            let chosen = scan.choose(&mut self.filter).map_err(TransferError::from_scan)?;
            Ok(RowGroup { chosen, opening, dropped: self.filter.take_dropped() })
        });
        self.sink.stages.scan += chooses_since.elapsed();
        Some(chosen)
    }

    fn row_group(&mut self, row_group: RowGroup, ahead: &mut Ahead) -> Result<(), TransferError> {
        let RowGroup { chosen, opening, dropped } = row_group;
        let sink = &mut self.sink;
        let (begun, in_sink) = (Instant::now(), sink.stages.encode + sink.stages.send);
        let ending = chosen.ending();
        let mut receive = |batch: RecordBatch| {
            if sink.allowance.is_none() && ending.is_near() {
                ahead.begin_next();
            }
            sink.batch(&batch).map_err(|error| ArchiveError::Consumer(Box::new(error)))
        };
        let ended = chosen.run(&mut self.filter, &mut receive).map_err(TransferError::from_scan);
        let stages = &mut self.sink.stages;
        stages.scan += begun.elapsed().saturating_sub(stages.encode + stages.send - in_sink);
        self.tell_stages();
        let stats = ended?;
        let counts = &mut self.sink.counts;
        counts.read += stats.rows_read;
        counts.bytes_read += stats.bytes_fetched + opening.bytes_fetched;
        counts.requests += stats.requests + opening.requests;
        counts.footer_requests += opening.requests;
        dropped.count(counts);
        self.filter.take_dropped().count(counts);
        self.row_groups += 1;
        let (row_groups, counts, sequences) =
            (self.row_groups, counts.clone(), self.sink.sequencer.reached().to_vec());
        let offsets = self.sink.publisher.watch().acknowledged().offsets;
        self.progress.with(|tidings| {
            tidings.counts = counts.clone();
            tidings.milestones.push(Milestone { row_groups, counts, sequences, offsets });
        });
        Ok(())
    }
}

/// How many there are of each class. Of the few that there are, the common ones are met first.
fn counted(classes: &StringArray) -> Vec<(&str, u64)> {
    let mut counted: Vec<(&str, u64)> = Vec::new();
    for class in classes.iter().flatten() {
        match counted.iter_mut().find(|(known, _)| *known == class) {
            Some((_, count)) => *count += 1,
            None => counted.push((class, 1)),
        }
    }
    counted
}

/// Derives, encodes and sends the alerts that passed.
struct Sink {
    encoder: Encoder,
    tns: Arc<TnsCatalogue>,
    night: Night,
    publisher: Publisher,
    sequencer: Sequencer,
    pacer: Option<Pacer>,
    allowance: Option<u64>,
    counts: Counts,
    messages: Messages,
    /// Those among the messages that are to be sent.
    outgoing: Vec<Outgoing>,
    progress: Progress,
    stages: Stages,
    /// How many of the next messages are kept to be looked at.
    to_sample: usize,
}

impl Sink {
    fn is_full(&self) -> bool {
        self.allowance.is_some_and(|allowance| self.counts.kept >= allowance)
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), TransferError> {
        let room = self.allowance.map_or(usize::MAX, |allowance| {
            usize::try_from(allowance.saturating_sub(self.counts.kept)).unwrap_or(usize::MAX)
        });
        let taken = batch.num_rows().min(room);
        self.counts.over_limit += (batch.num_rows() - taken) as u64;
        let batch = batch.slice(0, taken);
        let encodes_since = Instant::now();
        let fink = finkclass(&batch);
        let tns = tnsclass(&batch, &self.tns);
        let partitions = self.partitions(&batch);
        self.messages.clear();
        // Those of a partition side by side: librdkafka reads them one partition after the other.
        self.encoder.encode_by_group(&batch, self.night, (&fink, &tns), &partitions, &mut self.messages)?;
        let sends_since = Instant::now();
        self.stages.encode += sends_since - encodes_since;
        self.outgoing.clear();
        for (row, partition) in partitions.into_iter().enumerate() {
            let partition = partition as i32;
            let is_new = self.sequencer.is_to_send(partition as usize).map_err(|_| {
                TransferError::Books(format!("partition {partition} is not one of the topic's"))
            })?;
            let bytes = self.messages.span(row);
            self.counts.bytes_sent += bytes.len() as u64;
            if is_new {
                self.sample(partition as usize, &bytes);
                self.outgoing.push(Outgoing { partition, bytes });
            }
        }
        self.send()?;
        self.stages.send += sends_since.elapsed();
        if self.progress.is_stopped() {
            return Err(TransferError::Cancelled);
        }
        self.counts.kept += taken as u64;
        for (class, count) in counted(&fink) {
            match self.counts.classes.get_mut(class) {
                Some(total) => *total += count,
                None => drop(self.counts.classes.insert(class.to_owned(), count)),
            }
        }
        let (kept, bytes) = (self.counts.kept, self.counts.bytes_sent);
        self.progress.with(|tidings| {
            tidings.counts.kept = kept;
            tidings.counts.bytes_sent = bytes;
        });
        Ok(())
    }

    /// The partition of each row.
    fn partitions(&self, batch: &RecordBatch) -> Vec<u32> {
        let objects = batch.column_by_name("objectId").and_then(packet::as_text_views);
        let partition = |row| {
            let object = objects.as_ref().filter(|ids| ids.is_valid(row)).map_or("", |ids| ids.value(row));
            partition_of(object, self.sequencer.partitions() as i32).unsigned_abs()
        };
        (0..batch.num_rows()).map(partition).collect()
    }

    /// Keeps the first messages for whoever wants to see what came.
    fn sample(&mut self, partition: usize, bytes: &Range<usize>) {
        if self.to_sample == 0 || bytes.len() > sample::MAX_BYTES {
            return;
        }
        let sequence = self.sequencer.reached().get(partition).copied().unwrap_or(u64::MAX);
        let message = self.messages.buffer().get(bytes.clone()).unwrap_or_default();
        self.to_sample -= 1;
        self.progress.with(|tidings| tidings.sample.keep(partition, sequence, message));
    }

    /// Hands over what goes out of the encoded messages, each if it is sure to arrive within the lease or not at all.
    fn send(&mut self) -> Result<(), TransferError> {
        let progress = &self.progress;
        let stop = || progress.is_stopped() || !progress.may_send();
        let (publisher, outgoing) = (&mut self.publisher, &self.outgoing);
        let mut sent = Ok(());
        match &mut self.pacer {
            None if outgoing.is_empty() => {}
            None => {
                let buffer = self.messages.exchange(publisher.buffer());
                sent = publisher.send_all(buffer, outgoing, &stop);
            }
            // One by one, each when its time has come.
            Some(pacer) => {
                for message in outgoing {
                    let bytes = self.messages.buffer().get(message.bytes.clone()).unwrap_or_default();
                    pacer.wait(bytes.len(), &stop);
                    sent = publisher.send(message.partition, bytes, &stop);
                    if sent.is_err() {
                        break;
                    }
                }
            }
        }
        match sent {
            Err(BrokerError::Stopped) if progress.is_stopped() => Err(TransferError::Cancelled),
            Err(BrokerError::Stopped) => Err(TransferError::Fenced),
            sent => Ok(sent?),
        }
    }
}
