//! The batches of a row group: what is decoded here and what the crate's decoder reads, as the job has them.

use crate::{
    ArchiveError, LeafSet,
    adapt::{MAX_TEXT_BYTES, adapt},
    decode::{ChosenOf, ColumnPlan, ColumnReader, Fault},
    scan::RowGroupScan,
    unpack::metadata_of,
    wanted::Told,
};
use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, StructArray},
    compute::filter_record_batch,
    datatypes::{DataType, Field, FieldRef, Schema},
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{
        ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy,
    },
};
use std::sync::Arc;

/// The batches of some rows and leaves.
pub(crate) struct Batches<'a> {
    scan: &'a RowGroupScan,
    leaves: &'a LeafSet,
    /// What the filter looks at, if there is one.
    first: Option<&'a LeafSet>,
    /// What is not decoded here; it tells how many rows a batch has.
    others: ParquetRecordBatchReader,
    columns: Vec<ColumnReader>,
    /// Columns of which only rows are decoded that the filter keeps.
    later: Vec<ColumnReader>,
    /// Rows that may still come.
    left: u64,
}

impl<'a> Batches<'a> {
    /// Of all rows or of those selected, at most `rows` at once. Of rows that a filter is to choose, only the leaves that it
    /// looks at `first` are all decoded.
    pub fn of(
        scan: &'a RowGroupScan,
        leaves: &'a LeafSet,
        first: Option<&'a LeafSet>,
        selection: Option<RowSelection>,
        told: &Told,
        rows: usize,
    ) -> Result<Self, ArchiveError> {
        let mask = scan.expect(leaves);
        let file = &scan.file;
        let (metadata, row_group) = match told.plain.as_slice() {
            [] => (file.metadata.clone(), scan.row_group),
            plain => {
                let alone = metadata_of(&file.metadata, scan.row_group, plain);
                (alone.map_err(|error| scan.damaged(error))?, 0)
            }
        };
        let plans = ColumnPlan::all(&metadata, row_group, &mask, scan.has_views());
        let decoded: Vec<usize> = plans.iter().flat_map(ColumnPlan::leaves).collect();
        let others = (0..metadata.parquet_schema().num_columns())
            .filter(|leaf| mask.leaf_included(*leaf) && !decoded.contains(leaf));
        let others = ProjectionMask::leaves(metadata.parquet_schema(), others);
        let first_mask = first.map(|first| first.mask(metadata.parquet_schema()));
        let (mut columns, mut later) = (Vec::new(), Vec::new());
        for plan in plans {
            let (now, then) = match &first_mask {
                Some(mask) => plan.split(mask),
                None => (Some(plan), None),
            };
            for (plan, readers) in [(now, &mut columns), (then, &mut later)] {
                let Some(plan) = plan else { continue };
                let reader =
                    plan.reader(&scan.source, &metadata, row_group, &told.packed, selection.as_ref());
                readers.push(reader.map_err(|error| scan.damaged(error))?);
            }
        }
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(scan.source.clone(), metadata)
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
        let others = scan.guarded(|| builder.build().map_err(|error| scan.damaged(error)))?;
        let left = file.row_group_rows(scan.row_group);
        Ok(Self { scan, leaves, first, others, columns, later, left })
    }

    /// The next rows; none at the end.
    pub fn next(&mut self) -> Result<Option<RecordBatch>, ArchiveError> {
        let mut room = MAX_TEXT_BYTES;
        let batch = self.decoded(&mut room)?;
        let adapted = batch.map(|batch| self.adapted(&batch, self.leaves)).transpose();
        self.scan.source.next_batch();
        adapted
    }

    /// Of the next rows those that the filter keeps, and how many rows there were; none at the end.
    pub fn next_chosen(
        &mut self,
        choose: &mut dyn FnMut(&RecordBatch) -> Result<BooleanArray, ArchiveError>,
    ) -> Result<Option<(usize, RecordBatch)>, ArchiveError> {
        let Some(first) = self.first else {
            return Ok(self.next()?.map(|batch| (batch.num_rows(), batch)));
        };
        let mut room = MAX_TEXT_BYTES;
        let Some(batch) = self.decoded(&mut room)? else { return Ok(None) };
        let keep = choose(&self.adapted(&batch, first)?)?;
        let rows = batch.num_rows();
        let chosen = self.chosen(batch, keep, &mut room)?;
        let adapted = self.adapted(&chosen, self.leaves)?;
        self.scan.source.next_batch();
        Ok(Some((rows, adapted)))
    }

    /// The next rows of what is decoded of all.
    fn decoded(&mut self, room: &mut usize) -> Result<Option<RecordBatch>, ArchiveError> {
        let (scan, others, columns) = (self.scan, &mut self.others, &mut self.columns);
        let batch = scan.guarded(|| {
            let Some(batch) = others.next() else { return Ok(None) };
            let batch = batch.map_err(|error| scan.damaged(error))?;
            with_columns(batch, columns, room).map(Some).map_err(|error| scan.damaged(error))
        })?;
        let Some(batch) = batch else { return Ok(None) };
        // Pages that contradict themselves can make the decoder go on for ever.
        match self.left.checked_sub(batch.num_rows() as u64) {
            Some(left) if batch.num_rows() > 0 => self.left = left,
            _ => return Err(scan.damaged("its pages hold other rows than its footer says")),
        }
        Ok(Some(batch))
    }

    /// The rows that are kept, with the columns that were left until now.
    fn chosen(
        &mut self,
        batch: RecordBatch,
        keep: BooleanArray,
        room: &mut usize,
    ) -> Result<RecordBatch, ArchiveError> {
        let (scan, later) = (self.scan, &mut self.later);
        scan.guarded(|| {
            let kept = filter_record_batch(&batch, &keep);
            let (kept, of) = (kept.map_err(|error| scan.damaged(error))?, batch.num_rows());
            let rows = ChosenOf::from(keep);
            let mut more = Vec::new();
            for reader in later {
                let array = reader.read_chosen(&rows, room);
                let array = array.map_err(|fault| scan.damaged(in_words(fault, of)))?;
                more.extend(array.map(|array| (reader.field().clone(), array)));
            }
            joined(kept, more).map_err(|error| scan.damaged(error))
        })
    }

    fn adapted(&self, batch: &RecordBatch, leaves: &LeafSet) -> Result<RecordBatch, ArchiveError> {
        let scan = self.scan;
        scan.guarded(|| adapt(batch, leaves.schema()).map_err(|error| scan.misfit(error)))
    }
}

/// The batch with the same rows of these columns.
fn with_columns(
    batch: RecordBatch,
    readers: &mut [ColumnReader],
    room: &mut usize,
) -> Result<RecordBatch, Fault> {
    let rows = batch.num_rows();
    let mut left = rows;
    while left > 0 && !readers.is_empty() {
        // All choose the same rows.
        let mut read = 0;
        for reader in &mut *readers {
            read = reader.step(left, room).map_err(|fault| in_words(fault, rows))?;
        }
        left = left.saturating_sub(read);
    }
    let mut more = Vec::new();
    for reader in readers {
        more.push((reader.field().clone(), reader.finish().map_err(|fault| in_words(fault, rows))?));
    }
    joined(batch, more)
}

fn in_words(fault: Fault, rows: usize) -> Fault {
    match fault {
        Fault::TooMuchText => {
            Fault::Bytes(format!("the texts of {rows} rows come to more than {MAX_TEXT_BYTES} bytes"))
        }
        fault => fault,
    }
}

/// The batch with more columns, and with more leaves of the structs that it has.
fn joined(batch: RecordBatch, more: Vec<(FieldRef, ArrayRef)>) -> Result<RecordBatch, Fault> {
    if more.is_empty() {
        return Ok(batch);
    }
    let rows = batch.num_rows();
    let mut fields = batch.schema().fields().to_vec();
    let mut columns = batch.columns().to_vec();
    for (field, array) in more {
        match fields.iter().position(|had| had.name() == field.name()) {
            None => {
                fields.push(field);
                columns.push(array);
            }
            Some(place) => {
                let both = one_struct(&columns[place], &array)?;
                fields[place] =
                    Arc::new(Field::new(field.name(), both.data_type().clone(), field.is_nullable()));
                columns[place] = both;
            }
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

/// Two parts of a struct as one.
fn one_struct(first: &ArrayRef, second: &ArrayRef) -> Result<ArrayRef, Fault> {
    let (DataType::Struct(some), DataType::Struct(others)) = (first.data_type(), second.data_type()) else {
        return Err(Fault::Bytes("a column comes twice".into()));
    };
    let (first, second) = (first.as_struct(), second.as_struct());
    if first.nulls() != second.nulls() {
        return Err(Fault::Bytes("the leaves of a struct differ in where it is missing".into()));
    }
    let arrays = first.columns().iter().chain(second.columns()).cloned().collect();
    let fields = some.iter().chain(others).cloned().collect();
    Ok(Arc::new(StructArray::try_new(fields, arrays, first.nulls().cloned())?))
}
