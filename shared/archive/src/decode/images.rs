//! Images and other bytes, which are not copied: a batch points to where they lie in their pages.

use super::{
    Fault,
    pieces::{Pieces, Value},
    values::{Plain, Source, check_places},
};
use crate::buffers::Buffers;
use arrow::{
    array::{ArrayRef, BinaryViewBuilder},
    buffer::Buffer,
};
use bytes::Bytes;
use std::sync::Arc;

/// Of a page of which less than one in so many values is wanted they are copied, so that the page can be let go.
const FEW: usize = 8;

/// Bytes of a batch as they gather.
#[derive(Debug, Default)]
pub(crate) struct Images {
    views: BinaryViewBuilder,
    /// Batches before this one: each numbers the pages that it points to anew.
    batches: u64,
    dictionary: Bytes,
    dictionary_block: Block,
    /// Where each value of the dictionary begins and ends.
    words: Vec<(u32, u32)>,
    places: Vec<u32>,
    /// The values of a page's part.
    found: Vec<Option<Value>>,
    /// Where memory comes from for those that lie in several pieces.
    buffers: Arc<Buffers>,
}

/// The number of a page in a batch that points to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block(Option<(u64, u32)>);

/// A page of values that lie one behind the other.
#[derive(Debug)]
pub(crate) struct ImagePage {
    pub pieces: Pieces,
    /// Values in it, with those that are missing.
    pub count: usize,
    pub block: Block,
}

impl ImagePage {
    pub fn skip(&mut self, count: usize) -> Result<(), Fault> {
        (0..count).try_for_each(|_| self.pieces.value().map(drop))
    }
}

impl Images {
    /// Takes memory from these buffers.
    pub fn lent_by(&mut self, buffers: Arc<Buffers>) {
        self.buffers = buffers;
    }

    pub fn set_dictionary(&mut self, mut plain: Plain, count: usize) -> Result<(), Fault> {
        self.words = plain.words(count)?;
        self.dictionary = plain.bytes;
        self.dictionary_block = Block::default();
        Ok(())
    }

    pub fn append(
        &mut self,
        source: &mut Source,
        levels: &[u8],
        whole: u8,
        present: usize,
    ) -> Result<(), Fault> {
        match source {
            Source::Images(page) => self.append_page(page, levels, whole, present),
            Source::Coded(places) => {
                self.places.clear();
                places.read(present, &mut self.places)?;
                check_places(&self.places, self.words.len())?;
                self.append_words(levels, whole)
            }
            Source::Plain(_) => Err(Fault::Bytes("a page of bytes came as one of texts".into())),
        }
    }

    fn append_page(
        &mut self,
        page: &mut ImagePage,
        levels: &[u8],
        whole: u8,
        present: usize,
    ) -> Result<(), Fault> {
        let are_few = present.saturating_mul(FEW) < page.count;
        self.found.clear();
        let mut apart = 0;
        for level in levels {
            let value = (*level == whole).then(|| page.pieces.value()).transpose()?;
            if let Some(Value::Apart { length, .. }) = value {
                apart += length;
            }
            self.found.push(value);
        }
        // Put together in memory that was used before.
        let mut together = self.buffers.lend(apart);
        let (mut end, mut out) = (0, together.bytes_mut());
        for value in self.found.iter().flatten() {
            if let Value::Apart { start, length } = *value {
                let (bytes, rest) = out.split_at_mut(length);
                page.pieces.copy(start, bytes)?;
                out = rest;
            }
        }
        let together = (apart > 0).then(|| self.views.append_block(Buffer::from(together.freeze())));
        let found = std::mem::take(&mut self.found);
        for value in &found {
            match *value {
                None => self.views.append_null(),
                Some(Value::There { from, length }) if are_few => {
                    let value = page.pieces.came().get(from..from + length).unwrap_or_default();
                    self.views.try_append_value(value)?;
                }
                Some(Value::There { from, length }) => {
                    let block = self.block(&mut page.block, page.pieces.came());
                    self.views.try_append_view(block, place(from)?, place(length)?)?;
                }
                Some(Value::Apart { length, .. }) => {
                    let start = end;
                    end += length;
                    self.views.try_append_view(
                        together.unwrap_or_default(),
                        place(start)?,
                        place(length)?,
                    )?;
                }
            }
        }
        self.found = found;
        Ok(())
    }

    fn append_words(&mut self, levels: &[u8], whole: u8) -> Result<(), Fault> {
        let mut next = 0;
        for level in levels {
            if *level != whole {
                self.views.append_null();
                continue;
            }
            let word = self.places.get(next).and_then(|place| self.words.get(*place as usize));
            let (start, end) = word.copied().unwrap_or_default();
            next += 1;
            let (mut block, dictionary) = (self.dictionary_block, self.dictionary.clone());
            let number = self.block(&mut block, &dictionary);
            self.dictionary_block = block;
            self.views.try_append_view(number, start, end - start)?;
        }
        Ok(())
    }

    /// The number of these bytes in this batch.
    fn block(&mut self, block: &mut Block, bytes: &Bytes) -> u32 {
        match block.0 {
            Some((batch, number)) if batch == self.batches => number,
            _ => {
                let number = self.views.append_block(Buffer::from(bytes.clone()));
                block.0 = Some((self.batches, number));
                number
            }
        }
    }

    /// What was gathered, and begins anew.
    pub fn finish(&mut self) -> ArrayRef {
        self.batches += 1;
        Arc::new(self.views.finish())
    }
}

fn place(number: usize) -> Result<u32, Fault> {
    u32::try_from(number).map_err(|_| Fault::Bytes("a page has more than 4 GB".into()))
}
