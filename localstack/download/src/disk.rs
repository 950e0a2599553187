//! The steps of the file system that the journal is made of, so that a test can stop after any of them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What the journal does to a disk. Each step is done or not done; after a failed one the process may be gone.
pub(crate) trait Disk: Send {
    /// Makes a folder and those above it.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Writes a file, down to the disk itself.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Renames a file, over another if there is one.
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name; fails if it is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder last over a power cut.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// The real one.
pub(crate) struct LocalDisk;

impl Disk for LocalDisk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        match fs::hard_link(from, to) {
            // Some file systems (exFAT, a few mounts) know no second names. Only one run at a time is here, so looking
            // first is enough.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists && from.exists() && !to.exists() => {
                fs::rename(from, to)
            }
            outcome => outcome,
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // Elsewhere than on Unix a folder cannot be opened, and needs no sync.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}
