//! What makes a retried batch count once: the last batches of each idempotent producer.

use std::collections::{HashMap, VecDeque};

use kafka_protocol::ResponseError;

use super::batch::BatchHeader;

/// Batches a producer may have under way, so batches that may come again.
const REMEMBERED_BATCHES: usize = 5;
/// Producers a partition remembers; the one silent longest is forgotten first.
const REMEMBERED_PRODUCERS: usize = 10_000;

/// The idempotent producers of one partition.
#[derive(Debug, Default)]
pub(crate) struct Producers {
    appends: u64,
    producers: HashMap<i64, Producer>,
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    last_append: u64,
    batches: VecDeque<Sequenced>,
}

#[derive(Debug, Clone, Copy)]
struct Sequenced {
    first: i32,
    last: i32,
    base_offset: i64,
}

/// What to do with a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is next.
    Append,
    /// It is in the log already, from this offset on.
    Duplicate(i64),
    /// It must not be appended.
    Refuse(ResponseError, &'static str),
}

impl Producers {
    /// Judges a batch by its producer, epoch and sequence.
    pub(crate) fn judge(&self, batch: &BatchHeader) -> Verdict {
        let Some(producer) = self.producers.get(&batch.producer_id) else { return Verdict::Append };
        if batch.producer_epoch < producer.epoch {
            return Verdict::Refuse(
                ResponseError::InvalidProducerEpoch,
                "a newer epoch of this producer wrote",
            );
        }
        if batch.producer_epoch > producer.epoch {
            return match batch.base_sequence {
                0 => Verdict::Append,
                _ => out_of_order("a new epoch starts at sequence 0"),
            };
        }
        let same =
            |known: &&Sequenced| known.first == batch.base_sequence && known.last == batch.last_sequence();
        if let Some(known) = producer.batches.iter().find(same) {
            return Verdict::Duplicate(known.base_offset);
        }
        match producer.batches.back() {
            Some(last) if batch.base_sequence != last.last.wrapping_add(1) & i32::MAX => {
                out_of_order("the sequence does not follow the last one")
            }
            _ => Verdict::Append,
        }
    }

    /// Remembers a batch that is in the log.
    pub(crate) fn remember(&mut self, batch: &BatchHeader) {
        if batch.producer_id < 0 {
            return;
        }
        self.appends += 1;
        if self.producers.len() >= REMEMBERED_PRODUCERS && !self.producers.contains_key(&batch.producer_id) {
            self.forget_silent_half();
        }
        let producer = self.producers.entry(batch.producer_id).or_insert_with(|| Producer {
            epoch: batch.producer_epoch,
            last_append: 0,
            batches: VecDeque::with_capacity(REMEMBERED_BATCHES),
        });
        if producer.epoch != batch.producer_epoch {
            producer.epoch = batch.producer_epoch;
            producer.batches.clear();
        }
        if producer.batches.len() == REMEMBERED_BATCHES {
            producer.batches.pop_front();
        }
        producer.last_append = self.appends;
        producer.batches.push_back(Sequenced {
            first: batch.base_sequence,
            last: batch.last_sequence(),
            base_offset: batch.base_offset,
        });
    }

    /// Half at a time, so that a stream of new producers does not sort all of them at every batch.
    fn forget_silent_half(&mut self) {
        let mut appends: Vec<u64> = self.producers.values().map(|producer| producer.last_append).collect();
        let middle = appends.len() / 2;
        let (_, median, _) = appends.select_nth_unstable(middle);
        let median = *median;
        self.producers.retain(|_, producer| producer.last_append >= median);
    }
}

fn out_of_order(why: &'static str) -> Verdict {
    Verdict::Refuse(ResponseError::OutOfOrderSequenceNumber, why)
}

#[cfg(test)]
mod tests {
    use super::super::batch::tests::batch;
    use super::*;

    fn header(producer: (i64, i16, i32), records: i32, base_offset: i64) -> BatchHeader {
        let parsed = BatchHeader::parse(&batch(records, producer, 0, b"")).unwrap();
        BatchHeader { base_offset, ..parsed }
    }

    fn with_batches(batches: i32) -> Producers {
        let mut producers = Producers::default();
        for at in 0..batches {
            producers.remember(&header((7, 1, at * 10), 10, i64::from(at) * 100));
        }
        producers
    }

    #[test]
    fn the_next_batch_is_appended_and_the_last_five_are_known() {
        let producers = with_batches(6);
        assert_eq!(producers.judge(&header((7, 1, 60), 10, 0)), Verdict::Append);
        for at in 1..6 {
            let again = producers.judge(&header((7, 1, at * 10), 10, 0));
            assert_eq!(again, Verdict::Duplicate(i64::from(at) * 100));
        }
        let refused =
            |verdict| matches!(verdict, Verdict::Refuse(ResponseError::OutOfOrderSequenceNumber, _));
        assert!(refused(producers.judge(&header((7, 1, 0), 10, 0))), "too old to be known");
        assert!(refused(producers.judge(&header((7, 1, 61), 10, 0))), "a gap");
        assert!(refused(producers.judge(&header((7, 1, 50), 9, 0))), "a part of a known batch");
    }

    #[test]
    fn epochs_fence() {
        let producers = with_batches(1);
        assert!(matches!(
            producers.judge(&header((7, 0, 10), 1, 0)),
            Verdict::Refuse(ResponseError::InvalidProducerEpoch, _)
        ));
        assert_eq!(producers.judge(&header((7, 2, 0), 1, 0)), Verdict::Append);
        assert!(matches!(producers.judge(&header((7, 2, 5), 1, 0)), Verdict::Refuse(..)));
    }

    #[test]
    fn sequences_go_on_after_they_wrap() {
        let mut producers = Producers::default();
        producers.remember(&header((7, 0, i32::MAX - 1), 2, 0));
        assert_eq!(producers.judge(&header((7, 0, 0), 1, 0)), Verdict::Append);
    }

    #[test]
    fn the_number_of_producers_is_bounded() {
        let mut producers = Producers::default();
        for id in 0..(REMEMBERED_PRODUCERS as i64 + 10) {
            producers.remember(&header((id, 0, 0), 1, id));
        }
        assert!(producers.producers.len() <= REMEMBERED_PRODUCERS);
        let newest = REMEMBERED_PRODUCERS as i64 + 9;
        assert_eq!(producers.judge(&header((newest, 0, 0), 1, 0)), Verdict::Duplicate(newest));
    }
}
