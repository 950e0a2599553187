//! The log of one partition: appending, finding, and what the topic's settings ask of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kafka_protocol::ResponseError;

use super::batch::IncomingBatch;
use super::files::{OpenFiles, SegmentFile};
use super::producers::{Producers, Verdict};
use super::read::ReadPlan;
use super::recovery::{self, RecoverError};
use super::segment::Segment;
use super::{append_whole, now_ms};

/// The topic's settings a log obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// Age in milliseconds after which a segment goes; `None` for never.
    pub retention_ms: Option<i64>,
    /// Bytes a partition keeps; `None` for all.
    pub retention_bytes: Option<u64>,
    /// Bytes after which a new segment is begun.
    pub segment_bytes: u64,
    /// Whether batches get the time they arrive.
    pub append_time: bool,
    /// The largest batch taken.
    pub max_batch_bytes: u64,
    /// Replicas that must have a batch; more than one cannot be had here.
    pub min_insync_replicas: i32,
}

/// Why a batch was not appended.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The producer is told this.
    Protocol(ResponseError, &'static str),
    /// The disk failed; the log is as it was.
    Storage(io::Error),
}

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Offset of its first record.
    pub base_offset: i64,
    /// The time it was given, or -1 if it kept its own.
    pub append_time: i64,
}

/// The offset asked for is not in the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OffsetOutOfRange;

/// The log of one partition.
pub(crate) struct PartitionLog {
    pub(super) folder: PathBuf,
    pub(super) files: Arc<OpenFiles>,
    /// Ordered by base offset; empty until the first append.
    pub(super) segments: Vec<Segment>,
    /// Offset of the next record.
    pub(super) next_offset: i64,
    /// Offset of the first record that may be read.
    pub(super) start_offset: i64,
    pub(super) producers: Producers,
    /// Bytes of a failed append may still stand at the end of the last segment.
    pub(super) unrestored: bool,
    /// The topic is deleted: nothing may be written to the folder any more.
    pub(super) retired: bool,
    pub(super) settings: LogSettings,
}

impl PartitionLog {
    /// Opens the log in `folder`, which need not exist. After an unclean end (`verify`) the last segments are read whole
    /// and a torn end is cut off.
    pub(crate) fn open(
        folder: PathBuf,
        settings: LogSettings,
        files: Arc<OpenFiles>,
        verify: bool,
    ) -> Result<Self, RecoverError> {
        let mut log = Self {
            folder,
            files,
            segments: Vec::new(),
            next_offset: 0,
            start_offset: 0,
            producers: Producers::default(),
            unrestored: false,
            retired: false,
            settings,
        };
        recovery::recover(&mut log, verify)?;
        Ok(log)
    }

    /// Offset of the first record that may be read.
    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// Offset of the next record: what Kafka calls the high watermark, for there are no other replicas.
    pub(crate) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The settings it obeys.
    pub(crate) fn settings(&self) -> LogSettings {
        self.settings
    }

    /// Changes the settings; they hold from the next append and the next retention on.
    pub(crate) fn set_settings(&mut self, settings: LogSettings) {
        self.settings = settings;
    }

    /// Appends a batch, or finds that it is there already.
    pub(crate) fn append(&mut self, mut batch: IncomingBatch) -> Result<Appended, Refusal> {
        if self.retired {
            return Err(Refusal::Protocol(ResponseError::UnknownTopicOrPartition, "the topic was deleted"));
        }
        if batch.header.bytes > self.settings.max_batch_bytes {
            return Err(Refusal::Protocol(ResponseError::MessageTooLarge, "larger than max.message.bytes"));
        }
        match self.producers.judge(&batch.header) {
            Verdict::Append => {}
            Verdict::Duplicate(base_offset) => return Ok(Appended { base_offset, append_time: -1 }),
            Verdict::Refuse(error, why) => return Err(Refusal::Protocol(error, why)),
        }
        let append_time = self.settings.append_time.then(now_ms);
        batch.place(self.next_offset, append_time);
        self.write(&batch).map_err(Refusal::Storage)?;
        self.next_offset = batch.header.last_offset() + 1;
        self.producers.remember(&batch.header);
        Ok(Appended { base_offset: batch.header.base_offset, append_time: append_time.unwrap_or(-1) })
    }

    /// Where to read from `offset` on; `None` at the end of the log.
    pub(crate) fn plan_read(&self, offset: i64) -> Result<Option<ReadPlan>, OffsetOutOfRange> {
        if offset < self.start_offset || offset > self.next_offset {
            return Err(OffsetOutOfRange);
        }
        if offset == self.next_offset {
            return Ok(None);
        }
        let after = self.segments.partition_point(|segment| segment.base_offset <= offset);
        let segment = after.checked_sub(1).and_then(|at| self.segments.get(at));
        Ok(segment.map(|segment| ReadPlan {
            file: segment.file.clone(),
            from: segment.position_before_offset(offset),
            until: segment.bytes,
            offset,
        }))
    }

    /// Segment files with bytes that are not known to be on the disk, and how many bytes they have now.
    pub(crate) fn unsynced(&self) -> Vec<(SegmentFile, u64)> {
        let unsynced = self.segments.iter().filter(|segment| segment.synced_bytes < segment.bytes);
        unsynced.map(|segment| (segment.file.clone(), segment.bytes)).collect()
    }

    /// Takes note that a segment's first `bytes` are on the disk.
    pub(crate) fn synced(&mut self, file: &SegmentFile, bytes: u64) {
        let named = self.segments.iter_mut().find(|segment| segment.file.path == file.path);
        if let Some(segment) = named {
            segment.synced_bytes = segment.synced_bytes.max(bytes);
        }
    }

    /// Writes nothing from now on, for its topic is deleted, and lets go of its files.
    pub(crate) fn retire(&mut self) {
        self.retired = true;
        for segment in &self.segments {
            self.files.close(&segment.file);
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&mut self, batch: &IncomingBatch) -> io::Result<()> {
        self.restore()?;
        let full = |segment: &Segment| segment.bytes + batch.header.bytes > self.settings.segment_bytes;
        if self.segments.last().is_none_or(|last| last.bytes > 0 && full(last)) {
            self.roll()?;
        }
        let Some(segment) = self.segments.last_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        let file = self.files.get(&segment.file)?;
        let (head, body) = batch.parts();
        match append_whole(&*file, segment.bytes, head, body) {
            Ok(()) => {
                segment.push(&batch.header);
                Ok(())
            }
            Err(error) => {
                self.unrestored = !error.restored;
                Err(error.source)
            }
        }
    }

    /// Cuts away what a failed append left, if that could not be done at once.
    fn restore(&mut self) -> io::Result<()> {
        if let (true, Some(last)) = (self.unrestored, self.segments.last()) {
            self.files.get(&last.file)?.set_len(last.bytes)?;
        }
        self.unrestored = false;
        Ok(())
    }

    /// Begins a new segment at the end.
    pub(super) fn roll(&mut self) -> io::Result<()> {
        if self.segments.is_empty() {
            std::fs::create_dir_all(&self.folder)?;
        }
        let segment = Segment::new(&self.folder, self.next_offset);
        self.files.create(&segment.file)?;
        self.segments.push(segment);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::Bytes;

    use super::super::batch::tests::batch;
    use super::super::read_batches;
    use super::*;

    pub(crate) const SETTINGS: LogSettings = LogSettings {
        retention_ms: None,
        retention_bytes: None,
        segment_bytes: 1 << 20,
        append_time: false,
        max_batch_bytes: 1 << 20,
        min_insync_replicas: 1,
    };

    pub(crate) fn open(folder: &Path, settings: LogSettings) -> PartitionLog {
        PartitionLog::open(folder.join("0"), settings, Arc::new(OpenFiles::new(4)), true).unwrap()
    }

    pub(crate) fn append(log: &mut PartitionLog, records: &Bytes) -> Result<Appended, Refusal> {
        log.append(IncomingBatch::check(records)?)
    }

    /// Appends a batch of 1,000 bytes that counts `records` records, which nobody can read.
    pub(crate) fn fill(log: &mut PartitionLog, records: i32, timestamp: i64) {
        append(log, &batch(records, (-1, -1, -1), timestamp, &[0xff; 939])).unwrap();
    }

    pub(crate) fn read(log: &PartitionLog, offset: i64, max_bytes: usize) -> Bytes {
        match log.plan_read(offset).unwrap() {
            Some(plan) => read_batches(&log.files, &plan, max_bytes, true).unwrap(),
            None => Bytes::new(),
        }
    }

    #[test]
    fn offsets_are_dense_over_segments_and_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let small = LogSettings { segment_bytes: 2_500, ..SETTINGS };
        for round in 0..3 {
            let mut log = open(folder.path(), small);
            assert_eq!(log.next_offset(), round * 20);
            for _ in 0..10 {
                fill(&mut log, 2, 5);
            }
        }
        let log = open(folder.path(), small);
        assert_eq!(log.segments.len(), 15);
        let mut offset = 0;
        while offset < log.next_offset() {
            let bytes = read(&log, offset, 1);
            let header = super::super::batch::BatchHeader::parse(&bytes).unwrap();
            assert_eq!((header.base_offset, bytes.len()), (offset, 1_000));
            offset = header.last_offset() + 1;
        }
        assert_eq!(offset, 60);
        assert_eq!(log.plan_read(61).err(), Some(OffsetOutOfRange));
        assert_eq!(log.plan_read(-1).err(), Some(OffsetOutOfRange));
    }

    #[test]
    fn a_repeated_batch_is_answered_with_its_first_offset_also_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let first = batch(3, (9, 0, 0), 0, b"abc");
        let second = batch(2, (9, 0, 3), 0, b"de");
        let mut log = open(folder.path(), SETTINGS);
        assert_eq!(append(&mut log, &first).unwrap().base_offset, 0);
        assert_eq!(append(&mut log, &second).unwrap().base_offset, 3);
        drop(log);
        let mut log = open(folder.path(), SETTINGS);
        assert_eq!(append(&mut log, &first).unwrap().base_offset, 0);
        assert_eq!(append(&mut log, &second).unwrap().base_offset, 3);
        assert_eq!(log.next_offset(), 5);
        let gap = append(&mut log, &batch(1, (9, 0, 9), 0, b"")).unwrap_err();
        assert!(matches!(gap, Refusal::Protocol(ResponseError::OutOfOrderSequenceNumber, _)));
    }

    #[test]
    fn a_batch_larger_than_allowed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(folder.path(), LogSettings { max_batch_bytes: 999, ..SETTINGS });
        let refused = append(&mut log, &batch(1, (-1, -1, -1), 0, &[0; 939])).unwrap_err();
        assert!(matches!(refused, Refusal::Protocol(ResponseError::MessageTooLarge, _)));
    }

    #[test]
    fn a_disk_that_fails_leaves_the_log_usable() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(folder.path(), SETTINGS);
        fill(&mut log, 1, 0);
        let path = log.segments[0].file.path.clone();
        let aside = folder.path().join("aside");
        std::fs::rename(&path, &aside).unwrap();
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        log.files.close(&log.segments[0].file);
        let refused = append(&mut log, &batch(1, (-1, -1, -1), 0, b"lost")).unwrap_err();
        assert!(matches!(refused, Refusal::Storage(error) if error.kind() == io::ErrorKind::StorageFull));
        assert_eq!(log.next_offset(), 1);

        std::fs::remove_file(&path).unwrap();
        let mut torn = std::fs::read(&aside).unwrap();
        torn.extend_from_slice(b"half of a batch");
        std::fs::write(&*path, torn).unwrap();
        log.files.close(&log.segments[0].file);
        fill(&mut log, 1, 0);
        assert_eq!(log.next_offset(), 2);
        assert_eq!(open(folder.path(), SETTINGS).next_offset(), 2);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 2_000, "what the failed append left is gone");
    }
}
