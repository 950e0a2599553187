//! The Parquet files that one thread has open.
//!
//! Alerts wait as Arrow arrays until they make a row group, which is then encoded at once. An encoder with its pages and
//! dictionaries is much larger than the alerts of a small class: with one at a time the memory does not grow with the
//! number of folders.

use crate::DownloadError;
use crate::journal::Completed;
use crate::state::Arrival;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Rows of a row group, about.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// Bytes of a row group in memory, about.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Files open at a time: with more folders than that, those there are get completed early.
const MAX_OPEN: usize = 200;

/// The files one thread has open, one a folder.
pub(crate) struct OpenFiles {
    staging: PathBuf,
    schema: SchemaRef,
    properties: WriterProperties,
    /// Memory that alerts may take while they wait.
    memory_bytes: usize,
    open: BTreeMap<String, OpenFile>,
    alerts: u64,
}

struct OpenFile {
    name: String,
    path: PathBuf,
    writer: ArrowWriter<File>,
    /// Alerts of the next row group.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
}

impl OpenFiles {
    pub(crate) fn new(
        staging: &Path,
        schema: &SchemaRef,
        memory_bytes: usize,
    ) -> Result<Self, DownloadError> {
        let properties = properties(schema).map_err(|error| DownloadError::Bug(error.to_string()))?;
        Ok(Self {
            staging: staging.to_owned(),
            schema: schema.clone(),
            properties,
            memory_bytes,
            open: BTreeMap::new(),
            alerts: 0,
        })
    }

    /// Adds alerts to the folder's file; `name` is that of a new one.
    pub(crate) fn write(
        &mut self,
        folder: String,
        name: impl FnOnce() -> String,
        alerts: RecordBatch,
    ) -> Result<(), DownloadError> {
        let file = match self.open.entry(folder) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(OpenFile::create(&self.staging, name(), &self.schema, &self.properties)?)
            }
        };
        self.alerts += alerts.num_rows() as u64;
        file.add(alerts)
    }

    /// Writes row groups, the largest first, until the alerts that wait take no more than half of the memory there is.
    pub(crate) fn bound_memory(&mut self) -> Result<(), DownloadError> {
        let mut total: usize = self.open.values().map(|file| file.waiting_bytes).sum();
        if total <= self.memory_bytes {
            return Ok(());
        }
        let mut files: Vec<_> = self.open.values_mut().collect();
        files.sort_by_key(|file| std::cmp::Reverse(file.waiting_bytes));
        for file in files {
            if total <= self.memory_bytes / 2 {
                break;
            }
            total -= file.waiting_bytes;
            file.write_row_group()?;
        }
        Ok(())
    }

    /// Whether there are so many files that they should be completed.
    pub(crate) fn are_many(&self) -> bool {
        self.open.len() >= MAX_OPEN
    }

    /// Completes all files, down to the disk itself.
    pub(crate) fn complete(&mut self, offsets: BTreeMap<i32, i64>) -> Result<Completed, DownloadError> {
        let mut completed =
            Completed { offsets, alerts: std::mem::take(&mut self.alerts), ..Completed::default() };
        for (folder, mut file) in std::mem::take(&mut self.open) {
            file.write_row_group()?;
            let OpenFile { name, path, writer, .. } = file;
            let written = writer
                .into_inner()
                .map_err(|source| DownloadError::Parquet { path: path.clone(), source })?;
            let synced = written.sync_all().and_then(|()| written.metadata());
            let metadata = synced.map_err(|source| DownloadError::Disk { action: "write", path, source })?;
            completed.bytes += metadata.len();
            completed.files.push(Arrival { name, folder });
        }
        Ok(completed)
    }
}

impl OpenFile {
    fn create(
        staging: &Path,
        name: String,
        schema: &SchemaRef,
        properties: &WriterProperties,
    ) -> Result<Self, DownloadError> {
        let path = staging.join(&name);
        let file = File::create(&path).map_err(|source| DownloadError::Disk {
            action: "write",
            path: path.clone(),
            source,
        })?;
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties.clone()))
            .map_err(|source| DownloadError::Parquet { path: path.clone(), source })?;
        Ok(Self { name, path, writer, waiting: Vec::new(), waiting_rows: 0, waiting_bytes: 0 })
    }

    fn add(&mut self, alerts: RecordBatch) -> Result<(), DownloadError> {
        self.waiting_rows += alerts.num_rows();
        self.waiting_bytes += alerts.get_array_memory_size();
        self.waiting.push(alerts);
        if self.waiting_rows >= ROW_GROUP_ROWS || self.waiting_bytes >= ROW_GROUP_BYTES {
            return self.write_row_group();
        }
        Ok(())
    }

    fn write_row_group(&mut self) -> Result<(), DownloadError> {
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        let written = waiting.try_for_each(|alerts| self.writer.write(&alerts));
        written
            .and_then(|()| self.writer.flush())
            .map_err(|source| DownloadError::Parquet { path: self.path.clone(), source })
    }
}

/// Zstandard for what shrinks. Cutouts are gzip already: they are stored as they are, without dictionary or statistics.
fn properties(schema: &SchemaRef) -> Result<WriterProperties, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("nightferry ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        // Row groups end where they are flushed.
        .set_max_row_group_row_count(None);
    for column in ArrowSchemaConverter::new().convert(schema)?.columns() {
        let is_binary = column.physical_type() == Type::BYTE_ARRAY && column.logical_type_ref().is_none();
        if is_binary {
            builder = builder
                .set_column_compression(column.path().clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(column.path().clone(), false)
                .set_column_statistics_enabled(column.path().clone(), EnabledStatistics::None);
        }
    }
    Ok(builder.build())
}
