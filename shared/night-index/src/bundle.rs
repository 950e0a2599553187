//! Samples of a month side by side: one file to open instead of thirty.

use crate::{
    Catalogue, Index, IndexError,
    catalogue::Bundle,
    entry::Object,
    mark::Mark,
    night::{is_image, properties},
    sample::{SLICES, SLICES_WITH_LISTS, sample_field},
};
use archive::{LeafSet, RowGroupScan, ScanPlan};
use arrow::{
    array::{RecordBatch, new_null_array},
    datatypes::{DataType, FieldRef, Schema, SchemaRef},
    error::ArrowError,
};
use job::{FieldPath, Night};
use object_store::PutPayload;
use parquet::{arrow::ArrowWriter, errors::ParquetError};
use std::{collections::BTreeMap, sync::Arc};

/// Alerts of a row group of a bundle.
const ROW_GROUP_ROWS: usize = 32 * 1024;

/// Whether bundles hold a root column in all slices: light curves and other lists they hold in the first ones only.
pub fn is_light(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().all(|field| is_light(field.data_type())),
        DataType::List(_) | DataType::Map(..) => false,
        _ => true,
    }
}

/// Nights that belong side by side: those of a month that have the same schema.
pub(crate) fn groups(catalogue: &Catalogue) -> Vec<Vec<Night>> {
    let mut groups: BTreeMap<(i32, u32, &str), Vec<Night>> = BTreeMap::new();
    for (night, known) in &catalogue.nights {
        if known.sample.rows > 0 && known.sample.is_sliced() {
            groups.entry((night.year(), night.month(), &known.schema)).or_default().push(*night);
        }
    }
    groups.into_values().filter(|nights| nights.len() > 1).collect()
}

/// The name of the bundle of these nights: another sample, another name.
pub(crate) fn name(catalogue: &Catalogue, nights: &[Night]) -> String {
    let mut mark = Mark::new();
    let first = nights.first();
    for sample in nights.iter().filter_map(|night| catalogue.nights.get(night)) {
        mark.add(&sample.sample.path);
    }
    let month = first.map_or_else(String::new, |night| format!("{:04}-{:02}", night.year(), night.month()));
    format!("bundles/{month}-{}.parquet", mark.finish())
}

impl Index {
    /// Makes the bundle of these nights and writes it.
    pub(crate) async fn make_bundle(
        &self,
        catalogue: &Catalogue,
        nights: &[Night],
    ) -> Result<Bundle, IndexError> {
        let path = name(catalogue, nights);
        let known: Vec<_> = nights.iter().filter_map(|night| catalogue.nights.get(night)).collect();
        let schema = known.first().and_then(|night| catalogue.schema_of(night));
        let schema = schema.cloned().unwrap_or_else(|| Arc::new(Schema::empty()));
        let all = with_sample(&schema, |field| !is_image(field.name()));
        let plan = |wanted: fn(&FieldRef) -> bool| {
            let fields = all.fields().iter().filter(|field| wanted(field));
            let output = LeafSet::new(&all, fields.map(|field| FieldPath::new([field.name()])));
            ScanPlan::new(&all, LeafSet::new(&all, []), output, false)
        };
        let (with_lists, light) = (plan(|_| true), plan(|field| is_light(field.data_type())));
        let mut writer = ArrowWriter::try_new(Vec::new(), all.clone(), Some(properties(ROW_GROUP_ROWS)?))?;
        let mut rows = 0;
        let mut slices = Vec::with_capacity(SLICES);
        for slice in 0..SLICES {
            let before = writer.flushed_row_groups().len();
            let plan = if slice < SLICES_WITH_LISTS { &with_lists } else { &light };
            for night in &known {
                let opened = self.open(&night.sample).await?;
                for row_group in night.sample.row_groups(slice..slice + 1, &opened) {
                    let scan = RowGroupScan::prepare(&opened, row_group, plan).await?;
                    let schema = all.clone();
                    let write = move || append(scan, &schema, writer);
                    let written = tokio::task::spawn_blocking(write).await;
                    let (back, more) = written.map_err(|error| IndexError::Worker(error.to_string()))??;
                    writer = back;
                    rows += more;
                }
            }
            writer.flush()?;
            slices.push(writer.flushed_row_groups().len() - before);
        }
        let bytes = writer.into_inner()?;
        let object = Object { path, size: bytes.len() as u64, rows, slices };
        self.put(&object.path, PutPayload::from(bytes)).await?;
        Ok(Bundle { object, nights: nights.to_vec() })
    }
}

/// Appends what a scan delivers; gives the writer back, and how many rows that were.
fn append(
    scan: RowGroupScan,
    schema: &SchemaRef,
    mut writer: ArrowWriter<Vec<u8>>,
) -> Result<(ArrowWriter<Vec<u8>>, u64), IndexError> {
    let mut failed = None;
    let stats = scan.run(&mut Nobody, &mut |batch| {
        if failed.is_none() {
            failed = widen(&batch, schema)
                .map_err(ParquetError::from)
                .and_then(|batch| writer.write(&batch))
                .err();
        }
        Ok(())
    })?;
    match failed {
        None => Ok((writer, stats.rows_kept)),
        Some(error) => Err(error.into()),
    }
}

/// A batch with all columns of a schema: null where it lacks them.
fn widen(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |field: &FieldRef| match batch.column_by_name(field.name()) {
        Some(column) => column.clone(),
        None => new_null_array(field.data_type(), batch.num_rows()),
    };
    RecordBatch::try_new(schema.clone(), schema.fields().iter().map(column).collect())
}

/// A night's columns, some of them, and the one that the index adds.
fn with_sample(schema: &SchemaRef, wanted: impl Fn(&FieldRef) -> bool) -> SchemaRef {
    let fields = schema.fields().iter().filter(|field| wanted(field)).cloned();
    Arc::new(Schema::new(fields.chain([sample_field()]).collect::<Vec<_>>()))
}

/// Nothing is filtered.
struct Nobody;

impl archive::RowFilter for Nobody {
    fn keep(
        &mut self,
        batch: &arrow::array::RecordBatch,
    ) -> Result<arrow::array::BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        Ok(vec![true; batch.num_rows()].into())
    }
}
