//! What came of the inputs of one target.

use crate::targets::{Verdict, Which};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What came of the inputs of one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    pub target: Which,
    /// Inputs tried.
    pub tried: u64,
    /// Taken as sound.
    pub accepted: u64,
    /// Refused with an error.
    pub refused: u64,
    /// Panics of a library that became an error, as they should.
    pub contained: u64,
    /// The longest that an input took.
    pub slowest_ms: f64,
    /// Its number.
    pub slowest: u64,
    /// The most memory that an input took.
    pub peak_bytes: u64,
    /// Its number.
    pub largest: u64,
    /// Inputs that panicked, took too long or too much, or ended the process.
    pub findings: Vec<String>,
}

impl Tally {
    pub fn new(target: Which) -> Self {
        Self {
            target,
            tried: 0,
            accepted: 0,
            refused: 0,
            contained: 0,
            slowest_ms: 0.0,
            slowest: 0,
            peak_bytes: 0,
            largest: 0,
            findings: Vec::new(),
        }
    }

    pub fn count(&mut self, verdict: Verdict) {
        self.tried += 1;
        match verdict {
            Verdict::Accepted => self.accepted += 1,
            Verdict::Refused => self.refused += 1,
        }
    }

    /// What the input of that number took.
    pub fn cost(&mut self, number: u64, time: Duration, bytes: usize) {
        self.most(time.as_secs_f64() * 1e3, number, bytes as u64, number);
    }

    fn most(&mut self, milliseconds: f64, slowest: u64, bytes: u64, largest: u64) {
        if milliseconds > self.slowest_ms {
            (self.slowest_ms, self.slowest) = (milliseconds, slowest);
        }
        if bytes > self.peak_bytes {
            (self.peak_bytes, self.largest) = (bytes, largest);
        }
    }

    pub fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.contained += other.contained;
        self.most(other.slowest_ms, other.slowest, other.peak_bytes, other.largest);
        self.findings.extend(other.findings);
    }
}

/// The tallies as a table.
pub fn print(tallies: &[Tally]) {
    println!(
        "{:<12} {:>9} {:>9} {:>9} {:>10} {:>12} {:>10} {:>9}",
        "target", "tried", "accepted", "refused", "contained", "slowest", "memory", "findings"
    );
    for tally in tallies {
        println!(
            "{:<12} {:>9} {:>9} {:>9} {:>10} {:>9.1} ms {:>7.1} MB {:>9}",
            tally.target.name(),
            tally.tried,
            tally.accepted,
            tally.refused,
            tally.contained,
            tally.slowest_ms,
            tally.peak_bytes as f64 / 1e6,
            tally.findings.len()
        );
    }
    for finding in tallies.iter().flat_map(|tally| &tally.findings) {
        println!("finding: {finding}");
    }
}
