//! What a pump and whoever looks on share: how far it is, what was acknowledged, the task's row, and whether it may go on.

use crate::{figures::Stages, sample::Sampler};
use broker::{Acknowledged, DeliveryWatch};
use chrono::{DateTime, Utc};
use job::{AttemptRules, Counts, Milestones, Task};
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::SystemTime,
};
use store::Versioned;

/// What a pump tells while it runs.
#[derive(Debug, Default)]
pub(crate) struct Tidings {
    /// The books so far; `sent` is what was handed over.
    pub counts: Counts,
    /// Ends of row groups.
    pub milestones: Milestones,
    /// How the time was spent.
    pub stages: Stages,
    /// The first messages.
    pub sample: Sampler,
}

/// Shared between a pump and whoever looks on.
#[derive(Clone)]
pub(crate) struct Progress(Arc<Shared>);

struct Shared {
    tidings: Mutex<Tidings>,
    watch: OnceLock<DeliveryWatch>,
    /// The task's row as this attempt wrote it last; none of a scan that sends nothing.
    row: Mutex<Option<Versioned<Task>>>,
    stop: AtomicBool,
    /// Until when messages may be handed over, in milliseconds of the wall clock: a clock that stands still while a
    /// process is suspended would not do.
    send_until: AtomicI64,
}

impl Progress {
    /// Of a task that has just been claimed.
    pub(crate) fn of(row: &Versioned<Task>, rules: &AttemptRules) -> Self {
        let task = &row.value;
        let tidings =
            Tidings { counts: task.counts.clone(), sample: Sampler::of(task.night), ..Tidings::default() };
        let until = task.lease_until.map_or(0, |lease| rules.send_until(lease).timestamp_millis());
        Self(Arc::new(Shared {
            tidings: Mutex::new(tidings),
            watch: OnceLock::new(),
            row: Mutex::new(Some(row.clone())),
            stop: AtomicBool::new(false),
            send_until: AtomicI64::new(until),
        }))
    }

    /// Of a scan that sends nothing.
    pub(crate) fn idle() -> Self {
        Self(Arc::new(Shared {
            tidings: Mutex::default(),
            watch: OnceLock::new(),
            row: Mutex::default(),
            stop: AtomicBool::new(false),
            send_until: AtomicI64::new(0),
        }))
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Tidings) -> T) -> T {
        look(&mut self.0.tidings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The task's row as this attempt wrote it last.
    pub(crate) fn row(&self) -> Option<Versioned<Task>> {
        self.0.row.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The row was written.
    pub(crate) fn wrote(&self, row: Versioned<Task>) {
        *self.0.row.lock().unwrap_or_else(PoisonError::into_inner) = Some(row);
    }

    /// From where acknowledgements are known.
    pub(crate) fn watch(&self, watch: DeliveryWatch) {
        let _ = self.0.watch.set(watch);
    }

    /// What the broker has acknowledged, once something can have been sent.
    pub(crate) fn acknowledged(&self) -> Option<Acknowledged> {
        self.0.watch.get().map(DeliveryWatch::acknowledged)
    }

    /// The lease was renewed at this moment.
    pub(crate) fn renewed(&self, moment: DateTime<Utc>, rules: &AttemptRules) {
        let until = rules.send_until(moment + rules.lease).timestamp_millis();
        self.0.send_until.store(until, Ordering::Relaxed);
    }

    /// Whether what is handed over now arrives within the lease.
    pub(crate) fn may_send(&self) -> bool {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (since_epoch.as_millis() as i64) < self.0.send_until.load(Ordering::Relaxed)
    }

    /// Tells the pump to give up at the next message.
    pub(crate) fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the pump has to give up.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }
}
