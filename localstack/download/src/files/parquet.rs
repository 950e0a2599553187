//! A Parquet file.
//!
//! Alerts wait as Arrow arrays until they make a row group, which is then encoded at once. An encoder with its pages and
//! dictionaries is much larger than the alerts of a small class: with one at a time the memory does not grow with the
//! number of folders.

use crate::DownloadError;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::fs::File;
use std::path::Path;

/// Rows of a row group, about.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// Bytes of a row group in memory, about.
const ROW_GROUP_BYTES: usize = 64 << 20;

pub(super) struct Writer {
    writer: ArrowWriter<File>,
    /// Alerts of the next row group.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
}

impl Writer {
    pub(super) fn new(
        file: File,
        path: &Path,
        schema: &SchemaRef,
        properties: &WriterProperties,
    ) -> Result<Self, DownloadError> {
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties.clone()))
            .map_err(|source| failed(path, source))?;
        Ok(Self { writer, waiting: Vec::new(), waiting_rows: 0, waiting_bytes: 0 })
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    pub(super) fn add(&mut self, alerts: RecordBatch, path: &Path) -> Result<(), DownloadError> {
        self.waiting_rows += alerts.num_rows();
        self.waiting_bytes += alerts.get_array_memory_size();
        self.waiting.push(alerts);
        if self.waiting_rows >= ROW_GROUP_ROWS || self.waiting_bytes >= ROW_GROUP_BYTES {
            return self.write_row_group(path);
        }
        Ok(())
    }

    pub(super) fn write_row_group(&mut self, path: &Path) -> Result<(), DownloadError> {
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        let written = waiting.try_for_each(|alerts| self.writer.write(&alerts));
        written.and_then(|()| self.writer.flush()).map_err(|source| failed(path, source))
    }

    pub(super) fn finish(mut self, path: &Path) -> Result<File, DownloadError> {
        self.write_row_group(path)?;
        self.writer.into_inner().map_err(|source| failed(path, source))
    }
}

fn failed(path: &Path, source: ParquetError) -> DownloadError {
    DownloadError::Parquet { path: path.to_owned(), source }
}

/// Zstandard for what shrinks. Cutouts are gzip already: they are stored as they are, without dictionary or statistics.
pub(super) fn properties(schema: &SchemaRef) -> Result<WriterProperties, ParquetError> {
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
