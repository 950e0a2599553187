//! A run from its lock to its summary.

use crate::avro::{Decoder, Schema};
use crate::disk::LocalDisk;
use crate::files::OpenFiles;
use crate::folder::Folders;
use crate::journal::Journal;
use crate::state::{Places, State};
use crate::topic::{self, Span};
use crate::worker::{Shared, Worker};
use crate::{DownloadError, Limits, Options, Progress, Summary};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, PoisonError};

pub(crate) fn run(
    options: &Options,
    limits: &Limits,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Summary, DownloadError> {
    // The topic is looked up before the folder is touched: a mistyped name leaves nothing behind.
    let consumer = topic::consumer(&options.bootstrap)?;
    let spans = topic::spans(&consumer, options.topic.as_str(), options, limits)?;
    let text = topic::schema_text(&consumer, options, limits)?;
    drop(consumer);
    let schema = Schema::parse(&text).map_err(|problem| DownloadError::Schema {
        topic: options.topic.schema_topic(),
        place: problem.place,
        problem: problem.problem,
    })?;
    let folders = Folders::new(options.layout, &schema)?;

    let places = Places::new(options);
    let _lock = lock(options, &places)?;
    let fresh = State::new(options, &text);
    if !places.state.exists() {
        refuse_unrecorded(options)?;
    }
    let mut journal = Journal::open(Box::new(LocalDisk), places.clone(), fresh)?;
    let unread = unread(&mut journal, &spans, &options.outdir)?;
    let on_disk = journal.state().alerts;
    let journal = Mutex::new(journal);
    let shared = Shared {
        topic: options.topic.as_str(),
        limits,
        journal: &journal,
        folders: &folders,
        stop: AtomicBool::new(false),
        written: AtomicU64::new(on_disk),
        total: on_disk + unread.iter().map(Span::offsets).sum::<u64>(),
        progress,
    };
    progress(Progress { alerts: on_disk, total: shared.total });
    read_all(&shared, options, &schema, &places, unread)?;
    journal.into_inner().unwrap_or_else(PoisonError::into_inner).close()
}

/// Reads with one thread a share; the first error ends all of them.
fn read_all(
    shared: &Shared<'_>,
    options: &Options,
    schema: &Schema,
    places: &Places,
    unread: Vec<Span>,
) -> Result<(), DownloadError> {
    let shares = share(unread, shared.limits.threads.get());
    let memory_bytes = shared.limits.memory_bytes / shares.len().max(1);
    let read = |spans: &[Span]| {
        let consumer = topic::consumer(&options.bootstrap)?;
        let files = OpenFiles::new(&places.staging, shared.folders.schema(), memory_bytes)?;
        Worker::new(shared, &consumer, Decoder::new(schema), files, spans).run()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares.iter().map(|spans| scope.spawn(|| read(spans))).collect();
        let panicked = |_| Err(DownloadError::Bug("a thread panicked".to_owned()));
        let outcomes: Vec<_> =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect();
        outcomes.into_iter().collect()
    })
}

/// What is left to read of each partition. Checks that the topic is the one the record speaks of.
fn unread(journal: &mut Journal, spans: &[Span], outdir: &Path) -> Result<Vec<Span>, DownloadError> {
    let mut unread = Vec::new();
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
        let low = next.max(low);
        if low < high {
            unread.push(Span { partition, low, high });
        }
    }
    Ok(unread)
}

/// Shares partitions among threads, the largest first, each to the thread that has least.
fn share(mut spans: Vec<Span>, threads: usize) -> Vec<Vec<Span>> {
    spans.sort_by_key(|span| std::cmp::Reverse(span.offsets()));
    let mut shares = vec![(0, Vec::new()); threads.min(spans.len())];
    for span in spans {
        if let Some((load, share)) = shares.iter_mut().min_by_key(|(load, _)| *load) {
            *load += span.offsets();
            share.push(span);
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
}

impl Span {
    fn offsets(&self) -> u64 {
        u64::try_from(self.high - self.low).unwrap_or_default()
    }
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
        name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".parquet")).is_some_and(|offsets| {
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
