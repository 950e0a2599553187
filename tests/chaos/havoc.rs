//! What goes wrong, by chance.

use crate::{
    ledger::Ledger,
    processes::{BrokerProcess, Workers},
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// What has gone wrong so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub workers_killed: u64,
    pub broker_killed: u64,
    pub workers_suspended: u64,
    pub broker_suspended: u64,
    pub doubled: u64,
}

impl Tally {
    pub fn kills(&self) -> u64 {
        self.workers_killed + self.broker_killed
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills ({} of workers, {} of the broker), {} workers and {} times the broker suspended, {} tasks \
             delivered twice",
            self.kills(),
            self.workers_killed,
            self.broker_killed,
            self.workers_suspended,
            self.broker_suspended,
            self.doubled
        )
    }
}

/// The broker is left alone for this long after it came back.
const REST_OF_BROKER: Duration = Duration::from_secs(3);

/// Something that is put right later.
enum Later {
    ResumeWorker(usize),
    ResumeBroker,
    RestartBroker,
}

/// Does it.
pub struct Havoc {
    pub tally: Tally,
    chance: fastrand::Rng,
    broker: BrokerProcess,
    workers: Workers,
    ledger: Arc<Ledger>,
    later: Vec<(Instant, Later)>,
    broker_well_since: Option<Instant>,
}

impl Havoc {
    pub fn new(seed: u64, broker: BrokerProcess, workers: Workers, ledger: Arc<Ledger>) -> Self {
        let chance = fastrand::Rng::with_seed(seed);
        Self {
            tally: Tally::default(),
            chance,
            broker,
            workers,
            ledger,
            later: Vec::new(),
            broker_well_since: None,
        }
    }

    pub fn bootstrap(&self) -> String {
        self.broker.bootstrap()
    }

    /// Waits a little, then lets something go wrong.
    pub async fn strike(&mut self) {
        let pause = 50 + self.chance.u64(..400);
        self.pass(Duration::from_millis(pause)).await;
        let choice = self.chance.usize(..1000);
        let broker_is_well = self.broker_is_well();
        match self.chance.u64(..100) {
            0..60 => {
                self.tally.workers_killed += 1;
                // Whoever is suspended dies as well.
                self.workers.kill(choice);
            }
            60..72 => {
                self.tally.workers_suspended += 1;
                self.workers.signal(choice, "STOP");
                // Shorter and longer than a lease.
                let rest = 200 + self.chance.u64(..10_000);
                self.put_right(rest, Later::ResumeWorker(choice));
            }
            72..84 if self.ledger.deliver_twice(choice) => self.tally.doubled += 1,
            84..88 if broker_is_well => {
                self.tally.broker_killed += 1;
                self.broker.kill();
                let rest = self.chance.u64(..3000);
                self.put_right(rest, Later::RestartBroker);
            }
            88..90 if broker_is_well => {
                self.tally.broker_suspended += 1;
                self.broker.signal("STOP");
                let rest = 200 + self.chance.u64(..9000);
                self.put_right(rest, Later::ResumeBroker);
            }
            _ => {}
        }
    }

    /// Whether the broker has had time to do something since it was last struck.
    fn broker_is_well(&mut self) -> bool {
        let is_struck = self.later.iter().any(|(_, later)| !matches!(later, Later::ResumeWorker(_)));
        if is_struck || !self.broker.answers() {
            self.broker_well_since = None;
            return false;
        }
        self.broker_well_since.get_or_insert_with(Instant::now).elapsed() > REST_OF_BROKER
    }

    /// Puts everything right.
    pub async fn calm(&mut self) {
        while let Some((due, _)) = self.later.iter().max_by_key(|(due, _)| *due) {
            let rest = due.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            self.pass(rest).await;
        }
        self.broker.await_answer();
    }

    fn put_right(&mut self, milliseconds: u64, later: Later) {
        self.later.push((Instant::now() + Duration::from_millis(milliseconds), later));
    }

    async fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            let now = Instant::now();
            let (due, rest) = std::mem::take(&mut self.later).into_iter().partition(|(due, _)| *due <= now);
            self.later = rest;
            for (_, later) in due {
                match later {
                    Later::ResumeWorker(choice) => self.workers.signal(choice, "CONT"),
                    Later::ResumeBroker => self.broker.signal("CONT"),
                    Later::RestartBroker => self.broker.restart(),
                }
            }
            if now >= until {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}
