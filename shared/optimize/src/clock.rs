//! The time of a run, and how much of it a night will take, told before it is begun.

use std::time::{Duration, Instant};

/// Bytes of files that are read or written in a second: somewhat less than a function of AWS moves.
const MOVED_A_SECOND: u64 = 60_000_000;
/// Decoded bytes that are sorted, written and compared in a second: half of what a laptop does (`tests/bench/optimize`).
const REWRITTEN_A_SECOND: u64 = 30_000_000;

/// What a night is made of, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Burden {
    /// Bytes that are read and written, however often.
    pub(crate) moved: u64,
    /// Bytes that are decoded.
    pub(crate) decoded: u64,
}

impl Burden {
    /// The least that files of so many bytes can be: read once, written once, decoded to no more than they are.
    pub(crate) fn at_least(bytes: u64) -> Self {
        Self { moved: bytes.saturating_mul(2), decoded: bytes }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.moved = self.moved.saturating_add(other.moved);
        self.decoded = self.decoded.saturating_add(other.decoded);
    }

    /// How long it takes, cautiously.
    pub(crate) fn takes(self) -> Duration {
        Duration::from_millis(
            self.moved / (MOVED_A_SECOND / 1000) + self.decoded / (REWRITTEN_A_SECOND / 1000),
        )
    }
}

/// The time of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    begun: Instant,
    until: Option<Instant>,
}

/// Whether a night ends in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// If it is begun now.
    Now,
    /// In another run, as the first.
    Later,
    /// In no run of this length.
    Never,
}

impl Clock {
    /// Begins now.
    pub(crate) fn new(until: Option<Instant>) -> Self {
        Self { begun: Instant::now(), until }
    }

    pub(crate) fn fits(&self, takes: Duration) -> Fit {
        self.fits_at(Instant::now(), takes)
    }

    fn fits_at(&self, now: Instant, takes: Duration) -> Fit {
        let ends_in_time = |from: Instant| self.until.is_none_or(|until| from + takes <= until);
        match (ends_in_time(now), ends_in_time(self.begun)) {
            (true, _) => Fit::Now,
            (false, true) => Fit::Later,
            (false, false) => Fit::Never,
        }
    }

    /// All of it, in seconds.
    pub(crate) fn seconds(&self) -> u64 {
        self.until.map_or(u64::MAX, |until| until.saturating_duration_since(self.begun).as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_that_would_not_end_waits_for_a_run_in_which_it_would() {
        let begun = Instant::now();
        let seconds = Duration::from_secs;
        let clock = Clock { begun, until: Some(begun + seconds(100)) };
        assert_eq!(clock.fits_at(begun + seconds(40), seconds(60)), Fit::Now);
        assert_eq!(clock.fits_at(begun + seconds(41), seconds(60)), Fit::Later);
        assert_eq!(clock.fits_at(begun + seconds(101), seconds(0)), Fit::Later);
        assert_eq!(clock.fits_at(begun, seconds(101)), Fit::Never);
        assert_eq!(clock.fits_at(begun + seconds(200), seconds(101)), Fit::Never);
        assert_eq!(Clock { begun, until: None }.fits_at(begun, seconds(1 << 40)), Fit::Now);
    }

    #[test]
    fn what_a_night_takes_grows_with_all_that_is_done_to_it() {
        let least = Burden::at_least(600_000_000);
        assert_eq!(least.takes(), Duration::from_secs(20 + 20));
        let mut more = Burden { moved: 60_000_000, decoded: 0 };
        more.add(least);
        assert_eq!(more.takes(), Duration::from_secs(41));
        assert!(Burden::at_least(u64::MAX).takes() > Duration::from_secs(1 << 30));
    }
}
