//! What a page holds, where it lies: in the bytes as they came, though Snappy has been over them.
//!
//! Images are compressed already. Snappy finds next to nothing in them and leaves them as they are, in runs of up to 64 KB
//! (its format_description.txt). So most values lie in one piece and need no decompressing, and one that nobody wants is
//! not looked at.

use super::Fault;
use bytes::Bytes;

/// A page of shorter runs than this, on average, is better decompressed.
const RUN_BYTES: usize = 512;
/// As many runs more do no harm.
const FEW_RUNS: usize = 16;
/// The longest copy.
const MOST_COPIED: usize = 64;

/// The bytes of a page, and how far they were read.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// As they came.
    came: Bytes,
    /// What is not among them as it is: repetitions of what came before.
    made: Vec<u8>,
    runs: Vec<Run>,
    /// How many bytes it holds.
    length: usize,
    at: usize,
    /// The run that `at` lies in, or one before it.
    run: usize,
}

/// Bytes from `start` on that lie one behind the other.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    /// Where, in what came or in what was made.
    from: usize,
    is_made: bool,
}

/// A part of what Snappy wrote.
enum Element {
    Literal { header: usize, length: usize },
    Copy { header: usize, length: usize, back: usize },
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// In what came, from here on.
    There { from: usize, length: usize },
    /// In several pieces; begins here in what the page holds.
    Apart { start: usize, length: usize },
}

impl Pieces {
    /// Of bytes that are not compressed.
    pub fn whole(bytes: Bytes) -> Self {
        let runs = vec![Run { start: 0, from: 0, is_made: false }];
        Self { length: bytes.len(), came: bytes, made: Vec::new(), runs, at: 0, run: 0 }
    }

    /// Of bytes that Snappy has compressed; none if it has done so well that they are to be decompressed.
    pub fn packed(came: Bytes) -> Result<Option<Self>, Fault> {
        let (length, mut from) = preamble(&came).ok_or_else(damaged)?;
        let mut pieces = Self { came, made: Vec::new(), runs: Vec::new(), length: 0, at: 0, run: 0 };
        let most = FEW_RUNS + length / RUN_BYTES;
        let mut elements = 0;
        while from < pieces.came.len() {
            elements += 1;
            if elements > most {
                return Ok(None);
            }
            let left = pieces.came.get(from..).unwrap_or_default();
            match element(left).ok_or_else(damaged)? {
                Element::Literal { header, length } => {
                    let end = header.checked_add(length).filter(|end| *end <= left.len());
                    let end = end.ok_or_else(damaged)?;
                    pieces.runs.push(Run { start: pieces.length, from: from + header, is_made: false });
                    pieces.length += length;
                    from += end;
                }
                Element::Copy { header, length, back } => {
                    pieces.repeat(back, length)?;
                    from += header;
                }
            }
            if pieces.length > length {
                return Err(damaged());
            }
        }
        match pieces.length == length {
            true => Ok(Some(pieces)),
            false => Err(damaged()),
        }
    }

    /// Goes on with `length` bytes that end with the last but `back`, over and over if there are fewer.
    fn repeat(&mut self, back: usize, length: usize) -> Result<(), Fault> {
        let start = self.length.checked_sub(back).filter(|_| back > 0).ok_or_else(damaged)?;
        let mut copied = [0; MOST_COPIED];
        let first = back.min(length);
        self.copy(start, copied.get_mut(..first).ok_or_else(damaged)?)?;
        for place in first..length {
            copied[place] = copied[place - back];
        }
        if !self.runs.last().is_some_and(|last| last.is_made) {
            self.runs.push(Run { start: self.length, from: self.made.len(), is_made: true });
        }
        self.made.extend_from_slice(copied.get(..length).unwrap_or_default());
        self.length += length;
        Ok(())
    }

    /// What came.
    pub fn came(&self) -> &Bytes {
        &self.came
    }

    /// Copies what the page holds from `start` on.
    pub fn copy(&self, start: usize, mut out: &mut [u8]) -> Result<(), Fault> {
        let mut at = start;
        let mut run = self.runs.partition_point(|run| run.start <= start).saturating_sub(1);
        while !out.is_empty() {
            let count = out.len().min(self.end_of(run).saturating_sub(at));
            let bytes = self.runs.get(run).and_then(|run| {
                let from = run.from + (at - run.start);
                let bytes: &[u8] = if run.is_made { &self.made } else { &self.came };
                bytes.get(from..from + count)
            });
            let (part, rest) = out.split_at_mut(count);
            part.copy_from_slice(bytes.ok_or_else(short)?);
            (out, at, run) = (rest, at + count, run + 1);
        }
        Ok(())
    }

    /// The next bytes.
    pub fn read(&mut self, out: &mut [u8]) -> Result<(), Fault> {
        self.pass(out.len())?;
        self.copy(self.at - out.len(), out)
    }

    /// The next `length` bytes, in one piece.
    pub fn take(&mut self, length: usize) -> Result<Bytes, Fault> {
        match self.next(length)? {
            Value::There { from, length } => Ok(self.came.slice(from..from + length)),
            Value::Apart { start, length } => {
                let mut bytes = vec![0; length];
                self.copy(start, &mut bytes)?;
                Ok(bytes.into())
            }
        }
    }

    /// All that was not read yet.
    pub fn rest(&mut self) -> Result<Bytes, Fault> {
        self.take(self.length - self.at)
    }

    /// The next value, which has its length before it.
    pub fn value(&mut self) -> Result<Value, Fault> {
        let mut length = [0; 4];
        match self.next(4)? {
            Value::There { from, .. } => {
                length.copy_from_slice(self.came.get(from..from + 4).unwrap_or(&[0; 4]))
            }
            Value::Apart { start, .. } => self.copy(start, &mut length)?,
        }
        self.next(u32::from_le_bytes(length) as usize)
    }

    fn next(&mut self, length: usize) -> Result<Value, Fault> {
        let start = self.at;
        self.pass(length)?;
        while self.end_of(self.run) <= start && self.run + 1 < self.runs.len() {
            self.run += 1;
        }
        Ok(match self.runs.get(self.run) {
            Some(run) if !run.is_made && self.at <= self.end_of(self.run) => {
                Value::There { from: run.from + (start - run.start), length }
            }
            _ => Value::Apart { start, length },
        })
    }

    fn pass(&mut self, length: usize) -> Result<(), Fault> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.length);
        self.at = end.ok_or_else(short)?;
        Ok(())
    }

    fn end_of(&self, run: usize) -> usize {
        self.runs.get(run + 1).map_or(self.length, |next| next.start)
    }
}

/// How many bytes there are once decompressed, and how many of these say so.
fn preamble(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            return usize::try_from(length).ok().map(|length| (length, place + 1));
        }
    }
    None
}

fn element(bytes: &[u8]) -> Option<Element> {
    let (tag, rest) = bytes.split_first()?;
    let upper = usize::from(tag >> 2);
    let number = |bytes: usize| -> Option<usize> {
        let mut number = [0; 4];
        number.get_mut(..bytes)?.copy_from_slice(rest.get(..bytes)?);
        Some(u32::from_le_bytes(number) as usize)
    };
    Some(match tag & 3 {
        0 if upper < 60 => Element::Literal { header: 1, length: upper + 1 },
        0 => Element::Literal { header: 1 + upper - 59, length: number(upper - 59)? + 1 },
        1 => Element::Copy {
            header: 2,
            length: 4 + (upper & 7),
            back: usize::from(tag >> 5) << 8 | usize::from(*rest.first()?),
        },
        2 => Element::Copy { header: 3, length: upper + 1, back: number(2)? },
        _ => Element::Copy { header: 5, length: upper + 1, back: number(4)? },
    })
}

fn damaged() -> Fault {
    Fault::Bytes("a page holds what cannot be decompressed".into())
}

fn short() -> Fault {
    Fault::Bytes("a page ends before its values".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes without any pattern, the same every time.
    fn noise(count: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as u8
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    fn packed(bytes: &[u8]) -> Result<Option<Pieces>, Fault> {
        Pieces::packed(snap::raw::Encoder::new().compress_vec(bytes).unwrap().into())
    }

    /// What lies there as it is, with what is copied within: as Snappy's own decoder has it.
    #[test]
    fn what_came_is_found_where_it_lies_and_repetitions_are_put_together() {
        let mut held = noise(200_000);
        let again = held[100..1_500].to_vec();
        held.extend(again);
        held.extend([7; 300]);
        held.extend(noise(70_000));
        let mut pieces = packed(&held).unwrap().unwrap();
        assert!(!pieces.made.is_empty() && pieces.made.len() < 2_000);
        for step in [1_usize, 13, 4_096, 100_000] {
            let mut read = Vec::new();
            (pieces.at, pieces.run) = (0, 0);
            while pieces.at < pieces.length {
                let bytes = pieces.take(step.min(pieces.length - pieces.at)).unwrap();
                read.extend_from_slice(&bytes);
            }
            assert!(read == held, "{step} at a time");
        }
        assert!(pieces.take(1).is_err());
    }

    #[test]
    fn values_have_their_lengths_before_them() {
        let held = noise(400_000);
        let values: Vec<&[u8]> =
            (0..30).map(|place| &held[place * 13_000..][..place * 977 % 13_000]).collect();
        let held: Vec<u8> =
            values.iter().flat_map(|value| [&(value.len() as u32).to_le_bytes(), *value].concat()).collect();
        let mut there = 0;
        for mut pieces in [packed(&held).unwrap().unwrap(), Pieces::whole(held.into())] {
            for value in &values {
                let mut found = vec![0; value.len()];
                match pieces.value().unwrap() {
                    Value::There { from, length } => {
                        found.copy_from_slice(&pieces.came()[from..from + length]);
                        there += 1;
                    }
                    Value::Apart { start, .. } => pieces.copy(start, &mut found).unwrap(),
                }
                assert!(found == *value);
            }
            assert!(pieces.rest().unwrap().is_empty() && pieces.value().is_err());
        }
        assert!(there > values.len());
    }

    #[test]
    fn what_shrinks_is_left_to_be_decompressed() {
        assert!(packed(&b"observed once and again, ".repeat(9_000)).unwrap().is_none());
    }

    /// Made by hand, from the format's description.
    #[test]
    fn every_kind_of_element_is_known_and_lies_are_refused() {
        let long = noise(300);
        let mut stream = vec![0, 0, 3 << 2, 1, 2, 3, 4];
        stream.extend([61 << 2, 43, 1]);
        stream.extend(&long);
        stream.extend([1 | 2 << 2, 4]);
        stream.extend([2 | 9 << 2, 1, 0]);
        stream.extend([3 | 2 << 2, 0x3e, 1, 0, 0]);
        let mut held = vec![1, 2, 3, 4];
        held.extend(&long);
        held.extend_from_within(held.len() - 4..);
        held.extend_from_within(held.len() - 4..held.len() - 2);
        held.extend([*held.last().unwrap(); 10]);
        held.extend_from_within(held.len() - 0x13e..held.len() - 0x13b);
        (stream[0], stream[1]) = ((held.len() as u8 & 0x7f) | 0x80, (held.len() >> 7) as u8);
        assert_eq!(snap::raw::Decoder::new().decompress_vec(&stream).unwrap(), held);
        assert_eq!(Pieces::packed(stream.clone().into()).unwrap().unwrap().rest().unwrap(), held);

        let cut = |end: usize| stream[..end].to_vec();
        for wrong in [
            vec![],
            vec![0xff; 9],
            cut(stream.len() - 1),
            cut(40),
            cut(8),
            [&cut(stream.len())[..], &[0, 9]].concat(),
            // Farther back than there is anything, and nowhere.
            vec![8, 3 << 2, 1, 2, 3, 4, 1, 5],
            vec![8, 3 << 2, 1, 2, 3, 4, 1, 0],
            // More than was said.
            vec![4, 63 << 2, 255, 255, 255, 255, 1, 2, 3, 4],
        ] {
            assert!(Pieces::packed(wrong.clone().into()).is_err(), "{wrong:?}");
        }
    }
}
