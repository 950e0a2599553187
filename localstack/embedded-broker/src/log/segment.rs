//! One segment file and its sparse index.

use std::path::Path;

use super::batch::BatchHeader;
use super::files::SegmentFile;

/// At most this many bytes of batches lie between two entries of an index (more only when one batch is larger).
pub(crate) const INDEX_INTERVAL: u64 = 32 << 10;

/// A run of batches in one file, named by the offset of its first record.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Offset of the first record it holds or would hold.
    pub base_offset: i64,
    /// The file.
    pub file: SegmentFile,
    /// Bytes of whole batches in it.
    pub bytes: u64,
    /// The latest time stamp in it, or -1.
    pub max_timestamp: i64,
    /// Bytes known to be on the disk itself.
    pub synced_bytes: u64,
    index: Vec<IndexEntry>,
}

#[derive(Clone, Copy, Debug)]
struct IndexEntry {
    base_offset: i64,
    position: u64,
    /// The latest time stamp in the segment before this entry's own batch.
    max_timestamp_before: i64,
}

impl Segment {
    /// An empty segment in `folder`; the file is not touched.
    pub(crate) fn new(folder: &Path, base_offset: i64) -> Self {
        let file = SegmentFile::new(&folder.join(format!("{base_offset:020}.log")));
        Self { base_offset, file, bytes: 0, max_timestamp: -1, synced_bytes: 0, index: Vec::new() }
    }

    /// Takes note of a batch that stands at the end of the segment.
    pub(crate) fn push(&mut self, batch: &BatchHeader) {
        let due = self.index.last().is_none_or(|last| self.bytes - last.position >= INDEX_INTERVAL);
        if due {
            self.index.push(IndexEntry {
                base_offset: batch.base_offset,
                position: self.bytes,
                max_timestamp_before: self.max_timestamp,
            });
        }
        self.max_timestamp = self.max_timestamp.max(batch.max_timestamp);
        self.bytes += batch.bytes;
    }

    /// Where to start reading to meet the batch that holds `offset`.
    pub(crate) fn position_before_offset(&self, offset: i64) -> u64 {
        let after = self.index.partition_point(|entry| entry.base_offset <= offset);
        self.position_of(after)
    }

    /// Where to start reading to meet the first batch with a time stamp of at least `timestamp`.
    pub(crate) fn position_before_time(&self, timestamp: i64) -> u64 {
        let after = self.index.partition_point(|entry| entry.max_timestamp_before < timestamp);
        self.position_of(after)
    }

    fn position_of(&self, after: usize) -> u64 {
        after.checked_sub(1).and_then(|at| self.index.get(at)).map_or(0, |entry| entry.position)
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::tests::batch;
    use super::*;

    #[test]
    fn the_index_leads_to_offsets_and_times() {
        let mut segment = Segment::new(Path::new("/nowhere"), 100);
        let body = vec![0; 20_000 - 61];
        for at in 0..10 {
            let mut header = BatchHeader::parse(&batch(1, (-1, -1, -1), at * 10, &body)).unwrap();
            header.base_offset = 100 + at;
            segment.push(&header);
        }
        assert_eq!(segment.index.len(), 5, "an entry every second batch of 20,000 bytes");
        assert_eq!(segment.position_before_offset(100), 0);
        assert_eq!(segment.position_before_offset(102), 40_000);
        assert_eq!(segment.position_before_offset(103), 40_000);
        assert_eq!(segment.position_before_offset(109), 160_000);
        assert_eq!(segment.position_before_time(0), 0);
        assert_eq!(segment.position_before_time(20), 40_000);
        assert_eq!(segment.position_before_time(25), 40_000);
        assert_eq!(segment.position_before_time(1_000), 160_000);
    }
}
