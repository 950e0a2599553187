//! Which nights an archive has, and which files a night.

use crate::{ArchiveError, buffers::Buffers, shapes::Shapes};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use job::Night;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use url::Url;

/// How many listings are under way at once.
const LISTINGS: usize = 16;
/// Files that are read from a disk at once: enough for a disk to be busy, and not so many that the bytes that are wanted
/// first come last.
const READS: usize = 4;

/// An archive: `<root>/science/year=YYYY/month=MM/day=DD/*.parquet` (CONTRACT §1).
#[derive(Clone, Debug)]
pub struct Archive {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// What its files are read into.
    pub(crate) buffers: Arc<Buffers>,
    /// Reads of a disk wait for one another here, in the order in which they were asked for.
    pub(crate) reads: Arc<Semaphore>,
    root: Path,
    location: String,
    listed: Arc<Mutex<Option<Listed>>>,
    pub(crate) shapes: Shapes,
}

/// The nights, and when they were listed.
type Listed = (Instant, Vec<Night>);

/// A Parquet file of a night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFile {
    /// Where it is in the store.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its version, where the store knows one.
    pub etag: Option<String>,
}

impl Archive {
    /// Opens an archive by folder or URL (`s3://bucket/prefix`, `file:///…`). For S3, region, endpoint and
    /// credentials come from the environment (`AWS_…`); an endpoint that is named as `http://…` is reached so.
    pub fn open(location: &str) -> Result<Self, ArchiveError> {
        let wrong = |reason: String| ArchiveError::Location { location: location.to_owned(), reason };
        let url = match Url::parse(location) {
            Ok(url) if url.scheme().len() > 1 => url,
            _ => {
                let folder = std::fs::canonicalize(location).map_err(|error| wrong(error.to_string()))?;
                Url::from_directory_path(&folder).map_err(|()| wrong("not an absolute folder".into()))?
            }
        };
        let (store, root) = store_of(&url).map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            store,
            root,
            location: location.to_owned(),
            buffers: Arc::default(),
            reads: Arc::new(Semaphore::new(READS)),
            listed: Arc::default(),
            shapes: Shapes::default(),
        })
    }

    /// Parquet files elsewhere, read with the same care: nights are not looked for there.
    pub fn of_store(store: Arc<dyn ObjectStore>, location: &str) -> Self {
        Self {
            store,
            root: Path::default(),
            location: location.to_owned(),
            buffers: Arc::default(),
            reads: Arc::new(Semaphore::new(READS)),
            listed: Arc::default(),
            shapes: Shapes::default(),
        }
    }

    /// The location as it was given.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Every night that has a partition, in order of time.
    pub async fn nights(&self) -> Result<Vec<Night>, ArchiveError> {
        let nights: Vec<Night> = self.partitions().await?.into_keys().collect();
        if nights.is_empty() {
            return Err(ArchiveError::Empty { location: self.location.clone() });
        }
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), nights.clone()));
        Ok(nights)
    }

    /// The same, or what it was at most `age` ago.
    pub async fn nights_within(&self, age: Duration) -> Result<Vec<Night>, ArchiveError> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match listed {
            Some((at, nights)) if at.elapsed() < age => Ok(nights),
            _ => self.nights().await,
        }
    }

    /// The Parquet files of a night in order of their paths: none when the archive lacks the night.
    pub async fn files(&self, night: Night) -> Result<Vec<ArchiveFile>, ArchiveError> {
        let mut files = Vec::new();
        for folder in self.spellings(night) {
            let listed = self.store.list_with_delimiter(Some(&folder)).await;
            let objects = match listed {
                Ok(listing) => listing.objects,
                Err(object_store::Error::NotFound { .. }) => continue,
                Err(error) => return Err(ArchiveError::store(&folder, error)),
            };
            files.extend(objects.into_iter().filter_map(alert_file));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The Parquet files of each of some nights of one month, with far fewer requests than night by night.
    pub async fn files_of_month(
        &self,
        nights: &[Night],
    ) -> Result<Vec<(Night, Vec<ArchiveFile>)>, ArchiveError> {
        let mut found: Vec<(Night, Vec<ArchiveFile>)> =
            nights.iter().map(|night| (*night, Vec::new())).collect();
        let mut months: Vec<Path> = nights.iter().flat_map(|night| self.months(*night)).collect();
        months.sort();
        months.dedup();
        for month in months {
            let mut objects = self.store.list(Some(&month));
            while let Some(object) = objects.next().await {
                let object = match object {
                    Ok(object) => object,
                    Err(object_store::Error::NotFound { .. }) => break,
                    Err(error) => return Err(ArchiveError::store(&month, error)),
                };
                if let Some((night, file)) = self.file_of_night(object)
                    && let Some((_, files)) = found.iter_mut().find(|(wanted, _)| *wanted == night)
                {
                    files.push(file);
                }
            }
        }
        found.iter_mut().for_each(|(_, files)| files.sort_by(|a, b| a.path.cmp(&b.path)));
        Ok(found)
    }

    /// The folder of a night's month, zero-padded or not.
    fn months(&self, night: Night) -> [Path; 2] {
        let year = self.science().join(format!("year={}", night.year()));
        [format!("{:02}", night.month()), night.month().to_string()]
            .map(|month| year.clone().join(format!("month={month}")))
    }

    /// An alert file that lies in a night's folder itself: those have no folders of their own.
    fn file_of_night(&self, object: ObjectMeta) -> Option<(Night, ArchiveFile)> {
        let folders = object.location.prefix_match(&self.science()).map(Iterator::count);
        let night = night_of(&object.location).filter(|_| folders == Some(4))?;
        alert_file(object).map(|file| (night, file))
    }

    /// The Parquet files of all nights, with far fewer requests than night by night.
    pub async fn all_files(&self) -> Result<BTreeMap<Night, Vec<ArchiveFile>>, ArchiveError> {
        let months = self.below(self.folders(self.science(), "year").await?, "month").await?;
        let listed: Vec<Vec<ObjectMeta>> = futures::stream::iter(months)
            .map(|(month, _)| async move {
                let objects: Result<Vec<ObjectMeta>, _> = self.store.list(Some(&month)).try_collect().await;
                objects.map_err(|error| ArchiveError::store(&month, error))
            })
            .buffer_unordered(LISTINGS)
            .try_collect()
            .await?;
        let mut nights: BTreeMap<Night, Vec<ArchiveFile>> = BTreeMap::new();
        for object in listed.into_iter().flatten() {
            if let Some((night, file)) = self.file_of_night(object) {
                nights.entry(night).or_default().push(file);
            }
        }
        nights.values_mut().for_each(|files| files.sort_by(|a, b| a.path.cmp(&b.path)));
        match nights.is_empty() {
            true => Err(ArchiveError::Empty { location: self.location.clone() }),
            false => Ok(nights),
        }
    }

    /// A night's folder may be zero-padded or not; where both exist, both belong to the night.
    fn spellings(&self, night: Night) -> Vec<Path> {
        let (year, month, day) = (night.year(), night.month(), night.day());
        let mut folders = Vec::new();
        for month in [format!("{month:02}"), month.to_string()] {
            for day in [format!("{day:02}"), day.to_string()] {
                let folder = self.science().join(format!("year={year}"));
                let folder = folder.join(format!("month={month}")).join(format!("day={day}"));
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
        }
        folders
    }

    pub(crate) fn science(&self) -> Path {
        self.root.clone().join("science")
    }

    async fn partitions(&self) -> Result<BTreeMap<Night, ()>, ArchiveError> {
        let years = self.folders(self.science(), "year").await?;
        let months = self.below(years, "month").await?;
        let days = self.below(months, "day").await?;
        Ok(days.into_iter().filter_map(|(path, _)| night_of(&path)).map(|night| (night, ())).collect())
    }

    async fn below(&self, parents: Vec<(Path, u32)>, key: &str) -> Result<Vec<(Path, u32)>, ArchiveError> {
        let found: Vec<Vec<(Path, u32)>> = futures::stream::iter(parents)
            .map(|(parent, _)| self.folders(parent, key))
            .buffer_unordered(LISTINGS)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn folders(&self, parent: Path, key: &str) -> Result<Vec<(Path, u32)>, ArchiveError> {
        let listing = match self.store.list_with_delimiter(Some(&parent)).await {
            Ok(listing) => listing,
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(ArchiveError::store(&parent, error)),
        };
        let numbered = |path: Path| partition_value(path.filename()?, key).map(|value| (path.clone(), value));
        Ok(listing.common_prefixes.into_iter().filter_map(numbered).collect())
    }

    /// Size and version of a file as it is now.
    pub(crate) async fn head(&self, path: &str) -> Result<ArchiveFile, ArchiveError> {
        let location = crate::bytes_source::location_of(path);
        let meta = self.store.head(&location).await.map_err(|error| ArchiveError::store(&location, error))?;
        Ok(ArchiveFile { path: path.to_owned(), size: meta.size, etag: meta.e_tag })
    }
}

/// The store that a URL names, and the path in it. Region, endpoint and credentials come from the environment.
pub(crate) fn store_of(url: &Url) -> Result<(Arc<dyn ObjectStore>, Path), object_store::Error> {
    let environment = std::env::vars()
        .filter_map(|(key, value)| key.starts_with("AWS_").then(|| (key.to_ascii_lowercase(), value)));
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap_or_default();
    let plain_http =
        endpoint.starts_with("http://").then(|| ("aws_allow_http".to_owned(), "true".to_owned()));
    let (store, root) = object_store::parse_url_opts(url, environment.chain(plain_http))?;
    Ok((Arc::from(store), root))
}

/// A bucket of S3 by its name.
pub fn open_bucket(name: &str) -> Result<Arc<dyn ObjectStore>, ArchiveError> {
    let wrong = |reason: String| ArchiveError::Location { location: name.to_owned(), reason };
    let url = Url::parse(&format!("s3://{name}/")).map_err(|error| wrong(error.to_string()))?;
    store_of(&url).map(|(store, _)| store).map_err(|error| wrong(error.to_string()))
}

/// One object, whole, if it has at most so many bytes.
pub async fn fetch_object(url: &str, at_most: u64) -> Result<Bytes, ArchiveError> {
    let wrong = |reason: String| ArchiveError::Location { location: url.to_owned(), reason };
    let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    let (store, path) = store_of(&parsed).map_err(|error| wrong(error.to_string()))?;
    let found = store.get(&path).await.map_err(|error| ArchiveError::store(&path, error))?;
    if found.meta.size > at_most {
        return Err(wrong(format!("it has {} bytes, more than {at_most}", found.meta.size)));
    }
    found.bytes().await.map_err(|error| ArchiveError::store(&path, error))
}

/// The night of an alert file by its path, if it is one: what an event of the store names.
pub fn night_of_file(path: &str) -> Option<Night> {
    let path = Path::from(path);
    is_alert_file(&path).then(|| night_of(&path)).flatten()
}

fn alert_file(object: ObjectMeta) -> Option<ArchiveFile> {
    let file = |object: ObjectMeta| ArchiveFile {
        path: object.location.to_string(),
        size: object.size,
        etag: object.e_tag,
    };
    is_alert_file(&object.location).then(|| file(object))
}

fn is_alert_file(path: &Path) -> bool {
    path.filename().is_some_and(|name| name.ends_with(".parquet") && !name.starts_with(['_', '.']))
}

fn partition_value(folder: &str, key: &str) -> Option<u32> {
    folder.strip_prefix(key)?.strip_prefix('=')?.parse().ok()
}

fn night_of(path: &Path) -> Option<Night> {
    let mut values = [None; 3];
    for part in path.parts() {
        for (value, key) in values.iter_mut().zip(["year", "month", "day"]) {
            *value = partition_value(part.as_ref(), key).or(*value);
        }
    }
    let [year, month, day] = values;
    Night::from_ymd(i32::try_from(year?).ok()?, month?, day?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive_with(paths: &[&str]) -> (tempfile::TempDir, Archive) {
        let folder = tempfile::tempdir().unwrap();
        for path in paths {
            let file = folder.path().join("science").join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, b"not looked at").unwrap();
        }
        let archive = Archive::open(folder.path().to_str().unwrap()).unwrap();
        (folder, archive)
    }

    #[tokio::test]
    async fn padded_and_unpadded_partitions_are_the_same_night() {
        let (_folder, archive) = archive_with(&[
            "year=2023/month=1/day=7/b.parquet",
            "year=2023/month=01/day=07/a.parquet",
            "year=2023/month=01/day=07/_SUCCESS",
            "year=2023/month=01/day=07/.a.parquet.crc",
            "year=2024/month=12/day=31/c.parquet",
            "year=2024/month=13/day=01/no-such-month.parquet",
        ]);
        let nights = archive.nights().await.unwrap();
        assert_eq!(nights.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2023-01-07", "2024-12-31"]);
        let files = archive.files(nights[0]).await.unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.path.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.parquet", "b.parquet"]);
        assert!(files.iter().all(|file| file.size == 13 && file.etag.is_some()));
        let all = archive.all_files().await.unwrap();
        assert_eq!(all.keys().copied().collect::<Vec<_>>(), nights);
        assert_eq!(all[&nights[0]], files);
        let lacking = "2023-01-08".parse().unwrap();
        let of_month = archive.files_of_month(&[nights[0], lacking]).await.unwrap();
        assert_eq!(of_month, [(nights[0], files), (lacking, vec![])]);
    }

    #[tokio::test]
    async fn an_archive_that_is_not_there_says_so() {
        let error = Archive::open("/no/such/folder").unwrap_err().to_string();
        assert!(error.contains("/no/such/folder"), "{error}");
        let (_folder, archive) = archive_with(&[]);
        assert!(matches!(archive.nights().await, Err(ArchiveError::Empty { .. })));
    }
}
