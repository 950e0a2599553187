//! From a time to an offset.

use std::io;

use super::batch::BatchHeader;
use super::files::OpenFiles;
use super::partition::PartitionLog;
use super::read::{ReadPlan, find, read_window};
use super::records::first_record_at;

/// Bytes read at once while looking at headers.
const WINDOW_BYTES: u64 = 256 << 10;

/// A record's offset and time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimedOffset {
    /// The record's offset.
    pub offset: i64,
    /// Its time stamp in milliseconds.
    pub timestamp: i64,
}

/// Where a record with a time stamp of at least `timestamp` may be: places in the order to look at.
#[derive(Clone, Debug)]
pub(crate) struct TimePlan {
    timestamp: i64,
    start_offset: i64,
    places: Vec<ReadPlan>,
}

impl PartitionLog {
    /// Where to look for the first record that is not earlier than `timestamp`.
    pub(crate) fn plan_time(&self, timestamp: i64) -> TimePlan {
        let late = self.segments.iter().filter(|segment| segment.max_timestamp >= timestamp);
        let places = late.map(|segment| ReadPlan {
            file: segment.file.clone(),
            from: segment.position_before_time(timestamp),
            until: segment.bytes,
            offset: self.start_offset,
        });
        TimePlan { timestamp, start_offset: self.start_offset, places: places.collect() }
    }

    /// Where to look for the record with the latest time stamp; `None` for an empty log.
    pub(crate) fn plan_latest(&self) -> Option<TimePlan> {
        let latest = self.segments.iter().map(|segment| segment.max_timestamp).max()?;
        (latest >= 0).then(|| self.plan_time(latest))
    }
}

impl TimePlan {
    /// Looks, without the partition's lock.
    pub(crate) fn look(&self, files: &OpenFiles) -> io::Result<Option<TimedOffset>> {
        for place in &self.places {
            if let Some(found) = self.look_at(files, place)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn look_at(&self, files: &OpenFiles, place: &ReadPlan) -> io::Result<Option<TimedOffset>> {
        let wanted = |header: &BatchHeader| {
            header.max_timestamp >= self.timestamp && header.last_offset() >= self.start_offset
        };
        let mut position = place.from;
        while position < place.until {
            let window = read_window(files, place, position, WINDOW_BYTES)?;
            position += find(&window, wanted) as u64;
            if position >= place.until {
                break;
            }
            let head = read_window(files, place, position, super::batch::HEADER_BYTES as u64)?;
            let Some(header) =
                BatchHeader::parse(&head).filter(|header| header.bytes <= place.until - position)
            else {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("no batch at byte {position}"),
                ));
            };
            if wanted(&header) {
                let batch = read_window(files, place, position, header.bytes)?;
                if let Some(found) = self.look_into(&header, &batch) {
                    return Ok(Some(found));
                }
            }
            position += header.bytes;
        }
        Ok(None)
    }

    /// A batch whose records cannot be read is answered with its first one: to read a little too much is no loss.
    fn look_into(&self, header: &BatchHeader, batch: &[u8]) -> Option<TimedOffset> {
        let whole = TimedOffset {
            offset: header.base_offset.max(self.start_offset),
            timestamp: header.max_timestamp,
        };
        if header.is_append_time() {
            return Some(whole);
        }
        match first_record_at(header, batch, self.start_offset, self.timestamp) {
            Ok(found) => found.map(|(offset, timestamp)| TimedOffset { offset, timestamp }),
            Err(_) => Some(whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogSettings;
    use super::super::partition::tests::{SETTINGS, fill, open};
    use super::*;

    fn offset_at(log: &PartitionLog, timestamp: i64) -> Option<i64> {
        log.plan_time(timestamp).look(&log.files).unwrap().map(|found| found.offset)
    }

    #[test]
    fn times_lead_to_the_first_batch_not_earlier() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(folder.path(), LogSettings { segment_bytes: 300_000, ..SETTINGS });
        assert!(log.plan_latest().is_none());
        for at in 0..1_000 {
            fill(&mut log, 2, at * 10);
        }
        for (timestamp, offset) in [(0, 0), (10, 2), (11, 4), (5_000, 1_000), (9_990, 1_998)] {
            assert_eq!(offset_at(&log, timestamp), Some(offset), "at {timestamp}");
        }
        assert_eq!(offset_at(&log, 9_991), None);
        let latest = log.plan_latest().unwrap().look(&log.files).unwrap();
        assert_eq!(latest, Some(TimedOffset { offset: 1_998, timestamp: 9_990 }));
        log.delete_records(1_001).unwrap().unwrap();
        assert_eq!(offset_at(&log, 0), Some(1_001));
    }
}
