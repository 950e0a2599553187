//! Nights onto disk.

use crate::{alert::Alert, chance::Chance, columns, era, stamps::Stamps};
use archive::ArchiveError;
use arrow::error::ArrowError;
use job::Night;
use parquet::{
    arrow::ArrowWriter, basic::Compression, errors::ParquetError, file::properties::WriterProperties,
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// Alerts of a file with images: about 128 MB, as Spark writes them.
const ROWS_WITH_CUTOUTS: u64 = 3_000;
/// Alerts of a file without.
const ROWS_WITHOUT: u64 = 25_000;
/// Alerts that are in memory as columns at once.
const BATCH_ROWS: u64 = 500;

/// What to write.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The nights.
    pub nights: Vec<Night>,
    /// Alerts in each of them.
    pub alerts_per_night: u64,
    /// The same seed makes the same alerts.
    pub seed: u64,
    /// With images; without them the cutouts' `stampData` is null.
    pub cutouts: bool,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Alerts.
    pub alerts: u64,
    /// Bytes of Parquet.
    pub bytes: u64,
}

/// Why nights could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A file cannot be written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// Parquet could not be written.
    #[error("{path}: {source}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The writer's own words.
        source: ParquetError,
    },
    /// The columns could not be made: a fault of ours.
    #[error("sample columns: {0}")]
    Columns(#[from] ArrowError),
    /// The sample schemas cannot be read: a fault of ours.
    #[error(transparent)]
    Schema(#[from] ArchiveError),
}

/// One file to write.
struct Part {
    night: Night,
    first: u64,
    rows: u64,
}

impl Simulation {
    /// Writes `<root>/science/year=…/month=…/day=…/part-….parquet` on all cores and tells how many alerts are written.
    pub fn write(&self, root: &Path, progress: &(dyn Fn(u64) + Sync)) -> Result<Written, SimulateError> {
        let seed = Chance::new(self.seed);
        let failed = |source| SimulateError::File { path: root.to_owned(), source };
        let stamps = if self.cutouts { Some(Stamps::new(seed).map_err(failed)?) } else { None };
        let parts = self.parts();
        let (next, alerts, bytes) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let failure: Mutex<Option<SimulateError>> = Mutex::new(None);
        let work = || {
            while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                let counted = |rows| progress(alerts.fetch_add(rows, Ordering::Relaxed) + rows);
                match self.part(root, seed, part, stamps.as_ref(), &counted) {
                    Ok(size) => drop(bytes.fetch_add(size, Ordering::Relaxed)),
                    Err(error) => {
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        return;
                    }
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(parts.len());
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(Written { alerts: alerts.into_inner(), bytes: bytes.into_inner() }),
        }
    }

    fn parts(&self) -> Vec<Part> {
        let most = if self.cutouts { ROWS_WITH_CUTOUTS } else { ROWS_WITHOUT };
        let firsts = (0..self.alerts_per_night).step_by(most as usize);
        let of_night = |night: &Night| {
            let night = *night;
            firsts.clone().map(move |first| Part {
                night,
                first,
                rows: most.min(self.alerts_per_night - first),
            })
        };
        self.nights.iter().flat_map(of_night).collect()
    }

    /// Writes a file beside its place and renames it, so that a half-written one is never seen.
    fn part(
        &self,
        root: &Path,
        seed: Chance,
        part: &Part,
        stamps: Option<&Stamps>,
        counted: &dyn Fn(u64),
    ) -> Result<u64, SimulateError> {
        let night = part.night;
        let folder = root.join(format!(
            "science/year={:04}/month={:02}/day={:02}",
            night.year(),
            night.month(),
            night.day()
        ));
        let mark = seed.at(part.first).of(&night.to_string()).bits() >> 32;
        let path =
            folder.join(format!("part-{:05}-{mark:08x}.c000.snappy.parquet", part.first / ROWS_WITH_CUTOUTS));
        let unfinished = folder.join(format!(".{mark:08x}.unfinished"));
        let file_failed = |source| SimulateError::File { path: path.clone(), source };
        let parquet_failed = |source| SimulateError::Parquet { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(file_failed)?;

        let schema = era::schema_of(night)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(part.rows.max(1) as usize))
            .build();
        let file = File::create(&unfinished).map_err(file_failed)?;
        let mut writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(parquet_failed)?;
        for first in (part.first..part.first + part.rows).step_by(BATCH_ROWS as usize) {
            let end = (first + BATCH_ROWS).min(part.first + part.rows);
            let alerts: Vec<Alert> =
                (first..end).map(|row| Alert::draw(seed, night, row, self.alerts_per_night)).collect();
            writer.write(&columns::batch(&schema, &alerts, stamps)?).map_err(parquet_failed)?;
            counted(end - first);
        }
        writer.close().map_err(parquet_failed)?;
        fs::rename(&unfinished, &path).map_err(file_failed)?;
        Ok(fs::metadata(&path).map_err(file_failed)?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::Archive;

    fn simulation(seed: u64, cutouts: bool) -> Simulation {
        let nights = ["2020-08-02", "2026-03-22"].map(|night| night.parse().unwrap()).to_vec();
        Simulation { nights, alerts_per_night: 40, seed, cutouts }
    }

    fn files(root: &Path) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for night in ["year=2020/month=08/day=02", "year=2026/month=03/day=22"] {
            for file in fs::read_dir(root.join("science").join(night)).unwrap() {
                found.push(fs::read(file.unwrap().path()).unwrap());
            }
        }
        found
    }

    #[test]
    fn the_same_seed_makes_the_same_files() {
        let folders: Vec<_> = [1, 1, 2]
            .map(|seed| {
                let folder = tempfile::tempdir().unwrap();
                let written = simulation(seed, true).write(folder.path(), &|_| {}).unwrap();
                assert_eq!(written.alerts, 80);
                folder
            })
            .into();
        assert_eq!(files(folders[0].path()), files(folders[1].path()));
        assert_ne!(files(folders[0].path()), files(folders[2].path()));
    }

    #[tokio::test]
    async fn nights_have_the_columns_of_their_time() {
        let folder = tempfile::tempdir().unwrap();
        simulation(1, false).write(folder.path(), &|_| {}).unwrap();
        let archive = Archive::open(folder.path().to_str().unwrap()).unwrap();
        let mut widths = Vec::new();
        for night in archive.nights().await.unwrap() {
            let file = &archive.files(night).await.unwrap()[0];
            let opened = archive.open_file(file).await.unwrap();
            assert_eq!(opened.rows(), 40);
            widths.push(opened.schema().fields().len());
        }
        assert_eq!(widths, [21, 58]);
    }
}
