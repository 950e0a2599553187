//! Holds a request against what a job, and what its user in a day, may ask for.

use crate::{Estimate, Ledger, Need, Problem, TransferError, service::now};
use job::{Amount, Ceiling, Exceeded, JobId, JobRequest, Limits, UsageId};
use store::update_usage;

/// A request that is over a limit: by how much, and what would fit.
#[derive(Clone, Debug)]
pub struct OverLimit {
    /// By how much.
    pub exceeded: Exceeded,
    /// Whether it is the user's day that is full rather than the job that is too large.
    pub is_daily: bool,
    /// What the request would come to, where that had to be known.
    pub estimate: Option<Estimate>,
    /// What to ask for instead.
    pub fits: Option<String>,
}

impl std::fmt::Display for OverLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.is_daily {
            false => write!(f, "the job would take {} in a job", self.exceeded),
            true => write!(f, "the day would come to {} to a user in a day (UTC)", self.exceeded),
        }
    }
}

impl OverLimit {
    pub(crate) fn problem(&self) -> Problem {
        Problem {
            place: "nights".into(),
            reason: self.to_string(),
            instead: self.fits.clone(),
            meaning: None,
            snippet: None,
        }
    }
}

impl Ledger {
    /// Whether the limits ask for an estimate of this request.
    pub(crate) fn need(&self, request: &JobRequest) -> Need {
        let limits = &self.settings.limits;
        let Limits { job, user_day } = limits;
        if limits.is_free() || !limits.need_estimate() {
            return Need::IfQuick;
        }
        let only_alerts = job.bytes.is_none() && user_day.alerts.is_none() && user_day.bytes.is_none();
        match job.alerts.filter(|_| only_alerts) {
            None => Need::Always,
            Some(most) if request.alert_limit().is_some_and(|limit| limit <= most) => Need::IfQuick,
            Some(most) => Need::Above(most),
        }
    }

    /// What the request would come to, or why it is refused.
    pub(crate) async fn within_limits(
        &self,
        nights: usize,
        estimate: Option<&Estimate>,
        id: JobId,
        user: &str,
    ) -> Result<Amount, TransferError> {
        let limits = &self.settings.limits;
        let mut amount = Amount { nights: nights as u64, ..Amount::default() };
        if limits.is_free() {
            return Ok(amount);
        }
        if let Some(estimate) = estimate {
            amount.alerts = estimate.alerts;
            amount.bytes = estimate.bytes.unwrap_or(0);
        }
        let today = UsageId { user: user.to_owned(), day: now().date_naive() };
        let mut usage = self.store.usage(&today).await?.value;
        // A submit that was broken off has counted itself.
        usage.jobs.remove(&id);
        let left = limits.user_day.after(usage.total());
        let refuse = |exceeded, is_daily| {
            let fits = what_fits(&limits.job.and(&left), estimate, amount);
            TransferError::OverLimit(Box::new(OverLimit {
                exceeded,
                is_daily,
                estimate: estimate.cloned(),
                fits,
            }))
        };
        limits.job.check(amount).map_err(|exceeded| refuse(exceeded, false))?;
        left.check(amount).map_err(|exceeded| {
            let used = limits.user_day;
            let allowed = match exceeded.what {
                "nights" => used.nights,
                "alerts" => used.alerts,
                _ => used.bytes,
            };
            let allowed = allowed.unwrap_or(exceeded.allowed);
            let asked = exceeded.asked + (allowed - exceeded.allowed);
            refuse(Exceeded { asked, allowed, ..exceeded }, true)
        })?;
        Ok(amount)
    }

    /// Counts a job to its user's day; refused when another submit was faster and nothing is left.
    pub(crate) async fn reserve(&self, id: JobId, user: &str, amount: Amount) -> Result<(), TransferError> {
        let ceiling = self.settings.limits.user_day;
        if self.settings.limits.is_free() {
            return Ok(());
        }
        let today = UsageId { user: user.to_owned(), day: now().date_naive() };
        let mut fits = Ok(());
        update_usage(&*self.store, &today, |usage| {
            let mut others = usage.clone();
            others.jobs.remove(&id);
            fits = ceiling.check(others.total() + amount);
            fits.is_ok() && usage.jobs.insert(id, amount) != Some(amount)
        })
        .await?;
        fits.map_err(|exceeded| {
            let over = OverLimit { exceeded, is_daily: true, estimate: None, fits: None };
            TransferError::OverLimit(Box::new(over))
        })
    }

    /// Takes a job that was not made from its user's day.
    pub(crate) async fn release(&self, id: JobId, user: &str) {
        if self.settings.limits.is_free() {
            return;
        }
        let today = UsageId { user: user.to_owned(), day: now().date_naive() };
        let released = update_usage(&*self.store, &today, |usage| usage.jobs.remove(&id).is_some()).await;
        if let Err(error) = released {
            tracing::warn!(job = %id, %error, "a job that was not made stays counted");
        }
    }
}

/// The first nights that fit, and a limit that does.
fn what_fits(ceiling: &Ceiling, estimate: Option<&Estimate>, amount: Amount) -> Option<String> {
    let Some(estimate) = estimate else {
        return ceiling
            .nights
            .filter(|nights| *nights > 0)
            .map(|nights| format!("{nights} nights would fit"));
    };
    let bytes_per_alert = amount.bytes as f64 / amount.alerts.max(1) as f64;
    let mut sum = Amount::default();
    let mut last = None;
    for night in &estimate.nights {
        let bytes = (night.alerts as f64 * bytes_per_alert).round() as u64;
        sum = sum + Amount { nights: 1, alerts: night.alerts, bytes };
        if ceiling.check(sum).is_err() {
            break;
        }
        last = Some((night.night, sum));
    }
    let by_bytes = ceiling.bytes.filter(|_| bytes_per_alert > 0.0);
    let by_bytes = by_bytes.map(|bytes| (bytes as f64 / bytes_per_alert) as u64);
    let limit = ceiling.alerts.into_iter().chain(by_bytes).min().filter(|limit| *limit > 0);
    let nights = last.map(|(night, sum)| {
        format!("the first {} of the nights, up to {night}: {} alerts, would fit", sum.nights, sum.alerts)
    });
    let nights_allow = ceiling.nights.is_none_or(|nights| nights >= amount.nights);
    match (nights, limit.filter(|_| nights_allow)) {
        (Some(nights), Some(limit)) => Some(format!("{nights}; or add `limit: {limit}`")),
        (Some(nights), None) => Some(nights),
        (None, Some(limit)) => Some(format!("add `limit: {limit}`")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NightEstimate;

    #[test]
    fn what_would_fit_is_told() {
        let nights = (1..=4)
            .map(|day| NightEstimate {
                night: format!("2026-03-0{day}").parse().unwrap(),
                alerts_in_night: 1000,
                alerts: 100,
                alerts_low: 100,
                alerts_high: 100,
                exact: true,
                indexed: true,
            })
            .collect();
        let estimate = Estimate {
            alerts: 400,
            alerts_low: 400,
            alerts_high: 400,
            exact: true,
            bytes: Some(4000),
            alerts_in_nights: 4000,
            alerts_tried: 4000,
            nights,
            ..Estimate::default()
        };
        let amount = Amount { nights: 4, alerts: 400, bytes: 4000 };
        let fits = |ceiling: Ceiling| what_fits(&ceiling, Some(&estimate), amount).unwrap_or_default();
        let alerts = Ceiling { alerts: Some(250), ..Ceiling::default() };
        assert_eq!(
            fits(alerts),
            "the first 2 of the nights, up to 2026-03-02: 200 alerts, would fit; or add `limit: 250`"
        );
        let bytes = Ceiling { bytes: Some(990), ..Ceiling::default() };
        assert_eq!(fits(bytes), "add `limit: 99`");
        let nights = Ceiling { nights: Some(3), ..Ceiling::default() };
        assert_eq!(fits(nights), "the first 3 of the nights, up to 2026-03-03: 300 alerts, would fit");
        assert_eq!(fits(Ceiling { alerts: Some(0), ..Ceiling::default() }), "");
    }
}
