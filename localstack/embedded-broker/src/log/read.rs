//! Reading batches, without the partition's lock: a segment only ever grows, so what was there stays.

use std::io;
use std::os::unix::fs::FileExt;

use bytes::{Bytes, BytesMut};

use super::batch::BatchHeader;
use super::files::{OpenFiles, SegmentFile};
use super::segment::INDEX_INTERVAL;

/// Where the batches from an offset on are to be found.
#[derive(Clone, Debug)]
pub(crate) struct ReadPlan {
    /// The segment's file.
    pub file: SegmentFile,
    /// Where the index leads to, at or before the batch wanted.
    pub from: u64,
    /// Where the whole batches ended when the plan was made.
    pub until: u64,
    /// The offset wanted.
    pub offset: i64,
}

impl ReadPlan {
    /// Bytes there are to read, more by less than an index interval.
    pub(crate) fn bytes(&self) -> u64 {
        self.until - self.from
    }
}

/// Reads whole batches from the one that holds the plan's offset, at most `max_bytes` of them, but the first one in any
/// case if `at_least_one`.
pub(crate) fn read_batches(
    files: &OpenFiles,
    plan: &ReadPlan,
    max_bytes: usize,
    at_least_one: bool,
) -> io::Result<Bytes> {
    let mut position = plan.from;
    let mut window_bytes = (max_bytes as u64).saturating_add(INDEX_INTERVAL);
    loop {
        let mut window = read_window(files, plan, position, window_bytes)?;
        let wanted = find(&window, |header| header.last_offset() >= plan.offset);
        let here = position + wanted as u64;
        let Some(first) = BatchHeader::parse(window.get(wanted..).unwrap_or_default()) else {
            if wanted == 0 || here >= plan.until {
                return Err(damaged(plan, position));
            }
            position = here;
            continue;
        };
        if first.last_offset() < plan.offset {
            position = here + first.bytes;
            continue;
        }
        if first.bytes > max_bytes as u64 && !at_least_one {
            return Ok(Bytes::new());
        }
        let there = (window.len() - wanted) as u64;
        if first.bytes > there {
            if here + first.bytes > plan.until {
                return Err(damaged(plan, position));
            }
            position = here;
            window_bytes = first.bytes;
            continue;
        }
        let batches = window.split_off(wanted);
        let taken = whole_batches(&batches, max_bytes as u64).max(first.bytes);
        let taken = usize::try_from(taken).unwrap_or(batches.len());
        return Ok(batches.freeze().split_to(taken));
    }
}

/// Reads up to `bytes` of a plan's segment from `position` on.
pub(super) fn read_window(
    files: &OpenFiles,
    plan: &ReadPlan,
    position: u64,
    bytes: u64,
) -> io::Result<BytesMut> {
    let bytes = bytes.min(plan.until.saturating_sub(position));
    let mut window = BytesMut::zeroed(usize::try_from(bytes).unwrap_or(usize::MAX));
    files.get(&plan.file)?.read_exact_at(&mut window, position)?;
    Ok(window)
}

/// Position in `window` of the first batch `wanted`, or of the first one that is not whole enough to tell.
pub(super) fn find(window: &[u8], wanted: impl Fn(&BatchHeader) -> bool) -> usize {
    let mut at = 0;
    while let Some(header) = BatchHeader::parse(window.get(at..).unwrap_or_default()) {
        let next = at.saturating_add(usize::try_from(header.bytes).unwrap_or(usize::MAX));
        if wanted(&header) || next > window.len() {
            break;
        }
        at = next;
    }
    at
}

fn whole_batches(batches: &[u8], max_bytes: u64) -> u64 {
    let limit = max_bytes.min(batches.len() as u64);
    let mut taken = 0;
    while let Some(header) = usize::try_from(taken).ok().and_then(|at| BatchHeader::parse(batches.get(at..)?))
    {
        if taken + header.bytes > limit {
            break;
        }
        taken += header.bytes;
    }
    taken
}

fn damaged(plan: &ReadPlan, position: u64) -> io::Error {
    let path = plan.file.path.display();
    io::Error::new(io::ErrorKind::InvalidData, format!("{path}: no batch near byte {position}"))
}

#[cfg(test)]
mod tests {
    use super::super::batch::tests::batch;
    use super::super::partition::tests::{SETTINGS, append, fill, open, read};
    use super::*;

    #[test]
    fn whole_batches_up_to_the_limit_from_the_one_that_holds_the_offset() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(folder.path(), SETTINGS);
        for _ in 0..100 {
            fill(&mut log, 3, 0);
        }
        let base = |bytes: &Bytes| BatchHeader::parse(bytes).unwrap().base_offset;
        for offset in [0, 1, 2, 3, 151, 299] {
            let bytes = read(&log, offset, 2_999);
            assert_eq!(base(&bytes), offset / 3 * 3);
            assert_eq!(bytes.len(), if offset == 299 { 1_000 } else { 2_000 });
        }
        assert_eq!(read(&log, 0, 1 << 20).len(), 100_000);
    }

    #[test]
    fn a_batch_larger_than_the_limit_comes_alone_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(folder.path(), SETTINGS);
        fill(&mut log, 1, 0);
        append(&mut log, &batch(1, (-1, -1, -1), 0, &vec![1; 200_000])).unwrap();
        fill(&mut log, 1, 0);
        assert_eq!(read(&log, 1, 10).len(), 200_061);
        let plan = log.plan_read(1).unwrap().unwrap();
        assert!(read_batches(&OpenFiles::new(1), &plan, 10, false).unwrap().is_empty());
    }
}
