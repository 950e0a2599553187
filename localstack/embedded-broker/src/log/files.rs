//! A bounded number of open segment files, the least recently used closed first.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::locked::locked;

/// Names one segment file for as long as the process runs, even when a later file takes its path.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFile {
    id: u64,
    /// Where it is.
    pub path: Arc<Path>,
}

impl SegmentFile {
    /// A name for the file at `path`, which need not exist yet.
    pub(crate) fn new(path: &Path) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), path: path.into() }
    }
}

/// The open files. Thousands of partitions share them.
pub(crate) struct OpenFiles {
    capacity: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    uses: u64,
    files: HashMap<u64, (Arc<File>, u64)>,
}

impl OpenFiles {
    /// At most `capacity` files stay open, beside those being read or written at the moment.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), open: Mutex::default() }
    }

    /// The file, opened for reading and appending if it is not open.
    pub(crate) fn get(&self, segment: &SegmentFile) -> io::Result<Arc<File>> {
        if let Some(file) = self.find(segment) {
            return Ok(file);
        }
        let file = OpenOptions::new().read(true).append(true).open(&segment.path)?;
        Ok(self.keep(segment, file))
    }

    /// The file, created empty if it does not exist.
    pub(crate) fn create(&self, segment: &SegmentFile) -> io::Result<Arc<File>> {
        let file = OpenOptions::new().create(true).read(true).append(true).open(&segment.path)?;
        Ok(self.keep(segment, file))
    }

    /// Closes the file as soon as nobody reads it.
    pub(crate) fn close(&self, segment: &SegmentFile) {
        locked(&self.open).files.remove(&segment.id);
    }

    fn find(&self, segment: &SegmentFile) -> Option<Arc<File>> {
        let mut open = locked(&self.open);
        open.uses += 1;
        let uses = open.uses;
        let (file, used) = open.files.get_mut(&segment.id)?;
        *used = uses;
        Some(file.clone())
    }

    fn keep(&self, segment: &SegmentFile, file: File) -> Arc<File> {
        let file = Arc::new(file);
        let mut open = locked(&self.open);
        if open.files.len() >= self.capacity {
            let oldest = open.files.iter().min_by_key(|(_, (_, used))| *used).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                open.files.remove(&oldest);
            }
        }
        open.uses += 1;
        let uses = open.uses;
        open.files.insert(segment.id, (file.clone(), uses));
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_files_stay_open_than_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let files = OpenFiles::new(2);
        let segments: Vec<_> =
            (0..5).map(|i| SegmentFile::new(&folder.path().join(format!("{i}.log")))).collect();
        for segment in &segments {
            files.create(segment).unwrap();
            files.get(&segments[0]).unwrap();
        }
        let open = locked(&files.open);
        assert_eq!(open.files.len(), 2);
        assert!(open.files.contains_key(&segments[0].id), "the one used most recently stays");
    }

    #[test]
    fn a_file_that_takes_the_path_of_another_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log");
        let files = OpenFiles::new(2);
        let first = SegmentFile::new(&path);
        files.create(&first).unwrap().set_len(9).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(files.create(&SegmentFile::new(&path)).unwrap().metadata().unwrap().len(), 0);
    }
}
