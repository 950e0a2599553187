//! Column chunks that are too large to be held whole: each is read through a window of its own that moves on.
//!
//! A row group's chunks are decoded side by side, so all windows move at about the same pace: when one is used up, those
//! that are nearly so are moved with it, by requests that run side by side. What is left in a window is kept, so that no
//! byte is fetched twice.

use bytes::Bytes;
use std::ops::Range;

/// What all windows may hold together, unless there are so many that each is at its least.
pub(crate) const STREAMED_BYTES: u64 = 24 * 1024 * 1024;
/// A window holds no less: a request has its price.
const LEAST_WINDOW: u64 = 256 * 1024;
/// Nor more.
const MOST_WINDOW: u64 = 8 * 1024 * 1024;

/// One chunk.
#[derive(Debug)]
struct Stream {
    chunk: Range<u64>,
    /// Where the window begins, and what is in it.
    start: u64,
    bytes: Bytes,
    /// Up to where it has been read.
    read: u64,
}

/// The chunks of a row group, in order.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: Vec<Stream>,
    window: u64,
}

/// What has to be fetched to move a window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Move {
    stream: usize,
    /// The bytes to fetch.
    pub range: Range<u64>,
    /// What is kept of the old window: it lies before them.
    pub kept: Bytes,
}

impl Stream {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl Streams {
    /// Windows over these chunks, with nothing in them.
    pub fn new(mut chunks: Vec<Range<u64>>) -> Self {
        chunks.sort_by_key(|chunk| chunk.start);
        let window = (STREAMED_BYTES / (chunks.len() as u64).max(1)).clamp(LEAST_WINDOW, MOST_WINDOW);
        let stream =
            |chunk: Range<u64>| Stream { start: chunk.start, read: chunk.start, bytes: Bytes::new(), chunk };
        Self { streams: chunks.into_iter().map(stream).collect(), window }
    }

    /// The end of the chunk that `position` lies in.
    pub fn end_of(&self, position: u64) -> Option<u64> {
        self.stream_at(position).map(|(_, stream)| stream.chunk.end)
    }

    /// The bytes from `start` to `end`, if they lie in a window.
    pub fn find(&mut self, start: u64, end: u64) -> Option<Bytes> {
        let number = self.stream_at(start)?.0;
        let stream = self.streams.get_mut(number)?;
        let (from, to) = (start.checked_sub(stream.start)?, end.checked_sub(stream.start)?);
        let found =
            (to <= stream.bytes.len() as u64).then(|| stream.bytes.slice(from as usize..to as usize))?;
        stream.read = stream.read.max(end);
        Some(found)
    }

    /// What has to be fetched for [`Streams::find`] to find the bytes from `start` to `end`; none where they lie in no
    /// chunk of these.
    pub fn moves(&self, start: u64, end: u64) -> Option<Vec<Move>> {
        let (number, stream) = self.stream_at(start).filter(|(_, stream)| end <= stream.chunk.end)?;
        // From before the window, or from beyond it, after pages that nobody wanted: it begins there.
        let from = if (stream.start..=stream.end()).contains(&start) { start } else { u64::MAX };
        let own = match from {
            u64::MAX => Move {
                stream: number,
                range: start..end.max(start + self.window).min(stream.chunk.end),
                kept: Bytes::new(),
            },
            from => self.onward(number, stream, from, end),
        };
        let others = self.streams.iter().enumerate().filter(|(other, stream)| {
            let is_used_up = stream.read - stream.start >= stream.bytes.len() as u64 / 2;
            *other != number && is_used_up && stream.end() < stream.chunk.end && stream.read <= stream.end()
        });
        let others = others.map(|(other, stream)| self.onward(other, stream, stream.read, 0));
        Some(std::iter::once(own).chain(others).collect())
    }

    /// Keeps what is in a window from `keep_from` on, and adds a window, at least up to `least`.
    fn onward(&self, number: usize, stream: &Stream, keep_from: u64, least: u64) -> Move {
        let end = stream.end();
        let kept = keep_from.checked_sub(stream.start).map(|from| (from as usize).min(stream.bytes.len()));
        Move {
            stream: number,
            range: end..(end + self.window).max(least).min(stream.chunk.end),
            kept: kept.map_or_else(Bytes::new, |from| stream.bytes.slice(from..)),
        }
    }

    /// Moves a window: what was kept and what was fetched are its bytes now.
    pub fn moved(&mut self, moved: &Move, bytes: Bytes) {
        let Some(stream) = self.streams.get_mut(moved.stream) else { return };
        stream.start = moved.range.start - moved.kept.len() as u64;
        stream.read = stream.read.max(stream.start);
        stream.bytes = bytes;
    }

    fn stream_at(&self, position: u64) -> Option<(usize, &Stream)> {
        let after = self.streams.partition_point(|stream| stream.chunk.start <= position);
        let number = after.checked_sub(1)?;
        let stream = self.streams.get(number).filter(|stream| position < stream.chunk.end)?;
        Some((number, stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose bytes tell their places.
    fn byte_at(place: u64) -> u8 {
        (place % 251) as u8
    }

    /// Reads through the windows as a decoder does, counting what is fetched.
    fn read(streams: &mut Streams, start: u64, end: u64, fetched: &mut u64) -> Bytes {
        if let Some(found) = streams.find(start, end) {
            return found;
        }
        for moved in streams.moves(start, end).unwrap() {
            *fetched += moved.range.end - moved.range.start;
            let mut bytes = moved.kept.to_vec();
            bytes.extend(moved.range.clone().map(byte_at));
            streams.moved(&moved, bytes.into());
        }
        streams.find(start, end).unwrap()
    }

    #[test]
    fn chunks_that_are_read_side_by_side_are_fetched_once() {
        let chunks = [100..9_000_100, 9_000_100..12_000_000, 20_000_000..20_300_000];
        let mut streams = Streams::new(chunks.to_vec());
        let mut fetched = 0;
        let mut places: Vec<u64> = chunks.iter().map(|chunk| chunk.start).collect();
        let mut random = 7_u64;
        while places.iter().zip(&chunks).any(|(place, chunk)| *place < chunk.end) {
            let unread = places.iter_mut().zip(&chunks).filter(|(place, chunk)| **place < chunk.end);
            for (place, chunk) in unread {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                // Pages of up to 1.5 MB, some of them longer than a window.
                let end = (*place + random % 1_500_000).min(chunk.end);
                let found = read(&mut streams, *place, end, &mut fetched);
                assert!(found.iter().copied().eq((*place..end).map(byte_at)));
                *place = end;
            }
        }
        let needed: u64 = chunks.iter().map(|chunk| chunk.end - chunk.start).sum();
        assert_eq!(fetched, needed);
    }

    #[test]
    fn pages_that_nobody_wants_are_passed_over_and_one_may_go_back() {
        let chunk = 0..100_000_000;
        let mut streams = Streams::new(vec![chunk]);
        let mut fetched = 0;
        read(&mut streams, 0, 10, &mut fetched);
        assert_eq!(fetched, MOST_WINDOW);
        let far = read(&mut streams, 50_000_000, 50_000_010, &mut fetched);
        assert!(far.iter().copied().eq((50_000_000..50_000_010).map(byte_at)));
        assert_eq!(fetched, 2 * MOST_WINDOW);
        assert!(read(&mut streams, 5, 9, &mut fetched).iter().copied().eq((5..9).map(byte_at)));
        assert_eq!(streams.end_of(7), Some(100_000_000));
        assert_eq!(
            (streams.moves(100_000_000, 100_000_001), streams.moves(99_999_999, 100_000_001)),
            (None, None)
        );
    }
}
