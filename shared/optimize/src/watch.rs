//! How far the work is, and whether it is to end.

use crate::OptimizeError;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
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
pub struct Watch(Arc<Shared>);

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
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// How far the work is.
    pub fn progress(&self) -> Progress {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let count = |number: &AtomicU64| usize::try_from(read(number)).unwrap_or(usize::MAX);
        Progress { nights: count(&self.0.nights), done: count(&self.0.done), steps: read(&self.0.steps) }
    }

    pub(crate) fn check(&self) -> Result<(), OptimizeError> {
        if self.0.stop.load(Ordering::Relaxed) { Err(OptimizeError::Stopped) } else { Ok(()) }
    }

    pub(crate) fn begin(&self, nights: usize) {
        self.0.nights.store(nights as u64, Ordering::Relaxed);
    }

    pub(crate) fn went_on(&self, alerts: u64) {
        self.0.steps.fetch_add(alerts, Ordering::Relaxed);
    }

    pub(crate) fn night_done(&self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
        self.0.steps.store(0, Ordering::Relaxed);
    }
}
