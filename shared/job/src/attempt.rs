//! Who may work on a task, and until when: the state machine of a task, as pure steps on its row.
//!
//! Every step is one conditional replacement of the row in a store, so that of two who try at once one finds the other's
//! row and decides anew. What is held by whom follows from time alone:
//!
//! - An attempt holds the task for a lease, which it renews. Nobody else begins while a lease runs.
//! - A message that is handed to the producer arrives within the delivery time or never.
//! - So an attempt hands messages over only while its lease has at least the delivery time left
//!   ([`AttemptRules::send_until`]): when the lease is over, nothing of it can arrive any more, however it ended.

use crate::{Checkpoint, Counts, Failure, Milestone, Task, TaskState};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The longest wait between two attempts.
const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(60);
/// librdkafka looks for messages that are too old once a second.
const EXPIRY_INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// The times by which attempts live.
#[derive(Clone, Debug)]
pub struct AttemptRules {
    /// How long a silent attempt is taken to be alive. More than `delivery`, by what a renewal may take.
    pub lease: TimeDelta,
    /// A message that was handed over longer ago than this will not arrive any more.
    pub delivery: TimeDelta,
    /// Passing faults, such as a broker that cannot be reached, are waited out for this long without any progress.
    pub patience: TimeDelta,
    /// The wait after a first fault; it doubles with each that follows, up to a minute.
    pub retry_wait: TimeDelta,
    /// A task whose workers die this often without getting on is what kills them.
    pub deaths: u32,
}

impl AttemptRules {
    /// Until when an attempt with this lease may hand over messages.
    pub fn send_until(&self, lease_until: DateTime<Utc>) -> DateTime<Utc> {
        lease_until - self.delivery - EXPIRY_INTERVAL
    }
}

/// What has gone wrong with a task since it last got on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setbacks {
    /// Attempts that were never heard of again.
    pub deaths: u32,
    /// Attempts that ended with a passing fault.
    pub faults: u32,
    /// When the first of those faults was.
    pub since: Option<DateTime<Utc>>,
}

/// What the job wants of its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be done.
    Run,
    /// To stop: the user cancelled.
    Cancel,
    /// Nothing: the job has ended.
    Nothing,
}

/// The answer to someone who wants to work on a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is theirs, under the row's new attempt number.
    Mine,
    /// There is nothing to do. `changed` if the row was.
    Ended {
        /// Whether the row has to be written.
        changed: bool,
    },
    /// Somebody else may still be at it, for this long.
    Busy(TimeDelta),
}

/// Another attempt has taken the task over: this one may write and send nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced;

/// An attempt's end, as it is told to the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// How.
    pub ending: Ending,
    /// Nothing of the attempt can arrive any more; otherwise its lease has to run out first.
    pub drained: bool,
    /// The task's messages that the topic holds, as far as the attempt knows.
    pub sent: Option<u64>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// Everything is in the topic.
    Done {
        /// The books, closed.
        counts: Counts,
        /// Messages of the task in each partition.
        sequences: Vec<u64>,
    },
    /// The user cancelled the job.
    Cancelled,
    /// Its worker's time is up: another goes on.
    HandedOver,
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// What follows the end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The task has ended.
    Ended,
    /// The task has ended, but what its last attempt sent may arrive until this has passed.
    EndedButBusy(TimeDelta),
    /// Another attempt is wanted after this.
    Again(TimeDelta),
}

impl Task {
    /// Takes the task, if it is free: the row's attempt number grows by one, which fences every older attempt.
    pub fn claim(&mut self, now: DateTime<Utc>, wish: Wish, rules: &AttemptRules) -> Claim {
        // Before anything else: whoever holds the lease may still be sending.
        if let Some(until) = self.lease_until.filter(|until| *until > now) {
            return Claim::Busy(until - now);
        }
        if self.state.is_final() || wish == Wish::Nothing {
            return Claim::Ended { changed: false };
        }
        if wish == Wish::Cancel {
            self.end_early(TaskState::Cancelled, now);
            return Claim::Ended { changed: true };
        }
        if self.state == TaskState::Running {
            self.setbacks.deaths += 1;
            if self.setbacks.deaths >= rules.deaths {
                let reason =
                    format!("its worker died {} times in a row without getting on", self.setbacks.deaths);
                self.failure = Some(Failure { reason, worth_retrying: false });
                self.end_early(TaskState::Failed, now);
                return Claim::Ended { changed: true };
            }
        }
        self.state = TaskState::Running;
        self.attempt += 1;
        self.lease_until = Some(now + rules.lease);
        self.started = self.started.or(Some(now));
        Claim::Mine
    }

    /// Whether nothing of it was ever sent, and nobody is at it.
    pub fn is_new(&self, now: DateTime<Utc>) -> bool {
        let is_free = self.lease_until.is_none_or(|until| until <= now);
        is_free && !self.state.is_final() && self.checkpoint.is_none()
    }

    /// Whether the attempt of this number still holds the task.
    pub fn is_held_by(&self, attempt: u32) -> bool {
        self.attempt == attempt && self.state == TaskState::Running
    }

    /// Renews the lease of an attempt and writes how far it is. `reached` is the newest milestone whose messages are
    /// all acknowledged.
    pub fn renew(
        &mut self,
        attempt: u32,
        now: DateTime<Utc>,
        rules: &AttemptRules,
        counts: Counts,
        reached: Option<&Milestone>,
    ) -> Result<(), Fenced> {
        if !self.is_held_by(attempt) {
            return Err(Fenced);
        }
        if counts.sent > self.counts.sent || reached.is_some() {
            self.setbacks = Setbacks::default();
        }
        self.counts = counts;
        self.lease_until = Some(now + rules.lease);
        if let (Some(milestone), Some(checkpoint)) = (reached, &mut self.checkpoint) {
            checkpoint.advance(milestone);
        }
        Ok(())
    }

    /// Writes where the task begins, before its first message is sent.
    pub fn begin(&mut self, attempt: u32, checkpoint: Checkpoint) -> Result<(), Fenced> {
        if !self.is_held_by(attempt) {
            return Err(Fenced);
        }
        self.checkpoint = Some(checkpoint);
        Ok(())
    }

    /// Writes how an attempt ended.
    pub fn settle(
        &mut self,
        attempt: u32,
        now: DateTime<Utc>,
        rules: &AttemptRules,
        settlement: Settlement,
    ) -> Result<Next, Fenced> {
        if !self.is_held_by(attempt) {
            return Err(Fenced);
        }
        if settlement.drained {
            self.lease_until = None;
        }
        if let Some(sent) = settlement.sent.filter(|sent| *sent > self.counts.sent) {
            self.counts.sent = sent;
            self.setbacks = Setbacks::default();
        }
        let busy = self.lease_until.map_or(TimeDelta::zero(), |until| until - now).max(TimeDelta::zero());
        match settlement.ending {
            Ending::Done { counts, sequences } => {
                self.counts = counts.clone();
                self.failure = None;
                let offsets = self.checkpoint.take().map_or_else(Vec::new, |checkpoint| checkpoint.offsets);
                let row_groups = self.row_groups();
                self.checkpoint = Some(Checkpoint { row_groups, counts, sequences, offsets });
                self.end(TaskState::Done, now);
            }
            Ending::Cancelled => self.end_early(TaskState::Cancelled, now),
            Ending::HandedOver => {
                // Counted as a death until the next one gets on: a task that never does would go on for ever.
                self.setbacks.deaths += 1;
                if self.setbacks.deaths < rules.deaths {
                    self.state = TaskState::Queued;
                    return Ok(Next::Again(busy));
                }
                let reason = format!(
                    "{} workers in a row came to the end of their time without getting on",
                    self.setbacks.deaths
                );
                self.failure = Some(Failure { reason, worth_retrying: false });
                self.end_early(TaskState::Failed, now);
            }
            Ending::Failed { failure } => {
                let since = *self.setbacks.since.get_or_insert(now);
                let patient = failure.worth_retrying && now - since < rules.patience;
                self.failure = Some(failure);
                if patient {
                    let doublings = self.setbacks.faults.min(16);
                    self.setbacks.faults += 1;
                    self.state = TaskState::Queued;
                    let wait = rules.retry_wait * 2_i32.pow(doublings);
                    return Ok(Next::Again(wait.min(LONGEST_WAIT).max(busy)));
                }
                self.end_early(TaskState::Failed, now);
            }
        }
        Ok(if busy.is_zero() { Next::Ended } else { Next::EndedButBusy(busy) })
    }

    /// Cancels a task that nobody works on; `false` if somebody does, or it has ended.
    pub fn cancel_idle(&mut self, now: DateTime<Utc>) -> bool {
        let idle = self.state == TaskState::Queued;
        if idle {
            self.end_early(TaskState::Cancelled, now);
        }
        idle
    }

    /// Opens a task that ended badly for another attempt; `false` if it did not.
    pub fn reopen(&mut self) -> bool {
        let ended_badly = matches!(self.state, TaskState::Failed | TaskState::Cancelled);
        if ended_badly {
            self.state = TaskState::Queued;
            self.failure = None;
            self.ended = None;
            self.setbacks = Setbacks::default();
        }
        ended_badly
    }

    /// Ends a task that was never finished: its books are those of its checkpoint, the last that add up.
    fn end_early(&mut self, state: TaskState, now: DateTime<Utc>) {
        let sent = self.counts.sent;
        self.counts = self.checkpoint.as_ref().map_or_else(Counts::default, |known| known.counts.clone());
        self.counts.sent = self.counts.sent.max(sent);
        self.end(state, now);
    }

    fn end(&mut self, state: TaskState, now: DateTime<Utc>) {
        self.state = state;
        self.ended = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskId;

    fn rules() -> AttemptRules {
        AttemptRules {
            lease: TimeDelta::seconds(40),
            delivery: TimeDelta::seconds(10),
            patience: TimeDelta::seconds(100),
            retry_wait: TimeDelta::seconds(1),
            deaths: 3,
        }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn task() -> Task {
        Task::new(TaskId { job: crate::JobId::random(), index: 0 }, "2026-03-22".parse().unwrap(), 0, vec![])
    }

    fn fault() -> Settlement {
        let failure = Failure { reason: "no broker".into(), worth_retrying: true };
        Settlement { ending: Ending::Failed { failure }, drained: true, sent: None }
    }

    #[test]
    fn nobody_begins_while_a_lease_runs_and_the_old_attempt_is_fenced_after() {
        let mut task = task();
        assert_eq!(task.claim(at(0), Wish::Run, &rules()), Claim::Mine);
        assert_eq!(task.claim(at(39), Wish::Run, &rules()), Claim::Busy(TimeDelta::seconds(1)));
        assert_eq!(task.claim(at(39), Wish::Cancel, &rules()), Claim::Busy(TimeDelta::seconds(1)));
        assert_eq!(task.claim(at(40), Wish::Run, &rules()), Claim::Mine);
        assert_eq!(task.attempt, 2);
        assert_eq!(task.renew(1, at(41), &rules(), Counts::default(), None), Err(Fenced));
        assert_eq!(task.settle(1, at(41), &rules(), fault()), Err(Fenced));
        assert_eq!(task.settle(2, at(41), &rules(), fault()), Ok(Next::Again(TimeDelta::seconds(1))));
    }

    #[test]
    fn an_attempt_sends_only_what_arrives_within_its_lease() {
        let until = rules().send_until(at(40));
        assert!(until + rules().delivery < at(40));
        assert!(until > at(0));
    }

    #[test]
    fn passing_faults_are_waited_out_but_not_for_ever() {
        let (mut task, mut now, mut waits) = (task(), 0, Vec::new());
        loop {
            assert_eq!(task.claim(at(now), Wish::Run, &rules()), Claim::Mine);
            match task.settle(task.attempt, at(now), &rules(), fault()).unwrap() {
                Next::Again(wait) => {
                    waits.push(wait.num_seconds());
                    now += wait.num_seconds();
                }
                next => break assert_eq!(next, Next::Ended),
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(task.state, TaskState::Failed);
        assert!(task.reopen() && !task.reopen());
        assert_eq!(task.claim(at(500), Wish::Run, &rules()), Claim::Mine);
        assert_eq!(
            task.settle(task.attempt, at(500), &rules(), fault()),
            Ok(Next::Again(TimeDelta::seconds(1)))
        );
    }

    #[test]
    fn a_task_that_kills_its_workers_ends_and_one_that_gets_on_does_not() {
        let mut task = task();
        for attempt in 1..=10 {
            assert_eq!(task.claim(at(100 * i64::from(attempt)), Wish::Run, &rules()), Claim::Mine);
            let counts = Counts { sent: u64::from(attempt), ..Counts::default() };
            task.renew(attempt, at(100 * i64::from(attempt)), &rules(), counts, None).unwrap();
        }
        for second in [2000, 2100] {
            assert_eq!(task.claim(at(second), Wish::Run, &rules()), Claim::Mine);
        }
        assert_eq!(task.claim(at(2200), Wish::Run, &rules()), Claim::Ended { changed: true });
        assert!(task.failure.unwrap().reason.contains("died 3 times"));
    }

    #[test]
    fn a_task_is_handed_over_as_long_as_it_gets_on() {
        let mut task = task();
        let over = |drained| Settlement { ending: Ending::HandedOver, drained, sent: None };
        for attempt in 1..=10 {
            let second = 100 * i64::from(attempt);
            assert_eq!(task.claim(at(second), Wish::Run, &rules()), Claim::Mine);
            let counts = Counts { sent: u64::from(attempt), ..Counts::default() };
            task.renew(attempt, at(second), &rules(), counts, None).unwrap();
            assert_eq!(
                task.settle(attempt, at(second), &rules(), over(true)),
                Ok(Next::Again(TimeDelta::zero()))
            );
        }
        assert_eq!(task.claim(at(2000), Wish::Run, &rules()), Claim::Mine);
        let left = Next::Again(TimeDelta::seconds(40));
        assert_eq!(
            task.settle(11, at(2000), &rules(), over(false)),
            Ok(left),
            "what it sent may still arrive"
        );
        assert_eq!(task.claim(at(2040), Wish::Run, &rules()), Claim::Mine);
        assert_eq!(task.settle(12, at(2040), &rules(), over(true)), Ok(Next::Ended));
        assert!(task.failure.unwrap().reason.contains("3 workers in a row"));
    }

    #[test]
    fn a_task_that_is_stopped_has_books_that_add_up_whoever_stops_it() {
        let begun = || {
            let mut task = task();
            task.claim(at(0), Wish::Run, &rules());
            let closed = Counts { read: 5, dropped_by_class: 2, kept: 3, ..Counts::default() };
            let (sequences, offsets) = (vec![3], vec![0]);
            task.begin(1, Checkpoint { row_groups: 1, counts: closed, sequences, offsets }).unwrap();
            // In the middle of a row group more is kept than is booked as read.
            let counts = Counts { read: 5, dropped_by_class: 2, kept: 9, sent: 8, ..Counts::default() };
            task.renew(1, at(1), &rules(), counts, None).unwrap();
            task
        };
        let mut dead = begun();
        assert_eq!(dead.claim(at(60), Wish::Cancel, &rules()), Claim::Ended { changed: true });
        let mut waiting = begun();
        waiting.settle(1, at(2), &rules(), fault()).unwrap();
        assert!(waiting.cancel_idle(at(3)) && !waiting.cancel_idle(at(3)));
        let mut working = begun();
        assert!(!working.cancel_idle(at(3)));
        let ending = Ending::Cancelled;
        working.settle(1, at(2), &rules(), Settlement { ending, drained: true, sent: Some(8) }).unwrap();
        for task in [dead, waiting, working] {
            assert_eq!((task.state, task.counts.kept, task.counts.sent), (TaskState::Cancelled, 3, 8));
            assert!(task.counts.adds_up());
        }
    }

    #[test]
    fn what_may_still_arrive_keeps_the_lease() {
        let mut task = task();
        task.claim(at(0), Wish::Run, &rules());
        let settlement = Settlement { ending: Ending::Cancelled, drained: false, sent: Some(7) };
        assert_eq!(
            task.settle(1, at(10), &rules(), settlement),
            Ok(Next::EndedButBusy(TimeDelta::seconds(30)))
        );
        assert_eq!((task.state, task.counts.sent), (TaskState::Cancelled, 7));
        task.reopen();
        assert_eq!(task.claim(at(11), Wish::Run, &rules()), Claim::Busy(TimeDelta::seconds(29)));
    }
}
