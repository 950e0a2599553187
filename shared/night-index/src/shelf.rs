//! Where an index lies, and how it is read.

use crate::{Catalogue, IndexError, NightEntry, Object};
use archive::{Archive, ArchiveFile, OpenFile};
use bytes::Bytes;
use job::Night;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use std::{
    collections::HashMap,
    io::Read,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a catalogue is believed to be the newest.
const FRESH: Duration = Duration::from_secs(2);
/// No honest catalogue is larger, packed or not.
const MAX_PACKED: u64 = 64 * 1024 * 1024;
const MAX_CATALOGUE: u64 = 512 * 1024 * 1024;
/// Nor an entry.
const MAX_ENTRY: u64 = 64 * 1024 * 1024;
/// Footers of samples and bundles that are remembered; each takes some 300 KB.
const OPEN_FILES: usize = 400;

const CATALOGUE: &str = "catalogue.json.zst";

/// An index in an object store. Cheap to clone; clones share what was read.
#[derive(Clone)]
pub struct Index(Arc<Shelf>);

struct Shelf {
    store: Arc<dyn ObjectStore>,
    root: Path,
    samples: Archive,
    seen: Mutex<Option<Seen>>,
    open: Mutex<HashMap<Object, OpenFile>>,
    /// Held while a catalogue is read: one that has changed is read once for all who ask.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Seen {
    catalogue: Arc<Catalogue>,
    etag: Option<String>,
    at: Instant,
}

impl Index {
    /// The index below `root` in `store`; there need not be one yet.
    pub fn new(store: Arc<dyn ObjectStore>, root: &str) -> Self {
        let samples = Archive::of_store(store.clone(), root);
        Self(Arc::new(Shelf {
            store,
            root: Path::from(root),
            samples,
            seen: Mutex::default(),
            open: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }))
    }

    /// The newest catalogue, as of at most two seconds ago; empty where there is no index.
    ///
    /// # Errors
    /// [`IndexError::Store`] and [`IndexError::Damaged`].
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, IndexError> {
        let fresh = || lock(&self.0.seen).clone().filter(|seen| seen.at.elapsed() < FRESH);
        if let Some(seen) = fresh() {
            return Ok(seen.catalogue);
        }
        let _reading = self.0.reading.lock().await;
        if let Some(seen) = fresh() {
            return Ok(seen.catalogue);
        }
        let seen = lock(&self.0.seen).clone();
        let path = self.path(CATALOGUE);
        let etag = match self.0.store.head(&path).await {
            Ok(meta) => meta.e_tag,
            Err(object_store::Error::NotFound { .. }) => return Ok(self.remember(Arc::default(), None)),
            Err(source) => return Err(IndexError::Store { path: path.to_string(), source }),
        };
        if let Some(seen) = seen
            && etag.is_some()
            && seen.etag == etag
        {
            return Ok(self.remember(seen.catalogue, etag));
        }
        let (catalogue, etag) = self.read_catalogue().await?;
        Ok(self.remember(Arc::new(catalogue), etag))
    }

    /// The catalogue as it lies in the store, and its version.
    pub(crate) async fn read_catalogue(&self) -> Result<(Catalogue, Option<String>), IndexError> {
        let damaged = |reason: String| IndexError::Damaged { path: self.path(CATALOGUE).to_string(), reason };
        let Some((packed, etag)) = self.get(CATALOGUE, MAX_PACKED).await? else {
            return Ok((Catalogue::default(), None));
        };
        let unpack = move || {
            let mut text = Vec::new();
            zstd::Decoder::new(&packed[..])?.take(MAX_CATALOGUE).read_to_end(&mut text)?;
            let mut catalogue: Catalogue = serde_json::from_slice(&text)?;
            catalogue.settle().map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(catalogue)
        };
        let unpacked = tokio::task::spawn_blocking(unpack).await;
        let unpacked = unpacked.map_err(|error| IndexError::Worker(error.to_string()))?;
        Ok((unpacked.map_err(|error| damaged(error.to_string()))?, etag))
    }

    pub(crate) async fn write_catalogue(&self, catalogue: Arc<Catalogue>) -> Result<(), IndexError> {
        let packing = catalogue.clone();
        let pack = move || {
            let text = serde_json::to_vec(&*packing)?;
            if text.len() as u64 > MAX_CATALOGUE {
                return Err(std::io::Error::other(format!("a catalogue of {} bytes", text.len())));
            }
            zstd::encode_all(&text[..], 3)
        };
        let packed = tokio::task::spawn_blocking(pack).await;
        let packed = packed.map_err(|error| IndexError::Worker(error.to_string()))?;
        let packed = packed.map_err(|error| IndexError::Write(error.to_string()))?;
        let etag = self.put(CATALOGUE, PutPayload::from(packed)).await?;
        self.remember(catalogue, etag);
        Ok(())
    }

    fn remember(&self, catalogue: Arc<Catalogue>, etag: Option<String>) -> Arc<Catalogue> {
        *lock(&self.0.seen) = Some(Seen { catalogue: catalogue.clone(), etag, at: Instant::now() });
        catalogue
    }

    /// What is known of a night, whole; none where it is not indexed.
    pub async fn entry(&self, night: Night) -> Result<Option<NightEntry>, IndexError> {
        Ok(self.entry_at(&format!("nights/{night}.json")).await?.map(|(entry, _)| entry))
    }

    pub(crate) async fn entry_at(&self, name: &str) -> Result<Option<(NightEntry, String)>, IndexError> {
        let Some((text, etag)) = self.get(name, MAX_ENTRY).await? else { return Ok(None) };
        let entry = serde_json::from_slice(&text).map_err(|error| IndexError::Damaged {
            path: self.path(name).to_string(),
            reason: error.to_string(),
        })?;
        Ok(Some((entry, etag.unwrap_or_default())))
    }

    /// Opens a sample or a bundle; its footer is remembered.
    pub async fn open(&self, object: &Object) -> Result<OpenFile, IndexError> {
        if let Some(open) = lock(&self.0.open).get(object) {
            return Ok(open.clone());
        }
        let path = self.path(&object.path).to_string();
        let opened = self.0.samples.open_file(&ArchiveFile { path, size: object.size, etag: None }).await?;
        let mut open = lock(&self.0.open);
        if open.len() >= OPEN_FILES {
            open.clear();
        }
        open.insert(object.clone(), opened.clone());
        Ok(opened)
    }

    pub(crate) fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.0.root.clone(), |path, part| path.join(part))
    }

    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.0.store
    }

    pub(crate) async fn put(&self, name: &str, payload: PutPayload) -> Result<Option<String>, IndexError> {
        let path = self.path(name);
        let put = self.0.store.put(&path, payload).await;
        put.map(|done| done.e_tag).map_err(|source| IndexError::Store { path: path.to_string(), source })
    }

    async fn get(&self, name: &str, at_most: u64) -> Result<Option<(Bytes, Option<String>)>, IndexError> {
        let path = self.path(name);
        let failed = |source| IndexError::Store { path: path.to_string(), source };
        let found = match self.0.store.get(&path).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        if found.meta.size > at_most {
            let reason = format!("it has {} bytes", found.meta.size);
            return Err(IndexError::Damaged { path: path.to_string(), reason });
        }
        let etag = found.meta.e_tag.clone();
        Ok(Some((found.bytes().await.map_err(failed)?, etag)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
