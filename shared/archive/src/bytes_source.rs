//! The bytes of one file: ranges fetched ahead, columns that are paged through or streamed, and bounded windows for all the
//! rest.

mod paging;

use crate::{
    Archive, ArchiveError, ArchiveFile,
    buffers::{Buffers, Lent},
    page_meter::PageMeter,
    pages::Wanted,
    streams::{Move, Streams},
    unpack::{check_packed, unpack},
};
use bytes::{Buf, Bytes};
use futures::{StreamExt, TryStreamExt};
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, path::Path};
use paging::Paging;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use std::{
    collections::VecDeque,
    ops::Range,
    os::unix::fs::FileExt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{runtime::Handle, sync::Semaphore};

/// Ranges closer than this are fetched in one request: a request costs about what this many bytes cost.
const COALESCE_BYTES: u64 = 256 * 1024;
/// No request asks for more than this, so that several run side by side.
const REQUEST_BYTES: u64 = 16 * 1024 * 1024;
/// Requests of one file that are under way at once.
const REQUESTS: usize = 8;
/// So too of pages that are fetched while others are decoded: a hundred columns begin at once.
const PAGED_REQUESTS: usize = 32;
/// No honest page or index is larger.
const MAX_PIECE_BYTES: u64 = 256 * 1024 * 1024;
/// No honest page header is longer: it may hold the least and the greatest value of its page.
const MAX_PAGE_HEADER_BYTES: u64 = 16 * 1024 * 1024;
/// What is fetched when something was not fetched ahead.
const WINDOW_BYTES: u64 = 4 * 1024 * 1024;
/// Windows that are kept: one for each heavy column and some for the narrow ones.
const WINDOWS: usize = 12;

/// A file of the archive as the Parquet reader wants it. Cheap to clone; clones share what was fetched.
#[derive(Clone)]
pub(crate) struct BytesSource(Arc<Inner>);

struct Inner {
    archive: Archive,
    path: Path,
    file: ArchiveFile,
    runtime: Handle,
    ahead: Mutex<Vec<(u64, Bytes)>>,
    streams: Mutex<Streams>,
    paging: Mutex<Paging>,
    /// Chunks of which something is done with each page when it is asked for, in order.
    late: Mutex<Vec<(Range<u64>, Late)>>,
    places: Arc<Semaphore>,
    windows: Mutex<VecDeque<(u64, Bytes)>>,
    meter: Mutex<PageMeter>,
    complaint: Mutex<Option<String>>,
    failure: Mutex<Option<ArchiveError>>,
    bytes_fetched: AtomicU64,
    requests: AtomicU64,
}

/// What is done with a page when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// It is decompressed.
    Unpack,
    /// It is left as it is, if it holds what its header says.
    Check,
}

impl BytesSource {
    /// A source for `file`, which must be unchanged: its ETag is a condition of every request.
    pub(crate) fn new(archive: &Archive, file: &ArchiveFile, runtime: Handle) -> Self {
        Self(Arc::new(Inner {
            archive: archive.clone(),
            path: location_of(&file.path),
            file: file.clone(),
            runtime,
            ahead: Mutex::default(),
            streams: Mutex::default(),
            paging: Mutex::default(),
            late: Mutex::default(),
            places: Arc::new(Semaphore::new(PAGED_REQUESTS)),
            windows: Mutex::default(),
            meter: Mutex::default(),
            complaint: Mutex::default(),
            failure: Mutex::default(),
            bytes_fetched: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        }))
    }

    /// Another source of the same file with nothing fetched and its own counters.
    pub(crate) fn fresh(&self) -> Self {
        Self::new(&self.0.archive, &self.0.file, self.0.runtime.clone())
    }

    /// Forgets what was fetched ahead.
    pub(crate) fn clear(&self) {
        lock(&self.0.ahead).clear();
        *lock(&self.0.streams) = Streams::default();
        *lock(&self.0.paging) = Paging::default();
        lock(&self.0.late).clear();
    }

    /// Reads these chunks by windows that move on. All are filled when the first byte is asked for, not before: a row
    /// group that waits for its turn does not hold them.
    pub(crate) fn stream(&self, chunks: Vec<Range<u64>>) {
        *lock(&self.0.streams) = Streams::new(chunks);
    }

    /// Reads the pages of these columns, a few at a time and those ahead. None is fetched before one is asked for or
    /// [`Self::begin_paging`] says so.
    pub(crate) fn page_through(&self, columns: Vec<Wanted>) {
        *lock(&self.0.paging) = Paging::of(columns);
    }

    /// Has this done with each page of these chunks when it is asked for.
    pub(crate) fn do_late(&self, mut chunks: Vec<(Range<u64>, Late)>) {
        chunks.sort_by_key(|(chunk, _)| chunk.start);
        *lock(&self.0.late) = chunks;
    }

    /// What is to be done with the page at this place.
    fn late(&self, at: u64) -> Option<Late> {
        let chunks = lock(&self.0.late);
        let after = chunks.partition_point(|(chunk, _)| chunk.start <= at);
        let (chunk, late) = chunks.get(after.checked_sub(1)?)?;
        (at < chunk.end).then_some(*late)
    }

    /// Memory that is used again.
    pub(crate) fn buffers(&self) -> Arc<Buffers> {
        self.0.archive.buffers.clone()
    }

    async fn get_all(&self, moves: Vec<Move>) -> Result<Vec<(Move, Bytes)>, ArchiveError> {
        let fetched = futures::stream::iter(moves).map(|moved| async move {
            let bytes = self.get_behind(&moved.kept, moved.range.clone()).await?;
            Ok::<_, ArchiveError>((moved, bytes))
        });
        fetched.buffer_unordered(REQUESTS).try_collect().await
    }

    /// The bytes from `start` to `end` of a chunk that is streamed; none if they are of no such chunk.
    fn streamed(&self, start: u64, end: u64) -> Result<Option<Bytes>, ParquetError> {
        let moves = {
            let mut streams = lock(&self.0.streams);
            if let Some(found) = streams.find(start, end) {
                return Ok(Some(found));
            }
            match streams.moves(start, end) {
                None => return Ok(None),
                Some(moves) => moves,
            }
        };
        let fetched = self.0.runtime.block_on(self.get_all(moves));
        let fetched = fetched.map_err(|error| self.failed(error))?;
        let mut streams = lock(&self.0.streams);
        for (moved, bytes) in fetched {
            streams.moved(&moved, bytes);
        }
        Ok(streams.find(start, end))
    }

    /// What pages may claim from now on.
    pub(crate) fn set_meter(&self, meter: PageMeter) {
        *lock(&self.0.meter) = meter;
    }

    /// Why a page was refused, in our words: on its way through the decoder an error gathers others.
    pub(crate) fn complaint(&self) -> Option<String> {
        lock(&self.0.complaint).clone()
    }

    fn complain(&self, reason: String) -> ParquetError {
        *lock(&self.0.complaint) = Some(reason.clone());
        ParquetError::General(reason)
    }

    /// Why bytes did not come, if that is what has failed: the decoder passes on no more than words.
    pub(crate) fn failure(&self) -> Option<ArchiveError> {
        lock(&self.0.failure).take()
    }

    fn failed(&self, error: ArchiveError) -> ParquetError {
        let words = ParquetError::General(error.to_string());
        *lock(&self.0.failure) = Some(error);
        words
    }

    /// A batch was handed on.
    pub(crate) fn next_batch(&self) {
        lock(&self.0.meter).next_batch();
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    pub(crate) fn path(&self) -> &str {
        &self.0.file.path
    }

    /// Bytes and requests so far.
    pub(crate) fn cost(&self) -> (u64, u64) {
        (self.0.bytes_fetched.load(Ordering::Relaxed), self.0.requests.load(Ordering::Relaxed))
    }

    /// Fetches the ranges, neighbours together, several requests at once.
    pub(crate) async fn fetch_ahead(&self, ranges: Vec<Range<u64>>) -> Result<(), ArchiveError> {
        let fetched: Vec<(u64, Bytes)> = futures::stream::iter(coalesce(ranges))
            .map(|range| async move { Ok::<_, ArchiveError>((range.start, self.get(range).await?)) })
            .buffer_unordered(REQUESTS)
            .try_collect()
            .await?;
        let mut ahead = lock(&self.0.ahead);
        ahead.extend(fetched);
        ahead.sort_by_key(|(start, _)| *start);
        Ok(())
    }

    async fn get(&self, range: Range<u64>) -> Result<Bytes, ArchiveError> {
        self.get_behind(&[], range).await
    }

    /// The bytes of the range, behind those that are there already.
    async fn get_behind(&self, kept: &[u8], range: Range<u64>) -> Result<Bytes, ArchiveError> {
        let wanted = range.end.saturating_sub(range.start);
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: self.0.file.etag.clone(),
            ..GetOptions::default()
        };
        let store = &self.0.archive.store;
        let path = &self.0.path;
        let result = store.get_opts(path, options).await.map_err(|error| ArchiveError::store(path, error))?;
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let found = result.range.end.saturating_sub(result.range.start);
        if found != wanted {
            return Err(ArchiveError::damaged(self.path(), "it ends before its own footer says"));
        }
        let mut lent = self.0.archive.buffers.lend(kept.len() + wanted as usize);
        lent.bytes_mut()[..kept.len()].copy_from_slice(kept);
        let lent =
            self.receive(result, lent, kept.len()).await.map_err(|error| ArchiveError::store(path, error))?;
        self.0.bytes_fetched.fetch_add(wanted, Ordering::Relaxed);
        Ok(lent.freeze())
    }

    /// Fills the buffer from `start` on with what comes.
    async fn receive(&self, result: GetResult, mut lent: Lent, start: usize) -> object_store::Result<Lent> {
        let broken = |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Generic {
            store: "archive",
            source,
        };
        let from = result.range.start;
        let mut stream = match result.payload {
            GetResultPayload::Stream(stream) => stream,
            GetResultPayload::File(file, _) => {
                let _place = self.0.archive.reads.acquire().await;
                let read = tokio::task::spawn_blocking(move || {
                    file.read_exact_at(&mut lent.bytes_mut()[start..], from).map(|()| lent)
                });
                return match read.await {
                    Ok(read) => read.map_err(|error| broken(error.into())),
                    Err(error) => Err(broken(error.into())),
                };
            }
        };
        let mut left = &mut lent.bytes_mut()[start..];
        while let Some(piece) = stream.try_next().await? {
            let Some((room, rest)) = left.split_at_mut_checked(piece.len()) else {
                return Err(broken("more bytes came than were asked for".into()));
            };
            room.copy_from_slice(&piece);
            left = rest;
        }
        match left.len() {
            0 => Ok(lent),
            missing => Err(broken(format!("{missing} bytes less came than were asked for").into())),
        }
    }

    /// `length` bytes at `start`: from what was fetched ahead or is streamed, else from a window.
    fn slice(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if length as u64 > MAX_PIECE_BYTES {
            return Err(ParquetError::General(format!("it asks for {length} bytes in one piece")));
        }
        let end = start.checked_add(length as u64).filter(|end| *end <= self.0.file.size);
        let Some(end) = end else {
            return Err(ParquetError::EOF(format!(
                "bytes {start}+{length} of a file of {}",
                self.0.file.size
            )));
        };
        // Before what was fetched ahead, in whose gaps there may be pages that must come decompressed.
        if let Some(bytes) = self.paged(start, end)? {
            return Ok(bytes);
        }
        if let Some(bytes) = self.find(&lock(&self.0.ahead), start, end) {
            return Ok(bytes);
        }
        if let Some(bytes) = self.streamed(start, end)? {
            return Ok(bytes);
        }
        if let Some(bytes) = lock(&self.0.windows).iter().find_map(|window| within(window, start, end)) {
            return Ok(bytes);
        }
        let window_end = (start + WINDOW_BYTES).max(end).min(self.0.file.size);
        let fetched = self.0.runtime.block_on(self.get(start..window_end));
        let bytes = fetched.map_err(|error| self.failed(error))?;
        let mut windows = lock(&self.0.windows);
        windows.push_back((start, bytes.clone()));
        if windows.len() > WINDOWS {
            windows.pop_front();
        }
        Ok(bytes.slice(..length))
    }

    /// Looks over the page header that begins at `start`, before the decoder does.
    fn look_at_page(&self, start: u64) -> Result<(), ParquetError> {
        let Some(end) = lock(&self.0.meter).end_of_column(start) else { return Ok(()) };
        let mut length = STEP_BYTES;
        loop {
            let whole = end.saturating_sub(start).min(MAX_PAGE_HEADER_BYTES);
            let bytes = self.slice(start, length.min(whole) as usize)?;
            match lock(&self.0.meter).page(start, &bytes) {
                Some(result) => return result.map_err(|reason| self.complain(reason)),
                None if length >= whole => {
                    return Err(self.complain(format!("the header of the page at {start} does not end")));
                }
                None => length *= 16,
            }
        }
    }

    fn find(&self, ahead: &[(u64, Bytes)], start: u64, end: u64) -> Option<Bytes> {
        let after = ahead.partition_point(|(segment, _)| *segment <= start);
        ahead[..after].iter().rev().find_map(|segment| within(segment, start, end))
    }
}

/// The location that a listing gave, whose special characters are escaped already.
pub(crate) fn location_of(path: &str) -> Path {
    Path::parse(path).unwrap_or_else(|_| Path::from(path))
}

fn within((base, bytes): &(u64, Bytes), start: u64, end: u64) -> Option<Bytes> {
    let from = usize::try_from(start.checked_sub(*base)?).ok()?;
    let to = usize::try_from(end.checked_sub(*base)?).ok()?;
    (to <= bytes.len()).then(|| bytes.slice(from..to))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sorted, neighbours joined, and none larger than a request may be.
fn coalesce(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| range.start < range.end);
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last)
                if range.start <= last.end.saturating_add(COALESCE_BYTES)
                    && range.end.max(last.end) - last.start <= REQUEST_BYTES =>
            {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

impl Length for BytesSource {
    fn len(&self) -> u64 {
        self.0.file.size
    }
}

impl ChunkReader for BytesSource {
    type T = SourceReader;

    fn get_read(&self, start: u64) -> Result<SourceReader, ParquetError> {
        Ok(SourceReader { source: self.clone(), position: start, buffer: Bytes::new(), looked: false })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.slice(start, length)?;
        let mut meter = lock(&self.0.meter);
        if meter.reads_whole_pages(start) {
            let seen = meter.page(start, &bytes);
            let seen = seen.unwrap_or_else(|| Err(format!("the header of the page at {start} does not end")));
            seen.map_err(|reason| self.complain(reason))?;
        }
        drop(meter);
        match self.late(start) {
            None => Ok(bytes),
            Some(Late::Unpack) => self.page(start, unpack(&bytes, &self.0.archive.buffers)),
            Some(Late::Check) => {
                let length = self.page(start, check_packed(&bytes))?;
                Ok(bytes.slice(..length))
            }
        }
    }
}

/// Reads on from a position in small steps: page headers are short and of unknown length.
pub(crate) struct SourceReader {
    source: BytesSource,
    position: u64,
    buffer: Bytes,
    looked: bool,
}

/// Longer than any sane page header, and a small slice of what was fetched anyway.
const STEP_BYTES: u64 = 1024;

impl std::io::Read for SourceReader {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        // Here, and not when the reader is made: a decoder that knows the header already makes one and reads nothing.
        if !std::mem::replace(&mut self.looked, true) {
            self.source.look_at_page(self.position).map_err(std::io::Error::other)?;
        }
        if self.buffer.is_empty() {
            let step = STEP_BYTES.min(self.source.len().saturating_sub(self.position));
            // Whoever asks past the end of a prefetched range gets less, byte by byte if need be.
            let ahead = lock(&self.source.0.ahead).iter().find_map(|(base, bytes)| {
                let left = (base + bytes.len() as u64).checked_sub(self.position)?;
                (self.position >= *base && left > 0).then_some(left)
            });
            let streamed = lock(&self.source.0.streams).end_of(self.position);
            let left = ahead.or(streamed.map(|end| end - self.position));
            let step = left.map_or(step, |left| step.min(left));
            self.buffer = self.source.slice(self.position, step as usize).map_err(std::io::Error::other)?;
            self.position += step;
        }
        let count = self.buffer.len().min(out.len());
        self.buffer.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_fetched_together_and_giants_stay_apart() {
        let mib = 1024 * 1024;
        assert_eq!(coalesce(vec![10..20, 0..10, 5000..6000, 8..12]), vec![0..6000]);
        assert_eq!(coalesce(vec![0..10, mib..mib + 1]), vec![0..10, mib..mib + 1]);
        assert_eq!(coalesce(vec![0..10 * mib, 10 * mib..20 * mib]), vec![0..10 * mib, 10 * mib..20 * mib]);
        assert_eq!(coalesce(vec![5..5, 9..9]), Vec::<Range<u64>>::new());
    }
}
