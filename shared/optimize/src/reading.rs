//! Reads files row group by row group, in order, on a thread of its own; the next row group is fetched meanwhile.

use crate::{OptimizeError, Watch};
use archive::{ArchiveError, OpenFile, RowFilter, RowGroupScan, ScanPlan};
use arrow::array::{BooleanArray, RecordBatch};
use tokio::sync::mpsc;

/// Row groups that wait.
const AHEAD: usize = 1;

/// What becomes of what is read.
pub(crate) trait Receiver: Send + 'static {
    /// Whether a row group is needed, by the number of its first alert among all.
    fn wants(&self, _first: u64, _rows: u64) -> bool {
        true
    }

    /// Takes alerts; `first` is the number of the first of them.
    fn take(&mut self, first: u64, batch: RecordBatch) -> Result<(), OptimizeError>;
}

/// A row group to read, and the number of its first alert.
struct Part {
    file: usize,
    row_group: usize,
    first: u64,
}

/// Hands everything that `plan` reads of the files to `receiver`, and gives that back.
pub(crate) async fn read<R: Receiver>(
    files: &[OpenFile],
    plan: &ScanPlan,
    mut receiver: R,
    watch: &Watch,
) -> Result<R, OptimizeError> {
    let parts: Vec<Part> = parts(files, &receiver);
    let (sender, mut prepared) = mpsc::channel::<(u64, Result<RowGroupScan, ArchiveError>)>(AHEAD);
    let stop = watch.clone();
    let work = tokio::task::spawn_blocking(move || {
        while let Some((first, scan)) = prepared.blocking_recv() {
            let mut next = first;
            scan?.run(&mut All, &mut |batch| {
                let rows = batch.num_rows() as u64;
                let taken = stop.check().and_then(|()| receiver.take(next, batch));
                next += rows;
                taken.map_err(|error| ArchiveError::Consumer(Box::new(error)))
            })?;
        }
        Ok::<_, ArchiveError>(receiver)
    });
    for part in parts {
        // Room first: while one is worked on, one more is held and no third. Nobody listens where the work has failed.
        let (Some(file), Ok(room)) = (files.get(part.file), sender.reserve().await) else { break };
        room.send((part.first, RowGroupScan::prepare(file, part.row_group, plan).await));
    }
    drop(sender);
    let done = work.await.map_err(|error| OptimizeError::Worker(error.to_string()))?;
    done.map_err(OptimizeError::from_scan)
}

fn parts(files: &[OpenFile], receiver: &impl Receiver) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut first = 0;
    for (file, opened) in files.iter().enumerate() {
        for row_group in 0..opened.row_groups() {
            let rows = opened.row_group_rows(row_group);
            if receiver.wants(first, rows) {
                parts.push(Part { file, row_group, first });
            }
            first += rows;
        }
    }
    parts
}

/// A scan of everything asks nobody.
struct All;

impl RowFilter for All {
    fn keep(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        Ok(BooleanArray::from(vec![true; batch.num_rows()]))
    }
}
