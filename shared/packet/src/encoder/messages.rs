//! Encoded alerts, and where each of them lies.

use std::ops::Range;

/// Encoded alerts in one buffer.
#[derive(Debug, Default)]
pub struct Messages {
    /// May be longer than what is written: bytes that are there already need not be made.
    buffer: Vec<u8>,
    /// Where each message lies.
    spans: Vec<Range<usize>>,
    /// Where the last of them ends.
    end: usize,
    /// Bytes that the messages before took.
    before: usize,
}

impl Messages {
    /// How many.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The bytes of all messages.
    pub fn buffer(&self) -> &[u8] {
        self.buffer.get(..self.end).unwrap_or_default()
    }

    /// Where the message number `index` lies in the buffer; nothing if there is no such message.
    pub fn span(&self, index: usize) -> Range<usize> {
        self.spans.get(index).cloned().unwrap_or_default()
    }

    /// The messages in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().map(|span| self.buffer.get(span.clone()).unwrap_or_default())
    }

    /// The buffer with all messages, to be sent as it is, with anything behind them; `next`, whatever it holds, is
    /// written over instead. Forgets the messages.
    pub fn exchange(&mut self, next: Vec<u8>) -> Vec<u8> {
        self.before = self.end;
        self.clear();
        std::mem::replace(&mut self.buffer, next)
    }

    /// Forgets the messages and keeps the memory.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.end = 0;
    }

    /// Makes room behind the others for messages of these lengths: those of one group side by side, the least group first.
    /// Without groups they lie as they come. Tells where they are to be written, and the buffer.
    pub(super) fn lay_out(&mut self, lengths: &[usize], groups: &[u32]) -> (&[Range<usize>], &mut [u8]) {
        let before = self.spans.len();
        let group_of = |row: usize| groups.get(row).map_or(0, |group| *group as usize);
        let mut bytes: Vec<usize> = Vec::new();
        for (row, length) in lengths.iter().enumerate() {
            let group = group_of(row);
            if bytes.len() <= group {
                bytes.resize(group + 1, 0);
            }
            bytes[group] += length;
        }
        // From here on where a group's next message begins.
        for place in &mut bytes {
            (*place, self.end) = (self.end, self.end + *place);
        }
        for (row, length) in lengths.iter().enumerate() {
            let place = &mut bytes[group_of(row)];
            self.spans.push(*place..*place + length);
            *place += length;
        }
        self.make_room();
        (&self.spans[before..], &mut self.buffer)
    }

    /// Makes the buffer long enough.
    fn make_room(&mut self) {
        let end = self.end;
        if self.buffer.len() < end {
            // Batches are of about one size; what is larger than that would lie idle in every buffer under way.
            let room =
                (self.before + self.before / 16).max(if self.before < end { end + end / 4 } else { 0 });
            self.buffer.reserve_exact(room - self.buffer.len());
            self.buffer.resize(room, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_group_lie_side_by_side_behind_those_before() {
        let mut messages = Messages::default();
        messages.lay_out(&[5, 0, 2], &[]);
        assert_eq!([0, 1, 2].map(|index| messages.span(index)), [0..5, 5..5, 5..7]);
        messages.lay_out(&[1, 2, 3, 4], &[2, 0, 2, 0]);
        assert_eq!([3, 4, 5, 6].map(|index| messages.span(index)), [13..14, 7..9, 14..17, 9..13]);
        assert_eq!((messages.len(), messages.buffer().len(), messages.span(7)), (7, 17, 0..0));
        messages.clear();
        messages.lay_out(&[1], &[9]);
        assert_eq!((messages.span(0), messages.buffer().len()), (0..1, 1));
    }
}
