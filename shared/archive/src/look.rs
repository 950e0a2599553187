//! A look at a file: how much it holds, and in which columns, without making ready to read it.

use crate::{
    Archive, ArchiveError, ArchiveFile,
    bytes_source::BytesSource,
    footer::{TAIL_BYTES, read_metadata},
};
use arrow::datatypes::SchemaRef;
use parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};
use tokio::runtime::Handle;

/// What a file's footer says, where it is sound.
#[derive(Clone, Debug)]
pub struct Footer {
    /// Alerts in the file.
    pub rows: u64,
    /// Row groups in it.
    pub row_groups: usize,
    /// Its canonical schema; files of the same columns share it.
    pub schema: SchemaRef,
}

impl Archive {
    /// Reads the footer of a file and checks it, as [`Archive::open_file`] does, but neither statistics nor the page index.
    pub async fn look_at(&self, file: &ArchiveFile) -> Result<Footer, ArchiveError> {
        let source = BytesSource::new(self, file, Handle::current());
        if file.size < 12 {
            return Err(ArchiveError::damaged(&file.path, format!("it has {} bytes", file.size)));
        }
        let tail = file.size.saturating_sub(TAIL_BYTES)..file.size;
        source.fetch_ahead(std::iter::once(tail).collect()).await?;
        let (looked_at, shapes) = (file.clone(), self.shapes.clone());
        let parse = move || {
            let skip = ParquetStatisticsPolicy::SkipAll;
            let options = ParquetMetaDataOptions::new()
                .with_column_stats_policy(skip.clone())
                .with_size_stats_policy(skip.clone())
                .with_encoding_stats_policy(skip);
            let reader = ParquetMetaDataReader::new()
                .with_page_index_policy(PageIndexPolicy::Skip)
                .with_metadata_options(Some(options));
            let metadata = read_metadata(&source, &looked_at, reader)?;
            let shape =
                shapes.of(&metadata).map_err(|error| ArchiveError::damaged(&looked_at.path, error))?;
            let rows = metadata.file_metadata().num_rows().unsigned_abs();
            Ok(Footer { rows, row_groups: metadata.num_row_groups(), schema: shape.schema })
        };
        // The thrift decoder meets hostile bytes here: should it panic, only this file is lost.
        tokio::task::spawn_blocking(parse)
            .await
            .map_err(|_| ArchiveError::damaged(&file.path, "its footer is nonsense"))?
    }
}
