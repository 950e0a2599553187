//! Parquet's mixture of runs and bit-packed groups, by which levels and places in a dictionary are written (the format's
//! Encodings.md, "RLE / bit-packing hybrid").

use super::Fault;
use bytes::Bytes;

/// Values of a bit-packed group.
const GROUP: usize = 8;
/// The bytes that unpacking a group may look at: the group, and a word behind its last value.
const WINDOW: usize = 40;
/// Of levels and places.
const MOST_BITS: u8 = 32;
/// Where one value of so many is picked, or more, unpacking all of them by groups is faster.
const SPARSE: usize = 3;

/// A type that levels and places are read as.
pub(crate) trait Small: Copy {
    fn small(value: u32) -> Self;
}

impl Small for u8 {
    fn small(value: u32) -> Self {
        value as u8
    }
}

impl Small for u32 {
    fn small(value: u32) -> Self {
        value
    }
}

impl Small for bool {
    fn small(value: u32) -> Self {
        value != 0
    }
}

/// Reads such values in order.
#[derive(Debug)]
pub(crate) struct Hybrid {
    bytes: Bytes,
    /// Where the next run begins.
    at: usize,
    width: u8,
    run: Run,
}

#[derive(Clone, Copy, Debug)]
enum Run {
    /// The same value so many times.
    Same { value: u32, left: usize },
    /// Groups that begin at `start`; the values before `next` are read, those from `end` on are not there.
    Packed { start: usize, next: usize, end: usize },
}

impl Hybrid {
    /// Values of `width` bits.
    pub fn new(bytes: Bytes, width: u8) -> Result<Self, Fault> {
        match width <= MOST_BITS {
            true => Ok(Self { bytes, at: 0, width, run: Run::Same { value: 0, left: 0 } }),
            false => Err(Fault::Bytes(format!("a page has values of {width} bits"))),
        }
    }

    /// Values of one bit, packed without any runs.
    pub fn bits(bytes: Bytes) -> Self {
        let (at, end) = (bytes.len(), bytes.len() * 8);
        Self { bytes, at, width: 1, run: Run::Packed { start: 0, next: 0, end } }
    }

    /// The value that all of the next `count` have, if they lie in one run.
    pub fn same(&mut self, count: usize) -> Result<Option<u32>, Fault> {
        if count == 0 {
            return Ok(Some(0));
        }
        self.turn()?;
        Ok(match self.run {
            Run::Same { value, left } if left >= count => Some(value),
            _ => None,
        })
    }

    /// Appends the next `count` values.
    pub fn read<T: Small>(&mut self, mut count: usize, out: &mut Vec<T>) -> Result<(), Fault> {
        out.reserve(count);
        while count > 0 {
            self.turn()?;
            let taken = match self.run {
                Run::Same { value, left } => {
                    let taken = count.min(left);
                    out.resize(out.len() + taken, T::small(value));
                    taken
                }
                Run::Packed { start, next, end } => {
                    let taken = count.min(end - next);
                    self.unpack(start, next, taken, out);
                    taken
                }
            };
            self.pass(taken);
            count -= taken;
        }
        Ok(())
    }

    /// Passes over the next `count` values, and appends those of the given numbers among them, which ascend.
    pub fn pick(&mut self, count: usize, numbers: &[u32], out: &mut Vec<u32>) -> Result<(), Fault> {
        if numbers.len().saturating_mul(SPARSE) >= count {
            let start = out.len();
            self.read(count, out)?;
            let all = out.get_mut(start..).unwrap_or_default();
            for (place, number) in numbers.iter().enumerate() {
                // As they ascend, none is written over before it was picked.
                if let Some(value) = all.get(*number as usize).copied()
                    && let Some(place) = all.get_mut(place)
                {
                    *place = value;
                }
            }
            out.truncate(start + numbers.len());
            return Ok(());
        }
        let (mut passed, mut left) = (0, numbers);
        while passed < count {
            self.turn()?;
            let here = self.here(count - passed);
            let (picked, rest) =
                left.split_at(left.partition_point(|number| (*number as usize) < passed + here));
            match self.run {
                Run::Same { value, .. } => out.resize(out.len() + picked.len(), value),
                Run::Packed { start, next, .. } => {
                    let packed = self.bytes.get(start..).unwrap_or_default();
                    let value_at = |number: &u32| {
                        single(packed, usize::from(self.width), next + (*number as usize - passed))
                    };
                    out.extend(picked.iter().map(value_at));
                }
            }
            self.pass(here);
            (passed, left) = (passed + here, rest);
        }
        Ok(())
    }

    /// Passes over the next `count` values.
    pub fn skip(&mut self, mut count: usize) -> Result<(), Fault> {
        while count > 0 {
            self.turn()?;
            let taken = self.here(count);
            self.pass(taken);
            count -= taken;
        }
        Ok(())
    }

    /// How many of the next `count` values this run has.
    fn here(&self, count: usize) -> usize {
        match self.run {
            Run::Same { left, .. } => count.min(left),
            Run::Packed { next, end, .. } => count.min(end - next),
        }
    }

    fn pass(&mut self, values: usize) {
        match &mut self.run {
            Run::Same { left, .. } => *left -= values,
            Run::Packed { next, .. } => *next += values,
        }
    }

    /// Goes on to the next run where this one is used up.
    fn turn(&mut self) -> Result<(), Fault> {
        while matches!(self.run, Run::Same { left: 0, .. })
            || matches!(self.run, Run::Packed { next, end, .. } if next >= end)
        {
            let header = self.header()?;
            let count = (header >> 1) as usize;
            let width = usize::from(self.width);
            self.run = match header & 1 {
                0 => {
                    let mut value = [0; 4];
                    for byte in value.iter_mut().take(width.div_ceil(8)) {
                        *byte = *self.bytes.get(self.at).ok_or_else(short)?;
                        self.at += 1;
                    }
                    Run::Same { value: u32::from_le_bytes(value), left: count }
                }
                _ => {
                    let start = self.at;
                    let held = (count * width).min(self.bytes.len() - start);
                    self.at += held;
                    // The last group may be cut off behind the last value.
                    let there = (held * 8).checked_div(width).unwrap_or(usize::MAX);
                    let end = (count * GROUP).min(there);
                    Run::Packed { start, next: 0, end }
                }
            };
        }
        Ok(())
    }

    fn header(&mut self) -> Result<u32, Fault> {
        let mut header = 0_u32;
        for shift in (0..32).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(short)?;
            self.at += 1;
            header |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(header);
            }
        }
        Err(Fault::Bytes("a run in a page claims too many values".into()))
    }

    /// Unpacks values of the run that begins at `start`, by a width that the compiler knows.
    fn unpack<T: Small>(&self, start: usize, next: usize, count: usize, out: &mut Vec<T>) {
        let packed = self.bytes.get(start..).unwrap_or_default();
        macro_rules! by_width {
            ($($width:literal)*) => {
                match self.width {
                    $($width => unpacked::<$width, T>(packed, next, count, out),)*
                    _ => unpacked::<32, T>(packed, next, count, out),
                }
            };
        }
        by_width!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)
    }
}

fn short() -> Fault {
    Fault::Bytes("a page ends before its values".into())
}

/// The value at this place of packed groups.
fn single(packed: &[u8], width: usize, place: usize) -> u32 {
    let bit = place * width;
    let bytes = packed.get(bit / 8..).unwrap_or_default();
    let word = match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        }
    };
    ((word >> (bit % 8)) & ((1 << width) - 1)) as u32
}

fn unpacked<const WIDTH: usize, T: Small>(packed: &[u8], next: usize, count: usize, out: &mut Vec<T>) {
    let group_at = |group: usize| -> [T; GROUP] {
        let bytes = packed.get(group * WIDTH..).unwrap_or_default();
        let values = match bytes.first_chunk::<WINDOW>() {
            Some(window) => group_of::<WIDTH>(window),
            None => {
                let mut window = [0; WINDOW];
                let there = bytes.len().min(WINDOW);
                window[..there].copy_from_slice(&bytes[..there]);
                group_of::<WIDTH>(&window)
            }
        };
        values.map(T::small)
    };
    let (mut group, before) = (next / GROUP, next % GROUP);
    let head = count.min((GROUP - before) % GROUP);
    if head > 0 {
        out.extend(group_at(group).into_iter().skip(before).take(head));
        group += 1;
    }
    // Whole groups, to places that are there already: asking for each whether there is room takes as long as unpacking it.
    let start = out.len();
    out.resize(start + (count - head) / GROUP * GROUP, T::small(0));
    let (places, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<GROUP>();
    for place in places {
        *place = group_at(group);
        group += 1;
    }
    out.extend(group_at(group).into_iter().take((count - head) % GROUP));
}

fn group_of<const WIDTH: usize>(window: &[u8; WINDOW]) -> [u32; GROUP] {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&window[at..at + 8]);
        u64::from_le_bytes(word)
    };
    if WIDTH <= 8 {
        // All of them lie in one word.
        let word = word(0);
        return std::array::from_fn(|place| ((word >> (place * WIDTH)) & ((1 << WIDTH) - 1)) as u32);
    }
    std::array::from_fn(|place| {
        let bit = place * WIDTH;
        ((word(bit / 8) >> (bit % 8)) & ((1 << WIDTH) - 1)) as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by hand, from the format's description.
    fn written(values: &[u32], width: u8) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, part) in values.chunks(24).enumerate() {
            if number % 3 == 2 {
                for value in part {
                    out.push(1 << 1);
                    out.extend(&value.to_le_bytes()[..usize::from(width).div_ceil(8)]);
                }
                continue;
            }
            out.push((part.len().div_ceil(8) << 1 | 1) as u8);
            let mut bits = vec![0_u8; part.len().div_ceil(8) * usize::from(width)];
            for (place, value) in part.iter().enumerate() {
                for bit in 0..usize::from(width) {
                    let at = place * usize::from(width) + bit;
                    bits[at / 8] |= ((value >> bit & 1) as u8) << (at % 8);
                }
            }
            out.extend(bits);
        }
        out
    }

    #[test]
    fn values_of_any_width_come_back_however_they_are_taken() {
        for width in 1..=32_u8 {
            let values: Vec<u32> = (0..200_u32)
                .map(|place| place.wrapping_mul(2_654_435_761) & (u32::MAX >> (32 - width)))
                .collect();
            let bytes = Bytes::from(written(&values, width));
            for (step, every) in [(200, 1), (50, 2), (50, 7), (13, 5), (200, 199)] {
                let (mut hybrid, mut picked) = (Hybrid::new(bytes.clone(), width).unwrap(), Vec::new());
                let mut wanted = Vec::new();
                for part in values.chunks(step) {
                    let last = part.len() as u32 - 1;
                    let numbers: Vec<u32> =
                        (0..=last).filter(|number| (last - number).is_multiple_of(every)).collect();
                    hybrid.pick(part.len(), &numbers, &mut picked).unwrap();
                    wanted.extend(numbers.iter().map(|number| part[*number as usize]));
                }
                assert_eq!(picked, wanted, "{width} bits, one of {every}, {step} at a time");
                assert!(hybrid.pick(9, &[], &mut picked).is_err());
            }
            for step in [1, 3, 8, 50, 200] {
                let (mut hybrid, mut read) = (Hybrid::new(bytes.clone(), width).unwrap(), Vec::<u32>::new());
                let mut kept = Vec::<u32>::new();
                for (turn, part) in values.chunks(step).enumerate() {
                    if turn % 4 == 3 {
                        hybrid.skip(part.len()).unwrap();
                        continue;
                    }
                    hybrid.read(part.len(), &mut read).unwrap();
                    kept.extend(part);
                }
                assert_eq!(read, kept, "{width} bits, {step} at a time");
            }
        }
    }

    #[test]
    fn runs_are_seen_as_such_and_what_is_not_there_is_told() {
        let mut hybrid = Hybrid::new(Bytes::from_static(&[0xa0, 0x1f, 4]), 3).unwrap();
        assert_eq!(hybrid.same(2000).unwrap(), Some(4));
        assert_eq!(hybrid.same(2001).unwrap(), None);
        let mut levels = Vec::<u8>::new();
        hybrid.read(2000, &mut levels).unwrap();
        assert!(levels.iter().all(|level| *level == 4) && levels.len() == 2000);
        assert!(hybrid.read(1, &mut levels).is_err());
        // Two groups are claimed, of which 5 bits of 3 are there.
        let mut cut = Hybrid::new(Bytes::from_static(&[5, 0b1000_1000, 0b1111_1111]), 3).unwrap();
        assert!(cut.skip(6).is_err());
        assert!(Hybrid::new(Bytes::new(), 33).is_err());
        assert!(Hybrid::new(Bytes::from_static(&[0xff; 9]), 3).unwrap().skip(1).is_err());
        let mut bits = Vec::<bool>::new();
        Hybrid::bits(Bytes::from_static(&[0b101])).read(3, &mut bits).unwrap();
        assert_eq!(bits, [true, false, true]);
    }
}
