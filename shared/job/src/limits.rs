//! What a job, and what a user in a day, may ask for.

use crate::JobId;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Ceilings that an operator sets; none unless configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For a single job.
    pub job: Ceiling,
    /// For all jobs that a user submits in a day (UTC).
    pub user_day: Ceiling,
}

/// The most of each; no bound where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// Nights.
    pub nights: Option<u64>,
    /// Alerts sent.
    pub alerts: Option<u64>,
    /// Bytes of Avro sent.
    pub bytes: Option<u64>,
}

/// Nights, alerts and bytes of a job, estimated while it runs and counted once it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Nights.
    pub nights: u64,
    /// Alerts sent.
    pub alerts: u64,
    /// Bytes of Avro sent.
    pub bytes: u64,
}

/// The first bound that an amount passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// What there is too much of: `nights`, `alerts` or `bytes`.
    pub what: &'static str,
    /// How much was asked for.
    pub asked: u64,
    /// How much is allowed.
    pub allowed: u64,
}

impl Limits {
    /// Whether nothing is bounded.
    pub fn is_free(&self) -> bool {
        self.job == Ceiling::default() && self.user_day == Ceiling::default()
    }

    /// Whether a request must be estimated to be held against the limits.
    pub fn need_estimate(&self) -> bool {
        [self.job, self.user_day].iter().any(|ceiling| ceiling.alerts.is_some() || ceiling.bytes.is_some())
    }
}

impl Ceiling {
    /// The first bound that `amount` passes.
    pub fn check(&self, amount: Amount) -> Result<(), Exceeded> {
        let bounds = [
            ("nights", amount.nights, self.nights),
            ("alerts", amount.alerts, self.alerts),
            ("bytes", amount.bytes, self.bytes),
        ];
        for (what, asked, allowed) in bounds {
            if let Some(allowed) = allowed.filter(|allowed| asked > *allowed) {
                return Err(Exceeded { what, asked, allowed });
            }
        }
        Ok(())
    }

    /// What is left of it after `used`.
    pub fn after(&self, used: Amount) -> Self {
        let left = |bound: Option<u64>, used: u64| bound.map(|bound| bound.saturating_sub(used));
        Self {
            nights: left(self.nights, used.nights),
            alerts: left(self.alerts, used.alerts),
            bytes: left(self.bytes, used.bytes),
        }
    }

    /// The narrower of both bounds, each.
    pub fn and(&self, other: &Self) -> Self {
        let narrower = |mine: Option<u64>, theirs: Option<u64>| match (mine, theirs) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        Self {
            nights: narrower(self.nights, other.nights),
            alerts: narrower(self.alerts, other.alerts),
            bytes: narrower(self.bytes, other.bytes),
        }
    }
}

impl std::ops::Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            nights: self.nights.saturating_add(other.nights),
            alerts: self.alerts.saturating_add(other.alerts),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, where {} are allowed", self.asked, self.what, self.allowed)
    }
}

/// What a user has asked for in a day, job by job, so that a submit that runs twice counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Each job's part.
    pub jobs: BTreeMap<JobId, Amount>,
}

impl Usage {
    /// All of it.
    pub fn total(&self) -> Amount {
        self.jobs.values().fold(Amount::default(), |sum, amount| sum + *amount)
    }
}

/// Whose usage of which day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageId {
    /// The user.
    pub user: String,
    /// The day, UTC.
    pub day: NaiveDate,
}

impl fmt::Display for UsageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.day, self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_bound_decides_and_says_by_how_much() {
        let amount = Amount { nights: 3, alerts: 100, bytes: 5000 };
        let ceiling = Ceiling { nights: Some(3), alerts: Some(250), bytes: None };
        assert_eq!(ceiling.check(amount), Ok(()));
        let left = ceiling.after(amount).and(&Ceiling { bytes: Some(10_000), ..Ceiling::default() });
        assert_eq!(left, Ceiling { nights: Some(0), alerts: Some(150), bytes: Some(10_000) });
        let alerts = Ceiling { nights: None, ..left };
        assert_eq!(alerts.check(amount + amount), Err(Exceeded { what: "alerts", asked: 200, allowed: 150 }));
    }
}
