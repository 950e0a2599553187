//! Opening a file: its footer, its schema, its row groups.

use crate::{
    Archive, ArchiveError, ArchiveFile, LeafSet, bytes_source::BytesSource, footer_bounds::check_footer,
    page_meter::refused_encoding, schema::views, shapes::Shapes,
};
use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef, TimeUnit};
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
    basic::{Compression, Type as PhysicalType},
    file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader},
    schema::types::Type,
};
use std::{ops::Range, sync::Arc};
use tokio::runtime::Handle;

/// A footer is fetched together with this much of the file's end.
pub(crate) const TAIL_BYTES: u64 = 64 * 1024;
/// A footer and the page index before it, where the pages are read as well: a thousandth of the file has room for both, so
/// that one request brings them, and costs little where it has too much.
const INDEXED_TAIL_PART: u64 = 1024;
const MOST_TAIL_BYTES: u64 = 2 * 1024 * 1024;
/// No honest footer of an alert file is larger; a forged length must not decide how much we fetch.
const MAX_FOOTER_BYTES: u64 = 32 * 1024 * 1024;
/// No honest row group has more rows; a forged count must not decide how much we allocate.
const MAX_ROW_GROUP_ROWS: i64 = 100_000_000;
/// A file of more rows than this has a byte for every so many: an alert has a number of its own. Without a bound, a
/// kilobyte could hold thousands of millions of alerts of nulls.
const FREE_ROWS: u64 = 65_536;
const MAX_ROWS_PER_BYTE: u64 = 16;

/// A file whose footer was read and found sound.
#[derive(Clone)]
pub struct OpenFile {
    pub(crate) source: BytesSource,
    pub(crate) metadata: ArrowReaderMetadata,
    pub(crate) schema: SchemaRef,
    pub(crate) file: ArchiveFile,
    pub(crate) opening: Opening,
}

/// What it took to open a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Bytes fetched from the store.
    pub bytes_fetched: u64,
    /// Requests made.
    pub requests: u64,
}

impl Archive {
    /// Reads the footer of a file and checks it.
    pub async fn open_file(&self, file: &ArchiveFile) -> Result<OpenFile, ArchiveError> {
        let source = BytesSource::new(self, file, Handle::current());
        if file.size < 12 {
            return Err(ArchiveError::damaged(&file.path, format!("it has {} bytes", file.size)));
        }
        let tail = (file.size / INDEXED_TAIL_PART).clamp(TAIL_BYTES, MOST_TAIL_BYTES);
        let tail = file.size.saturating_sub(tail)..file.size;
        source.fetch_ahead(std::iter::once(tail).collect()).await?;
        let (opened, shapes) = (file.clone(), self.shapes.clone());
        let parse = move || open(source, opened, &shapes);
        // The thrift decoder meets hostile bytes here: should it panic, only this file is lost.
        tokio::task::spawn_blocking(parse)
            .await
            .map_err(|_| ArchiveError::damaged(&file.path, "its footer is nonsense"))?
    }

    /// Opens a file as it was at fan-out; an error says so when it was replaced since.
    pub async fn open_unchanged(&self, expected: &ArchiveFile) -> Result<OpenFile, ArchiveError> {
        // Side by side, as each waits for the store.
        let (now, opened) = tokio::join!(self.head(&expected.path), self.open_file(expected));
        let now = now?;
        if now.size != expected.size || (expected.etag.is_some() && now.etag != expected.etag) {
            return Err(ArchiveError::Replaced { path: expected.path.clone() });
        }
        let mut opened = opened?;
        opened.opening.requests += 1;
        Ok(opened)
    }
}

fn open(source: BytesSource, file: ArchiveFile, shapes: &Shapes) -> Result<OpenFile, ArchiveError> {
    let reader = ParquetMetaDataReader::new().with_offset_index_policy(PageIndexPolicy::Optional);
    let metadata = Arc::new(read_metadata(&source, &file, reader)?);
    let damaged = |error| ArchiveError::damaged(&file.path, error);
    let shape = shapes.of(&metadata).map_err(damaged)?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(shape.hinted);
    let metadata = ArrowReaderMetadata::try_new(metadata, options).map_err(damaged)?;
    let (bytes_fetched, requests) = source.cost();
    let opening = Opening { bytes_fetched, requests };
    Ok(OpenFile { source: source.fresh(), metadata, schema: shape.schema, file, opening })
}

/// Reads a footer, whose bytes are looked over before, and checks what it claims. May block.
pub(crate) fn read_metadata(
    source: &BytesSource,
    file: &ArchiveFile,
    reader: ParquetMetaDataReader,
) -> Result<ParquetMetaData, ArchiveError> {
    use parquet::file::reader::ChunkReader;
    let damaged = |error| source.failure().unwrap_or_else(|| ArchiveError::damaged(&file.path, error));
    let end = source.get_bytes(file.size - 8, 8).map_err(damaged)?;
    let footer = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if !end.ends_with(b"PAR1") {
        return Err(ArchiveError::damaged(&file.path, "it does not end with PAR1: is it complete?"));
    }
    if footer > MAX_FOOTER_BYTES || footer + 12 > file.size {
        return Err(ArchiveError::damaged(&file.path, format!("its footer claims {footer} bytes")));
    }
    let bytes = source.get_bytes(file.size - 8 - footer, footer as usize).map_err(damaged)?;
    check_footer(&bytes).map_err(|reason| ArchiveError::damaged(&file.path, reason))?;
    let metadata = reader.parse_and_finish(source).map_err(damaged)?;
    check(&metadata, file)?;
    Ok(metadata)
}

fn check(metadata: &ParquetMetaData, file: &ArchiveFile) -> Result<(), ArchiveError> {
    let damaged = |reason: String| Err(ArchiveError::damaged(&file.path, reason));
    let mut rows = 0_i64;
    let mut chunks: Vec<(Range<u64>, &ColumnChunkMetaData)> = Vec::new();
    for group in metadata.row_groups() {
        if !(0..=MAX_ROW_GROUP_ROWS).contains(&group.num_rows()) {
            return damaged(format!("a row group claims {} rows", group.num_rows()));
        }
        rows += group.num_rows();
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let end = start.checked_add(column.compressed_size());
            if start < 4
                || column.compressed_size() < 0
                || column.uncompressed_size() < 0
                || end.is_none_or(|end| end as u64 > file.size)
            {
                return damaged(format!("column {} lies outside the file", column.column_path().string()));
            }
            if let Some(reason) = column.encodings().find_map(refused_encoding) {
                return damaged(format!("column {}: {reason}", column.column_path().string()));
            }
            if !can_decompress(column.compression()) {
                let (column, codec) = (column.column_path().string(), column.compression().to_string());
                let codec = codec.split('(').next().unwrap_or_default();
                return damaged(format!(
                    "column {column} is compressed by {codec}; write it with snappy, zstd or lz4"
                ));
            }
            chunks.push((start as u64..end.unwrap_or(start) as u64, column));
        }
    }
    if rows != metadata.file_metadata().num_rows() {
        return damaged("its row groups do not add up to its rows".into());
    }
    if rows.unsigned_abs() > FREE_ROWS.max(file.size.saturating_mul(MAX_ROWS_PER_BYTE)) {
        return damaged(format!("it claims {rows} rows in {} bytes", file.size));
    }
    // Else the same few bytes could be decompressed once for each of thousands of columns.
    chunks.retain(|(range, _)| !range.is_empty());
    chunks.sort_by_key(|(range, _)| range.start);
    let overlap = |pair: &&[(Range<u64>, &ColumnChunkMetaData)]| matches!(pair, [(first, _), (second, _)] if first.end > second.start);
    if let Some([(_, first), (_, second)]) = chunks.windows(2).find(overlap) {
        let (first, second) = (first.column_path().string(), second.column_path().string());
        return damaged(format!("the columns {first} and {second} lie in the same place"));
    }
    check_page_index(metadata).map_or(Ok(()), damaged)
}

fn can_decompress(codec: Compression) -> bool {
    use Compression::*;
    matches!(codec, UNCOMPRESSED | SNAPPY | ZSTD(_) | LZ4 | LZ4_RAW)
}

/// What is wrong with the page index: the reader goes by it without a second look.
fn check_page_index(metadata: &ParquetMetaData) -> Option<String> {
    let groups = metadata.row_groups().iter().zip(metadata.offset_index()?);
    for (group, pages) in groups {
        for (column, pages) in group.columns().iter().zip(pages) {
            let (start, length) = column.byte_range();
            let (mut end, mut row) = (start, 0);
            for page in pages.page_locations() {
                let size = u64::try_from(page.compressed_page_size).ok();
                let from = u64::try_from(page.offset).ok().filter(|from| *from >= end);
                let Some(to) = from.zip(size).and_then(|(from, size)| from.checked_add(size)) else {
                    return Some(format!(
                        "the page index of column {} is out of order",
                        column.column_path()
                    ));
                };
                if to > start + length
                    || page.first_row_index < row
                    || page.first_row_index > group.num_rows()
                {
                    return Some(format!(
                        "the page index of column {} points elsewhere",
                        column.column_path()
                    ));
                }
                (end, row) = (to, page.first_row_index);
            }
            let first_row = pages.page_locations().first().map(|page| page.first_row_index);
            if first_row.is_some_and(|row| row != 0) {
                return Some(format!(
                    "the page index of column {} lacks rows",
                    column.column_path().string()
                ));
            }
        }
    }
    None
}

/// INT96 timestamps straight into microseconds (nanoseconds would overflow for far dates), binaries as views. Texts too:
/// a long one that a dictionary holds once and thousands of rows name must not be copied before it is measured.
pub(crate) fn hint(field: &FieldRef, column: &Type) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, None)
            if column.is_primitive() && column.get_physical_type() == PhysicalType::INT96 =>
        {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::List(_) | DataType::Map(_, _) => views(field.data_type()),
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

    /// What it took to open it: a request for its end, others for what of a long footer or its page index lies before
    /// that, and one if the file was compared with what it had been.
    pub fn opening(&self) -> Opening {
        self.opening
    }

    /// Alerts in the file.
    pub fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().unsigned_abs()
    }

    /// Row groups in the file.
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Values of the given leaves in a row group: what reading them costs. A list has many in a row.
    pub fn row_group_values(&self, row_group: usize, leaves: &LeafSet) -> u64 {
        let Some(group) = self.metadata.metadata().row_groups().get(row_group) else { return 0 };
        let mask = leaves.mask(self.metadata.parquet_schema());
        let chosen = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
        chosen.fold(0, |values, (_, column)| values.saturating_add(column.num_values().unsigned_abs()))
    }

    /// Alerts in a row group.
    pub fn row_group_rows(&self, row_group: usize) -> u64 {
        let groups = self.metadata.metadata().row_groups();
        groups.get(row_group).map_or(0, |group| group.num_rows().unsigned_abs())
    }
}
