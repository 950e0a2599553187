//! Nights that are not indexed: the archive itself is asked. All alerts are counted from the footers, and the conditions
//! are tried on row groups of every night, up to a budget. A night that was looked at whole is exact.

use super::{Kind, Known, Seen, is_within, weight::Weight};
use crate::{Scout, TransferError, content_plan::ContentPlan, filter::Filter, progress::Progress};
use archive::{ArchiveError, OpenFile, RowGroupScan, ScanPlan};
use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use job::{JobRequest, Night};
use packet::{Encoder, Messages, finkclass, tnsclass};

/// Alerts that are looked at in all, at least one row group a night.
const SAMPLE_ALERTS: u64 = 400_000;
/// Alerts that are encoded to learn the size of one.
const ENCODED_ALERTS: usize = 200;
/// Nights that are looked at at once.
const NIGHTS: usize = 2;
/// Alerts of a row group resemble each other, as they were taken one after the other: their number varies more.
const CLUMPING: f64 = 2.0;

/// What was seen of a night.
struct Trial {
    night: Night,
    rows: u64,
    tried: u64,
    passed: u64,
    messages: u64,
    bytes: u64,
    /// Bytes of all the night's alerts in the archive, of the columns that the content has.
    disk_bytes: u64,
    archive_bytes: u64,
}

impl Scout {
    /// Tries the conditions on nights for which the index does not help. Nights that cannot be read are told of.
    pub(super) async fn try_nights(
        &self,
        request: &JobRequest,
        known: &Known,
        nights: Vec<Night>,
    ) -> Result<(Vec<Seen>, Vec<String>), TransferError> {
        let budget = SAMPLE_ALERTS / nights.len().max(1) as u64;
        let tried: Vec<(Night, Result<Trial, ArchiveError>)> = futures::stream::iter(nights)
            .map(|night| self.clone().try_night(request.clone(), known.schema.schema.clone(), night, budget))
            .buffered(NIGHTS)
            .try_collect()
            .await?;
        let (mut seen, mut unreadable) = (Vec::new(), Vec::new());
        for (night, result) in tried {
            match result {
                Ok(tried) => seen.push(tried.seen()),
                Err(error) => unreadable.push(format!("{night}: {error}")),
            }
        }
        Ok((seen, unreadable))
    }

    async fn try_night(
        self,
        request: JobRequest,
        schema: arrow::datatypes::SchemaRef,
        night: Night,
        budget: u64,
    ) -> Result<(Night, Result<Trial, ArchiveError>), TransferError> {
        match self.try_files(request, schema, night, budget).await {
            Ok(tried) => Ok((night, Ok(tried))),
            Err(TransferError::Archive(error)) if !error.kind().is_worth_retrying() => {
                Ok((night, Err(error)))
            }
            Err(error) => Err(error),
        }
    }

    async fn try_files(
        self,
        request: JobRequest,
        schema: arrow::datatypes::SchemaRef,
        night: Night,
        budget: u64,
    ) -> Result<Trial, TransferError> {
        let plan = ContentPlan::new(&request, &schema)?;
        let filters = !plan.conditions.is_empty() || !plan.classes.is_all();
        let narrow = ScanPlan::new(&schema, plan.scan.narrow.clone(), plan.scan.narrow.clone(), filters);
        let mut seen = Trial {
            night,
            rows: 0,
            tried: 0,
            passed: 0,
            messages: 0,
            bytes: 0,
            disk_bytes: 0,
            archive_bytes: 0,
        };
        let reads = plan.layout.archive_fields();
        let mut units: Vec<(OpenFile, usize)> = Vec::new();
        for file in self.archive.files(night).await? {
            let opened = self.archive.open_file(&file).await?;
            seen.rows += opened.rows();
            seen.archive_bytes += file.size;
            let columns = opened.columns().into_iter();
            let kept = columns.filter(|column| reads.iter().any(|path| is_within(&column.field, path)));
            seen.disk_bytes += kept.map(|column| column.bytes).sum::<u64>();
            units.extend((0..opened.row_groups()).map(|row_group| (opened.clone(), row_group)));
        }
        let spread = spread(units.len());
        for (turn, index) in spread.into_iter().enumerate() {
            let (file, row_group) = &units[index];
            if filters && turn > 0 && seen.tried + file.row_group_rows(*row_group) > budget {
                break;
            }
            if filters {
                seen.passed += self.count(file, *row_group, &narrow, &plan, night).await?;
            } else {
                seen.passed += file.row_group_rows(*row_group);
            }
            seen.tried += file.row_group_rows(*row_group);
            if seen.messages == 0 && seen.passed > 0 {
                (seen.messages, seen.bytes) = self.encode_some(file, *row_group, &plan, night).await?;
            }
        }
        Ok(seen)
    }

    /// Alerts of a row group that pass.
    async fn count(
        &self,
        file: &OpenFile,
        row_group: usize,
        narrow: &ScanPlan,
        plan: &ContentPlan,
        night: Night,
    ) -> Result<u64, TransferError> {
        let scan = RowGroupScan::prepare(file, row_group, narrow).await?;
        let mut filter = Filter::new(plan, self.tns.clone(), night, Progress::idle())?;
        let counted = tokio::task::spawn_blocking(move || scan.run(&mut filter, &mut |_| Ok(()))).await;
        let stats = counted.map_err(|error| TransferError::Worker(error.to_string()))?;
        Ok(stats.map_err(TransferError::from_scan)?.rows_kept)
    }

    /// Messages and bytes of the first alerts of a row group that pass.
    async fn encode_some(
        &self,
        file: &OpenFile,
        row_group: usize,
        plan: &ContentPlan,
        night: Night,
    ) -> Result<(u64, u64), TransferError> {
        let scan = RowGroupScan::prepare(file, row_group, &plan.scan).await?;
        let mut filter = Filter::new(plan, self.tns.clone(), night, Progress::idle())?;
        let (encoder, tns) = (Encoder::new(plan.layout.clone()), self.tns.clone());
        let encode = move || {
            let mut messages = Messages::default();
            let mut receive = |batch: RecordBatch| {
                let batch = batch.slice(0, batch.num_rows().min(ENCODED_ALERTS));
                let (fink, tns) = (finkclass(&batch), tnsclass(&batch, &tns));
                let encoded = encoder.encode(&batch, night, &fink, &tns, &mut messages);
                encoded.map_err(|error| ArchiveError::Consumer(Box::new(error)))?;
                // The first batch is enough: this ends the scan.
                Err(ArchiveError::Consumer(Box::new(TransferError::Cancelled)))
            };
            let ended = scan.run(&mut filter, &mut receive).map_err(TransferError::from_scan);
            match ended {
                Ok(_) | Err(TransferError::Cancelled) => {
                    Ok((messages.len() as u64, messages.buffer().len() as u64))
                }
                Err(error) => Err(error),
            }
        };
        tokio::task::spawn_blocking(encode).await.map_err(|error| TransferError::Worker(error.to_string()))?
    }
}

/// The numbers below `count` in an order that is spread over all of them from the start.
fn spread(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(count);
    let mut step = count.next_power_of_two();
    while step > 0 {
        order.extend(
            (0..count)
                .step_by(step)
                .filter(|number| step == count.next_power_of_two() || number % (step * 2) != 0),
        );
        step /= 2;
    }
    order
}

impl Trial {
    fn seen(self) -> Seen {
        let tried = night_index::Tried {
            alerts: self.rows,
            tried: self.tried,
            passed: self.passed,
            clumping: CLUMPING,
        };
        let expected = night_index::interval([&tried]).alerts;
        let share = if self.rows > 0 { expected / self.rows as f64 } else { 0.0 };
        let weight = Weight {
            chosen: self.bytes as f64 * expected / self.messages.max(1) as f64,
            chosen_on_disk: share * self.disk_bytes as f64,
            weighed: if self.messages > 0 { expected } else { 0.0 },
            ..Weight::default()
        };
        Seen {
            night: self.night,
            alerts: self.rows,
            archive_bytes: self.archive_bytes,
            indexed: false,
            kinds: vec![Kind { classes: None, tried, looked_at: self.tried }],
            weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_spreads_and_holds_every_number_once() {
        assert_eq!(spread(8), [0, 4, 2, 6, 1, 3, 5, 7]);
        assert_eq!(spread(0), Vec::<usize>::new());
        let mut all = spread(13);
        all.sort_unstable();
        assert_eq!(all, (0..13).collect::<Vec<_>>());
    }
}
