//! Builds what is missing of an index, and drops what is gone.
//!
//! Two may do so at once: entries and samples of the same files are the same, whoever writes them, and whoever has
//! written a catalogue looks again whether it tells of every entry. So the last one written does: an entry that was
//! not there when its writer looked again has a writer of its own who comes later.

use crate::{Bundle, Catalogue, Index, IndexError, bundle, mark, night::index_night};
use archive::{Archive, ArchiveError, ArchiveFile};
use futures::{StreamExt, TryStreamExt};
use job::Night;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};
use packet::TnsCatalogue;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// Nights whose files are listed at once.
const LISTINGS: usize = 32;
/// Entries that are read at once.
const ENTRIES: usize = 32;
/// A long run writes the catalogue so often, so that what is done is of use.
const CATALOGUE_EVERY: Duration = Duration::from_secs(60);
/// A sample that nothing names any more may still be in use for so long.
const GRACE: Duration = Duration::from_secs(3600);
/// Somebody else's changes are looked for so many times; they look for ours as well.
const LOOKS: usize = 10;

/// How far an update is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Nights that have to be indexed.
    pub nights: usize,
    /// How many of them are.
    pub done: usize,
    /// Alerts in those.
    pub alerts: u64,
}

/// What an update did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Updated {
    /// Nights that were indexed, and their alerts.
    pub indexed: BTreeMap<Night, u64>,
    /// Nights that were as they are.
    pub unchanged: usize,
    /// Nights that are gone from the archive.
    pub removed: Vec<Night>,
    /// Nights that could not be indexed, with the reason.
    pub failed: BTreeMap<Night, String>,
    /// Nights for which there was no time.
    pub left: usize,
}

impl Index {
    /// Indexes what is new or replaced among `nights`, or in the whole archive; begins no night after `until`.
    ///
    /// # Errors
    /// The archive or the index cannot be reached. One night's trouble is told in [`Updated::failed`].
    pub async fn update(
        &self,
        archive: &Archive,
        nights: Option<&BTreeSet<Night>>,
        tns: &Arc<TnsCatalogue>,
        until: Option<Instant>,
        tell: &(dyn Fn(Progress) + Sync),
    ) -> Result<Updated, IndexError> {
        let whole = nights.is_none();
        let nights: BTreeSet<Night> = match nights {
            Some(nights) => nights.clone(),
            None => match archive.nights().await {
                Ok(nights) => nights.into_iter().collect(),
                Err(ArchiveError::Empty { .. }) => BTreeSet::new(),
                Err(error) => return Err(error.into()),
            },
        };
        let known = self.refresh(false).await?;
        let mut updated = Updated::default();
        let listed: Vec<(Night, Vec<ArchiveFile>)> = futures::stream::iter(nights.iter().copied())
            .map(|night| async move { Ok::<_, IndexError>((night, archive.files(night).await?)) })
            .buffered(LISTINGS)
            .try_collect()
            .await?;
        let mut gone: BTreeSet<Night> = match whole {
            true => known.nights.keys().filter(|night| !nights.contains(night)).copied().collect(),
            false => BTreeSet::new(),
        };
        gone.extend(listed.iter().filter(|(_, files)| files.is_empty()).map(|(night, _)| *night));
        for night in gone {
            if known.nights.contains_key(&night) {
                self.delete(&format!("nights/{night}.json")).await?;
                updated.removed.push(night);
            }
        }
        let stale: Vec<(Night, Vec<ArchiveFile>)> = listed
            .into_iter()
            .filter(|(night, files)| {
                let mark = mark::of_files(files);
                !files.is_empty() && known.nights.get(night).is_none_or(|known| known.mark != mark)
            })
            .collect();
        updated.unchanged = nights.len()
            - stale.len()
            - updated.removed.iter().filter(|night| nights.contains(night)).count();
        self.index(archive, stale, tns, until, tell, &mut updated).await?;
        self.refresh(true).await?;
        if whole {
            self.clean().await?;
        }
        Ok(updated)
    }

    async fn index(
        &self,
        archive: &Archive,
        stale: Vec<(Night, Vec<ArchiveFile>)>,
        tns: &Arc<TnsCatalogue>,
        until: Option<Instant>,
        tell: &(dyn Fn(Progress) + Sync),
        updated: &mut Updated,
    ) -> Result<(), IndexError> {
        let mut progress = Progress { nights: stale.len(), ..Progress::default() };
        let mut written = SystemTime::now();
        tell(progress);
        for (night, files) in stale {
            if until.is_some_and(|until| Instant::now() > until) {
                updated.left += 1;
                continue;
            }
            match self.write_night(archive, night, &files, tns).await {
                Ok(alerts) => {
                    progress.alerts += alerts;
                    updated.indexed.insert(night, alerts);
                }
                Err(error @ IndexError::Store { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(%night, %error, "the night cannot be indexed");
                    updated.failed.insert(night, error.to_string());
                }
            }
            progress.done += 1;
            tell(progress);
            if written.elapsed().is_ok_and(|since| since > CATALOGUE_EVERY) {
                self.refresh(false).await?;
                written = SystemTime::now();
            }
        }
        Ok(())
    }

    async fn write_night(
        &self,
        archive: &Archive,
        night: Night,
        files: &[ArchiveFile],
        tns: &Arc<TnsCatalogue>,
    ) -> Result<u64, IndexError> {
        let indexed = index_night(archive, night, files, tns).await?;
        self.put(&indexed.entry.sample.path, PutPayload::from(indexed.sample)).await?;
        let text =
            serde_json::to_vec(&indexed.entry).map_err(|error| IndexError::Write(error.to_string()))?;
        self.put(&format!("nights/{night}.json"), PutPayload::from(text)).await?;
        tracing::info!(%night, alerts = indexed.entry.alerts, "indexed");
        Ok(indexed.entry.alerts)
    }

    /// Brings the catalogue up to the nights' entries, and on demand the bundles to the catalogue.
    pub(crate) async fn refresh(&self, bundles: bool) -> Result<Arc<Catalogue>, IndexError> {
        let mut catalogue = match self.read_catalogue().await {
            Ok((catalogue, _)) => catalogue,
            // It follows from the entries.
            Err(IndexError::Damaged { .. }) => Catalogue::default(),
            Err(error) => return Err(error),
        };
        for look in 0..LOOKS {
            let mut changed = self.follow_entries(&mut catalogue).await?;
            if bundles {
                changed |= self.follow_catalogue(&mut catalogue).await?;
            }
            if !changed && look > 0 {
                break;
            }
            if changed {
                self.write_catalogue(Arc::new(catalogue.clone())).await?;
            }
        }
        Ok(Arc::new(catalogue))
    }

    /// Takes over entries that are new or other than the catalogue says; tells whether there were any.
    async fn follow_entries(&self, catalogue: &mut Catalogue) -> Result<bool, IndexError> {
        let entries = self.list("nights").await?;
        let mut found: BTreeMap<Night, (String, String)> = BTreeMap::new();
        for object in entries {
            let name = object.location.filename().unwrap_or_default().to_owned();
            if let Some(Ok(night)) = name.strip_suffix(".json").map(str::parse) {
                found.insert(night, (format!("nights/{name}"), version(&object)));
            }
        }
        let before = catalogue.nights.len();
        catalogue.nights.retain(|night, _| found.contains_key(night));
        let mut changed = before != catalogue.nights.len();
        let other = |(night, (_, version)): &(Night, (String, String))| {
            catalogue.nights.get(night).is_none_or(|known| known.version != *version)
        };
        let wanted: Vec<(Night, (String, String))> = found.into_iter().filter(other).collect();
        let mut read = futures::stream::iter(wanted)
            .map(|(_, (name, version))| async move { (self.entry_at(&name).await, version) })
            .buffered(ENTRIES);
        while let Some((entry, version)) = read.next().await {
            match entry {
                Ok(Some((entry, etag))) => {
                    let version = if etag.is_empty() { version } else { etag };
                    catalogue.insert(entry, version)?;
                    changed = true;
                }
                Ok(None) => {}
                Err(error @ IndexError::Damaged { .. }) => tracing::warn!(%error, "passed over"),
                Err(error) => return Err(error),
            }
        }
        drop(read);
        // A bundle of samples that were replaced would tell of what is no more.
        let current = |known: &Bundle| bundle::name(catalogue, &known.nights) == known.object.path;
        let bundles = catalogue.bundles.iter().filter(|known| current(known)).cloned().collect();
        catalogue.bundles = bundles;
        catalogue.settle()?;
        Ok(changed)
    }

    /// Makes bundles that are missing; tells whether there were any.
    async fn follow_catalogue(&self, catalogue: &mut Catalogue) -> Result<bool, IndexError> {
        let groups = bundle::groups(catalogue);
        let wanted: BTreeSet<String> = groups.iter().map(|nights| bundle::name(catalogue, nights)).collect();
        let before = catalogue.bundles.len();
        catalogue.bundles.retain(|known| wanted.contains(&known.object.path));
        let mut changed = before != catalogue.bundles.len();
        for nights in groups {
            let name = bundle::name(catalogue, &nights);
            if catalogue.bundles.iter().any(|known| known.object.path == name) {
                continue;
            }
            match self.make_bundle(catalogue, &nights).await {
                Ok(made) => {
                    catalogue.bundles.push(made);
                    changed = true;
                }
                // A sample was replaced meanwhile; the nights' own samples serve until the next update.
                Err(error) if error.is_not_found() => tracing::info!(%error, "no bundle for now"),
                Err(error) => return Err(error),
            }
        }
        catalogue.settle()?;
        Ok(changed)
    }

    /// Deletes samples and bundles that nothing names any more.
    async fn clean(&self) -> Result<(), IndexError> {
        let (catalogue, _) = self.read_catalogue().await?;
        let samples = catalogue.nights.values().map(|night| &night.sample.path);
        let bundles = catalogue.bundles.iter().map(|bundle| &bundle.object.path);
        let used: BTreeSet<_> = samples.chain(bundles).map(|name| self.path(name)).collect();
        for folder in ["samples", "bundles"] {
            for object in self.list(folder).await? {
                let age = SystemTime::now().duration_since(object.last_modified.into()).unwrap_or_default();
                if age > GRACE && !used.contains(&object.location) {
                    match self.store().delete(&object.location).await {
                        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                        Err(source) => {
                            return Err(IndexError::Store { path: object.location.to_string(), source });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn list(&self, folder: &str) -> Result<Vec<ObjectMeta>, IndexError> {
        let path = self.path(folder);
        let failed = |source| IndexError::Store { path: path.to_string(), source };
        self.store().list(Some(&path)).try_collect().await.map_err(failed)
    }

    async fn delete(&self, name: &str) -> Result<(), IndexError> {
        let path = self.path(name);
        match self.store().delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(IndexError::Store { path: path.to_string(), source }),
        }
    }
}

fn version(object: &ObjectMeta) -> String {
    object
        .e_tag
        .clone()
        .unwrap_or_else(|| format!("{}-{}", object.last_modified.timestamp_micros(), object.size))
}
