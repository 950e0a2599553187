//! From alerts and bytes to seconds: by what recent jobs took, at the budget of the service and of the request.

use super::Estimate;
use crate::{Scout, pace::at_once};
use job::{JobRequest, Took};
use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

/// How long the costs hold.
const LATELY: Duration = Duration::from_secs(60);
/// Jobs that are looked back on.
const RECENT: usize = 50;
/// What jobs took where these figures were first taken (README: a night of 250,000 light alerts, one of 100,000 full
/// ones). They count as two jobs, and soon for little beside a service's own.
const BEFORE_ALL: [Took; 2] = [
    Took { before: 0.5, working: 1.1, read: 250_000, bytes_sent: 350_000_000 },
    Took { before: 0.5, working: 11.4, read: 100_000, bytes_sent: 5_500_000_000 },
];

/// What an alert read and a byte sent cost, in seconds of one task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Costs {
    before: f64,
    alert: f64,
    byte: f64,
}

impl Scout {
    /// Seconds until the last alert of an estimated request is in the topic; none where its bytes are not known.
    pub(super) async fn seconds_of(&self, request: &JobRequest, estimate: &Estimate) -> Option<f64> {
        let bytes = estimate.bytes.or((estimate.alerts == 0).then_some(0))?;
        let costs = self.costs().await;
        let nights = estimate.nights.len().max(1) as u64;
        let parts = nights.max(estimate.bytes_in_nights.div_ceil(self.settings.task_bytes.max(1)));
        let at_once =
            (self.settings.workers as u64).min(parts).min(at_once(request).unwrap_or(usize::MAX) as u64);
        // Under a limit no more is read than it takes.
        let read = match request.alert_limit() {
            Some(limit) if estimate.alerts >= limit => {
                let all: u64 = estimate.nights.iter().map(|night| night.alerts).sum();
                estimate.alerts_in_nights as f64 * (limit as f64 / all.max(1) as f64).min(1.0)
            }
            _ => estimate.alerts_in_nights as f64,
        };
        let working = (read * costs.alert + bytes as f64 * costs.byte) / at_once.max(1) as f64;
        let at_pace =
            |amount: u64, rate: Option<u64>| rate.map_or(0.0, |rate| amount as f64 / rate.max(1) as f64);
        let paced = at_pace(estimate.alerts, request.pace.alerts_per_second)
            .max(at_pace(bytes, request.pace.bytes_per_second));
        Some(costs.before + working.max(paced))
    }

    /// By what recent jobs took; looked at once a minute.
    async fn costs(&self) -> Costs {
        let known = *self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, costs)) = known
            && at.elapsed() < LATELY
        {
            return costs;
        }
        let recent = self.store.jobs(RECENT).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "no jobs to estimate the time by");
            Vec::new()
        });
        let took: Vec<Took> = recent.into_iter().filter_map(|job| job.value.took).chain(BEFORE_ALL).collect();
        let costs = costs(&took);
        *self.costs.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), costs));
        costs
    }
}

/// The costs that explain what jobs took best, each job's time weighing the same; none is negative.
fn costs(took: &[Took]) -> Costs {
    let mut before: Vec<f64> = took.iter().map(|took| took.before).collect();
    before.sort_by(f64::total_cmp);
    let before = before.get(before.len() / 2).copied().unwrap_or_default();
    // The least squares of (alert × read + byte × sent) / working − 1.
    let (mut rr, mut rs, mut ss, mut r1, mut s1) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for took in took {
        let seconds = took.working.max(0.001);
        let (read, sent) = (took.read as f64 / seconds, took.bytes_sent as f64 / seconds);
        rr += read * read;
        rs += read * sent;
        ss += sent * sent;
        r1 += read;
        s1 += sent;
    }
    let alone = |squares: f64, ones: f64| if squares > 0.0 { ones / squares } else { 0.0 };
    let determinant = rr * ss - rs * rs;
    if determinant <= rr * ss * 1e-9 {
        return Costs { before, alert: alone(rr, r1), byte: 0.0 };
    }
    let (alert, byte) = ((r1 * ss - s1 * rs) / determinant, (s1 * rr - r1 * rs) / determinant);
    match (alert < 0.0, byte < 0.0) {
        (true, _) => Costs { before, alert: 0.0, byte: alone(ss, s1) },
        (_, true) => Costs { before, alert: alone(rr, r1), byte: 0.0 },
        _ => Costs { before, alert, byte },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_found_again_in_what_jobs_took() {
        let job = |read: u64, bytes_sent: u64| Took {
            before: 0.3,
            working: read as f64 * 2e-6 + bytes_sent as f64 * 1e-8,
            read,
            bytes_sent,
        };
        let found = costs(&[job(1_000_000, 10_000), job(200_000, 90_000_000), job(50_000, 500_000_000)]);
        assert!(
            (found.alert / 2e-6 - 1.0).abs() < 1e-6 && (found.byte / 1e-8 - 1.0).abs() < 1e-6,
            "{found:?}"
        );
        assert_eq!(found.before, 0.3);
        // Two jobs alike tell one cost only.
        let alike = costs(&[job(1000, 1000), job(2000, 2000)]);
        assert!(alike.alert > 0.0 && alike.byte == 0.0);
    }
}
