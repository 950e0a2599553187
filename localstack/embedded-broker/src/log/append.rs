//! Writing at the end of a file so that a failure leaves the file as it was.

use std::fs::File;
use std::io::{self, IoSlice, Write};

/// What appending needs of a file opened for appending.
pub(crate) trait AppendFile {
    /// Writes some of the parts at the end.
    fn write_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Cuts the file to `bytes`.
    fn cut(&self, bytes: u64) -> io::Result<()>;
}

impl AppendFile for File {
    fn write_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut file = self;
        file.write_vectored(parts)
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}

/// Why an append failed, and whether the file is as it was.
#[derive(Debug)]
pub(crate) struct AppendError {
    /// The failure of the write.
    pub source: io::Error,
    /// Whether what was written in part could be cut away.
    pub restored: bool,
}

/// Appends both parts, in one call to the system where it takes them whole. On failure the file is cut back to `end`.
pub(crate) fn append_whole(
    file: &impl AppendFile,
    end: u64,
    head: &[u8],
    body: &[u8],
) -> Result<(), AppendError> {
    let mut parts = [IoSlice::new(head), IoSlice::new(body)];
    let mut left = &mut parts[..];
    while !left.is_empty() {
        let written = match file.write_parts(left) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            written => written,
        };
        match written {
            Ok(bytes) => IoSlice::advance_slices(&mut left, bytes),
            Err(source) => return Err(AppendError { source, restored: file.cut(end).is_ok() }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::ErrorKind;

    use super::*;

    /// A file on a disk with room for `room` bytes, which takes at most 5 at a time.
    struct SmallDisk {
        file: File,
        room: Cell<usize>,
        cuts: bool,
    }

    impl AppendFile for SmallDisk {
        fn write_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
            let Some(part) = parts.iter().find(|part| !part.is_empty()) else { return Ok(0) };
            let taken = part.len().min(5).min(self.room.get());
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room.set(self.room.get() - taken);
            (&self.file).write_all(&part[..taken])?;
            Ok(taken)
        }

        fn cut(&self, bytes: u64) -> io::Result<()> {
            if self.cuts { self.file.set_len(bytes) } else { Err(ErrorKind::Other.into()) }
        }
    }

    fn disk(room: usize, cuts: bool) -> SmallDisk {
        SmallDisk { file: tempfile::tempfile().unwrap(), room: Cell::new(room), cuts }
    }

    #[test]
    fn parts_written_in_pieces_arrive_whole() {
        let disk = disk(100, true);
        append_whole(&disk, 0, b"0123456", b"789abcdef").unwrap();
        assert_eq!(disk.file.metadata().unwrap().len(), 16);
    }

    #[test]
    fn a_full_disk_leaves_the_file_as_it_was() {
        let disk = disk(13, true);
        append_whole(&disk, 0, b"01", b"234").unwrap();
        let error = append_whole(&disk, 5, b"5678", b"90123456789").unwrap_err();
        assert_eq!(error.source.kind(), ErrorKind::StorageFull);
        assert!(error.restored);
        assert_eq!(disk.file.metadata().unwrap().len(), 5);
    }

    #[test]
    fn a_cut_that_fails_is_told() {
        assert!(!append_whole(&disk(3, false), 0, b"01", b"234").unwrap_err().restored);
    }
}
