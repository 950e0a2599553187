//! Opening a file: its footer, its schema, its row groups.

use crate::{Archive, ArchiveError, ArchiveFile, bytes_source::BytesSource, schema::canonical};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
    basic::Type as PhysicalType,
    file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader},
    schema::types::Type,
};
use std::sync::Arc;
use tokio::runtime::Handle;

/// A footer is fetched together with this much of the file's end.
const TAIL_BYTES: u64 = 64 * 1024;
/// No honest footer of an alert file is larger; a forged length must not decide how much we fetch.
const MAX_FOOTER_BYTES: u64 = 32 * 1024 * 1024;
/// No honest row group has more rows; a forged count must not decide how much we allocate.
const MAX_ROW_GROUP_ROWS: i64 = 100_000_000;

/// A file whose footer was read and found sound.
#[derive(Clone)]
pub struct OpenFile {
    pub(crate) source: BytesSource,
    pub(crate) metadata: ArrowReaderMetadata,
    schema: SchemaRef,
    file: ArchiveFile,
}

impl Archive {
    /// Reads the footer of a file and checks it.
    pub async fn open_file(&self, file: &ArchiveFile) -> Result<OpenFile, ArchiveError> {
        let source = BytesSource::new(self, file, Handle::current());
        if file.size < 12 {
            return Err(ArchiveError::damaged(&file.path, format!("it has {} bytes", file.size)));
        }
        let tail = file.size.saturating_sub(TAIL_BYTES)..file.size;
        source.fetch_ahead(std::iter::once(tail).collect()).await?;
        let opened = file.clone();
        let parse = move || open(source, opened);
        // The thrift decoder meets hostile bytes here: should it panic, only this file is lost.
        tokio::task::spawn_blocking(parse)
            .await
            .map_err(|_| ArchiveError::damaged(&file.path, "its footer is nonsense"))?
    }

    /// Opens a file as it was at fan-out; an error says so when it was replaced since.
    pub async fn open_unchanged(&self, expected: &ArchiveFile) -> Result<OpenFile, ArchiveError> {
        let now = self.head(&expected.path).await?;
        if now.size != expected.size || (expected.etag.is_some() && now.etag != expected.etag) {
            return Err(ArchiveError::Replaced { path: expected.path.clone() });
        }
        self.open_file(expected).await
    }
}

fn open(source: BytesSource, file: ArchiveFile) -> Result<OpenFile, ArchiveError> {
    use parquet::file::reader::ChunkReader;
    let damaged = |error: parquet::errors::ParquetError| match error {
        parquet::errors::ParquetError::External(inner) => match inner.downcast::<ArchiveError>() {
            Ok(error) => *error,
            Err(other) => ArchiveError::damaged(&file.path, other),
        },
        error => ArchiveError::damaged(&file.path, error),
    };
    let end = source.get_bytes(file.size - 8, 8).map_err(damaged)?;
    let footer = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if !end.ends_with(b"PAR1") {
        return Err(ArchiveError::damaged(&file.path, "it does not end with PAR1: is it complete?"));
    }
    if footer > MAX_FOOTER_BYTES || footer + 12 > file.size {
        return Err(ArchiveError::damaged(&file.path, format!("its footer claims {footer} bytes")));
    }
    let reader = ParquetMetaDataReader::new().with_offset_index_policy(PageIndexPolicy::Optional);
    let metadata = reader.parse_and_finish(&source).map_err(damaged)?;
    check(&metadata, &file)?;
    let (metadata, schema) = arrow_metadata(Arc::new(metadata)).map_err(damaged)?;
    Ok(OpenFile { source: source.fresh(), metadata, schema, file })
}

fn check(metadata: &ParquetMetaData, file: &ArchiveFile) -> Result<(), ArchiveError> {
    let mut rows = 0_i64;
    for group in metadata.row_groups() {
        if !(0..=MAX_ROW_GROUP_ROWS).contains(&group.num_rows()) {
            return Err(ArchiveError::damaged(
                &file.path,
                format!("a row group claims {} rows", group.num_rows()),
            ));
        }
        rows += group.num_rows();
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let end = start.checked_add(column.compressed_size());
            if start < 4 || column.compressed_size() < 0 || end.is_none_or(|end| end as u64 > file.size) {
                let reason = format!("column {} lies outside the file", column.column_path());
                return Err(ArchiveError::damaged(&file.path, reason));
            }
        }
    }
    if rows != metadata.file_metadata().num_rows() {
        return Err(ArchiveError::damaged(&file.path, "its row groups do not add up to its rows"));
    }
    Ok(())
}

/// The Arrow view of a file, with hints that spare a conversion, and its canonical schema.
fn arrow_metadata(
    metadata: Arc<ParquetMetaData>,
) -> Result<(ArrowReaderMetadata, SchemaRef), parquet::errors::ParquetError> {
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let inferred = ArrowReaderMetadata::try_new(metadata.clone(), plain.clone())?;
    let columns = metadata.file_metadata().schema_descr().root_schema().get_fields();
    let hinted = inferred.schema().fields().iter().map(|field| {
        let column = columns.iter().find(|column| column.name() == field.name());
        column.map_or_else(|| field.clone(), |column| hint(field, column))
    });
    let hinted = Arc::new(Schema::new(hinted.collect::<Vec<_>>()));
    let schema = canonical(&hinted);
    Ok((ArrowReaderMetadata::try_new(metadata, plain.with_schema(hinted))?, schema))
}

/// INT96 timestamps straight into microseconds (nanoseconds would overflow for far dates), binaries as views.
fn hint(field: &FieldRef, column: &Type) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, None)
            if column.is_primitive() && column.get_physical_type() == PhysicalType::INT96 =>
        {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        DataType::Binary => DataType::BinaryView,
        DataType::Struct(fields) if column.is_group() => {
            let inner = column.get_fields();
            let hinted = fields.iter().map(|field| {
                let column = inner.iter().find(|column| column.name() == field.name());
                column.map_or_else(|| field.clone(), |column| hint(field, column))
            });
            DataType::Struct(hinted.collect())
        }
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()))
}

impl OpenFile {
    /// The file's canonical schema.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The file.
    pub fn file(&self) -> &ArchiveFile {
        &self.file
    }

    /// Alerts in the file.
    pub fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().unsigned_abs()
    }

    /// Row groups in the file.
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Alerts in a row group.
    pub fn row_group_rows(&self, row_group: usize) -> u64 {
        let groups = self.metadata.metadata().row_groups();
        groups.get(row_group).map_or(0, |group| group.num_rows().unsigned_abs())
    }
}
