//! The files of a night, as their footers tell.

use crate::{Scout, TransferError};
use archive::{ArchiveError, ArchiveFile, NightSchema, OpenFile};
use futures::StreamExt;
use job::{Night, Task, TaskFile};

/// Footers that are read at once.
const FOOTERS: usize = 32;

/// A night, looked at: its files, or why it cannot be read. Footers are not kept: an archive has tens of thousands.
pub(crate) struct Seen {
    pub night: Night,
    pub schemas: Vec<NightSchema>,
    pub files: Result<Vec<TaskFile>, ArchiveError>,
}

impl Scout {
    pub(crate) async fn look_at(&self, night: Night) -> Result<Seen, TransferError> {
        let listed = self.archive.files(night).await?;
        self.look_at_files(night, listed).await
    }

    async fn look_at_files(&self, night: Night, listed: Vec<ArchiveFile>) -> Result<Seen, TransferError> {
        let open = |file: ArchiveFile| {
            let archive = self.archive.clone();
            async move {
                let opened = archive.open_file(&file).await?;
                Ok((task_file(&opened), NightSchema { night, schema: opened.schema().clone() }))
            }
        };
        let mut opened = futures::stream::iter(listed).map(open).buffered(FOOTERS);
        let (mut files, mut schemas) = (Vec::new(), Vec::new());
        while let Some(file) = opened.next().await {
            match file {
                Ok((file, schema)) => {
                    files.push(file);
                    schemas.push(schema);
                    schemas = archive::distinct(schemas);
                }
                Err(error) if ArchiveError::kind(&error).is_worth_retrying() => return Err(error.into()),
                // A damaged night is not told as half a night, and its schema may be as damaged.
                Err(error) => return Ok(Seen { night, schemas: Vec::new(), files: Err(error) }),
            }
        }
        Ok(Seen { night, schemas, files: Ok(files) })
    }

    /// The files of a night as a task reads them.
    pub(crate) async fn night_files(&self, night: Night) -> Result<Vec<TaskFile>, TransferError> {
        Ok(self.look_at(night).await?.files?)
    }

    /// The same files as they are now.
    pub(crate) async fn same_files(&self, task: &Task) -> Result<Vec<TaskFile>, TransferError> {
        let mut listed = self.archive.files(task.night).await?;
        listed.retain(|file| task.files.iter().any(|known| known.path == file.path));
        if let Some(gone) = task.files.iter().find(|known| listed.iter().all(|file| file.path != known.path))
        {
            return Err(ArchiveError::Replaced { path: gone.path.clone() }.into());
        }
        Ok(self.look_at_files(task.night, listed).await?.files?)
    }
}

fn task_file(file: &OpenFile) -> TaskFile {
    let ArchiveFile { path, size, etag } = file.file().clone();
    let row_groups = u32::try_from(file.row_groups()).unwrap_or(u32::MAX);
    TaskFile { path, size, etag, rows: file.rows(), row_groups }
}
