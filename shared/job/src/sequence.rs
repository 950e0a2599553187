//! Which messages of a task are in the topic, and which are to be sent: numbers in place of luck.
//!
//! A task's messages have a fixed order and a fixed partition each, so their numbers within a partition, from 0, mean the
//! same in every attempt. The producer delivers each partition in order and without a gap, so what a partition holds of a
//! task is always a first part of that order: one number says it all.

use crate::{Checkpoint, Counts};
use std::collections::VecDeque;

/// What the topic holds of a task: for each partition the number of its messages, as read from the topic itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived(Vec<u64>);

/// A message of the task is missing before another: nothing may be added to such a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The number that should have come.
    pub expected: u64,
    /// The number that came.
    pub found: u64,
}

impl Arrived {
    /// What is known before the tail is read: a checkpoint's sequences.
    pub fn known(sequences: Vec<u64>) -> Self {
        Self(sequences)
    }

    /// Takes note of a message of the task in the tail. Messages from before the checkpoint are no news.
    pub fn see(&mut self, partition: usize, sequence: u64) -> Result<(), Missing> {
        let Some(count) = self.0.get_mut(partition) else { return Ok(()) };
        if sequence > *count {
            return Err(Missing { expected: *count, found: sequence });
        }
        *count = (*count).max(sequence + 1);
        Ok(())
    }

    /// For each partition the number of messages.
    pub fn counts(&self) -> &[u64] {
        &self.0
    }

    /// The same.
    pub fn into_counts(self) -> Vec<u64> {
        self.0
    }

    /// Whether the topic holds none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }
}

/// Numbers the messages of an attempt, which begins at a checkpoint, and knows those that have arrived already.
#[derive(Clone, Debug)]
pub struct Sequencer {
    next: Vec<u64>,
    arrived: Vec<u64>,
}

/// There is no such partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchPartition;

impl Sequencer {
    /// Goes on at a checkpoint's sequences; `arrived` is what the topic holds.
    pub fn new(sequences: Vec<u64>, arrived: Vec<u64>) -> Self {
        Self { next: sequences, arrived }
    }

    /// Numbers the task's next message in a partition; `true` if it is to be sent.
    pub fn is_to_send(&mut self, partition: usize) -> Result<bool, NoSuchPartition> {
        let (Some(next), Some(arrived)) = (self.next.get_mut(partition), self.arrived.get(partition)) else {
            return Err(NoSuchPartition);
        };
        let is_new = *next >= *arrived;
        *next += 1;
        Ok(is_new)
    }

    /// For each partition the number of messages so far, earlier attempts included.
    pub fn reached(&self) -> &[u64] {
        &self.next
    }

    /// The number of partitions.
    pub fn partitions(&self) -> usize {
        self.next.len()
    }
}

/// The end of a row group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// Row groups of the task that are done.
    pub row_groups: u32,
    /// The books there.
    pub counts: Counts,
    /// Messages of the task in each partition up to there.
    pub sequences: Vec<u64>,
    /// For each partition an offset before which none of the task's later messages lies: nothing later had been handed
    /// over when it was taken.
    pub offsets: Vec<i64>,
}

/// Ends of row groups whose messages may not all be acknowledged yet, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Milestones(VecDeque<Milestone>);

impl Milestones {
    /// Adds the newest.
    pub fn push(&mut self, milestone: Milestone) {
        self.0.push_back(milestone);
    }

    /// The newest milestone whose messages are all acknowledged, given how many of each partition are; it and those
    /// before it are forgotten.
    pub fn reach(&mut self, acknowledged: &[u64]) -> Option<Milestone> {
        let covered = |milestone: &Milestone| {
            milestone.sequences.iter().zip(acknowledged).all(|(sent, seen)| sent <= seen)
        };
        let mut reached = None;
        while self.0.front().is_some_and(covered) {
            reached = self.0.pop_front();
        }
        reached
    }
}

impl Checkpoint {
    /// Moves on to a milestone. Offsets never go back.
    pub fn advance(&mut self, milestone: &Milestone) {
        self.row_groups = milestone.row_groups;
        self.counts.clone_from(&milestone.counts);
        self.sequences.clone_from(&milestone.sequences);
        for (known, end) in self.offsets.iter_mut().zip(&milestone.offsets) {
            *known = (*known).max(*end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_arrived_is_not_sent_again_and_a_hole_is_noticed() {
        let mut arrived = Arrived::known(vec![2, 0]);
        for (partition, sequence) in [(0, 1), (0, 2), (1, 0), (1, 0)] {
            arrived.see(partition, sequence).unwrap();
        }
        assert_eq!(arrived.counts(), [3, 1]);
        assert_eq!(arrived.see(0, 4), Err(Missing { expected: 3, found: 4 }));
        let mut sequencer = Sequencer::new(vec![2, 0], arrived.into_counts());
        let sent: Vec<bool> = [0, 0, 1, 1].map(|partition| sequencer.is_to_send(partition).unwrap()).into();
        assert_eq!(sent, [false, true, false, true]);
        assert_eq!(sequencer.reached(), [4, 2]);
        assert_eq!(sequencer.is_to_send(2), Err(NoSuchPartition));
    }
}
