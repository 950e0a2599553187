//! What may be forgotten: whole segments by age and size, and records a client asked to delete.

use std::io;
use std::path::PathBuf;

use super::partition::{OffsetOutOfRange, PartitionLog};

impl PartitionLog {
    /// Drops the segments the topic's settings no longer keep. The newest one goes only by age, and an empty one takes
    /// its place so that offsets go on.
    pub(crate) fn apply_retention(&mut self, now_ms: i64) -> io::Result<()> {
        if self.retired {
            return Ok(());
        }
        let mut kept_bytes: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        while let Some(oldest) = self.segments.first() {
            let only = self.segments.len() == 1;
            let expired = self.settings.retention_ms.is_some_and(|keep| {
                oldest.max_timestamp >= 0 && now_ms.saturating_sub(oldest.max_timestamp) > keep
            });
            let excess = kept_bytes.saturating_sub(oldest.bytes);
            let too_much = !only && self.settings.retention_bytes.is_some_and(|keep| excess >= keep);
            let empty = oldest.bytes == 0;
            if (only && empty) || !(expired || too_much || empty) {
                break;
            }
            kept_bytes = excess;
            if only {
                self.roll()?;
            }
            let Some(second) = self.segments.get(1) else { break };
            self.start_offset = self.start_offset.max(second.base_offset);
            self.drop_before_start()?;
        }
        Ok(())
    }

    /// Forgets the records before `offset` (-1: all) and tells the new first offset.
    pub(crate) fn delete_records(&mut self, offset: i64) -> io::Result<Result<i64, OffsetOutOfRange>> {
        let offset = if offset == -1 { self.next_offset } else { offset };
        if offset < 0 || offset > self.next_offset {
            return Ok(Err(OffsetOutOfRange));
        }
        if offset > self.start_offset && !self.retired {
            std::fs::create_dir_all(&self.folder)?;
            let (path, unfinished) = (self.start_path(), self.folder.join("start.new"));
            std::fs::write(&unfinished, offset.to_string())?;
            std::fs::rename(&unfinished, &path)?;
            self.start_offset = offset;
            self.drop_before_start()?;
        }
        Ok(Ok(self.start_offset))
    }

    /// The first offset that `delete_records` left, or 0.
    pub(super) fn read_start(&self) -> io::Result<i64> {
        match std::fs::read_to_string(self.start_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            text => text?
                .trim()
                .parse()
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "start: no number")),
        }
    }

    fn start_path(&self) -> PathBuf {
        self.folder.join("start")
    }

    fn drop_before_start(&mut self) -> io::Result<()> {
        while self.segments.get(1).is_some_and(|second| second.base_offset <= self.start_offset) {
            let gone = self.segments.remove(0);
            self.files.close(&gone.file);
            std::fs::remove_file(&gone.file.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogSettings;
    use super::super::partition::tests::{SETTINGS, fill, open, read};
    use super::*;

    #[test]
    fn old_segments_go_and_offsets_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let settings = LogSettings { segment_bytes: 1_500, retention_ms: Some(100), ..SETTINGS };
        let mut log = open(folder.path(), settings);
        for at in 0..4 {
            fill(&mut log, 1, 1_000 + at);
        }
        log.apply_retention(1_102).unwrap();
        assert_eq!((log.start_offset(), log.next_offset(), log.segments.len()), (2, 4, 2));
        log.apply_retention(9_000).unwrap();
        assert_eq!((log.start_offset(), log.next_offset(), log.segments.len()), (4, 4, 1));
        log.apply_retention(9_000).unwrap();
        drop(log);
        let mut log = open(folder.path(), settings);
        assert_eq!((log.start_offset(), log.next_offset()), (4, 4));
        fill(&mut log, 1, 9_000);
        assert_eq!(read(&log, 4, 1).len(), 1_000);
    }

    #[test]
    fn no_more_bytes_are_kept_than_asked_but_for_a_segment() {
        let folder = tempfile::tempdir().unwrap();
        let settings = LogSettings { segment_bytes: 1_500, retention_bytes: Some(2_000), ..SETTINGS };
        let mut log = open(folder.path(), settings);
        for _ in 0..6 {
            fill(&mut log, 1, 0);
        }
        log.apply_retention(0).unwrap();
        assert_eq!((log.start_offset(), log.next_offset()), (4, 6));
        log.set_settings(LogSettings { retention_bytes: Some(0), ..settings });
        log.apply_retention(0).unwrap();
        assert_eq!((log.start_offset(), log.next_offset()), (5, 6), "the newest segment stays");
    }

    #[test]
    fn deleted_records_stay_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let settings = LogSettings { segment_bytes: 2_500, ..SETTINGS };
        let mut log = open(folder.path(), settings);
        for _ in 0..5 {
            fill(&mut log, 2, 0);
        }
        assert_eq!(log.delete_records(11).unwrap(), Err(OffsetOutOfRange));
        assert_eq!(log.delete_records(7).unwrap(), Ok(7));
        assert_eq!(log.delete_records(3).unwrap(), Ok(7));
        assert_eq!(log.segments.len(), 2);
        let mut log = open(folder.path(), settings);
        assert_eq!((log.start_offset(), log.next_offset()), (7, 10));
        assert!(log.plan_read(6).is_err());
        assert_eq!(log.delete_records(-1).unwrap(), Ok(10));
        assert_eq!(open(folder.path(), settings).start_offset(), 10);
    }
}
