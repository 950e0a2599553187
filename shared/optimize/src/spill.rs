//! Sorting what does not fit into memory: alerts are laid aside by buckets, each a stretch of the order in which they are
//! written; then each bucket is sorted by itself.

use crate::{OptimizeError, Watch, checksum::Checksum, reading::Receiver};
use arrow::{array::RecordBatch, compute::interleave_record_batch, datatypes::SchemaRef};
use arrow_ipc::{
    CompressionType,
    reader::StreamReader,
    writer::{IpcWriteOptions, StreamWriter},
};
use std::{
    fs::File,
    io::{BufReader, BufWriter},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Alerts are gathered up to so many bytes before they are dealt out: a bucket then gets many at once.
const HELD_BYTES: usize = 64 * 1024 * 1024;

/// Where each alert goes.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The place of each alert, in the order in which they are stored.
    pub(crate) places: Arc<Vec<u32>>,
    /// Alerts of a bucket.
    pub(crate) bucket_rows: u64,
    /// The buckets of this pass.
    pub(crate) buckets: Range<u64>,
}

impl Plan {
    /// The bucket of an alert, counted from the first one of this pass, if it is one of this pass.
    fn bucket(&self, row: u64) -> Option<(usize, u32)> {
        let place = *self.places.get(usize::try_from(row).ok()?)?;
        let bucket = u64::from(place) / self.bucket_rows;
        let bucket = self.buckets.contains(&bucket).then(|| bucket - self.buckets.start)?;
        Some((usize::try_from(bucket).ok()?, place))
    }
}

/// Deals out alerts to their buckets.
pub(crate) struct Spill {
    plan: Plan,
    schema: SchemaRef,
    buckets: Vec<Bucket>,
    held: Vec<(u64, RecordBatch)>,
    held_bytes: usize,
    /// Of everything that came by, if this pass is to sum it up.
    checksum: Option<Checksum>,
    watch: Watch,
}

/// Alerts that were laid aside.
pub(crate) struct Bucket {
    path: PathBuf,
    writer: Option<StreamWriter<BufWriter<File>>>,
    /// Their places, in the order in which they lie there.
    places: Vec<u32>,
}

impl Spill {
    /// A pass over all alerts that keeps those of its buckets in files below `folder`.
    pub(crate) fn new(plan: Plan, schema: SchemaRef, folder: &Path, sums_up: bool, watch: Watch) -> Self {
        let bucket = |number: u64| Bucket {
            path: folder.join(format!("bucket-{number}.arrow")),
            writer: None,
            places: Vec::new(),
        };
        let buckets = plan.buckets.clone().map(bucket).collect();
        let checksum = sums_up.then(Checksum::default);
        Self { plan, schema, buckets, held: Vec::new(), held_bytes: 0, checksum, watch }
    }

    /// Lays the last alerts aside; the buckets, and the checksum if this pass has summed up.
    pub(crate) fn finish(mut self) -> Result<(Vec<Bucket>, Option<Checksum>), OptimizeError> {
        self.deal_out()?;
        for bucket in &mut self.buckets {
            if let Some(mut writer) = bucket.writer.take() {
                writer.finish()?;
            }
        }
        Ok((self.buckets, self.checksum))
    }

    fn deal_out(&mut self) -> Result<(), OptimizeError> {
        let mut dealt: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.buckets.len()];
        for (number, (first, batch)) in self.held.iter().enumerate() {
            for row in 0..batch.num_rows() {
                let Some((bucket, place)) = self.plan.bucket(first + row as u64) else { continue };
                if let (Some(rows), Some(bucket)) = (dealt.get_mut(bucket), self.buckets.get_mut(bucket)) {
                    rows.push((number, row));
                    bucket.places.push(place);
                }
            }
        }
        let held: Vec<&RecordBatch> = self.held.iter().map(|(_, batch)| batch).collect();
        for (bucket, rows) in self.buckets.iter_mut().zip(&dealt).filter(|(_, rows)| !rows.is_empty()) {
            bucket.add(&self.schema, &interleave_record_batch(&held, rows)?)?;
        }
        self.held.clear();
        self.held_bytes = 0;
        Ok(())
    }
}

impl Receiver for Spill {
    fn wants(&self, first: u64, rows: u64) -> bool {
        self.checksum.is_some() || (first..first + rows).any(|row| self.plan.bucket(row).is_some())
    }

    fn take(&mut self, first: u64, batch: RecordBatch) -> Result<(), OptimizeError> {
        if let Some(checksum) = &mut self.checksum {
            checksum.add(&batch)?;
            self.watch.went_on(batch.num_rows() as u64);
        }
        self.held_bytes += batch.get_array_memory_size();
        self.held.push((first, batch));
        if self.held_bytes >= HELD_BYTES { self.deal_out() } else { Ok(()) }
    }
}

impl Bucket {
    fn add(&mut self, schema: &SchemaRef, batch: &RecordBatch) -> Result<(), OptimizeError> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let file = File::create(&self.path).map_err(OptimizeError::scratch(&self.path))?;
                let options =
                    IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
                none.insert(StreamWriter::try_new_with_options(BufWriter::new(file), schema, options)?)
            }
        };
        Ok(writer.write(batch)?)
    }

    /// Hands out the alerts in order, `rows` at once, and removes the file.
    pub(crate) fn sorted(
        self,
        rows: usize,
        receive: &mut dyn FnMut(RecordBatch) -> Result<(), OptimizeError>,
    ) -> Result<(), OptimizeError> {
        if self.places.is_empty() {
            return Ok(());
        }
        let file = File::open(&self.path).map_err(OptimizeError::scratch(&self.path))?;
        let batches: Vec<RecordBatch> =
            StreamReader::try_new(BufReader::new(file), None)?.collect::<Result<_, _>>()?;
        let there = batches
            .iter()
            .enumerate()
            .flat_map(|(number, batch)| (0..batch.num_rows()).map(move |row| (number, row)));
        let mut order: Vec<(u32, (usize, usize))> = self.places.iter().copied().zip(there).collect();
        order.sort_unstable();
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        for part in order.chunks(rows.max(1)) {
            let part: Vec<(usize, usize)> = part.iter().map(|(_, place)| *place).collect();
            receive(interleave_record_batch(&batches, &part)?)?;
        }
        std::fs::remove_file(&self.path).map_err(OptimizeError::scratch(&self.path))
    }
}
