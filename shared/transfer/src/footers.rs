//! The files of nights, as their footers tell.

use crate::{Scout, TransferError};
use archive::{ArchiveError, ArchiveFile, Footer, NightSchema};
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt};
use job::{Night, Task, TaskFile};

/// Footers that are read at once, of one night or of many.
pub(crate) const FOOTERS: usize = 128;
/// Nights whose files are listed at once.
const LISTINGS: usize = 64;
/// As many nights of a month as make one listing of the month cheaper than one of each.
const NIGHTS_OF_A_MONTH: usize = 3;

/// A night, looked at: its files, or why it cannot be read. Footers are not kept: an archive has tens of thousands.
pub(crate) struct Seen {
    pub night: Night,
    pub schemas: Vec<NightSchema>,
    pub files: Result<Vec<TaskFile>, ArchiveError>,
}

impl Seen {
    fn of(night: Night) -> Self {
        Self { night, schemas: Vec::new(), files: Ok(Vec::new()) }
    }

    /// Adds a file. A damaged night is not told as half a night, and its schema may be as damaged.
    fn add(&mut self, opened: Result<(TaskFile, SchemaRef), ArchiveError>) {
        let Ok(files) = &mut self.files else { return };
        match opened {
            Ok((file, schema)) => {
                files.push(file);
                if self.schemas.iter().all(|known| !std::sync::Arc::ptr_eq(&known.schema, &schema)) {
                    self.schemas.push(NightSchema { night: self.night, schema });
                }
            }
            Err(error) => {
                self.files = Err(error);
                self.schemas.clear();
            }
        }
    }
}

impl Scout {
    /// Looks at nights, which are in order: the footers of all their files, many at once.
    pub(crate) async fn look_at_all(&self, nights: &[Night]) -> Result<Vec<Seen>, TransferError> {
        let listed = self.files_of_all(nights).await?;
        let files: Vec<(usize, ArchiveFile)> = (0..)
            .zip(&listed)
            .flat_map(|(place, (_, files))| files.iter().map(move |file| (place, file.clone())))
            .collect();
        let mut opened = futures::stream::iter(files)
            .map(|(place, file)| {
                let archive = self.archive.clone();
                async move {
                    let footer = archive.look_at(&file).await;
                    (place, footer.map(|footer| (task_file(file, &footer), footer.schema)))
                }
            })
            .buffered(FOOTERS);
        let mut seen: Vec<Seen> = listed.iter().map(|(night, _)| Seen::of(*night)).collect();
        while let Some((place, file)) = opened.next().await {
            match (file, seen.get_mut(place)) {
                (Err(error), _) if ArchiveError::kind(&error).is_worth_retrying() => return Err(error.into()),
                (told, Some(seen)) => seen.add(told),
                (_, None) => {}
            }
        }
        Ok(seen)
    }

    /// The files of each night, those of months with many of the nights by a listing of the month.
    pub(crate) async fn files_of_all(
        &self,
        nights: &[Night],
    ) -> Result<Vec<(Night, Vec<ArchiveFile>)>, TransferError> {
        let months = nights.chunk_by(|a, b| (a.year(), a.month()) == (b.year(), b.month()));
        let listings: Vec<Vec<Night>> = months
            .flat_map(|month| month.chunks(if month.len() < NIGHTS_OF_A_MONTH { 1 } else { month.len() }))
            .map(<[Night]>::to_vec)
            .collect();
        let list = |nights: Vec<Night>| {
            let archive = self.archive.clone();
            async move {
                match &nights[..] {
                    [night] => Ok(vec![(*night, archive.files(*night).await?)]),
                    nights => archive.files_of_month(nights).await,
                }
            }
        };
        let listed: Vec<Vec<(Night, Vec<ArchiveFile>)>> =
            futures::stream::iter(listings).map(list).buffered(LISTINGS).try_collect().await?;
        Ok(listed.into_iter().flatten().collect())
    }

    async fn look_at_files(
        &self,
        listed: Vec<ArchiveFile>,
        night: Night,
    ) -> Result<Vec<TaskFile>, TransferError> {
        let open = |file: ArchiveFile| {
            let archive = self.archive.clone();
            async move {
                let footer = archive.look_at(&file).await?;
                Ok((task_file(file, &footer), footer.schema))
            }
        };
        let mut opened = futures::stream::iter(listed).map(open).buffered(FOOTERS);
        let mut seen = Seen::of(night);
        while let Some(file) = opened.next().await {
            seen.add(file);
            if seen.files.is_err() {
                break;
            }
        }
        Ok(seen.files?)
    }

    /// The files of a night as a task reads them.
    pub(crate) async fn night_files(&self, night: Night) -> Result<Vec<TaskFile>, TransferError> {
        self.look_at_files(self.archive.files(night).await?, night).await
    }

    /// The same files as they are now.
    pub(crate) async fn same_files(&self, task: &Task) -> Result<Vec<TaskFile>, TransferError> {
        let mut listed = self.archive.files(task.night).await?;
        listed.retain(|file| task.files.iter().any(|known| known.path == file.path));
        if let Some(gone) = task.files.iter().find(|known| listed.iter().all(|file| file.path != known.path))
        {
            return Err(ArchiveError::Replaced { path: gone.path.clone() }.into());
        }
        self.look_at_files(listed, task.night).await
    }
}

fn task_file(file: ArchiveFile, footer: &Footer) -> TaskFile {
    let row_groups = u32::try_from(footer.row_groups).unwrap_or(u32::MAX);
    TaskFile { path: file.path, size: file.size, etag: file.etag, rows: footer.rows, row_groups }
}
