//! Where the reading of a topic ends, as somebody outside the cluster knows it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Where the reading of a topic ends: known from the start, or told while the download runs.
///
/// ```
/// use download::Horizon;
/// // A topic that is still being filled: whoever knows when it is complete tells it from another thread.
/// let horizon = Horizon::open();
/// horizon.expect(1000);
/// horizon.close([(0, 480), (1, 520)].into());
/// ```
#[derive(Debug)]
pub struct Horizon(Mutex<Known>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The topic is still being filled; about so many alerts are expected.
    Open(Option<u64>),
    /// What the cluster says when it is asked.
    Now,
    /// One past the last offset, by partition. A partition that is not named is taken as it is.
    At(BTreeMap<i32, i64>),
}

impl Horizon {
    /// What is in the topic at the start.
    pub fn now() -> Self {
        Self(Mutex::new(Known::Now))
    }

    /// Given ends, one past the last offset of each partition.
    pub fn at(ends: BTreeMap<i32, i64>) -> Self {
        Self(Mutex::new(Known::At(ends)))
    }

    /// Not known yet: a download goes on reading until it is told.
    pub fn open() -> Self {
        Self(Mutex::new(Known::Open(None)))
    }

    /// Tells how many alerts are to be expected, for the progress.
    pub fn expect(&self, alerts: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Known::Open(expected) = &mut *known {
            *expected = Some(alerts);
        }
    }

    /// Tells the ends of a topic that is complete.
    pub fn close(&self, ends: BTreeMap<i32, i64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known::At(ends);
    }

    /// Gives up waiting: what is in the topic by now is all.
    pub fn close_now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known::Now;
    }

    pub(crate) fn known(&self) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
