//! The texts of one leaf as views, as they gather for a batch: of where they lie, or of themselves where they are short. What
//! a dictionary holds once is neither copied for each row that names it nor looked at again, which pays where a batch has
//! thousands of rows.

use super::{
    Fault,
    texts::NO_TEXT,
    values::{Next, Plain, Source, check_places, read_places, spread, taken},
};
use arrow::{
    array::{Array, ArrayBuilder, ArrayRef, StringViewArray, StringViewBuilder, UInt32Array},
    buffer::NullBuffer,
    compute::{concat, take},
};
use std::sync::Arc;

/// Texts of a batch.
#[derive(Debug, Default)]
pub(crate) struct TextViews {
    /// Those of other pages or dictionaries than the last ones.
    pieces: Vec<Piece>,
    /// The place in the dictionary of each item; any, of those that are null.
    places: Vec<u32>,
    /// What lies in pages as it is.
    plain: StringViewBuilder,
    dictionary: Option<StringViewArray>,
    /// Bytes of each text of the dictionary.
    lengths: Vec<u32>,
    read: Vec<u32>,
}

/// Texts that follow one another.
#[derive(Debug)]
enum Piece {
    Plain(StringViewArray),
    Coded { dictionary: Option<StringViewArray>, places: Vec<u32> },
}

impl TextViews {
    pub fn set_dictionary(&mut self, mut plain: Plain, count: usize) -> Result<(), Fault> {
        self.close();
        let mut words = StringViewBuilder::new();
        self.lengths.clear();
        for _ in 0..count {
            let word = text(plain.text()?)?;
            // A page is smaller than 4 GB by far.
            self.lengths.push(word.len() as u32);
            words.append_value(word);
        }
        self.dictionary = Some(words.finish());
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
        match source {
            Source::Plain(plain) => self.append_plain(plain, levels, whole, next, room),
            Source::Coded(places) => {
                if !self.plain.is_empty() {
                    self.close();
                }
                read_places(places, next, &mut self.read)?;
                check_places(&self.read, self.lengths.len())?;
                let (read, lengths) = (self.read.as_slice(), self.lengths.as_slice());
                let length = |place: &u32| lengths.get(*place as usize).map_or(0, |length| *length as usize);
                *room = room.checked_sub(read.iter().map(length).sum()).ok_or(Fault::TooMuchText)?;
                match read.len() == levels.len() {
                    true => self.places.extend_from_slice(read),
                    false => spread(levels, whole, &mut self.places, move |number| {
                        read.get(number).copied().unwrap_or_default()
                    }),
                }
                Ok(())
            }
            Source::Images(_) => Err(Fault::Bytes("a page of texts came as one of bytes".into())),
        }
    }

    fn append_plain(
        &mut self,
        plain: &mut Plain,
        levels: &[u8],
        whole: u8,
        next: Next<'_>,
        room: &mut usize,
    ) -> Result<(), Fault> {
        if !self.places.is_empty() {
            self.close();
        }
        let (mut taken, mut passed) = (0, 0);
        for level in levels {
            if *level != whole {
                self.plain.append_null();
                continue;
            }
            let number = match next.taken {
                None => taken,
                Some(numbers) => numbers.get(taken).map_or(0, |number| *number as usize),
            };
            plain.pass_texts(number.saturating_sub(passed))?;
            (taken, passed) = (taken + 1, number + 1);
            let text = text(plain.text()?)?;
            *room = room.checked_sub(text.len()).ok_or(Fault::TooMuchText)?;
            self.plain.try_append_value(text)?;
        }
        plain.pass_texts(next.count.saturating_sub(passed))
    }

    /// What follows is of another kind, or names another dictionary.
    fn close(&mut self) {
        if !self.plain.is_empty() {
            self.pieces.push(Piece::Plain(self.plain.finish()));
        }
        if !self.places.is_empty() {
            let (dictionary, places) = (self.dictionary.clone(), taken(&mut self.places));
            self.pieces.push(Piece::Coded { dictionary, places });
        }
    }

    pub fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, Fault> {
        self.close();
        let mut from = 0;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.pieces.len());
        for piece in self.pieces.drain(..) {
            arrays.push(match piece {
                Piece::Plain(texts) => Arc::new(texts),
                Piece::Coded { dictionary, places } => {
                    let nulls = nulls.as_ref().map(|nulls| nulls.slice(from, places.len()));
                    let dictionary = dictionary.unwrap_or_else(|| StringViewArray::new_null(0));
                    take(&dictionary, &UInt32Array::try_new(places.into(), nulls)?, None)?
                }
            });
            from += arrays.last().map_or(0, |array| array.len());
        }
        Ok(match arrays.as_slice() {
            [] => Arc::new(StringViewArray::new_null(0)),
            [alone] => alone.clone(),
            several => {
                let several: Vec<&dyn Array> = several.iter().map(AsRef::as_ref).collect();
                concat(&several)?
            }
        })
    }
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| Fault::Bytes(NO_TEXT.into()))
}
