//! Files and offsets become visible together.
//!
//! # The protocol
//! A thread writes its files into the hidden folder `.nightferry-<topic>`. To complete them it goes through these steps,
//! one thread at a time:
//!
//! 1. the files and the hidden folder are synced to the disk,
//! 2. a new record, with the offsets after these files and with the files as *arriving*, is written under another name
//!    and synced,
//! 3. **the new record is renamed over the old one: from here on the files count, before they did not**,
//! 4. each arriving file gets its name in its own folder (a name that is taken is an error) and loses the hidden one,
//! 5. those folders are synced.
//!
//! The next record, which does not name these files any more, is only written after step 5.
//!
//! After a kill, [`Journal::open`] repeats 4 and 5 for the arriving files that are still hidden, and removes what else is
//! in the hidden folder: it does not count, and its offsets will be read again. A file whose hidden name is gone has
//! arrived, wherever its owner moved it since.

use crate::disk::Disk;
use crate::state::{Arrival, Places, State};
use crate::{DownloadError, Summary};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

/// Files of one thread that are complete and synced, and what they hold.
#[derive(Debug, Default)]
pub(crate) struct Completed {
    pub(crate) files: Vec<Arrival>,
    pub(crate) bytes: u64,
    pub(crate) alerts: u64,
    /// The next offset to read, by partition.
    pub(crate) offsets: BTreeMap<i32, i64>,
}

/// The record of a download, and the only way to change it.
pub(crate) struct Journal {
    disk: Box<dyn Disk>,
    places: Places,
    state: State,
    summary: Summary,
}

impl Journal {
    /// Opens the record, or begins one as `fresh`, and finishes or undoes what a killed run left.
    pub(crate) fn open(disk: Box<dyn Disk>, places: Places, fresh: State) -> Result<Self, DownloadError> {
        let state = match State::read(&places.state)? {
            Some(state) => {
                state.check(&fresh, &places.outdir)?;
                state
            }
            None => fresh,
        };
        let mut journal = Self { disk, places, state, summary: Summary::default() };
        journal.receive()?;
        let staging = journal.places.staging.clone();
        journal.step("make the folder", &staging, |disk| disk.make_folder(&staging))?;
        journal.clear_staging()?;
        Ok(journal)
    }

    /// How far the download is.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Notes where a partition begins, as far as nothing of it was read, and how many alerts were gone before.
    pub(crate) fn skip_to(&mut self, partition: i32, offset: i64, expired: u64) {
        self.state.offsets.insert(partition, offset);
        self.state.expired += expired;
    }

    /// Makes the files part of the data set, and the offsets those to go on from.
    pub(crate) fn commit(&mut self, completed: Completed) -> Result<(), DownloadError> {
        self.step("sync", &self.places.staging, |disk| disk.sync_folder(&self.places.staging))?;
        let mut next = self.state.clone();
        next.offsets.extend(completed.offsets);
        next.alerts += completed.alerts;
        next.arriving = completed.files;
        self.save(&next)?;
        self.summary.new_alerts += completed.alerts;
        self.summary.files += next.arriving.len() as u64;
        self.summary.bytes += completed.bytes;
        self.state = next;
        self.receive()
    }

    /// Ends the run: nothing hidden stays but the record and the lock.
    pub(crate) fn close(mut self) -> Result<Summary, DownloadError> {
        self.state.arriving.clear();
        self.save(&self.state)?;
        self.clear_staging()?;
        let staging = &self.places.staging;
        self.step("remove the folder", staging, |disk| disk.remove_folder(staging))?;
        self.summary.alerts = self.state.alerts;
        self.summary.expired = self.state.expired;
        Ok(self.summary)
    }

    /// Steps 2 and 3.
    fn save(&self, state: &State) -> Result<(), DownloadError> {
        let Places { outdir, state: path, new_state, .. } = &self.places;
        let text = serde_json::to_vec(state).map_err(|error| DownloadError::Bug(error.to_string()))?;
        self.step("write", new_state, |disk| disk.write(new_state, &text))?;
        self.step("write", path, |disk| disk.replace(new_state, path))?;
        self.step("sync", outdir, |disk| disk.sync_folder(outdir))
    }

    /// Steps 4 and 5.
    fn receive(&mut self) -> Result<(), DownloadError> {
        let mut folders = BTreeSet::new();
        for Arrival { name, folder } in &self.state.arriving {
            let hidden = self.places.staging.join(name);
            if !hidden.exists() {
                continue;
            }
            let target = self.places.outdir.join(folder);
            self.step("make the folder", &target, |disk| disk.make_folder(&target))?;
            self.give_name(&hidden, &target.join(name))?;
            folders.insert(folder);
        }
        let mut synced = BTreeSet::new();
        for folder in folders {
            // A new folder's own name is in the one above it.
            for above in Path::new(folder).ancestors().map(|above| self.places.outdir.join(above)) {
                if synced.insert(above.clone()) {
                    self.step("sync", &above, |disk| disk.sync_folder(&above))?;
                }
            }
        }
        Ok(())
    }

    fn give_name(&self, hidden: &Path, target: &Path) -> Result<(), DownloadError> {
        match self.disk.link(hidden, target) {
            Ok(()) => {}
            // A kill between the two steps below left both names.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_same_file(hidden, target) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(DownloadError::Taken { path: target.to_owned() });
            }
            Err(source) => {
                return Err(DownloadError::Disk { action: "write", path: target.to_owned(), source });
            }
        }
        if hidden.exists() {
            self.step("remove", hidden, |disk| disk.remove(hidden))?;
        }
        Ok(())
    }

    fn clear_staging(&self) -> Result<(), DownloadError> {
        let staging = &self.places.staging;
        let failed = |source| DownloadError::Disk { action: "read", path: staging.clone(), source };
        for entry in fs::read_dir(staging).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            self.step("remove", &path, |disk| disk.remove(&path))?;
        }
        Ok(())
    }

    fn step(
        &self,
        action: &'static str,
        path: &Path,
        step: impl FnOnce(&dyn Disk) -> io::Result<()>,
    ) -> Result<(), DownloadError> {
        step(self.disk.as_ref()).map_err(|source| DownloadError::Disk {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        _ => false,
    }
}

/// Elsewhere the bytes have to tell.
#[cfg(not(unix))]
fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
