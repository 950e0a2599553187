//! An archive of one night and one file, whose bytes are replaced again and again.

use archive::{Archive, LeafSet, OpenFile, RowFilter, RowGroupScan, ScanPlan};
use arrow::{
    array::{BooleanArray, RecordBatch},
    compute::concat_batches,
};
use job::FieldPath;
use std::{error::Error, path::PathBuf};
use tokio::runtime::Runtime;

/// The archive and what reads it.
pub struct Folder {
    pub archive: Archive,
    pub runtime: Runtime,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Result<Self, String> {
        let told = |error: std::io::Error| error.to_string();
        // In memory where there is such a place.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).map_err(told)?;
        let night = folder.path().join("science/year=2026/month=03/day=22");
        std::fs::create_dir_all(&night).map_err(told)?;
        let location = folder.path().to_string_lossy();
        let archive = Archive::open(&location).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(told)?;
        Ok(Self { archive, runtime, file: night.join("part.parquet"), _folder: folder })
    }

    /// Puts the night's file in place.
    pub fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        std::fs::write(&self.file, bytes)
    }

    /// The night's file, opened as the service opens it.
    pub fn open(&self, bytes: &[u8]) -> Result<OpenFile, Box<dyn Error>> {
        self.write(bytes)?;
        self.runtime.block_on(async {
            let nights = self.archive.nights().await?;
            let night = nights.first().ok_or("no night")?;
            let files = self.archive.files(*night).await?;
            Ok(self.archive.open_file(files.first().ok_or("no file")?).await?)
        })
    }

    /// Scans every row group as a task does: fetched on the runtime, decoded on a thread of its own.
    pub fn scan(
        &self,
        file: &OpenFile,
        plan: &ScanPlan,
        filter: &mut dyn RowFilter,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), archive::ArchiveError>,
    ) -> Result<(), Box<dyn Error>> {
        let _inside = self.runtime.enter();
        for row_group in 0..file.row_groups() {
            let scan = self.runtime.block_on(RowGroupScan::prepare(file, row_group, plan))?;
            scan.run(filter, receive)?;
        }
        Ok(())
    }

    /// All of a sound file.
    pub fn read(&self, bytes: &[u8]) -> Result<RecordBatch, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let file = self.open(bytes).map_err(|error| told(&error))?;
        let schema = file.schema().clone();
        let roots: Vec<FieldPath> =
            schema.fields().iter().map(|field| FieldPath::new([field.name()])).collect();
        let all = LeafSet::new(&schema, roots);
        let plan = ScanPlan::new(&schema, all.clone(), all, false);
        let mut batches = Vec::new();
        let mut receive = |batch| {
            batches.push(batch);
            Ok(())
        };
        self.scan(&file, &plan, &mut Everything, &mut receive).map_err(|error| told(&error))?;
        concat_batches(&schema, &batches).map_err(|error| told(&error))
    }
}

/// The sample night's file.
pub fn sample() -> Result<Vec<u8>, String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/parquet/sample.parquet");
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A filter that keeps every row.
struct Everything;

impl RowFilter for Everything {
    fn keep(&mut self, batch: &RecordBatch) -> Result<BooleanArray, Box<dyn Error + Send + Sync>> {
        Ok(BooleanArray::from(vec![true; batch.num_rows()]))
    }
}
