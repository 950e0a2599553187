//! The row pump: reads one row group, the narrow columns first and the heavy ones only for the rows that survive.

use crate::{
    ArchiveError, LeafSet, OpenFile,
    batches::Batches,
    bytes_source::BytesSource,
    page_meter::PageMeter,
    wanted::{Told, Wanted},
};
use arrow::{
    array::{BooleanArray, RecordBatch},
    datatypes::Schema,
    error::ArrowError,
};
use job::{Need, NeededValues};
use parquet::{
    arrow::{ProjectionMask, arrow_reader::RowSelection},
    basic::Type as PhysicalType,
    schema::types::ColumnDescriptor,
};
use std::{panic::AssertUnwindSafe, sync::Arc};
use tokio::task::JoinHandle;

/// A decoded batch of output columns aims at this size.
const BATCH_BYTES: u64 = 3 * 1024 * 1024;
/// The first pass reads narrow columns only.
const NARROW_BATCH_ROWS: usize = 8192;
/// The values of a batch, at the least that their types take, come to no more than this: a footer may say what it likes.
const VALUE_BYTES: u64 = 64 * 1024 * 1024;
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
    /// Whether texts come as views.
    views: bool,
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
        Self { narrow, output, both, filters, needs: Arc::default(), views: false }
    }

    /// The same for a filter that keeps only rows that hold all this.
    pub fn needing(self, needs: Vec<Need>) -> Self {
        Self { needs: needs.into(), ..self }
    }

    /// The same, with texts as views in what the receiver gets: what a dictionary holds once is not copied for each row. Pays
    /// where batches have thousands of rows.
    pub fn with_views(self) -> Self {
        Self { output: self.output.with_views(), both: self.both.with_views(), views: true, ..self }
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

/// A row group that is to be read, before anything of it is fetched.
pub struct PlannedScan {
    scan: RowGroupScan,
    /// What the first pass needs.
    wanted: Wanted,
}

impl PlannedScan {
    /// Chooses between one pass and two.
    pub fn of(file: &OpenFile, row_group: usize, plan: &ScanPlan) -> Self {
        let output_bytes = uncompressed_row_bytes(file, row_group, &plan.output);
        let two_passes = plan.filters && (plan.looks_up() || output_bytes > ONE_PASS_ROW_BYTES);
        let first = if two_passes { &plan.narrow } else { &plan.both };
        let wanted = Wanted::of(file, row_group, first, None);
        let scan = RowGroupScan { two_passes, ..RowGroupScan::of(file, row_group, plan) };
        Self { scan, wanted }
    }

    /// Of a row group in which nothing can be found ([`OpenFile::ruled_out`]): nothing is fetched, its rows count as read.
    pub fn ruled_out(file: &OpenFile, row_group: usize, plan: &ScanPlan) -> Self {
        let scan = RowGroupScan { ruled_out: true, ..RowGroupScan::of(file, row_group, plan) };
        Self { scan, wanted: Wanted::default() }
    }

    /// The same, counting what it took to know which row groups are ruled out as well.
    pub fn after(mut self, (bytes_fetched, requests): (u64, u64)) -> Self {
        self.scan.before = (bytes_fetched, requests);
        self
    }

    /// Bytes of the file that are held at once.
    pub fn held_bytes(&self) -> u64 {
        self.wanted.held_bytes()
    }

    /// Fetches what the first pass needs.
    pub async fn fetch(self) -> Result<RowGroupScan, ArchiveError> {
        let Self { mut scan, wanted } = self;
        scan.told = wanted.fetch(&scan.source).await?;
        Ok(scan)
    }
}

/// One row group of a file, about to be read.
pub struct RowGroupScan {
    pub(crate) file: OpenFile,
    pub(crate) row_group: usize,
    plan: ScanPlan,
    pub(crate) source: BytesSource,
    two_passes: bool,
    ruled_out: bool,
    /// How the first pass gets its pages.
    told: Told,
    /// Bytes and requests that came before.
    before: (u64, u64),
}

impl RowGroupScan {
    fn of(file: &OpenFile, row_group: usize, plan: &ScanPlan) -> Self {
        Self {
            file: file.clone(),
            row_group,
            plan: plan.clone(),
            source: file.source.fresh(),
            two_passes: false,
            ruled_out: false,
            told: Told::default(),
            before: (0, 0),
        }
    }

    /// Chooses between one pass and two, and fetches what the first pass needs. Many scans may be prepared ahead of
    /// the one that runs.
    pub async fn prepare(file: &OpenFile, row_group: usize, plan: &ScanPlan) -> Result<Self, ArchiveError> {
        PlannedScan::of(file, row_group, plan).fetch().await
    }

    /// Has the first pages fetched of columns that come bit by bit: it is soon its turn.
    pub fn begin(&self) {
        self.source.begin_paging();
    }

    /// Reads the row group on the current thread, which must not be a thread of the async runtime. Batches that reach
    /// `receive` hold kept rows only, in the file's order, with at least the columns of [`ScanPlan::output`].
    pub fn run(
        self,
        filter: &mut dyn RowFilter,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), ArchiveError>,
    ) -> Result<ScanStats, ArchiveError> {
        self.choose(filter)?.run(filter, receive)
    }

    /// The first half of [`run`](Self::run), if it reads in two passes: the filter has chosen, and what is wanted of those
    /// rows is on its way. Else nothing is done yet.
    pub fn choose(self, filter: &mut dyn RowFilter) -> Result<ChosenRows, ArchiveError> {
        if self.ruled_out {
            let rows_read = self.file.row_group_rows(self.row_group);
            filter.ruled_out(rows_read);
            return Ok(ChosenRows { scan: self, chosen: Chosen::Nothing { rows_read } });
        }
        let chosen = if self.two_passes { self.first_pass(filter)? } else { Chosen::Later };
        Ok(ChosenRows { scan: self, chosen })
    }

    fn run_once(
        &self,
        filter: &mut dyn RowFilter,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), ArchiveError>,
    ) -> Result<ScanStats, ArchiveError> {
        let mut stats = ScanStats::default();
        let rows = self.batch_rows(&self.plan.both);
        let first = self.plan.filters.then_some(&self.plan.narrow);
        let mut batches = Batches::of(self, &self.plan.both, first, None, &self.told, rows)?;
        let mut choose = |batch: &RecordBatch| filter.keep(batch).map_err(ArchiveError::Consumer);
        while let Some((rows_read, kept)) = batches.next_chosen(&mut choose)? {
            stats.rows_read += rows_read as u64;
            if kept.num_rows() > 0 {
                stats.rows_kept += kept.num_rows() as u64;
                receive(kept)?;
            }
        }
        Ok(stats)
    }

    fn first_pass(&self, filter: &mut dyn RowFilter) -> Result<Chosen, ArchiveError> {
        let (mut rows_read, mut rows_kept) = (0, 0);
        let mut kept = Vec::new();
        let rows = self.at_most(&self.plan.narrow, NARROW_BATCH_ROWS);
        let mut batches = Batches::of(self, &self.plan.narrow, None, None, &self.told, rows)?;
        while let Some(batch) = batches.next()? {
            rows_read += batch.num_rows() as u64;
            let keep = filter.keep(&batch).map_err(ArchiveError::Consumer)?;
            rows_kept += keep.true_count() as u64;
            kept.push(keep);
        }
        self.source.clear();
        if rows_kept == 0 {
            return Ok(Chosen::Nothing { rows_read });
        }
        let selection = RowSelection::from_filters(&kept);
        // Pages that come before they are asked for are of these columns.
        self.expect(&self.plan.output);
        let wanted = Wanted::of(&self.file, self.row_group, &self.plan.output, Some(&selection));
        let source = self.source.clone();
        let coming = Coming(self.source.runtime().spawn(async move {
            let told = wanted.fetch(&source).await?;
            source.begin_paging();
            Ok(told)
        }));
        Ok(Chosen::Rows { rows_read, rows_kept, selection, coming })
    }

    fn second_pass(
        &self,
        selection: RowSelection,
        told: &Told,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), ArchiveError>,
    ) -> Result<u64, ArchiveError> {
        let rows = self.batch_rows(&self.plan.output);
        let mut delivered = 0;
        let mut batches = Batches::of(self, &self.plan.output, None, Some(selection), told, rows)?;
        while let Some(batch) = batches.next()? {
            delivered += batch.num_rows() as u64;
            receive(batch)?;
        }
        Ok(delivered)
    }

    /// Whether texts come as views.
    pub(crate) fn has_views(&self) -> bool {
        self.plan.views
    }

    /// From now on pages of these leaves come.
    pub(crate) fn expect(&self, leaves: &LeafSet) -> ProjectionMask {
        let mask = leaves.mask(self.file.metadata.parquet_schema());
        let metadata = self.file.metadata.metadata();
        if let Some(group) = metadata.row_groups().get(self.row_group) {
            let pages = metadata.offset_index().and_then(|index| index.get(self.row_group));
            let indexed = pages.is_some_and(|pages| !pages.is_empty());
            self.source.set_meter(PageMeter::new(group, indexed, |leaf| mask.leaf_included(leaf)));
        }
        mask
    }

    /// What the decoder met: damage to the file, unless its bytes did not come.
    pub(crate) fn damaged(&self, reason: impl std::fmt::Display) -> ArchiveError {
        if let Some(failure) = self.source.failure() {
            return failure;
        }
        let reason = self.source.complaint().unwrap_or_else(|| reason.to_string());
        ArchiveError::damaged(self.source.path(), format!("row group {}: {reason}", self.row_group))
    }

    pub(crate) fn misfit(&self, error: ArrowError) -> ArchiveError {
        match error {
            // Our own words, without Arrow's before them.
            ArrowError::ParseError(reason) => self.damaged(reason),
            error => self.damaged(error),
        }
    }

    /// The decoder meets hostile bytes here: should it panic, only this file is lost.
    pub(crate) fn guarded<T>(
        &self,
        decode: impl FnOnce() -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
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

/// A row group whose rows are chosen, if that takes a pass of its own.
pub struct ChosenRows {
    scan: RowGroupScan,
    chosen: Chosen,
}

enum Chosen {
    /// It is read in one pass: rows are chosen as they come.
    Later,
    Nothing {
        rows_read: u64,
    },
    Rows {
        rows_read: u64,
        rows_kept: u64,
        selection: RowSelection,
        coming: Coming,
    },
}

/// What the second pass needs, on its way; nobody fetches what nobody waits for any more.
struct Coming(JoinHandle<Result<Told, ArchiveError>>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Looks on while a row group is read.
pub struct Ending(BytesSource);

impl Ending {
    /// Whether so little is left of it that the next one's bytes may come ([`RowGroupScan::begin`]).
    pub fn is_near(&self) -> bool {
        self.0.is_ending()
    }
}

impl ChosenRows {
    /// Whether bytes of the chosen rows are on their way: meanwhile there is time for another row group's choice.
    pub fn has_chosen(&self) -> bool {
        matches!(&self.chosen, Chosen::Rows { .. })
    }

    /// Tells, while it is read, whether it is nearly over.
    pub fn ending(&self) -> Ending {
        Ending(self.scan.source.clone())
    }

    /// Reads on, as [`RowGroupScan::run`] does.
    pub fn run(
        self,
        filter: &mut dyn RowFilter,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), ArchiveError>,
    ) -> Result<ScanStats, ArchiveError> {
        let scan = self.scan;
        let mut stats = match self.chosen {
            Chosen::Later => scan.run_once(filter, receive)?,
            Chosen::Nothing { rows_read } => ScanStats { rows_read, ..ScanStats::default() },
            Chosen::Rows { rows_read, rows_kept, selection, mut coming } => {
                let told = scan.source.runtime().block_on(&mut coming.0);
                let told = told.unwrap_or_else(|error| Err(scan.source.broken_off(error)))?;
                let delivered = scan.second_pass(selection, &told, receive)?;
                if delivered != rows_kept {
                    let reason = format!("{delivered} of {rows_kept} chosen rows could be read");
                    return Err(ArchiveError::damaged(scan.source.path(), reason));
                }
                ScanStats { rows_read, rows_kept, ..ScanStats::default() }
            }
        };
        let (bytes_fetched, requests) = scan.source.cost();
        (stats.bytes_fetched, stats.requests) = (bytes_fetched + scan.before.0, requests + scan.before.1);
        if stats.rows_read != scan.file.row_group_rows(scan.row_group) {
            let reason = format!(
                "row group {} holds {} rows, not what its footer says",
                scan.row_group, stats.rows_read
            );
            return Err(ArchiveError::damaged(scan.source.path(), reason));
        }
        Ok(stats)
    }
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
