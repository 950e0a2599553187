//! However attempts at a task crash, stall and overlap, each of its alerts arrives once, in order, without a gap.
//!
//! The steps are the crate's own; the world around them is a model: a broker that appends in order what idempotent
//! producers sent, acknowledges late or never, goes away and comes back; workers that are killed, or suspended for as long
//! as it pleases and then go on as if nothing had happened; one clock. What the model takes for granted of librdkafka and
//! the broker is what `ARCHITECTURE.md` names: in order and gapless within a partition, and not at all after the delivery
//! time.

// In tests a panic is how a case fails, also in what the cases call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, TimeDelta, Utc};
use job::{
    Arrived, AttemptRules, Checkpoint, Claim, Counts, Ending, Failure, JobId, Milestone, Milestones, Next,
    Sequencer, Settlement, Task, TaskFile, TaskId, TaskState, Wish,
};
use proptest::prelude::*;

const PARTITIONS: usize = 3;
const ROW_GROUPS: u32 = 4;
const ROWS_IN_GROUP: u64 = 5;
const ALERTS: u64 = ROW_GROUPS as u64 * ROWS_IN_GROUP;

fn rules() -> AttemptRules {
    AttemptRules {
        lease: TimeDelta::seconds(40),
        delivery: TimeDelta::seconds(10),
        patience: TimeDelta::days(1000),
        retry_wait: TimeDelta::seconds(1),
        deaths: u32::MAX,
    }
}

/// The partition of an alert: by its object, which comes back every seven alerts.
fn partition_of(alert: u64) -> usize {
    (alert % 7 % PARTITIONS as u64) as usize
}

fn first_checkpoint(offsets: Vec<i64>) -> Checkpoint {
    Checkpoint { row_groups: 0, counts: Counts::default(), sequences: vec![0; PARTITIONS], offsets }
}

/// A message on its way.
#[derive(Clone, Debug)]
struct Message {
    sequence: u64,
    alert: u64,
    handed_over: DateTime<Utc>,
}

/// A worker at the task, and its producer.
#[derive(Debug)]
struct Attempt {
    number: u32,
    /// Until when it may hand over, as far as it knows.
    send_until: DateTime<Utc>,
    /// Rows before this one are done.
    row: u64,
    sequencer: Option<Sequencer>,
    /// It wrote where the task begins as it took it.
    begins: bool,
    counts: Counts,
    milestones: Milestones,
    /// What has not reached the broker yet, in order, for each partition.
    queues: Vec<Vec<Message>>,
    /// For each partition: messages of the task that it knows to be in the topic, and the end of the last.
    acknowledged: Vec<u64>,
    ends: Vec<i64>,
    /// It stands still.
    suspended: bool,
    /// Its process is gone; what it had put on the wire may still arrive.
    dead: bool,
}

struct World {
    now: DateTime<Utc>,
    row: Task,
    topic: Vec<Vec<(u64, u64)>>,
    attempts: Vec<Attempt>,
    broker_is_up: bool,
    /// Where the topic ended when somebody who was about to claim the new task looked.
    looked: Option<Vec<i64>>,
    /// The moment from which nothing of any attempt may arrive: checked, not enforced.
    fenced_until: Vec<(u32, DateTime<Utc>)>,
}

/// What may happen next. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Event {
    Look,
    Claim,
    Prepare(usize),
    Send(usize, u8),
    Arrive { attempt: usize, partition: usize, messages: u8, is_acknowledged: bool },
    Report(usize),
    Finish(usize),
    Fault { attempt: usize, is_drained: bool },
    HandOver { attempt: usize, is_drained: bool },
    Kill { attempt: usize, on_the_wire: u8 },
    Suspend(usize),
    Resume(usize),
    Broker(bool),
    Wait(u16),
}

fn event() -> impl Strategy<Value = Event> {
    let attempt = 0..3_usize;
    prop_oneof![
        1 => Just(Event::Look),
        4 => Just(Event::Claim),
        4 => attempt.clone().prop_map(Event::Prepare),
        8 => (attempt.clone(), 1..8_u8).prop_map(|(attempt, rows)| Event::Send(attempt, rows)),
        8 => (attempt.clone(), 0..PARTITIONS, 1..6_u8, any::<bool>()).prop_map(
            |(attempt, partition, messages, is_acknowledged)| Event::Arrive {
                attempt, partition, messages, is_acknowledged
            }
        ),
        4 => attempt.clone().prop_map(Event::Report),
        2 => attempt.clone().prop_map(Event::Finish),
        1 => (attempt.clone(), any::<bool>()).prop_map(|(attempt, is_drained)| Event::Fault { attempt, is_drained }),
        1 => (attempt.clone(), any::<bool>())
            .prop_map(|(attempt, is_drained)| Event::HandOver { attempt, is_drained }),
        3 => (attempt.clone(), 0..5_u8).prop_map(|(attempt, on_the_wire)| Event::Kill { attempt, on_the_wire }),
        1 => attempt.clone().prop_map(Event::Suspend),
        2 => attempt.prop_map(Event::Resume),
        1 => any::<bool>().prop_map(Event::Broker),
        3 => (0..12_u16).prop_map(Event::Wait),
        2 => (20..60_u16).prop_map(Event::Wait),
    ]
}

impl World {
    fn new() -> Self {
        let file =
            TaskFile { path: "night".into(), size: 1, etag: None, rows: ALERTS, row_groups: ROW_GROUPS };
        let id = TaskId { job: JobId::random(), index: 0 };
        Self {
            now: DateTime::UNIX_EPOCH,
            row: Task::new(id, "2026-03-22".parse().unwrap(), 0, vec![file]),
            topic: vec![Vec::new(); PARTITIONS],
            attempts: Vec::new(),
            broker_is_up: true,
            looked: None,
            fenced_until: Vec::new(),
        }
    }

    fn alive(&mut self, choice: usize) -> Option<&mut Attempt> {
        let mut alive: Vec<&mut Attempt> =
            self.attempts.iter_mut().filter(|attempt| !attempt.dead && !attempt.suspended).collect();
        let count = alive.len();
        (count > 0).then(|| alive.swap_remove(choice % count))
    }

    fn ends(&self) -> Vec<i64> {
        self.topic.iter().map(|partition| partition.len() as i64).collect()
    }

    fn look(&mut self) {
        if self.broker_is_up && self.row.is_new(self.now) {
            self.looked = Some(self.ends());
        }
    }

    /// By whoever looked, if anybody did; others may have come first meanwhile.
    fn claim(&mut self) {
        let looked = self.looked.take();
        if self.row.claim(self.now, Wish::Run, &rules()) != Claim::Mine {
            return;
        }
        let first = looked.filter(|_| self.row.checkpoint.is_none()).map(first_checkpoint);
        let begins = first.is_some();
        if let Some(first) = first {
            self.row.begin(self.row.attempt, first).expect("it was claimed just now");
        }
        self.fenced_until.push((self.row.attempt, self.now));
        self.attempts.push(Attempt {
            number: self.row.attempt,
            send_until: rules().send_until(self.row.lease_until.unwrap()),
            row: 0,
            sequencer: None,
            begins,
            counts: Counts::default(),
            milestones: Milestones::default(),
            queues: vec![Vec::new(); PARTITIONS],
            acknowledged: vec![0; PARTITIONS],
            ends: vec![-1; PARTITIONS],
            suspended: false,
            dead: false,
        });
    }

    /// Finds where to go on, as `transfer` does: a first checkpoint, or the topic's tail.
    fn prepare(&mut self, choice: usize) {
        if !self.broker_is_up {
            return;
        }
        let (topic, ends, mut row) = (self.topic.clone(), self.ends(), self.row.clone());
        let Some(attempt) = self.alive(choice).filter(|attempt| attempt.sequencer.is_none()) else { return };
        let begun_before = row.checkpoint.is_some() && !attempt.begins;
        let checkpoint = row.checkpoint.clone().unwrap_or_else(|| first_checkpoint(ends));
        if row.checkpoint.is_none() && row.begin(attempt.number, checkpoint.clone()).is_err() {
            attempt.dead = true;
            return;
        }
        let mut arrived = Arrived::known(checkpoint.sequences.clone());
        if begun_before {
            for (partition, messages) in topic.iter().enumerate() {
                for (sequence, _) in &messages[checkpoint.offsets[partition] as usize..] {
                    arrived.see(partition, *sequence).expect("no message is missing before another");
                }
            }
        }
        attempt.row = u64::from(checkpoint.row_groups) * ROWS_IN_GROUP;
        attempt.counts = checkpoint.counts;
        attempt.acknowledged = arrived.counts().to_vec();
        attempt.sequencer = Some(Sequencer::new(checkpoint.sequences, arrived.into_counts()));
        self.row = row;
    }

    fn send(&mut self, choice: usize, rows: u8) {
        let now = self.now;
        let Some(attempt) = self.alive(choice) else { return };
        for _ in 0..rows {
            // As the pump does: before each message.
            if attempt.row == ALERTS || now >= attempt.send_until {
                return;
            }
            let Some(sequencer) = &mut attempt.sequencer else { return };
            let (alert, partition) = (attempt.row, partition_of(attempt.row));
            let sequence = sequencer.reached()[partition];
            if sequencer.is_to_send(partition).unwrap() {
                attempt.queues[partition].push(Message { sequence, alert, handed_over: now });
            }
            attempt.row += 1;
            attempt.counts.read += 1;
            attempt.counts.kept += 1;
            if attempt.row % ROWS_IN_GROUP == 0 {
                attempt.milestones.push(Milestone {
                    row_groups: (attempt.row / ROWS_IN_GROUP) as u32,
                    counts: attempt.counts.clone(),
                    sequences: sequencer.reached().to_vec(),
                    offsets: attempt.ends.clone(),
                });
            }
        }
    }

    /// The broker takes messages of an attempt, dead or alive, in order, unless they are too old: then the producer has
    /// failed, and neither they nor any after them are sent.
    fn arrive(&mut self, choice: usize, partition: usize, messages: u8, is_acknowledged: bool) {
        if !self.broker_is_up || self.attempts.is_empty() {
            return;
        }
        let (now, count) = (self.now, self.attempts.len());
        let attempt = &mut self.attempts[choice % count];
        if attempt.suspended {
            return;
        }
        for _ in 0..messages {
            let Some(first) = attempt.queues[partition].first() else { return };
            if now - first.handed_over >= rules().delivery {
                attempt.queues.iter_mut().for_each(Vec::clear);
                attempt.dead = true;
                return;
            }
            let message = attempt.queues[partition].remove(0);
            let newer = self.fenced_until.iter().any(|(number, _)| *number > attempt.number);
            assert!(!newer, "a message of attempt {} arrives after a newer one began", attempt.number);
            self.topic[partition].push((message.sequence, message.alert));
            if is_acknowledged && !attempt.dead {
                attempt.acknowledged[partition] = message.sequence + 1;
                attempt.ends[partition] = self.topic[partition].len() as i64;
            }
        }
    }

    fn report(&mut self, choice: usize) {
        let (now, mut row) = (self.now, self.row.clone());
        let Some(attempt) = self.alive(choice) else { return };
        let reached = attempt.milestones.reach(&attempt.acknowledged);
        let counts = Counts { sent: attempt.acknowledged.iter().sum(), ..attempt.counts.clone() };
        match row.renew(attempt.number, now, &rules(), counts, reached.as_ref()) {
            Ok(()) => {
                attempt.send_until = rules().send_until(row.lease_until.unwrap());
                self.row = row;
            }
            Err(_) => attempt.stop(),
        }
    }

    fn finish(&mut self, choice: usize) {
        let (now, mut row) = (self.now, self.row.clone());
        let Some(attempt) = self.alive(choice) else { return };
        let Some(sequencer) = &attempt.sequencer else { return };
        if attempt.row < ALERTS || attempt.acknowledged != sequencer.reached() {
            return;
        }
        let sequences = sequencer.reached().to_vec();
        let counts = Counts { sent: sequences.iter().sum(), ..attempt.counts.clone() };
        let ending = Ending::Done { counts, sequences };
        let settled =
            row.settle(attempt.number, now, &rules(), Settlement { ending, drained: true, sent: None });
        attempt.stop();
        if settled.is_ok() {
            self.row = row;
        }
    }

    fn break_off(&mut self, choice: usize, is_drained: bool, ending: Ending) {
        let (now, mut row) = (self.now, self.row.clone());
        let Some(attempt) = self.alive(choice) else { return };
        if is_drained {
            attempt.stop();
        } else {
            attempt.dead = true;
        }
        let sent = Some(attempt.acknowledged.iter().sum());
        let settlement = Settlement { ending, drained: is_drained, sent };
        if let Ok(next) = row.settle(attempt.number, now, &rules(), settlement) {
            assert!(matches!(next, Next::Again(_)));
            self.row = row;
        }
    }

    /// What was on the wire may still arrive, in order; the rest is gone with the process.
    fn kill(&mut self, choice: usize, on_the_wire: u8) {
        let count = self.attempts.len();
        if count == 0 {
            return;
        }
        let attempt = &mut self.attempts[choice % count];
        attempt.dead = true;
        attempt.suspended = false;
        for queue in &mut attempt.queues {
            queue.truncate(usize::from(on_the_wire));
        }
    }

    fn step(&mut self, event: &Event) {
        match event {
            Event::Look => self.look(),
            Event::Claim => self.claim(),
            Event::Prepare(attempt) => self.prepare(*attempt),
            Event::Send(attempt, rows) => self.send(*attempt, *rows),
            Event::Arrive { attempt, partition, messages, is_acknowledged } => {
                self.arrive(*attempt, *partition, *messages, *is_acknowledged);
            }
            Event::Report(attempt) => self.report(*attempt),
            Event::Finish(attempt) => self.finish(*attempt),
            Event::Fault { attempt, is_drained } => {
                let failure = Failure { reason: "the broker went away".into(), worth_retrying: true };
                self.break_off(*attempt, *is_drained, Ending::Failed { failure });
            }
            Event::HandOver { attempt, is_drained } => {
                self.break_off(*attempt, *is_drained, Ending::HandedOver);
            }
            Event::Kill { attempt, on_the_wire } => self.kill(*attempt, *on_the_wire),
            Event::Suspend(attempt) => {
                if let Some(attempt) = self.alive(*attempt) {
                    attempt.suspended = true;
                }
            }
            Event::Resume(attempt) => {
                let count = self.attempts.len().max(1);
                if let Some(attempt) = self.attempts.get_mut(attempt % count) {
                    attempt.suspended = false;
                }
            }
            Event::Broker(is_up) => self.broker_is_up = *is_up,
            Event::Wait(seconds) => self.now += TimeDelta::seconds(i64::from(*seconds)),
        }
    }

    /// Nothing goes wrong any more: one attempt sees the task through.
    fn complete(&mut self) {
        self.broker_is_up = true;
        for attempt in 0..self.attempts.len() {
            self.kill(attempt, 9);
            (0..PARTITIONS).for_each(|partition| self.arrive(attempt, partition, u8::MAX, false));
        }
        self.now += TimeDelta::seconds(120);
        self.attempts.clear();
        self.claim();
        self.prepare(0);
        self.send(0, u8::MAX);
        (0..PARTITIONS).for_each(|partition| self.arrive(0, partition, u8::MAX, true));
        self.report(0);
        self.finish(0);
    }

    fn check(&self) {
        assert_eq!(self.row.state, TaskState::Done);
        assert_eq!((self.row.counts.kept, self.row.counts.sent), (ALERTS, ALERTS));
        let held: Vec<u64> = self.topic.iter().map(|partition| partition.len() as u64).collect();
        assert_eq!(self.row.checkpoint.as_ref().unwrap().sequences, held);
        for (partition, messages) in self.topic.iter().enumerate() {
            let alerts: Vec<u64> = messages.iter().map(|(_, alert)| *alert).collect();
            let expected: Vec<u64> = (0..ALERTS).filter(|alert| partition_of(*alert) == partition).collect();
            assert_eq!(alerts, expected, "partition {partition}: each once, in order");
        }
    }
}

impl Attempt {
    /// Ends in order: what is queued is thrown away, nothing is on the wire any more.
    fn stop(&mut self) {
        self.queues.iter_mut().for_each(Vec::clear);
        self.dead = true;
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_alert_arrives_once_in_order_whatever_crashes(events in prop::collection::vec(event(), 1..120)) {
        let mut world = World::new();
        for event in &events {
            world.step(event);
        }
        if world.row.state != TaskState::Done {
            world.complete();
        }
        world.check();
    }
}
