//! The row pump: reads one row group, the narrow columns first and the heavy ones only for the rows that survive.

use crate::{
    ArchiveError, LeafSet, OpenFile,
    adapt::{MAX_TEXT_BYTES, adapt},
    bytes_source::BytesSource,
    decode::{ColumnPlan, ColumnReader, Fault},
    page_meter::PageMeter,
    pages::{self, HELD_BYTES},
    streams::STREAMED_BYTES,
    unpack::{is_unpacked, metadata_of},
};
use arrow::{
    array::{BooleanArray, RecordBatch, RecordBatchOptions},
    compute::filter_record_batch,
    datatypes::Schema,
    error::ArrowError,
};
use job::{Need, NeededValues};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy,
        },
    },
    basic::Type as PhysicalType,
    file::{metadata::ColumnChunkMetaData, page_index::offset_index::PageLocation},
    schema::types::ColumnDescriptor,
};
use std::{ops::Range, panic::AssertUnwindSafe, sync::Arc};

/// A decoded batch of output columns aims at this size.
const BATCH_BYTES: u64 = 3 * 1024 * 1024;
/// The first pass reads narrow columns only.
const NARROW_BATCH_ROWS: usize = 8192;
/// The values of a batch, at the least that their types take, come to no more than this: a footer may say what it likes.
const VALUE_BYTES: u64 = 64 * 1024 * 1024;
/// A row group whose needed bytes exceed this is not fetched as a whole: its largest columns come bit by bit.
const FETCH_AHEAD_BYTES: u64 = 40 * 1024 * 1024;
/// Columns whose pages are decompressed ahead of the decoder, where there are no more that are paged through.
const UNPACKED_COLUMNS: usize = 8;
/// Output columns lighter than this per row are decoded together with the conditions' columns: decoding a few rows too
/// many costs less than a second pass.
const ONE_PASS_ROW_BYTES: u64 = 2 * 1024;

/// Decides which rows of a batch are kept.
pub trait RowFilter {
    /// One value a row, never null. The batch has the schema of [`ScanPlan::narrow`].
    fn keep(&mut self, batch: &RecordBatch)
    -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>>;

    /// So many rows are not looked at, as it is known that none of them is kept. They count as read.
    fn ruled_out(&mut self, _rows: u64) {}
}

/// What a scan reads.
#[derive(Clone, Debug)]
pub struct ScanPlan {
    /// What the filter looks at.
    pub narrow: LeafSet,
    /// What the receiver gets.
    pub output: LeafSet,
    /// Both.
    both: LeafSet,
    /// Whether there is anything to filter.
    filters: bool,
    /// What a row must hold to be kept.
    needs: Arc<[Need]>,
}

/// What a scan of a row group did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanStats {
    /// Alerts looked at.
    pub rows_read: u64,
    /// Alerts handed out.
    pub rows_kept: u64,
    /// Bytes fetched from the store.
    pub bytes_fetched: u64,
    /// Requests made.
    pub requests: u64,
}

impl ScanPlan {
    /// A plan over a job's schema. Without `filters` the narrow set is not looked at.
    pub fn new(job_schema: &Schema, narrow: LeafSet, output: LeafSet, filters: bool) -> Self {
        let both = narrow.union(&output, job_schema);
        Self { narrow, output, both, filters, needs: Arc::default() }
    }

    /// The same for a filter that keeps only rows that hold all this.
    pub fn needing(self, needs: Vec<Need>) -> Self {
        Self { needs: needs.into(), ..self }
    }

    /// What a row must hold to be kept, as far as it is known.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// Whether a few rows are looked up by their names: a second pass then pays however light the output is.
    fn looks_up(&self) -> bool {
        self.needs.iter().any(|need| matches!(need.values, NeededValues::Texts(_) | NeededValues::Whole(_)))
    }
}

/// One row group of a file, about to be read.
pub struct RowGroupScan {
    file: OpenFile,
    row_group: usize,
    plan: ScanPlan,
    source: BytesSource,
    two_passes: bool,
    ruled_out: bool,
    /// Leaves that the first pass gets decompressed.
    unpacked: Vec<usize>,
    /// Bytes and requests that came before.
    before: (u64, u64),
}

impl RowGroupScan {
    /// Chooses between one pass and two, and fetches what the first pass needs. Many scans may be prepared ahead of
    /// the one that runs.
    pub async fn prepare(file: &OpenFile, row_group: usize, plan: &ScanPlan) -> Result<Self, ArchiveError> {
        let output_bytes = uncompressed_row_bytes(file, row_group, &plan.output);
        let two_passes = plan.filters && (plan.looks_up() || output_bytes > ONE_PASS_ROW_BYTES);
        let source = file.source.fresh();
        let first = if two_passes { &plan.narrow } else { &plan.both };
        let unpacked = fetch(&source, wanted(file, row_group, first, None)).await?;
        Ok(Self {
            file: file.clone(),
            row_group,
            plan: plan.clone(),
            source,
            two_passes,
            ruled_out: false,
            unpacked,
            before: (0, 0),
        })
    }

    /// Of a row group in which nothing can be found ([`OpenFile::ruled_out`]): nothing is fetched, its rows count as read.
    pub fn ruled_out(file: &OpenFile, row_group: usize, plan: &ScanPlan) -> Self {
        let (source, plan) = (file.source.fresh(), plan.clone());
        Self {
            file: file.clone(),
            row_group,
            plan,
            source,
            two_passes: false,
            ruled_out: true,
            unpacked: Vec::new(),
            before: (0, 0),
        }
    }

    /// The same, counting what it took to know which row groups are ruled out as well.
    pub fn after(self, (bytes_fetched, requests): (u64, u64)) -> Self {
        Self { before: (bytes_fetched, requests), ..self }
    }

    /// Reads the row group on the current thread, which must not be a thread of the async runtime. Batches that reach
    /// `receive` hold kept rows only, in the file's order, with at least the columns of [`ScanPlan::output`].
    pub fn run(
        self,
        filter: &mut dyn RowFilter,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), ArchiveError>,
    ) -> Result<ScanStats, ArchiveError> {
        if self.ruled_out {
            let rows_read = self.file.row_group_rows(self.row_group);
            filter.ruled_out(rows_read);
            let (bytes_fetched, requests) = self.before;
            return Ok(ScanStats { rows_read, rows_kept: 0, bytes_fetched, requests });
        }
        let before = self.before;
        let mut stats =
            if self.two_passes { self.run_twice(filter, receive)? } else { self.run_once(filter, receive)? };
        let (bytes_fetched, requests) = self.source.cost();
        (stats.bytes_fetched, stats.requests) = (bytes_fetched + before.0, requests + before.1);
        if stats.rows_read != self.file.row_group_rows(self.row_group) {
            let reason = format!(
                "row group {} holds {} rows, not what its footer says",
                self.row_group, stats.rows_read
            );
            return Err(ArchiveError::damaged(self.source.path(), reason));
        }
        Ok(stats)
    }

    fn run_once(
        &self,
        filter: &mut dyn RowFilter,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), ArchiveError>,
    ) -> Result<ScanStats, ArchiveError> {
        let mut stats = ScanStats::default();
        let rows = self.batch_rows(&self.plan.both);
        for batch in self.batches(&self.plan.both, None, &self.unpacked, rows)? {
            let batch = batch?;
            stats.rows_read += batch.num_rows() as u64;
            let kept = if self.plan.filters { self.filtered(filter, &batch)? } else { batch };
            if kept.num_rows() > 0 {
                stats.rows_kept += kept.num_rows() as u64;
                receive(kept)?;
            }
        }
        Ok(stats)
    }

    fn run_twice(
        &self,
        filter: &mut dyn RowFilter,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), ArchiveError>,
    ) -> Result<ScanStats, ArchiveError> {
        let mut stats = ScanStats::default();
        let mut kept = Vec::new();
        let rows = self.at_most(&self.plan.narrow, NARROW_BATCH_ROWS);
        for batch in self.batches(&self.plan.narrow, None, &self.unpacked, rows)? {
            let batch = batch?;
            stats.rows_read += batch.num_rows() as u64;
            let keep = filter.keep(&batch).map_err(ArchiveError::Consumer)?;
            stats.rows_kept += keep.true_count() as u64;
            kept.push(keep);
        }
        if stats.rows_kept == 0 {
            return Ok(stats);
        }
        let selection = RowSelection::from_filters(&kept);
        self.source.clear();
        let wanted = wanted(&self.file, self.row_group, &self.plan.output, Some(&selection));
        let unpacked = tokio::runtime::Handle::current().block_on(fetch(&self.source, wanted))?;
        let rows = self.batch_rows(&self.plan.output);
        let mut delivered = 0;
        for batch in self.batches(&self.plan.output, Some(selection), &unpacked, rows)? {
            let batch = batch?;
            delivered += batch.num_rows() as u64;
            receive(batch)?;
        }
        if delivered != stats.rows_kept {
            let reason = format!("{delivered} of {} chosen rows could be read", stats.rows_kept);
            return Err(ArchiveError::damaged(self.source.path(), reason));
        }
        Ok(stats)
    }

    fn filtered(&self, filter: &mut dyn RowFilter, batch: &RecordBatch) -> Result<RecordBatch, ArchiveError> {
        let narrow = adapt(batch, self.plan.narrow.schema());
        let narrow = narrow.map_err(|error| ArchiveError::Consumer(Box::new(error)))?;
        let keep = filter.keep(&narrow).map_err(ArchiveError::Consumer)?;
        if keep.true_count() == batch.num_rows() {
            return Ok(batch.clone());
        }
        filter_record_batch(batch, &keep).map_err(|error| ArchiveError::Consumer(Box::new(error)))
    }

    fn batches<'a>(
        &'a self,
        leaves: &'a LeafSet,
        selection: Option<RowSelection>,
        unpacked: &[usize],
        rows: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, ArchiveError>> + 'a, ArchiveError> {
        let mask = leaves.mask(self.file.metadata.parquet_schema());
        let metadata = self.file.metadata.metadata();
        if let Some(group) = metadata.row_groups().get(self.row_group) {
            let pages = metadata.offset_index().and_then(|index| index.get(self.row_group));
            let indexed = pages.is_some_and(|pages| !pages.is_empty());
            self.source.set_meter(PageMeter::new(group, indexed, |leaf| mask.leaf_included(leaf)));
        }
        let (metadata, row_group) = match unpacked {
            [] => (self.file.metadata.clone(), self.row_group),
            _ => {
                let told = metadata_of(&self.file.metadata, self.row_group, unpacked);
                (told.map_err(|error| self.damaged(error))?, 0)
            }
        };
        let columns = ColumnPlan::all(&metadata, row_group, &mask);
        let decoded: Vec<usize> = columns.iter().flat_map(ColumnPlan::leaves).collect();
        let others = (0..metadata.parquet_schema().num_columns())
            .filter(|leaf| mask.leaf_included(*leaf) && !decoded.contains(leaf));
        let others = ProjectionMask::leaves(metadata.parquet_schema(), others);
        let readers = columns
            .into_iter()
            .map(|column| column.reader(&self.source, &metadata, row_group, selection.as_ref()))
            .collect::<Result<Vec<_>, _>>();
        let mut columns = readers.map_err(|error| self.damaged(error))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.clone(), metadata)
            .with_row_groups(vec![row_group])
            .with_projection(others)
            .with_batch_size(rows);
        let builder = match selection {
            // Never by a mask, which reads the pages between as well.
            Some(selection) => {
                builder.with_row_selection(selection).with_row_selection_policy(RowSelectionPolicy::Selectors)
            }
            None => builder,
        };
        let mut reader: ParquetRecordBatchReader =
            self.guarded(|| builder.build().map_err(|error| self.damaged(error)))?;
        let mut left = self.file.row_group_rows(self.row_group);
        let next = move || {
            let batch = self.guarded(|| {
                let Some(batch) = reader.next() else { return Ok(None) };
                let batch = batch.map_err(|error| self.damaged(error))?;
                let batch = with_columns(batch, &mut columns).map_err(|error| self.damaged(error))?;
                adapt(&batch, leaves.schema()).map(Some).map_err(|error| self.misfit(error))
            });
            self.source.next_batch();
            let batch = batch.transpose()?;
            // Pages that contradict themselves can make the decoder go on for ever.
            let rows = batch.as_ref().map_or(1, |batch| batch.num_rows() as u64);
            match left.checked_sub(rows) {
                Some(rest) if rows > 0 => left = rest,
                _ if batch.is_err() => {}
                _ => return Some(Err(self.damaged("its pages hold other rows than its footer says"))),
            }
            Some(batch)
        };
        Ok(std::iter::from_fn(next))
    }

    /// What the decoder met: damage to the file, unless its bytes did not come.
    fn damaged(&self, reason: impl std::fmt::Display) -> ArchiveError {
        if let Some(failure) = self.source.failure() {
            return failure;
        }
        let reason = self.source.complaint().unwrap_or_else(|| reason.to_string());
        ArchiveError::damaged(self.source.path(), format!("row group {}: {reason}", self.row_group))
    }

    fn misfit(&self, error: ArrowError) -> ArchiveError {
        match error {
            // Our own words, without Arrow's before them.
            ArrowError::ParseError(reason) => self.damaged(reason),
            error => self.damaged(error),
        }
    }

    /// The decoder meets hostile bytes here: should it panic, only this file is lost.
    fn guarded<T>(&self, decode: impl FnOnce() -> Result<T, ArchiveError>) -> Result<T, ArchiveError> {
        std::panic::catch_unwind(AssertUnwindSafe(decode))
            .unwrap_or_else(|_| Err(self.damaged("its pages hold what cannot be decoded")))
    }

    fn batch_rows(&self, leaves: &LeafSet) -> usize {
        let row_bytes = uncompressed_row_bytes(&self.file, self.row_group, leaves).max(1);
        self.at_most(leaves, usize::try_from(BATCH_BYTES / row_bytes).unwrap_or(usize::MAX).clamp(16, 2048))
    }

    /// `rows`, or fewer where a row has very many values or long ones.
    fn at_most(&self, leaves: &LeafSet, rows: usize) -> usize {
        let schema = self.file.metadata.parquet_schema();
        let mask = leaves.mask(schema);
        let leaves = schema.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
        let row_bytes: u64 = leaves.map(|(_, column)| value_bytes(column)).sum();
        usize::try_from(VALUE_BYTES / row_bytes.max(1)).unwrap_or(usize::MAX).clamp(1, rows)
    }
}

/// The batch with the same rows of these columns.
fn with_columns(batch: RecordBatch, readers: &mut [ColumnReader]) -> Result<RecordBatch, Fault> {
    if readers.is_empty() {
        return Ok(batch);
    }
    let (rows, mut room) = (batch.num_rows(), MAX_TEXT_BYTES);
    let mut fields = batch.schema().fields().to_vec();
    let mut columns = batch.columns().to_vec();
    for reader in readers {
        columns.push(reader.read(rows, &mut room).map_err(|fault| match fault {
            Fault::TooMuchText => {
                Fault::Bytes(format!("the texts of {rows} rows come to more than {MAX_TEXT_BYTES} bytes"))
            }
            fault => fault,
        })?);
        fields.push(reader.field().clone());
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

/// What a value takes at least, once decoded.
fn value_bytes(column: &ColumnDescriptor) -> u64 {
    match column.physical_type() {
        PhysicalType::BOOLEAN => 1,
        PhysicalType::INT32 | PhysicalType::FLOAT => 4,
        PhysicalType::INT64 | PhysicalType::DOUBLE => 8,
        PhysicalType::INT96 | PhysicalType::BYTE_ARRAY => 16,
        PhysicalType::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.type_length()).unwrap_or(0),
    }
}

/// The mean size of a row of the given leaves once decompressed, by the footer.
fn uncompressed_row_bytes(file: &OpenFile, row_group: usize, leaves: &LeafSet) -> u64 {
    let Some(group) = file.metadata.metadata().row_groups().get(row_group) else { return 0 };
    let mask = leaves.mask(file.metadata.parquet_schema());
    let columns = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
    let bytes = columns
        .fold(0_u64, |bytes, (_, column)| bytes.saturating_add(column.uncompressed_size().unsigned_abs()));
    bytes / group.num_rows().unsigned_abs().max(1)
}

/// What is to be read of a row group.
#[derive(Default)]
struct Wanted {
    /// Held at once.
    whole: Vec<Range<u64>>,
    /// Columns that are too large for that.
    paged: Vec<pages::Wanted>,
    /// Their leaves, of those that come decompressed.
    unpacked: Vec<usize>,
    /// Chunks so large whose pages nobody knows the places of.
    streamed: Vec<Range<u64>>,
}

/// Fetches it, or has it fetched; tells which leaves come decompressed.
async fn fetch(source: &BytesSource, wanted: Wanted) -> Result<Vec<usize>, ArchiveError> {
    source.fetch_ahead(wanted.whole).await?;
    source.stream(wanted.streamed);
    source.page_through(wanted.paged);
    Ok(wanted.unpacked)
}

/// What is to be read of the given leaves: all, or only the pages that hold selected rows where the file has a page index.
/// What is too large to be held at once comes bit by bit.
fn wanted(file: &OpenFile, row_group: usize, leaves: &LeafSet, selection: Option<&RowSelection>) -> Wanted {
    let metadata = file.metadata.metadata();
    let Some(group) = metadata.row_groups().get(row_group) else { return Wanted::default() };
    let mask = leaves.mask(file.metadata.parquet_schema());
    let index = metadata.offset_index().and_then(|index| index.get(row_group));
    let columns = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
    let mut parts: Vec<_> = columns
        .map(|(leaf, column)| {
            let locations = index.and_then(|pages| pages.get(leaf)).map(|index| index.page_locations());
            let ranges = chosen_ranges(column, locations.map_or(&[], |locations| locations), selection);
            (leaf, column, ranges)
        })
        .collect();
    let size = |ranges: &[Range<u64>]| -> u64 {
        ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum()
    };
    parts.sort_by_key(|(.., ranges)| size(ranges));
    let total: u64 = parts.iter().map(|(.., ranges)| size(ranges)).sum();
    let all_at_once = total <= FETCH_AHEAD_BYTES;
    let mut left = FETCH_AHEAD_BYTES - HELD_BYTES.max(STREAMED_BYTES);
    let mut wanted = Wanted::default();
    let mut large = parts.len();
    for (leaf, column, ranges) in parts {
        let has_pages =
            index.and_then(|pages| pages.get(leaf)).is_some_and(|pages| !pages.page_locations().is_empty());
        if all_at_once || size(&ranges) <= left {
            left = left.saturating_sub(size(&ranges));
            large -= 1;
            wanted.whole.extend(ranges);
        } else if !has_pages {
            wanted.streamed.extend(ranges);
        } else {
            let (start, length) = column.byte_range();
            // Of many columns, the decompressed pages ahead would come to more than is held of them as they are.
            let unpacked = (large <= UNPACKED_COLUMNS && is_unpacked(column.compression())).then(|| {
                wanted.unpacked.push(leaf);
                let (packed, unpacked) = (column.compressed_size(), column.uncompressed_size());
                unpacked.unsigned_abs().saturating_mul(1000) / packed.unsigned_abs().max(1)
            });
            wanted.paged.push(pages::Wanted {
                chunk: start..start.saturating_add(length),
                pages: ranges,
                unpacked,
            });
        }
    }
    wanted
}

/// A whole chunk, or its dictionary and the pages that hold selected rows.
fn chosen_ranges(
    column: &ColumnChunkMetaData,
    pages: &[PageLocation],
    selection: Option<&RowSelection>,
) -> Vec<Range<u64>> {
    let (start, length) = column.byte_range();
    let Some(first) = pages.first() else {
        return std::iter::once(start..start.saturating_add(length)).collect();
    };
    // The dictionary page lies before the first data page and is always needed.
    let dictionary = start..first.offset.unsigned_abs().max(start);
    let chosen = match selection {
        Some(selection) => selection.scan_ranges(pages),
        None => pages.iter().map(page_range).collect(),
    };
    std::iter::once(dictionary).chain(chosen).collect()
}

fn page_range(page: &PageLocation) -> Range<u64> {
    let start = page.offset.unsigned_abs();
    start..start.saturating_add(page.compressed_page_size.unsigned_abs().into())
}
