//! What lies beside an optimised night: from which files it was made, and which files it is.

use crate::{OptimizeError, checksum::Checksum, layout};
use archive::{Archive, ArchiveFile};
use job::Night;
use object_store::{ObjectStoreExt, PutPayload, path::Path};
use serde::{Deserialize, Serialize};

/// A listing of nights passes over such a name.
const NAME: &str = "_optimized.json";
/// A mark of more bytes is none of ours.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A file by what it is known again by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct File {
    path: String,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

impl From<&ArchiveFile> for File {
    fn from(file: &ArchiveFile) -> Self {
        Self { path: file.path.clone(), size: file.size, etag: file.etag.clone() }
    }
}

/// The mark of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    layout: u32,
    source: Vec<File>,
    files: Vec<File>,
    checksum: Checksum,
}

impl Mark {
    pub(crate) fn new(source: &[ArchiveFile], files: &[ArchiveFile], checksum: Checksum) -> Self {
        let files = files.iter().map(File::from).collect();
        Self { layout: layout::VERSION, source: source.iter().map(File::from).collect(), files, checksum }
    }

    /// The mark of a night, if there is one that can be read.
    pub(crate) async fn read(target: &Archive, night: Night) -> Result<Option<Self>, OptimizeError> {
        let path = path(target, night);
        let found = match target.store().get(&path).await {
            Ok(found) if found.meta.size <= MAX_BYTES => found,
            Ok(_) | Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(OptimizeError::store(&path, source)),
        };
        let bytes = found.bytes().await.map_err(|source| OptimizeError::store(&path, source))?;
        Ok(serde_json::from_slice(&bytes).ok())
    }

    pub(crate) async fn write(&self, target: &Archive, night: Night) -> Result<(), OptimizeError> {
        let path = path(target, night);
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| OptimizeError::Worker(error.to_string()))?;
        let put = target.store().put(&path, PutPayload::from(text)).await;
        put.map(drop).map_err(|source| OptimizeError::store(&path, source))
    }

    /// Takes the mark away, before the files that it tells of change.
    pub(crate) async fn remove(target: &Archive, night: Night) -> Result<(), OptimizeError> {
        let path = path(target, night);
        match target.store().delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(OptimizeError::store(&path, source)),
        }
    }

    /// Whether the night was made of these files, by today's layout, and is there as it was made.
    pub(crate) fn tells_of(&self, source: &[ArchiveFile], there: &[ArchiveFile]) -> bool {
        let same = |known: &[File], files: &[ArchiveFile]| {
            known.len() == files.len()
                && known.iter().zip(files).all(|(known, file)| *known == File::from(file))
        };
        self.layout == layout::VERSION && same(&self.source, source) && same(&self.files, there)
    }
}

fn path(target: &Archive, night: Night) -> Path {
    target.folder(night).join(NAME)
}
