//! The folder of this machine for what is under way, and what runs that were killed have left there.

use crate::OptimizeError;
use std::{fs::File, path::Path};
use tempfile::TempDir;

/// How such folders begin.
const PREFIX: &str = "nightferry-optimize-";
/// In each of them: locked as long as its run lives.
const LOCK: &str = "lock";
/// The same before it is locked.
const UNLOCKED: &str = "unlocked";

/// A folder that goes with its run.
pub(crate) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// A new folder below `root`, in which those of runs that ended in the middle are removed.
    pub(crate) fn new(root: &Path) -> Result<Self, OptimizeError> {
        sweep(root);
        let failed = || OptimizeError::scratch(root);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(root).map_err(failed())?;
        // Locked before it is called so, or whoever sweeps would take it for a dead one's.
        let unlocked = folder.path().join(UNLOCKED);
        let lock = File::create(&unlocked).map_err(failed())?;
        lock.try_lock().map_err(|error| failed()(error.into()))?;
        std::fs::rename(&unlocked, folder.path().join(LOCK)).map_err(failed())?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Whatever cannot be looked at or removed stays: it may be somebody else's.
fn sweep(root: &Path) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours
            && let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_runs_folder_is_swept_and_a_living_ones_is_not() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join(format!("{PREFIX}dead"));
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join(LOCK), b"").unwrap();
        std::fs::write(dead.join("bucket-0.arrow"), b"left").unwrap();
        std::fs::create_dir(root.path().join("of-somebody-else")).unwrap();
        let living = Scratch::new(root.path()).unwrap();
        let other = Scratch::new(root.path()).unwrap();
        assert!(!dead.exists() && living.path().exists() && other.path().exists());
        drop((living, other));
        let left: Vec<_> =
            std::fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["of-somebody-else"]);
    }
}
