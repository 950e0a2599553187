//! The first file that a task reads, opened while the task is still being claimed: both wait for others, a store and a
//! broker here, the archive there.

use archive::{Archive, ArchiveError, ArchiveFile, OpenFile};
use job::{Task, TaskFile};
use tokio::task::JoinHandle;

/// A file that is being opened. Dropping it ends that.
pub(crate) struct Early {
    file: ArchiveFile,
    opening: JoinHandle<Result<OpenFile, ArchiveError>>,
}

impl Early {
    /// Begins with the file in which the task is to go on, if there is one.
    pub fn of(archive: &Archive, task: &Task) -> Option<Self> {
        let done = task.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.row_groups);
        let mut before = 0;
        let first = task.files.iter().find(|file| {
            before += file.row_groups;
            before > done
        })?;
        let (archive, file) = (archive.clone(), expected(first));
        let wanted = file.clone();
        let opening = tokio::spawn(async move { archive.open_unchanged(&wanted).await });
        Some(Self { file, opening })
    }

    /// The file as it was opened, or why it was not, if it is this one that is wanted.
    pub async fn take(mut self, wanted: &ArchiveFile) -> Option<Result<OpenFile, ArchiveError>> {
        if self.file != *wanted {
            return None;
        }
        (&mut self.opening).await.ok()
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.opening.abort();
    }
}

/// The file as it was at fan-out.
pub(crate) fn expected(file: &TaskFile) -> ArchiveFile {
    ArchiveFile { path: file.path.clone(), size: file.size, etag: file.etag.clone() }
}
