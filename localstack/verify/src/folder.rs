//! A downloaded folder: its files, and the alerts in them.

use crate::identity::{Identity, night_number, nights};
use crate::topic::{columns, columns_of, indices};
use crate::{Meter, VerifyError};
use arrow::array::RecordBatch;
use download::avro::{Container, Decoder};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a foreign alert's night is told by.
const NIGHT: [&str; 3] = ["year", "month", "day"];

/// An alert in the folder: 16 bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) mark: u64,
    pub(crate) file: u32,
    /// `YYYYMMDD`; 0 if the file does not tell.
    pub(crate) night: u32,
}

/// What a folder holds.
pub(crate) struct Folder {
    /// Its alerts, sorted by mark, then by file.
    pub(crate) alerts: Vec<Kept>,
    /// The files that were read, as they are called within the folder.
    pub(crate) names: Vec<String>,
    pub(crate) paths: Vec<PathBuf>,
    /// Files that cannot be read or compared, with the reason.
    pub(crate) unreadable: Vec<String>,
    /// Files that are neither Parquet nor Avro.
    pub(crate) others: usize,
    /// Whether the nights come from the alerts themselves, not from folders' names that are dates.
    pub(crate) nights_are_told: bool,
}

/// The files of a folder, in order.
pub(crate) struct Files {
    outdir: PathBuf,
    paths: Vec<PathBuf>,
    others: usize,
}

impl Files {
    /// Lists the files that readers of the data set see.
    pub(crate) fn list(outdir: &Path) -> Result<Self, VerifyError> {
        let mut files = Self { outdir: outdir.to_owned(), paths: Vec::new(), others: 0 };
        let mut folders = vec![outdir.to_owned()];
        while let Some(folder) = folders.pop() {
            let failed = |source| VerifyError::Folder { path: folder.clone(), source };
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with(['.', '_']) {
                    continue;
                }
                match path.extension().and_then(|ending| ending.to_str()) {
                    _ if path.is_dir() => folders.push(path),
                    Some("parquet" | "avro") => files.paths.push(path),
                    _ => files.others += 1,
                }
            }
        }
        files.paths.sort();
        Ok(files)
    }

    /// About how many alerts there are: as the footers of Parquet files say.
    pub(crate) fn rows(&self) -> u64 {
        let rows = |path: &PathBuf| {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).ok()?).ok()?;
            u64::try_from(reader.metadata().file_metadata().num_rows()).ok()
        };
        self.paths.iter().filter(|path| !is_avro(path)).filter_map(rows).sum()
    }

    /// The best that the first readable file allows.
    pub(crate) fn identity(&mut self) -> Identity {
        let columns = self.paths.iter().find_map(|path| match is_avro(path) {
            true => Container::open(path).ok().map(|container| columns(container.schema())),
            false => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).ok()?).ok()?;
                Some(columns_of(reader.schema()))
            }
        });
        Identity::of_columns(&columns.unwrap_or_default())
    }

    /// Reads all files, as many at once as there are threads.
    pub(crate) fn read(
        self,
        threads: NonZeroUsize,
        identity: Identity,
        meter: &Meter<'_>,
    ) -> Result<Folder, VerifyError> {
        let next = AtomicUsize::new(0);
        let unreadable = Mutex::new(Vec::new());
        let untold = AtomicUsize::new(0);
        let read = &|| {
            let mut alerts = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(path) = self.paths.get(index) else { return alerts };
                let before = alerts.len();
                let file = FileRead { path, number: index as u32, night: night_of_path(path), identity };
                let outcome = file.read(&mut |batch| {
                    let told = file.take(batch, &mut alerts)?;
                    untold.fetch_add(usize::from(!told), Ordering::Relaxed);
                    meter.add(batch.num_rows() as u64);
                    Ok(())
                });
                if let Err(reason) = outcome {
                    // Half of a file is none: what is lost shows as missing.
                    alerts.truncate(before);
                    let mut unreadable = unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                    unreadable.push(format!("{}: {reason}", self.name(path)));
                }
            }
        };
        let parts = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads.get()).map(|_| scope.spawn(read)).collect();
            let panicked = |_| VerifyError::Bug("a thread panicked".to_owned());
            threads.into_iter().map(|thread| thread.join().map_err(panicked)).collect::<Result<Vec<_>, _>>()
        })?;
        let mut alerts = parts.concat();
        alerts.sort_unstable_by_key(|alert| (alert.mark, alert.file));
        let mut unreadable = unreadable.into_inner().unwrap_or_else(PoisonError::into_inner);
        unreadable.sort();
        Ok(Folder {
            alerts,
            names: self.paths.iter().map(|path| self.name(path)).collect(),
            unreadable,
            others: self.others,
            nights_are_told: untold.into_inner() == 0,
            paths: self.paths,
        })
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.outdir).unwrap_or(path).display().to_string()
    }
}

/// A file that is being read.
struct FileRead<'a> {
    path: &'a Path,
    number: u32,
    /// The night of its folder's name.
    night: u32,
    identity: Identity,
}

impl FileRead<'_> {
    fn read(&self, take: &mut dyn FnMut(&RecordBatch) -> Result<(), String>) -> Result<(), String> {
        let names: Vec<&str> = self.identity.columns().iter().chain(&NIGHT).copied().collect();
        batches(self.path, &names, take)
    }

    /// Adds a batch's alerts; whether they tell their nights themselves.
    fn take(&self, batch: &RecordBatch, alerts: &mut Vec<Kept>) -> Result<bool, String> {
        let marks = self.identity.marks(batch).map_err(|error| error.to_string())?;
        let marks = marks.ok_or_else(|| format!("it has no {}", self.identity.words()))?;
        let told = nights(batch).map_err(|error| error.to_string())?;
        let is_told = told.is_some();
        let nights = told.unwrap_or_else(|| vec![self.night; marks.len()]);
        let file = self.number;
        alerts.extend(marks.into_iter().zip(nights).map(|(mark, night)| Kept { mark, file, night }));
        Ok(is_told)
    }
}

/// Reads some columns of a file; those it lacks are left out.
pub(crate) fn batches(
    path: &Path,
    names: &[&str],
    take: &mut dyn FnMut(&RecordBatch) -> Result<(), String>,
) -> Result<(), String> {
    if is_avro(path) { avro_batches(path, names, take) } else { parquet_batches(path, names, take) }
}

fn parquet_batches(
    path: &Path,
    names: &[&str],
    take: &mut dyn FnMut(&RecordBatch) -> Result<(), String>,
) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| error.to_string())?;
    // Of the candidate only its time is ever asked for.
    let leaves: BTreeSet<&str> =
        names.iter().map(|name| if *name == "candidate" { "candidate.jd" } else { name }).collect();
    let mask = ProjectionMask::columns(builder.parquet_schema(), leaves);
    let reader = builder.with_projection(mask).with_batch_size(1 << 16).build();
    for batch in reader.map_err(|error| error.to_string())? {
        take(&batch.map_err(|error| error.to_string())?)?;
    }
    Ok(())
}

fn avro_batches(
    path: &Path,
    names: &[&str],
    take: &mut dyn FnMut(&RecordBatch) -> Result<(), String>,
) -> Result<(), String> {
    let mut container = Container::open(path).map_err(|error| error.to_string())?;
    let mut decoder = Decoder::of_columns(container.schema(), &indices(container.schema(), names));
    while let Some((alerts, block)) = container.next_block().map_err(|error| error.to_string())? {
        let mut rest = block.as_slice();
        for _ in 0..alerts {
            decoder.add_first(&mut rest)?;
            if decoder.is_full() {
                take(&decoder.take().map_err(|error| error.to_string())?)?;
            }
        }
        if !rest.is_empty() {
            return Err(format!("{} bytes after the last alert of a block", rest.len()));
        }
    }
    take(&decoder.take().map_err(|error| error.to_string())?)
}

fn is_avro(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "avro")
}

/// The date in the folders' names, `year=…/month=…/day=…`.
fn night_of_path(path: &Path) -> u32 {
    let number = |name: &str| {
        let value = |part: std::path::Component<'_>| {
            part.as_os_str().to_str()?.strip_prefix(name)?.strip_prefix('=')?.parse::<i32>().ok()
        };
        path.components().rev().find_map(value)
    };
    match (number("year"), number("month"), number("day")) {
        (Some(year), Some(month), Some(day)) => night_number(year, month, day),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_folder_is_read_with_and_without_zeros() {
        for path in ["out/year=2026/month=03/day=02/a.parquet", "out/year=2026/month=3/day=2/b.avro"] {
            assert_eq!(night_of_path(Path::new(path)), 20_260_302);
        }
        for path in ["out/a.parquet", "out/year=2026/a.parquet", "out/year=x/month=1/day=1/a.parquet"] {
            assert_eq!(night_of_path(Path::new(path)), 0);
        }
    }
}
