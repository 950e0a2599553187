//! Classes and conditions, over the columns that they look at.

use crate::{TransferError, content_plan::ContentPlan, progress::Progress};
use archive::{ArchiveError, RowFilter};
use arrow::{
    array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringArray},
    datatypes::SchemaRef,
};
use job::{Counts, Night};
use packet::{TnsCatalogue, finkclass, tnsclass};
use query::{ClassSelection, Predicate};
use std::sync::Arc;

/// Classes and conditions over the narrow columns.
pub(crate) struct Filter {
    predicate: Option<Predicate>,
    condition_schema: SchemaRef,
    classes: ClassSelection,
    by_finkclass: bool,
    by_tnsclass: bool,
    night: Night,
    tns: Arc<TnsCatalogue>,
    /// Since this was last taken.
    dropped: Dropped,
    progress: Progress,
}

/// Alerts that were dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dropped {
    by_class: u64,
    by_condition: Vec<u64>,
}

impl Dropped {
    /// Enters them into the books.
    pub(crate) fn count(self, counts: &mut Counts) {
        counts.dropped_by_class += self.by_class;
        for (total, dropped) in counts.dropped_by_condition.iter_mut().zip(self.by_condition) {
            *total += dropped;
        }
    }
}

impl RowFilter for Filter {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        self.choose(batch).map_err(Into::into)
    }

    /// By the first condition: rows are ruled out by that alone, and where no class is chosen ([`ScanPlan::needs`](archive::ScanPlan::needs)).
    fn ruled_out(&mut self, rows: u64) {
        if let Some(first) = self.dropped.by_condition.first_mut() {
            *first += rows;
        }
    }
}

impl Filter {
    /// The filter of a plan over a night.
    pub(crate) fn new(
        plan: &ContentPlan,
        tns: Arc<TnsCatalogue>,
        night: Night,
        progress: Progress,
    ) -> Result<Self, TransferError> {
        let condition_schema = plan.condition_schema();
        let predicate = plan.conditions.bind(&condition_schema)?;
        Ok(Self {
            predicate: (!plan.conditions.is_empty()).then_some(predicate),
            condition_schema,
            classes: plan.classes.clone(),
            by_finkclass: plan.filters_by_finkclass,
            by_tnsclass: plan.filters_by_tnsclass,
            night,
            tns,
            dropped: Dropped { by_class: 0, by_condition: vec![0; plan.conditions.list().len()] },
            progress,
        })
    }

    /// What was dropped since this was last asked.
    pub(crate) fn take_dropped(&mut self) -> Dropped {
        let by_condition = vec![0; self.dropped.by_condition.len()];
        std::mem::replace(&mut self.dropped, Dropped { by_class: 0, by_condition })
    }

    fn choose(&mut self, batch: &RecordBatch) -> Result<BooleanArray, TransferError> {
        if self.progress.is_stopped() {
            return Err(TransferError::Cancelled);
        }
        let rows = batch.num_rows();
        let fink = self.by_finkclass.then(|| finkclass(batch));
        let tns = self.by_tnsclass.then(|| tnsclass(batch, &self.tns));
        let by_class = (!self.classes.is_all()).then(|| self.classes.keep(fink.as_ref(), tns.as_ref(), rows));
        if let Some(kept) = &by_class {
            self.dropped.by_class += (rows - kept.true_count()) as u64;
        }
        let Some(predicate) = &self.predicate else {
            return Ok(by_class.unwrap_or_else(|| BooleanArray::from(vec![true; rows])));
        };
        let columns = self.condition_columns(batch, fink, tns);
        let batch = RecordBatch::try_new(self.condition_schema.clone(), columns).map_err(consumer)?;
        // Conditions are counted over the rows of the chosen classes only, so that the books add up.
        let Some(by_class) = by_class else {
            let verdict = predicate.evaluate(&batch)?;
            self.count(&verdict.dropped);
            return Ok(verdict.keep);
        };
        let chosen = arrow::compute::filter_record_batch(&batch, &by_class).map_err(consumer)?;
        let verdict = predicate.evaluate(&chosen)?;
        self.count(&verdict.dropped);
        let mut verdicts = verdict.keep.values().iter();
        Ok(by_class.values().iter().map(|kept| kept && verdicts.next().unwrap_or(false)).map(Some).collect())
    }

    fn count(&mut self, dropped: &[u64]) {
        for (total, more) in self.dropped.by_condition.iter_mut().zip(dropped) {
            *total += more;
        }
    }

    /// In the order of the condition schema: stored columns, the night, then the classes that are asked for.
    fn condition_columns(
        &self,
        batch: &RecordBatch,
        fink: Option<StringArray>,
        tns: Option<StringArray>,
    ) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        for part in [self.night.year(), self.night.month() as i32, self.night.day() as i32] {
            columns.push(Arc::new(Int32Array::from_value(part, batch.num_rows())));
        }
        columns.extend(fink.map(|classes| Arc::new(classes) as ArrayRef));
        columns.extend(tns.map(|classes| Arc::new(classes) as ArrayRef));
        columns
    }
}

fn consumer(error: arrow::error::ArrowError) -> TransferError {
    TransferError::Archive(ArchiveError::Consumer(Box::new(error)))
}
