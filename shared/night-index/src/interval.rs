//! What a sample tells of the whole, with an interval that says how far off that may be.
//!
//! Alerts are sampled class by class without replacement, so what is known is known exactly: what was looked at, and
//! classes that were looked at whole. The rest is a sum of counts with different weights. Its interval is the one of
//! gamma quantiles (Fay and Feuer 1997, Statistics in Medicine 16, 791), which holds for few and for no counts at all,
//! where a normal one would claim certainty.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Gamma};

/// A tail on each side: 95 % in between.
const TAIL: f64 = 0.025;
/// Above this many counts a gamma quantile is a normal one to six digits, and slow to find.
const LARGE_SHAPE: f64 = 1e5;
/// The most that may be expected where none was seen: the upper limit of a Poisson count of 0.
const NONE_SEEN: f64 = 3.689;
/// The normal quantile of the tail.
const NORMAL: f64 = 1.959_963_985;

/// Alerts of one kind in one night: how many there are, were looked at, and passed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tried {
    /// How many there are.
    pub alerts: u64,
    /// How many of them were looked at.
    pub tried: u64,
    /// How many of those passed.
    pub passed: u64,
    /// How much more a count varies than that of alerts drawn one by one: 1 for the samples of the index.
    pub clumping: f64,
}

/// A number of alerts and between which numbers it lies with 95 % confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The expected number.
    pub alerts: f64,
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
    /// It was counted.
    pub exact: bool,
}

impl Tried {
    /// All of them were looked at.
    pub fn is_exact(&self) -> bool {
        self.tried >= self.alerts
    }

    /// For each one that was looked at, how many were not.
    fn unseen_each(&self) -> f64 {
        (self.alerts - self.tried.min(self.alerts)) as f64 / self.tried.max(1) as f64
    }

    /// The variance that one count stands for: of a draw without replacement, `unseen × weight`.
    fn variance_each(&self) -> f64 {
        let weight = self.alerts as f64 / self.tried.max(1) as f64;
        self.unseen_each() * weight * self.clumping.max(1.0)
    }
}

/// How many pass in all.
pub fn interval<'a>(kinds: impl IntoIterator<Item = &'a Tried>) -> Interval {
    let (mut seen, mut unknown, mut variance) = (0.0, 0.0, 0.0);
    // Of what was not looked at, as far as the sample tells: what passes, and what does not.
    let (mut passing, mut failing) = (Side::default(), Side::default());
    let mut exact = true;
    for kind in kinds {
        // An index that contradicts itself must not turn into limits that do.
        let (passed, tried) = (kind.passed.min(kind.tried) as f64, kind.tried as f64);
        seen += passed;
        if kind.is_exact() {
            continue;
        }
        exact = false;
        if kind.tried == 0 {
            unknown += kind.alerts as f64;
            continue;
        }
        let step = Step { count: kind.unseen_each(), variance: kind.variance_each() };
        variance += passed * step.variance * (1.0 - passed / tried);
        passing.add(passed, tried, step);
        failing.add(tried - passed, tried, step);
    }
    if exact {
        return Interval { alerts: seen, low: seen, high: seen, exact };
    }
    let alerts = seen + passing.count;
    let possible = seen + passing.count + failing.count + unknown;
    // Limits of the side of which there is less: there they are lopsided.
    let (low, high) = match passing.count <= failing.count {
        true => (seen + passing.low(variance), seen + passing.high(variance) + unknown),
        false => (possible - unknown - failing.high(variance), possible - failing.low(variance)),
    };
    Interval {
        alerts,
        low: low.floor().clamp(seen, alerts),
        high: high.ceil().clamp(alerts, possible),
        exact,
    }
}

/// What passes, or what does not, of all that was not looked at.
#[derive(Default)]
struct Side {
    /// How many are expected.
    count: f64,
    /// What one more in the sample would add, where that could have been: the largest such step.
    more: Step,
    /// The largest step of a kind of which all that was looked at are on this side: some of the rest may not be.
    sure: Step,
}

impl Side {
    fn add(&mut self, found: f64, tried: f64, step: Step) {
        self.count += found * step.count;
        if found < tried {
            self.more = self.more.or(step);
        } else {
            self.sure = self.sure.or(step);
        }
    }

    fn low(&self, variance: f64) -> f64 {
        (quantile(self.count, variance, TAIL) - NONE_SEEN * self.sure.count).max(0.0)
    }

    fn high(&self, variance: f64) -> f64 {
        quantile(self.count + self.more.count, variance + self.more.variance, 1.0 - TAIL)
    }
}

#[derive(Clone, Copy, Default)]
struct Step {
    count: f64,
    variance: f64,
}

impl Step {
    fn or(self, other: Self) -> Self {
        if other.variance > self.variance { other } else { self }
    }
}

/// The quantile of the gamma distribution of this mean and variance.
fn quantile(mean: f64, variance: f64, probability: f64) -> f64 {
    if mean <= 0.0 || variance <= 0.0 {
        return mean.max(0.0);
    }
    let (shape, scale) = (mean * mean / variance, variance / mean);
    if shape > LARGE_SHAPE {
        let side = if probability < 0.5 { -NORMAL } else { NORMAL };
        return (mean + side * variance.sqrt()).max(0.0);
    }
    Gamma::new(shape, 1.0).map_or(mean, |gamma| gamma.inverse_cdf(probability) * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(alerts: u64, tried: u64, passed: u64) -> Tried {
        Tried { alerts, tried, passed, clumping: 1.0 }
    }

    #[test]
    fn what_was_looked_at_whole_is_exact() {
        let counted = interval(&[kind(10, 10, 3), kind(5, 5, 0)]);
        assert_eq!(counted, Interval { alerts: 3.0, low: 3.0, high: 3.0, exact: true });
    }

    /// The exact limits of a Poisson count of 10 are 4.795 and 18.39 (Garwood 1936); of none, 0 and 3.689. One in a hundred
    /// was looked at, so they are a hundredth narrower.
    #[test]
    fn few_counts_have_the_limits_of_poisson() {
        let rare = interval(&[kind(100_000_000, 1_000_000, 10)]);
        assert_eq!(rare.alerts, 1000.0);
        assert!((rare.low - 479.5).abs() < 5.0 && (rare.high - 1839.0).abs() < 10.0, "{rare:?}");
        let none = interval(&[kind(100_000_000, 1_000_000, 0)]);
        assert_eq!((none.alerts, none.low), (0.0, 0.0));
        assert!((none.high - 369.0).abs() < 4.0, "{none:?}");
    }

    #[test]
    fn when_all_pass_some_of_the_rest_may_not() {
        let all = interval(&[kind(10_000, 100, 100)]);
        assert_eq!((all.alerts, all.high), (10_000.0, 10_000.0));
        // No failure among 100: at most 3.69 in as many, and there are 99 times as many more.
        assert!((9_600.0..9_640.0).contains(&all.low), "{all:?}");
    }

    #[test]
    fn never_less_than_was_seen_nor_more_than_there_is() {
        let most = interval(&[kind(100, 90, 5)]);
        assert!(most.low >= 5.0 && most.high <= 15.0, "{most:?}");
        assert_eq!(interval(&[kind(7, 0, 0)]).high, 7.0);
        let forged = interval(&[kind(100, 3, 50), kind(10, 20, 30)]);
        assert!(forged.low <= forged.alerts && forged.alerts <= forged.high, "{forged:?}");
    }

    /// Draws without replacement from kinds of known make-up: the truth must lie within in at least 93 of 100, whatever
    /// part passes.
    #[test]
    fn the_truth_lies_within() {
        let mut state = 7_u64;
        let mut draw = move || {
            state = crate::mark::rank(state.cast_signed());
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for passing in [0.0005, 0.003, 0.01, 0.2, 0.6, 0.97, 0.995, 0.999] {
            let (mut inside, rounds) = (0, 500);
            for _ in 0..rounds {
                let mut truth = 0_u64;
                let kinds: Vec<Tried> = [(4000_u64, 200_u64), (600, 60), (50, 20)]
                    .into_iter()
                    .map(|(alerts, tried)| {
                        let passes: Vec<bool> = (0..alerts).map(|_| draw() < passing).collect();
                        truth += passes.iter().filter(|passes| **passes).count() as u64;
                        kind(alerts, tried, passes.iter().take(tried as usize).filter(|p| **p).count() as u64)
                    })
                    .collect();
                let told = interval(&kinds);
                inside += u32::from((told.low..=told.high).contains(&(truth as f64)));
            }
            assert!(f64::from(inside) >= 0.93 * f64::from(rounds), "{passing}: {inside} of {rounds}");
        }
    }

    /// Kinds of which all pass beside kinds of which none does: neither is certain.
    #[test]
    fn classes_that_pass_or_fail_as_a_whole_leave_room() {
        let told = interval(&[kind(10_000, 100, 100), kind(20_000, 100, 0)]);
        assert_eq!(told.alerts, 10_000.0);
        assert!(told.low < 9_700.0 && told.high > 10_500.0, "{told:?}");
    }
}
