//! How far the work is, and whether it is to end.

use crate::OptimizeError;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Nights that have to be rewritten.
    pub nights: usize,
    /// How many of them are.
    pub done: usize,
    /// Alerts that were read or written of the night that is worked on; each counts twice.
    pub steps: u64,
}

/// Shared between the work and whoever looks on. Clones are of the same work.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    shared: Arc<Shared>,
    /// When the work ends by itself.
    until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Shared {
    nights: AtomicU64,
    done: AtomicU64,
    steps: AtomicU64,
    stop: AtomicBool,
}

impl Watch {
    /// Asks the work to end soon: what is done stays done, and of the night that is worked on nothing is left.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// How far the work is.
    pub fn progress(&self) -> Progress {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let count = |number: &AtomicU64| usize::try_from(read(number)).unwrap_or(usize::MAX);
        Progress {
            nights: count(&self.shared.nights),
            done: count(&self.shared.done),
            steps: read(&self.shared.steps),
        }
    }

    pub(crate) fn check(&self) -> Result<(), OptimizeError> {
        if self.shared.stop.load(Ordering::Relaxed) {
            return Err(OptimizeError::Stopped);
        }
        if self.until.is_some_and(|until| Instant::now() > until) {
            return Err(OptimizeError::TimeIsUp);
        }
        Ok(())
    }

    /// The same work, which ends by then.
    pub(crate) fn until(&self, until: Option<Instant>) -> Self {
        Self { shared: self.shared.clone(), until }
    }

    pub(crate) fn begin(&self, nights: usize) {
        self.shared.nights.store(nights as u64, Ordering::Relaxed);
    }

    pub(crate) fn went_on(&self, alerts: u64) {
        self.shared.steps.fetch_add(alerts, Ordering::Relaxed);
    }

    pub(crate) fn night_done(&self) {
        self.shared.done.fetch_add(1, Ordering::Relaxed);
        self.shared.steps.store(0, Ordering::Relaxed);
    }
}
