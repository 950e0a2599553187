//! A run from its lock to its summary.

use crate::disk::LocalDisk;
use crate::files::{Content, OpenFiles};
use crate::folder::Folders;
use crate::horizon::Known;
use crate::journal::Journal;
use crate::state::{Places, State};
use crate::topic::{self, Span};
use crate::worker::{Shared, Worker};
use crate::{DownloadError, Format, Horizon, Limits, Options, Progress, Summary};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

pub(crate) fn run(
    options: &Options,
    limits: &Limits,
    horizon: &Horizon,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Summary, DownloadError> {
    // The topic is looked up before the folder is touched: a mistyped name leaves nothing behind.
    let Options { bootstrap, topic, .. } = options;
    let consumer = topic::consumer(bootstrap)?;
    let spans = topic::spans(&consumer, topic.as_str(), bootstrap, limits.patience)?;
    let text = topic::schema_text(&consumer, topic, bootstrap, limits.patience)?;
    drop(consumer);
    let schema = topic::schema_of(&text, topic)?;
    let folders = Folders::new(options.layout, &schema)?;

    let places = Places::new(options);
    let _lock = lock(options, &places)?;
    let fresh = State::new(options, &text);
    if !places.state.exists() {
        refuse_unrecorded(options)?;
    }
    let mut journal = Journal::open(Box::new(LocalDisk), places.clone(), fresh)?;
    let known = horizon.known();
    let reading = reading(&mut journal, &spans, &known, &options.outdir)?;
    let on_disk = journal.state().alerts;
    let journal = Mutex::new(journal);
    let shared = Shared {
        topic: topic.as_str(),
        limits,
        horizon,
        journal: &journal,
        folders: &folders,
        format: options.format,
        stop: AtomicBool::new(false),
        written: AtomicU64::new(on_disk),
        on_disk,
        starts: reading.spans.iter().map(|span| (span.partition, span.low)).collect(),
        total: AtomicU64::new(on_disk + reading.spans.iter().map(Span::offsets).sum::<u64>()),
        short: AtomicU64::new(reading.short),
        beyond: AtomicU64::new(reading.beyond),
        progress,
    };
    shared.tell(0);
    let content = Content { format: options.format, schema: &schema, text: &text, folders: &folders };
    read_all(&shared, options, content, &places, reading)?;
    let (short, beyond) = (shared.short.load(Ordering::Relaxed), shared.beyond.load(Ordering::Relaxed));
    let summary = journal.into_inner().unwrap_or_else(PoisonError::into_inner).close()?;
    Ok(Summary { short, beyond, ..summary })
}

/// Reads with one thread a share; the first error ends all of them.
fn read_all(
    shared: &Shared<'_>,
    options: &Options,
    content: Content<'_>,
    places: &Places,
    reading: Reading,
) -> Result<(), DownloadError> {
    let shares = share(reading.spans, shared.limits.threads.get());
    let memory_bytes = shared.limits.memory_bytes / shares.len().max(1);
    let read = |spans: &[Span]| {
        let consumer = topic::consumer(&options.bootstrap)?;
        let files = OpenFiles::new(&places.staging, content, memory_bytes)?;
        let decoder = content.folders.decoder(content.schema, content.format);
        Worker::new(shared, &consumer, decoder, files, spans, reading.is_open).run()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares.iter().map(|spans| scope.spawn(|| read(spans))).collect();
        let panicked = |_| Err(DownloadError::Bug("a thread panicked".to_owned()));
        let outcomes: Vec<_> =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect();
        outcomes.into_iter().collect()
    })
}

/// What is to be read.
struct Reading {
    /// From where each partition is read, and to where if that is known.
    spans: Vec<Span>,
    is_open: bool,
    short: u64,
    beyond: u64,
}

/// What is left to read of each partition. Checks that the topic is the one the record speaks of.
fn reading(
    journal: &mut Journal,
    spans: &[Span],
    known: &Known,
    outdir: &Path,
) -> Result<Reading, DownloadError> {
    let is_open = matches!(known, Known::Open(_));
    let mut reading = Reading { spans: Vec::new(), is_open, short: 0, beyond: 0 };
    for span in spans {
        let Span { partition, low, high } = *span;
        let next = journal.state().offsets.get(&partition).copied().unwrap_or(0);
        if next > high {
            let sign =
                format!("partition {partition} ends at {high}, but {next} messages of it were read before");
            return Err(journal.state().other_topic(outdir, sign));
        }
        if next < low {
            let expired = u64::try_from(low - next).unwrap_or_default();
            tracing::warn!(partition, expired, "alerts are gone: the topic no longer holds them");
            journal.skip_to(partition, low, expired);
        }
        let next = next.max(low);
        let ending = Ending::new(high, next, partition, known);
        reading.short += ending.short;
        reading.beyond += ending.beyond;
        if is_open || next < ending.end {
            reading.spans.push(Span { partition, low: next, high: ending.end });
        }
    }
    Ok(reading)
}

/// Where the reading of a partition ends, given where the partition does.
pub(crate) struct Ending {
    pub(crate) end: i64,
    /// Messages that were told of and that the partition lacks at its end.
    pub(crate) short: u64,
    /// Messages after the end that was told.
    pub(crate) beyond: u64,
}

impl Ending {
    pub(crate) fn new(high: i64, next: i64, partition: i32, known: &Known) -> Self {
        let told = match known {
            Known::At(ends) => ends.get(&partition).copied().unwrap_or(high),
            Known::Now | Known::Open(_) => high,
        };
        let count = |messages: i64| u64::try_from(messages).unwrap_or_default();
        Self {
            end: told.min(high).max(next),
            short: count(told - high),
            beyond: count(high - told.max(next)),
        }
    }
}

/// Shares partitions among threads, the largest first, each to the thread that has least; what is empty so far is
/// shared as well.
fn share(mut spans: Vec<Span>, threads: usize) -> Vec<Vec<Span>> {
    spans.sort_by_key(|span| std::cmp::Reverse(span.offsets()));
    let mut shares = vec![(0, Vec::new()); threads.min(spans.len())];
    for span in spans {
        if let Some((load, share)) = shares.iter_mut().min_by_key(|(load, _)| *load) {
            *load += span.offsets() + 1;
            share.push(span);
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
}

/// Takes the lock; it goes with the process, however that ends.
fn lock(options: &Options, places: &Places) -> Result<File, DownloadError> {
    let failed = |action, path: &Path, source| DownloadError::Disk { action, path: path.to_owned(), source };
    fs::create_dir_all(&places.outdir).map_err(|source| failed("make the folder", &places.outdir, source))?;
    let file = File::create(&places.lock).map_err(|source| failed("write", &places.lock, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(DownloadError::Busy { topic: options.topic.to_string(), outdir: places.outdir.clone() })
        }
        Err(TryLockError::Error(source)) => Err(failed("lock", &places.lock, source)),
    }
}

/// Without a record, files of this topic are from a download whose record is gone: going on would double them.
fn refuse_unrecorded(options: &Options) -> Result<(), DownloadError> {
    let prefix = format!("{}-", options.topic);
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ending = |rest| Format::ALL.iter().find_map(|format| name_without(rest, format.ending()));
        name.strip_prefix(&prefix).and_then(ending).is_some_and(|offsets| {
            offsets.split('-').count() == 2 && offsets.split('-').all(|number| number.parse::<u64>().is_ok())
        })
    };
    let mut folders = vec![options.outdir.clone()];
    while let Some(folder) = folders.pop() {
        let failed = |source| DownloadError::Disk { action: "read", path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            match entry.file_type().map_err(failed)?.is_dir() {
                true if !is_hidden => folders.push(entry.path()),
                false if is_ours(&entry.path()) => {
                    return Err(DownloadError::NoRecord { file: entry.path() });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn name_without<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    name.strip_suffix(ending)?.strip_suffix('.')
}
