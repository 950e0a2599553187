//! A page that is being read: its levels, and where in it the decoder is.

use super::{Fault, hybrid::Hybrid, pieces::Pieces, values::Source};
use arrow::buffer::BooleanBuffer;
use bytes::Bytes;

/// A page, and what of it was taken.
pub(super) struct DataPage {
    pub defined: Defined,
    pub repeated: Repeated,
    /// Levels in the page, and how many of them were passed.
    pub count: usize,
    pub at: usize,
    pub source: Source,
}

/// Definition levels of a page.
pub(super) enum Defined {
    Same(u8),
    Each(Vec<u8>),
}

/// Repetition levels of a page, which only few leaves are asked for.
pub(super) enum Repeated {
    /// Each place is a row.
    Never,
    Packed(Bytes),
    Each(Vec<u8>),
}

impl DataPage {
    pub fn is_used_up(&self) -> bool {
        self.at >= self.count
    }

    /// Where `left` rows from here end, if they do in this page, and whether that is known as another one begins there.
    pub fn end_of_rows(&mut self, left: &mut usize) -> Result<(usize, bool), Fault> {
        if let Repeated::Packed(bytes) = &self.repeated {
            let mut levels = Vec::new();
            Hybrid::new(bytes.clone(), 1)?.read(self.count, &mut levels)?;
            self.repeated = Repeated::Each(levels);
        }
        let Repeated::Each(levels) = &self.repeated else {
            let end = self.count.min(self.at.saturating_add(*left));
            *left -= end - self.at;
            return Ok((end, end < self.count));
        };
        for (place, level) in levels.iter().enumerate().skip(self.at) {
            if *level == 0 {
                match left.checked_sub(1) {
                    Some(rest) => *left = rest,
                    None => return Ok((place, true)),
                }
            }
        }
        Ok((self.count, false))
    }
}

/// The numbers of the chosen rows' values among those of all; tells how many these are.
pub(super) fn number_values(levels: &[u8], whole: u8, chosen: &[u32], numbers: &mut Vec<u32>) -> usize {
    let mut there = 0;
    numbers.clear();
    numbers.extend(levels.iter().map(|level| {
        let number = there;
        there += u32::from(*level == whole);
        number
    }));
    // Those of the chosen rows move to the front: none has so many before it as its row has.
    let mut found = 0;
    for row in chosen.iter().map(|row| *row as usize) {
        let (Some(number), Some(level)) = (numbers.get(row).copied(), levels.get(row)) else { continue };
        if let Some(place) = numbers.get_mut(found) {
            *place = number;
        }
        found += usize::from(*level == whole);
    }
    numbers.truncate(found);
    there as usize
}

pub(super) fn whole_of(levels: &[u8], whole: u8) -> usize {
    // Few enough at once for a byte to count them.
    levels
        .chunks(255)
        .map(|part| usize::from(part.iter().map(|level| u8::from(*level == whole)).sum::<u8>()))
        .sum()
}

/// A bit for each level: whether it is `whole`.
pub(super) fn bits_where(levels: &[u8], whole: u8) -> BooleanBuffer {
    // The flags of eight levels as a word; the product brings them together in its highest byte.
    let bits_of_eight = |levels: &[u8; 8]| {
        let flags = u64::from_le_bytes(levels.map(|level| u8::from(level == whole)));
        (flags.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
    };
    let (eights, rest) = levels.as_chunks();
    let mut bits: Vec<u8> = eights.iter().map(bits_of_eight).collect();
    let mut last = [!whole; 8];
    last[..rest.len()].copy_from_slice(rest);
    bits.push(bits_of_eight(&last));
    BooleanBuffer::new(bits.into(), 0, levels.len())
}

/// Appends the levels that are no less than `least`.
pub(super) fn extend_from_level(levels: &[u8], least: u8, out: &mut Vec<u8>) {
    let before = out.len();
    // Each is written, and the next one over it if it is not wanted: which ones are is beyond guessing.
    out.resize(before + levels.len(), 0);
    let room = out.get_mut(before..).unwrap_or_default();
    let mut found = 0;
    for level in levels {
        if let Some(place) = room.get_mut(found) {
            *place = *level;
        }
        found += usize::from(*level >= least);
    }
    out.truncate(before + found);
}

pub(super) fn bits_of(level: u8) -> u8 {
    (u8::BITS - level.leading_zeros()) as u8
}

pub(super) fn split(bytes: &mut Bytes, length: u32) -> Result<Bytes, Fault> {
    let length = length as usize;
    match length <= bytes.len() {
        true => Ok(bytes.split_to(length)),
        false => Err(Fault::Bytes("a page ends before its levels".into())),
    }
}

pub(super) fn levels_of(body: &mut Pieces) -> Result<Bytes, Fault> {
    let mut length = [0; 4];
    body.read(&mut length)?;
    body.take(u32::from_le_bytes(length) as usize)
}

pub(super) fn with_length(bytes: &mut Bytes) -> Result<Bytes, Fault> {
    let mut length = [0; 4];
    length.copy_from_slice(&split(bytes, 4)?);
    split(bytes, u32::from_le_bytes(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_told_apart_wherever_they_stand() {
        for length in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
            let levels: Vec<u8> = (0..length).map(|place| (place * 7 % 5) as u8).collect();
            for whole in [0, 3, 4, 255] {
                let bits: Vec<bool> = bits_where(&levels, whole).iter().collect();
                let wanted: Vec<bool> = levels.iter().map(|level| *level == whole).collect();
                assert_eq!(bits, wanted, "{length} levels, {whole}");
                let mut found = vec![9];
                extend_from_level(&levels, whole, &mut found);
                let wanted = levels.iter().copied().filter(|level| *level >= whole);
                assert_eq!(found, [9].into_iter().chain(wanted).collect::<Vec<_>>(), "{length}, {whole}");
            }
        }
    }
}
