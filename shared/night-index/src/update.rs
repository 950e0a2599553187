//! Builds what is missing of an index, and drops what is gone.
//!
//! Two may do so at once: entries and samples of the same files are the same, whoever writes them, and whoever has
//! written a catalogue looks again whether it tells of every entry. So the last one written does: an entry that was
//! not there when its writer looked again has a writer of its own who comes later.

use crate::{Bundle, Catalogue, CataloguedNight, Index, IndexError, bundle, mark, night::index_night};
use archive::{Archive, ArchiveFile};
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

/// Which bundles are brought up to date.
enum Within {
    All,
    MonthsOf(BTreeSet<Night>),
}

impl Within {
    fn includes(&self, nights: &[Night]) -> bool {
        let month = |night: &Night| (night.year(), night.month());
        match self {
            Self::All => true,
            Self::MonthsOf(changed) => {
                nights.first().is_some_and(|first| changed.iter().any(|night| month(night) == month(first)))
            }
        }
    }
}

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
    pub left: BTreeSet<Night>,
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
        let known = self.refresh(None, until).await?;
        let mut updated = Updated::default();
        let listed: Vec<(Night, Vec<ArchiveFile>)> = match nights {
            // An archive that seems empty is rather one that cannot be seen: nothing is forgotten for it.
            None => archive.all_files().await?.into_iter().collect(),
            Some(nights) => {
                futures::stream::iter(nights.iter().copied())
                    .map(|night| async move { Ok::<_, IndexError>((night, archive.files(night).await?)) })
                    .buffered(LISTINGS)
                    .try_collect()
                    .await?
            }
        };
        let nights: BTreeSet<Night> = listed.iter().map(|(night, _)| *night).collect();
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
        // Samples that are still there: one that was lost is drawn again.
        let there: Option<BTreeSet<String>> = match whole {
            true => {
                Some(self.list("samples").await?.iter().map(|object| object.location.to_string()).collect())
            }
            false => None,
        };
        let lost = |known: &CataloguedNight| {
            let path = self.path(&known.sample.path).to_string();
            known.sample.rows > 0 && there.as_ref().is_some_and(|there| !there.contains(&path))
        };
        let current = |night: &Night, files: &[ArchiveFile]| {
            let known = known.nights.get(night);
            known.is_some_and(|known| known.mark == mark::of_files(files) && !lost(known))
        };
        let stale: Vec<(Night, Vec<ArchiveFile>)> =
            listed.into_iter().filter(|(night, files)| !files.is_empty() && !current(night, files)).collect();
        let absent = nights.iter().filter(|night| !known.nights.contains_key(night)).count();
        let stale_and_known = stale.iter().filter(|(night, _)| known.nights.contains_key(night)).count();
        let gone = updated.removed.iter().filter(|night| nights.contains(night)).count();
        updated.unchanged = nights.len() - absent - stale_and_known - gone;
        self.index(archive, stale, tns, until, tell, &mut updated).await?;
        // Bundles of the months in question, or of all.
        let changed: BTreeSet<Night> = updated.indexed.keys().chain(&updated.removed).copied().collect();
        let within = if whole { Within::All } else { Within::MonthsOf(changed) };
        self.refresh(Some(&within), until).await?;
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
                updated.left.insert(night);
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
                self.refresh(None, None).await?;
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
        let mut files = files.to_vec();
        for _ in 0..LOOKS {
            let indexed = index_night(archive, night, &files, tns).await?;
            if indexed.entry.sample.rows > 0 {
                self.put(&indexed.entry.sample.path, PutPayload::from(indexed.sample)).await?;
            }
            let text =
                serde_json::to_vec(&indexed.entry).map_err(|error| IndexError::Write(error.to_string()))?;
            self.put(&format!("nights/{night}.json"), PutPayload::from(text)).await?;
            // A night that is being filled: a twin that saw more of it may have written before this.
            let now = archive.files(night).await?;
            if now.is_empty() {
                // It vanished meanwhile.
                self.delete(&format!("nights/{night}.json")).await?;
                return Ok(0);
            }
            if now == files {
                tracing::info!(%night, alerts = indexed.entry.alerts, "indexed");
                return Ok(indexed.entry.alerts);
            }
            files = now;
        }
        Err(IndexError::Unfit("its files change all the time".into()))
    }

    /// Brings the catalogue up to the nights' entries, and on demand the bundles to the catalogue.
    async fn refresh(
        &self,
        bundles: Option<&Within>,
        until: Option<Instant>,
    ) -> Result<Arc<Catalogue>, IndexError> {
        let mut catalogue = match self.read_catalogue().await {
            Ok((catalogue, _)) => catalogue,
            // It follows from the entries.
            Err(IndexError::Damaged { .. }) => Catalogue::default(),
            Err(error) => return Err(error),
        };
        for look in 0..LOOKS {
            let mut changed = self.follow_entries(&mut catalogue).await?;
            if changed {
                self.write_catalogue(Arc::new(catalogue.clone())).await?;
            }
            if let Some(within) = bundles {
                changed |= self.follow_catalogue(&mut catalogue, within, until).await?;
                if matches!(within, Within::All) && self.clean(&mut catalogue).await? {
                    self.write_catalogue(Arc::new(catalogue.clone())).await?;
                    changed = true;
                }
            }
            if !changed && look > 0 {
                break;
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
            .map(|(night, (name, version))| async move { (night, self.entry_at(&name).await, version) })
            .buffered(ENTRIES);
        while let Some((night, entry, version)) = read.next().await {
            match entry {
                Ok(Some((entry, _))) if !entry.is_sound(night) => {
                    tracing::warn!(%night, "an entry that contradicts itself is passed over");
                }
                Ok(Some((entry, etag))) => {
                    let version = if etag.is_empty() { version } else { etag };
                    match catalogue.insert(entry, version) {
                        Ok(()) => changed = true,
                        Err(error) => tracing::warn!(%night, %error, "an entry is passed over"),
                    }
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

    /// Makes bundles that are missing, each told of at once; tells whether there were any.
    async fn follow_catalogue(
        &self,
        catalogue: &mut Catalogue,
        within: &Within,
        until: Option<Instant>,
    ) -> Result<bool, IndexError> {
        let mut changed = false;
        for nights in bundle::groups(catalogue) {
            let name = bundle::name(catalogue, &nights);
            let made = catalogue.bundles.iter().any(|known| known.object.path == name);
            if made || !within.includes(&nights) || until.is_some_and(|until| Instant::now() > until) {
                continue;
            }
            match self.make_bundle(catalogue, &nights).await {
                Ok(made) => {
                    catalogue
                        .bundles
                        .retain(|known| !known.nights.iter().any(|night| nights.contains(night)));
                    catalogue.bundles.push(made);
                    catalogue.settle()?;
                    self.write_catalogue(Arc::new(catalogue.clone())).await?;
                    changed = true;
                }
                Err(error @ IndexError::Store { .. }) if !error.is_not_found() => return Err(error),
                // A sample is gone or damaged: the others serve, and the night is indexed anew.
                Err(error) => {
                    tracing::warn!(%error, "no bundle for now");
                    self.forget_lost(catalogue, &nights).await?;
                }
            }
        }
        Ok(changed)
    }

    /// Forgets nights whose samples cannot be opened, so that they are indexed anew.
    async fn forget_lost(&self, catalogue: &Catalogue, nights: &[Night]) -> Result<(), IndexError> {
        for night in nights {
            let Some(known) = catalogue.nights.get(night) else { continue };
            match self.open(&known.sample).await {
                Err(error) if error.is_not_found() || !error.kind().is_worth_retrying() => {
                    self.delete(&format!("nights/{night}.json")).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Deletes samples and bundles that nothing has named for a while; tells whether the catalogue has to remember more.
    async fn clean(&self, catalogue: &mut Catalogue) -> Result<bool, IndexError> {
        let samples = catalogue.nights.values().map(|night| night.sample.path.clone());
        let bundles = catalogue.bundles.iter().map(|bundle| bundle.object.path.clone());
        let used: BTreeSet<String> = samples.chain(bundles).collect();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let before = std::mem::take(&mut catalogue.retired);
        for folder in ["samples", "bundles"] {
            for object in self.list(folder).await? {
                let name = format!("{folder}/{}", object.location.filename().unwrap_or_default());
                if used.contains(&name) {
                    continue;
                }
                let since = before.get(&name).copied().unwrap_or(now);
                if now.saturating_sub(since) > GRACE.as_secs() {
                    self.delete(&name).await?;
                } else {
                    catalogue.retired.insert(name, since);
                }
            }
        }
        Ok(catalogue.retired != before)
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
