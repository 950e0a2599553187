//! Opening a log: the index and the producers' state rebuilt from batch headers, a torn end cut off.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::batch::{BatchHeader, HEADER_BYTES, checksum_holds};
use super::partition::PartitionLog;
use super::segment::Segment;

/// Bytes read at once while looking at headers.
const WINDOW_BYTES: usize = 64 << 10;
/// No batch in a log is larger: the bound on what a damaged length can make us allocate.
const LARGEST_BATCH_BYTES: u64 = 256 << 20;

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecoverError {
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A segment of a cleanly closed log is not what was written.
    #[error("{path} is damaged at byte {position}")]
    Damaged {
        /// The segment file.
        path: PathBuf,
        /// Where the first batch stands that cannot be read.
        position: u64,
    },
}

/// Fills `log` from its folder. `verify` says that the last end was not a clean one: then the checksums of the last segment
/// are verified, and what follows the first batch that is not whole is cut off, as Kafka does.
pub(super) fn recover(log: &mut PartitionLog, verify: bool) -> Result<(), RecoverError> {
    let folder = log.folder().to_owned();
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| RecoverError::Io { path, source }
    };
    let bases = segment_bases(&folder).map_err(at(&folder))?;
    let last = bases.len().saturating_sub(1);
    log.next_offset = bases.first().copied().unwrap_or(0);
    for (number, base) in bases.iter().enumerate() {
        let mut segment = Segment::new(&folder, *base);
        let path = segment.file.path.clone();
        let file = File::options().read(true).write(true).open(&path).map_err(at(&path))?;
        let length = file.metadata().map_err(at(&path))?.len();
        let follows = *base == log.next_offset;
        if follows {
            scan(&file, length, log, &mut segment, verify && number == last).map_err(at(&path))?;
        }
        let whole = follows && segment.bytes == length;
        if !whole && !verify {
            return Err(RecoverError::Damaged { path: path.to_path_buf(), position: segment.bytes });
        }
        segment.synced_bytes = if verify { 0 } else { segment.bytes };
        let segment_bytes = segment.bytes;
        if follows {
            if !whole {
                file.set_len(segment.bytes).map_err(at(&path))?;
            }
            log.segments.push(segment);
        }
        if !whole {
            tracing::warn!(path = %path.display(), cut_bytes = length - segment_bytes, "a torn end of a log was cut off");
            let gone = bases.iter().skip(number + usize::from(follows));
            remove_segments(&folder, gone).map_err(at(&folder))?;
            break;
        }
    }
    log.start_offset = log.segments.first().map_or(log.next_offset, |first| first.base_offset);
    let kept = log.read_start().map_err(at(&folder))?;
    log.start_offset = log.start_offset.max(kept.min(log.next_offset));
    Ok(())
}

fn segment_bases(folder: &Path) -> io::Result<Vec<i64>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut bases = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let base = name.to_str().and_then(|name| name.strip_suffix(".log"));
        bases.extend(base.and_then(|base| base.parse::<i64>().ok()));
    }
    bases.sort_unstable();
    Ok(bases)
}

fn remove_segments<'a>(folder: &Path, bases: impl Iterator<Item = &'a i64>) -> io::Result<()> {
    for base in bases {
        std::fs::remove_file(folder.join(format!("{base:020}.log")))?;
    }
    Ok(())
}

/// Walks over the batches of a file as far as they are whole and follow one another.
fn scan(
    file: &File,
    length: u64,
    log: &mut PartitionLog,
    segment: &mut Segment,
    verify: bool,
) -> io::Result<()> {
    let mut window = vec![0; WINDOW_BYTES];
    let (mut window_at, mut window_bytes) = (0_u64, 0_usize);
    let mut batch = Vec::new();
    loop {
        let position = segment.bytes;
        let mut within = usize::try_from(position - window_at).unwrap_or(usize::MAX);
        if within.saturating_add(HEADER_BYTES) > window_bytes {
            window_bytes = read_up_to(file, &mut window, position)?;
            (window_at, within) = (position, 0);
        }
        let head = window.get(within..window_bytes).unwrap_or_default();
        let Some(header) = BatchHeader::parse(head) else { return Ok(()) };
        let whole = header.bytes <= length - position && header.bytes <= LARGEST_BATCH_BYTES;
        if !whole || header.base_offset != log.next_offset || header.last_offset_delta < 0 {
            return Ok(());
        }
        if verify {
            batch.resize(usize::try_from(header.bytes).unwrap_or(usize::MAX), 0);
            file.read_exact_at(&mut batch, position)?;
            if !checksum_holds(&header, &batch) {
                return Ok(());
            }
        }
        segment.push(&header);
        log.producers.remember(&header);
        log.next_offset = header.last_offset() + 1;
    }
}

fn read_up_to(file: &File, window: &mut [u8], position: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = window.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, position + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::LogSettings;
    use super::super::OpenFiles;
    use super::super::partition::tests::{SETTINGS, fill, open};
    use super::*;

    #[test]
    fn a_torn_end_is_cut_at_every_byte() {
        for torn_bytes in 1..1_000 {
            let folder = tempfile::tempdir().unwrap();
            let mut log = open(folder.path(), SETTINGS);
            for _ in 0..3 {
                fill(&mut log, 4, 0);
            }
            let path = log.segments[0].file.path.clone();
            drop(log);
            File::options().write(true).open(&path).unwrap().set_len(2_000 + torn_bytes).unwrap();
            let mut log = open(folder.path(), SETTINGS);
            assert_eq!(log.next_offset(), 8);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), 2_000);
            fill(&mut log, 4, 0);
            assert_eq!(open(folder.path(), SETTINGS).next_offset(), 12);
        }
    }

    #[test]
    fn after_an_unclean_end_garbage_in_the_last_segment_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(folder.path(), SETTINGS);
        for _ in 0..3 {
            fill(&mut log, 1, 0);
        }
        let path = log.segments[0].file.path.clone();
        File::options().write(true).open(&path).unwrap().write_at(b"?", 1_500).unwrap();
        assert_eq!(open(folder.path(), SETTINGS).next_offset(), 1);
    }

    #[test]
    fn a_damaged_middle_is_an_error_after_a_clean_end_and_ends_the_log_after_an_unclean_one() {
        let folder = tempfile::tempdir().unwrap();
        let small = LogSettings { segment_bytes: 1_500, ..SETTINGS };
        let mut log = open(folder.path(), small);
        for _ in 0..4 {
            fill(&mut log, 1, 0);
        }
        let path = log.segments[1].file.path.clone();
        File::options().write(true).open(&path).unwrap().set_len(700).unwrap();
        let files = Arc::new(OpenFiles::new(4));
        let clean = PartitionLog::open(folder.path().join("0"), small, files, false);
        assert!(matches!(clean, Err(RecoverError::Damaged { position: 0, .. })));
        let mut log = open(folder.path(), small);
        assert_eq!(log.next_offset(), 1);
        fill(&mut log, 1, 0);
        assert_eq!(open(folder.path(), small).next_offset(), 2);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_empty_log() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(open(folder.path(), SETTINGS).next_offset(), 0);
    }
}
