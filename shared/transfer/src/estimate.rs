//! Estimate: how many alerts would pass and how many bytes that is, conditions included.
//!
//! Without an index the archive itself is asked: all alerts are counted from the footers, and the conditions are tried on
//! row groups of every night, up to a budget. A night that was looked at whole is exact; the rest is scaled up, with an
//! interval that says how far off that may be.

use crate::{
    Service, TransferError,
    content_plan::ContentPlan,
    filter::{Filter, tnsclass},
    pump::Progress,
    service::now,
};
use archive::{ArchiveError, OpenFile, RowGroupScan, ScanPlan};
use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use job::{JobRequest, Night};
use packet::{Encoder, Messages, finkclass};
use serde::{Deserialize, Serialize};

/// Alerts that are looked at in all, at least one row group a night.
const SAMPLE_ALERTS: u64 = 400_000;
/// Alerts that are encoded to learn the size of one.
const ENCODED_ALERTS: usize = 200;
/// Nights that are looked at at once.
const NIGHTS: usize = 2;
/// Alerts of a row group resemble each other, as they were taken one after the other: the interval is widened by this.
const DESIGN_EFFECT: f64 = 2.0;

/// What a request would come to.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Estimate {
    /// Alerts that would be sent.
    pub alerts: u64,
    /// With 95 % confidence at least this many.
    pub alerts_low: u64,
    /// With 95 % confidence at most this many.
    pub alerts_high: u64,
    /// Whether `alerts` was counted rather than scaled up.
    pub exact: bool,
    /// Bytes in the topic before compression; none where no alert that passes was met.
    pub bytes: Option<u64>,
    /// Alerts in the chosen nights.
    pub alerts_in_nights: u64,
    /// Alerts that the conditions were tried on.
    pub alerts_tried: u64,
    /// Each night.
    pub nights: Vec<NightEstimate>,
    /// Chosen nights that the archive lacks.
    #[schema(value_type = Vec<String>)]
    pub empty_nights: Vec<Night>,
    /// Nights that cannot be read, with the reason.
    pub unreadable: Vec<String>,
}

/// What a night would come to, before any limit.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NightEstimate {
    /// The night.
    #[schema(value_type = String)]
    pub night: Night,
    /// Alerts in it.
    pub alerts_in_night: u64,
    /// Alerts that would pass.
    pub alerts: u64,
    /// Whether that was counted.
    pub exact: bool,
}

/// What was seen of a night.
struct Tried {
    night: Night,
    rows: u64,
    tried: u64,
    passed: u64,
    messages: u64,
    bytes: u64,
}

impl Service {
    /// Estimates a request. It is checked as a submit checks it; nothing is made.
    pub async fn estimate(&self, request: &JobRequest) -> Result<Estimate, TransferError> {
        let request = &request.clone().on(now().date_naive())?;
        request.check()?;
        let (nights, empty_nights) = self.chosen_nights(request).await?;
        let schema = self.first_look(&nights).await?;
        ContentPlan::over_nights(request, &schema)?;
        let budget = SAMPLE_ALERTS / nights.len().max(1) as u64;
        let seen: Vec<(Night, Result<Tried, ArchiveError>)> = futures::stream::iter(nights)
            .map(|night| self.clone().try_night(request.clone(), schema.schema.clone(), night, budget))
            .buffered(NIGHTS)
            .try_collect()
            .await?;
        let mut unreadable = Vec::new();
        let mut tried = Vec::new();
        for (night, result) in seen {
            match result {
                Ok(seen) => tried.push(seen),
                Err(error) => unreadable.push(format!("{night}: {error}")),
            }
        }
        Ok(summed(&tried, request.alert_limit(), empty_nights, unreadable))
    }

    async fn try_night(
        self,
        request: JobRequest,
        schema: arrow::datatypes::SchemaRef,
        night: Night,
        budget: u64,
    ) -> Result<(Night, Result<Tried, ArchiveError>), TransferError> {
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
    ) -> Result<Tried, TransferError> {
        let plan = ContentPlan::new(&request, &schema)?;
        let filters = !plan.conditions.is_empty() || !plan.classes.is_all();
        let narrow = ScanPlan::new(&schema, plan.scan.narrow.clone(), plan.scan.narrow.clone(), filters);
        let mut seen = Tried { night, rows: 0, tried: 0, passed: 0, messages: 0, bytes: 0 };
        let mut units: Vec<(OpenFile, usize)> = Vec::new();
        for file in self.archive.files(night).await? {
            let opened = self.archive.open_file(&file).await?;
            seen.rows += opened.rows();
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

fn summed(
    tried: &[Tried],
    limit: Option<u64>,
    empty_nights: Vec<Night>,
    unreadable: Vec<String>,
) -> Estimate {
    let (mut expected, mut variance, mut slack) = (0.0, 0.0, 0.0);
    let mut nights = Vec::new();
    for seen in tried {
        let exact = seen.tried == seen.rows;
        let (rows, looked) = (seen.rows as f64, seen.tried.max(1) as f64);
        let share = seen.passed as f64 / looked;
        let alerts = if exact { seen.passed as f64 } else { rows * share };
        if !exact {
            variance += rows * rows * share * (1.0 - share) / looked * (1.0 - looked / rows) * DESIGN_EFFECT;
            // Where none (or every one) passed, the truth may still be up to three in as many as were looked at.
            if seen.passed == 0 || seen.passed == seen.tried {
                slack += 3.0 * rows / looked;
            }
        }
        expected += alerts;
        nights.push(NightEstimate {
            night: seen.night,
            alerts_in_night: seen.rows,
            alerts: alerts.round() as u64,
            exact,
        });
    }
    let rows: u64 = tried.iter().map(|seen| seen.rows).sum();
    let passed: u64 = tried.iter().map(|seen| seen.passed).sum();
    let half = 1.96 * variance.sqrt() + slack;
    let most = limit.unwrap_or(u64::MAX);
    let alerts = (expected.round() as u64).min(most);
    let (messages, bytes): (u64, u64) =
        tried.iter().fold((0, 0), |sum, seen| (sum.0 + seen.messages, sum.1 + seen.bytes));
    Estimate {
        alerts,
        alerts_low: ((expected - half).max(passed as f64).round() as u64).min(most),
        alerts_high: ((expected + half).min(rows as f64).round() as u64).min(most),
        exact: nights.iter().all(|night| night.exact) && unreadable.is_empty(),
        bytes: (messages > 0).then(|| (alerts as f64 * bytes as f64 / messages as f64).round() as u64),
        alerts_in_nights: rows,
        alerts_tried: tried.iter().map(|seen| seen.tried).sum(),
        nights,
        empty_nights,
        unreadable,
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

    #[test]
    fn intervals_close_when_everything_was_looked_at() {
        let night = "2026-03-22".parse().unwrap();
        let seen = |tried, passed| Tried { night, rows: 1000, tried, passed, messages: 10, bytes: 1000 };
        let exact = summed(&[seen(1000, 120)], None, vec![], vec![]);
        assert_eq!((exact.alerts_low, exact.alerts, exact.alerts_high, exact.exact), (120, 120, 120, true));
        assert_eq!(exact.bytes, Some(12_000));
        let sampled = summed(&[seen(100, 12)], None, vec![], vec![]);
        assert_eq!((sampled.alerts, sampled.exact), (120, false));
        assert!(
            (12..60).contains(&sampled.alerts_low) && (180..250).contains(&sampled.alerts_high),
            "{sampled:?}"
        );
        assert_eq!(summed(&[seen(100, 0)], None, vec![], vec![]).alerts_high, 30, "three in a hundred");
        assert_eq!(summed(&[seen(100, 12)], Some(10), vec![], vec![]).alerts, 10);
    }
}
