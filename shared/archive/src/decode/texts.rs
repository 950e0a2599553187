//! The texts of one leaf, as they gather for a batch.

use super::{
    Fault,
    values::{Next, Plain, Source, check_places, read_places, taken},
};
use arrow::{
    array::{ArrayRef, StringArray},
    buffer::{NullBuffer, OffsetBuffer},
};
use bytes::Bytes;
use std::sync::Arc;

/// What is wrong with other bytes.
pub(super) const NO_TEXT: &str = "a text is not UTF-8";
/// Most texts of an alert are no longer.
const SHORT_TEXT_BYTES: usize = 16;

/// A short text is copied with what follows it, in one piece of a length that the compiler knows.
fn append_text(from: &[u8], start: usize, end: usize, out: &mut Vec<u8>) {
    let length = end - start;
    match from.get(start..).and_then(<[u8]>::first_chunk::<SHORT_TEXT_BYTES>) {
        Some(piece) if length <= SHORT_TEXT_BYTES => {
            out.extend_from_slice(piece);
            out.truncate(out.len() - (SHORT_TEXT_BYTES - length));
        }
        _ => out.extend_from_slice(from.get(start..end).unwrap_or_default()),
    }
}

/// Texts in one piece.
#[derive(Debug)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each ends; a zero before them.
    ends: Vec<i32>,
    dictionary: Bytes,
    /// Where each text of the dictionary begins and ends.
    words: Vec<(u32, u32)>,
    places: Vec<u32>,
}

impl Default for Texts {
    fn default() -> Self {
        let (bytes, dictionary) = (Vec::new(), Bytes::new());
        Self { bytes, ends: vec![0], dictionary, words: Vec::new(), places: Vec::new() }
    }
}

impl Texts {
    pub fn set_dictionary(&mut self, mut plain: Plain, count: usize) -> Result<(), Fault> {
        self.words = plain.words(count)?;
        self.dictionary = plain.bytes;
        Ok(())
    }

    pub fn append(
        &mut self,
        source: &mut Source,
        levels: &[u8],
        whole: u8,
        next: Next<'_>,
        room: &mut usize,
    ) -> Result<(), Fault> {
        if let Source::Coded(places) = source {
            read_places(places, next, &mut self.places)?;
            check_places(&self.places, self.words.len())?;
        }
        self.ends.reserve(levels.len());
        let (mut taken, mut passed) = (0, 0);
        for level in levels {
            if *level == whole {
                let (from, start, end) = match source {
                    Source::Plain(plain) => {
                        let number = match next.taken {
                            None => taken,
                            Some(numbers) => numbers.get(taken).map_or(0, |number| *number as usize),
                        };
                        plain.pass_texts(number.saturating_sub(passed))?;
                        passed = number + 1;
                        let length = plain.text()?.len();
                        (plain.bytes.as_ref(), plain.at - length, plain.at)
                    }
                    Source::Coded(_) => {
                        let place = self.places.get(taken).map_or(0, |place| *place as usize);
                        let (start, end) = self.words.get(place).copied().unwrap_or_default();
                        (self.dictionary.as_ref(), start as usize, end as usize)
                    }
                    Source::Images(_) => {
                        return Err(Fault::Bytes("a page of texts came as one of bytes".into()));
                    }
                };
                taken += 1;
                *room = room.checked_sub(end - start).ok_or(Fault::TooMuchText)?;
                append_text(from, start, end, &mut self.bytes);
            }
            self.ends.push(i32::try_from(self.bytes.len()).map_err(|_| Fault::TooMuchText)?);
        }
        match source {
            Source::Plain(plain) => plain.pass_texts(next.count.saturating_sub(passed)),
            _ => Ok(()),
        }
    }

    pub fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, Fault> {
        let (offsets, bytes) = (taken(&mut self.ends), taken(&mut self.bytes));
        self.ends.push(0);
        let texts = StringArray::try_new(OffsetBuffer::new(offsets.into()), bytes.into(), nulls);
        Ok(Arc::new(texts.map_err(|_| Fault::Bytes(NO_TEXT.into()))?))
    }
}
