//! One leaf: its pages in order, their levels, and where in them the decoder is.

use super::{
    Fault,
    hybrid::Hybrid,
    images::{Block, ImagePage},
    page::{
        DataPage, Defined, Repeated, bits_of, bits_where, extend_from_level, levels_of, number_values, split,
        whole_of, with_length,
    },
    pieces::Pieces,
    values::{Next, Plain, Source, Values},
};
use crate::{buffers::Buffers, unpack::unpack_all};
use arrow::{array::ArrayRef, buffer::NullBuffer};
use bytes::Bytes;
use parquet::{
    basic::Encoding,
    column::page::{Page, PageReader},
};
use std::sync::Arc;

/// The definition levels that tell what there is at a place. Outside lists a row is an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    /// From here on the list is not null.
    pub list: u8,
    /// From here on it has an item.
    pub item: u8,
    /// From here on the item is not null.
    pub whole_item: u8,
}

/// A leaf under way.
pub(crate) struct Leaf {
    pages: Box<dyn PageReader>,
    /// Pages come as Snappy has left them; those that it has shortened are decompressed into these.
    packed: Option<Arc<Buffers>>,
    repeats: bool,
    /// No row goes on in the next page.
    pages_end_with_rows: bool,
    levels: Levels,
    /// The definition level of a value.
    whole: u8,
    values: Values,
    page: DataPage,
    /// The definition levels of the items that were gathered.
    gathered: Vec<u8>,
    /// Which rows of a page's part are taken, and which of the values there.
    chosen: Vec<u32>,
    numbers: Vec<u32>,
}

/// What a part of a page tells of rows: a repetition level for each place, and a definition level.
pub(crate) struct Structure<'a> {
    pub repeated: &'a [u8],
    pub defined: &'a mut dyn Iterator<Item = u8>,
}

impl Leaf {
    /// A leaf of a list. Only where pages are indexed do they end with rows for sure.
    pub fn in_list(
        pages: Box<dyn PageReader>,
        indexed: bool,
        levels: Levels,
        whole: u8,
        values: Values,
    ) -> Self {
        Self { repeats: true, pages_end_with_rows: indexed, ..Self::alone(pages, levels, whole, values) }
    }

    /// A leaf of which each row has one value, if any.
    pub fn alone(pages: Box<dyn PageReader>, levels: Levels, whole: u8, values: Values) -> Self {
        let source = Source::Plain(Plain { bytes: Bytes::new(), at: 0 });
        let page = DataPage { defined: Defined::Same(0), repeated: Repeated::Never, count: 0, at: 0, source };
        Self {
            pages,
            packed: None,
            repeats: false,
            pages_end_with_rows: true,
            levels,
            whole,
            values,
            page,
            gathered: Vec::new(),
            chosen: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// The same of pages that come as Snappy has left them.
    pub fn packed(mut self, buffers: Arc<Buffers>) -> Self {
        if let Values::Images(images) = &mut self.values {
            images.lent_by(buffers.clone());
        }
        Self { packed: Some(buffers), ..self }
    }

    /// The definition levels of the items that were gathered.
    pub fn gathered(&self) -> &[u8] {
        &self.gathered
    }

    /// Takes so many rows from where it stands, at the beginning of one; tells how many levels that were.
    pub fn take_rows(
        &mut self,
        rows: usize,
        room: &mut usize,
        tell: &mut dyn FnMut(Structure<'_>) -> Result<(), Fault>,
    ) -> Result<usize, Fault> {
        let (mut left, mut levels) = (rows, 0);
        loop {
            if self.page.is_used_up() && self.is_at_end(left, rows)? {
                return Ok(levels);
            }
            let (end, is_next_row) = self.page.end_of_rows(&mut left)?;
            let (start, count) = (self.page.at, end - self.page.at);
            if let Repeated::Each(repeated) = &self.page.repeated {
                let repeated = repeated.get(start..end).unwrap_or_default();
                if levels == 0 && repeated.first().is_some_and(|level| *level > 0) {
                    return Err(Fault::Bytes("a list goes on where it had not begun".into()));
                }
                match &self.page.defined {
                    Defined::Same(level) => {
                        let mut defined = std::iter::repeat_n(*level, count);
                        tell(Structure { repeated, defined: &mut defined })?;
                    }
                    Defined::Each(defined) => {
                        let mut defined = defined.get(start..end).unwrap_or_default().iter().copied();
                        tell(Structure { repeated, defined: &mut defined })?;
                    }
                }
            }
            self.take_here(count, room)?;
            levels += count;
            if is_next_row {
                return Ok(levels);
            }
        }
    }

    /// Takes so many levels, whatever rows they belong to.
    pub fn take(&mut self, mut count: usize, room: &mut usize) -> Result<(), Fault> {
        while count > 0 {
            if self.page.is_used_up() && !self.next_page()? {
                return Err(Fault::Bytes("it has fewer rows than its footer says".into()));
            }
            let taken = count.min(self.page.count - self.page.at);
            self.take_here(taken, room)?;
            count -= taken;
        }
        Ok(())
    }

    /// Outside lists: passes so many rows, of which it takes some, in order.
    pub fn take_some(&mut self, rows: usize, taken: &[u32], room: &mut usize) -> Result<(), Fault> {
        if self.values.are_images() {
            return self.take_stretches(rows, taken, room);
        }
        let (mut done, mut left) = (0, taken);
        while done < rows {
            if self.page.is_used_up() && !self.next_page()? {
                return Err(Fault::Bytes("it has fewer rows than its footer says".into()));
            }
            let count = (rows - done).min(self.page.count - self.page.at);
            let (here, rest) = left.split_at(left.partition_point(|row| (*row as usize) < done + count));
            self.take_some_here(count, done as u32, here, room)?;
            (done, left) = (done + count, rest);
        }
        Ok(())
    }

    fn take_stretches(&mut self, rows: usize, taken: &[u32], room: &mut usize) -> Result<(), Fault> {
        let mut at = 0;
        for stretch in taken.chunk_by(|row, next| row + 1 == *next) {
            let first = stretch.first().map_or(at, |row| *row as usize);
            self.skip_rows(first - at)?;
            self.take(stretch.len(), room)?;
            at = first + stretch.len();
        }
        self.skip_rows(rows - at)
    }

    /// Passes over so many rows from where it stands, at the beginning of one.
    pub fn skip_rows(&mut self, rows: usize) -> Result<(), Fault> {
        let mut left = rows;
        loop {
            while self.page.is_used_up() && self.pages_end_with_rows && left > 0 {
                let next = self.pages.peek_next_page()?.filter(|page| !page.is_dict);
                let rows = next.and_then(|page| page.num_rows.or(page.num_levels.filter(|_| !self.repeats)));
                let Some(count) = rows.filter(|count| *count <= left) else { break };
                self.pages.skip_next_page()?;
                left -= count;
            }
            if self.page.is_used_up() && self.is_at_end(left, rows)? {
                return Ok(());
            }
            let (end, is_next_row) = self.page.end_of_rows(&mut left)?;
            let present = match &self.page.defined {
                Defined::Same(level) if *level == self.whole => end - self.page.at,
                Defined::Same(_) => 0,
                Defined::Each(defined) => {
                    whole_of(defined.get(self.page.at..end).unwrap_or_default(), self.whole)
                }
            };
            self.values.skip(&mut self.page.source, present)?;
            self.page.at = end;
            if is_next_row {
                return Ok(());
            }
        }
    }

    /// After the last row: an error if there are any more.
    pub fn check_end(&mut self) -> Result<(), Fault> {
        match self.page.is_used_up() && !self.next_page()? {
            true => Ok(()),
            false => Err(Fault::Bytes("it has more rows than its footer says".into())),
        }
    }

    /// The array of what was gathered, and begins anew.
    pub fn finish(&mut self) -> Result<ArrayRef, Fault> {
        let (whole, levels) = (self.whole, self.gathered.as_slice());
        let nulls =
            (whole_of(levels, whole) < levels.len()).then(|| NullBuffer::new(bits_where(levels, whole)));
        self.gathered.clear();
        self.values.finish(nulls)
    }

    /// At the end of a page: whether the rows end here. If they go on, the next page is there.
    fn is_at_end(&mut self, left: usize, rows: usize) -> Result<bool, Fault> {
        if left == 0 && (self.pages_end_with_rows || rows == 0) {
            return Ok(true);
        }
        match (self.next_page()?, left) {
            (true, _) => Ok(false),
            (false, 0) => Ok(true),
            (false, _) => Err(Fault::Bytes("it has fewer rows than its footer says".into())),
        }
    }

    fn take_here(&mut self, count: usize, room: &mut usize) -> Result<(), Fault> {
        let (start, end) = (self.page.at, self.page.at + count);
        let before = self.gathered.len();
        match &self.page.defined {
            Defined::Same(level) if *level >= self.levels.item => {
                self.gathered.resize(before + count, *level)
            }
            Defined::Same(_) => {}
            Defined::Each(defined) => {
                let defined = defined.get(start..end).unwrap_or_default();
                // The least of all at once: looking at one after the other takes longer.
                match defined.iter().copied().min().is_none_or(|least| least >= self.levels.item) {
                    true => self.gathered.extend_from_slice(defined),
                    false => extend_from_level(defined, self.levels.item, &mut self.gathered),
                }
            }
        }
        let items = self.gathered.get(before..).unwrap_or_default();
        let present = whole_of(items, self.whole);
        let next = Next { count: present, taken: None };
        self.values.append(&mut self.page.source, items, self.whole, next, room)?;
        self.page.at = end;
        Ok(())
    }

    /// Passes so many rows of this page, and takes those of the given numbers, the first of them being `base`.
    fn take_some_here(
        &mut self,
        count: usize,
        base: u32,
        taken: &[u32],
        room: &mut usize,
    ) -> Result<(), Fault> {
        let (start, end) = (self.page.at, self.page.at + count);
        self.chosen.clear();
        self.chosen.extend(taken.iter().map(|row| row - base));
        let before = self.gathered.len();
        let (there, numbers): (usize, &[u32]) = match &self.page.defined {
            Defined::Same(level) => {
                self.gathered.resize(before + taken.len(), *level);
                if *level == self.whole { (count, &self.chosen) } else { (0, &[]) }
            }
            Defined::Each(defined) => {
                let defined = defined.get(start..end).unwrap_or_default();
                self.gathered.extend(self.chosen.iter().filter_map(|row| defined.get(*row as usize)));
                let there = number_values(defined, self.whole, &self.chosen, &mut self.numbers);
                (there, &self.numbers)
            }
        };
        self.page.at = end;
        let next = Next { count: there, taken: Some(numbers) };
        let items = self.gathered.get(before..).unwrap_or_default();
        self.values.append(&mut self.page.source, items, self.whole, next, room)
    }

    /// Goes on to the next page with anything in it; `false` at the end of the chunk.
    fn next_page(&mut self) -> Result<bool, Fault> {
        loop {
            match self.pages.get_next_page()? {
                None => return Ok(false),
                Some(Page::DictionaryPage { buf, num_values, .. }) => {
                    let bytes = self.body(buf, true)?.rest()?;
                    self.values.set_dictionary(bytes, num_values as usize)?;
                }
                Some(page) => {
                    self.page = self.data_page(page)?;
                    if self.page.count > 0 {
                        return Ok(true);
                    }
                }
            }
        }
    }

    fn data_page(&self, page: Page) -> Result<DataPage, Fault> {
        let (count, encoding) = (page.num_values() as usize, page.encoding());
        let mut bytes = page.buffer().clone();
        let mut repeated = Bytes::new();
        let mut defined = Bytes::new();
        let body = match page {
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, is_compressed, .. } => {
                repeated = split(&mut bytes, rep_levels_byte_len)?;
                defined = split(&mut bytes, def_levels_byte_len)?;
                self.body(bytes, is_compressed)?
            }
            Page::DataPage { def_level_encoding, rep_level_encoding, .. } => {
                let encodings = [(self.repeats, rep_level_encoding), (self.whole > 0, def_level_encoding)];
                if encodings.iter().any(|(has_levels, encoding)| *has_levels && *encoding != Encoding::RLE) {
                    return Err(Fault::Bytes("the levels of a page are not written as runs".into()));
                }
                let mut body = self.body(bytes, true)?;
                if self.repeats {
                    repeated = levels_of(&mut body)?;
                }
                if self.whole > 0 {
                    defined = levels_of(&mut body)?;
                }
                body
            }
            Page::DictionaryPage { .. } => return Err(Fault::Bytes("it has two dictionaries".into())),
        };
        let repeated = if self.repeats { Repeated::Packed(repeated) } else { Repeated::Never };
        let defined = match self.whole {
            0 => Defined::Same(0),
            _ => {
                let mut hybrid = Hybrid::new(defined, bits_of(self.whole))?;
                match hybrid.same(count)? {
                    Some(level) if level <= u32::from(self.whole) => Defined::Same(level as u8),
                    _ => {
                        let mut levels = Vec::new();
                        hybrid.read(count, &mut levels)?;
                        Defined::Each(levels)
                    }
                }
            }
        };
        let is_beyond = |levels: &[u8]| levels.iter().copied().max().is_some_and(|level| level > self.whole);
        if matches!(&defined, Defined::Each(levels) if is_beyond(levels)) {
            return Err(Fault::Bytes("a page has levels that its column does not have".into()));
        }
        let source = self.source(body, count, encoding)?;
        Ok(DataPage { defined, repeated, count, at: 0, source })
    }

    /// What a page holds, without its header.
    fn body(&self, bytes: Bytes, is_compressed: bool) -> Result<Pieces, Fault> {
        // A page without values may have no bytes for them at all.
        let Some(buffers) = self.packed.as_ref().filter(|_| is_compressed && !bytes.is_empty()) else {
            return Ok(Pieces::whole(bytes));
        };
        match Pieces::packed(bytes.clone())? {
            Some(pieces) => Ok(pieces),
            None => unpack_all(&bytes, buffers).map(Pieces::whole).map_err(Fault::Bytes),
        }
    }

    fn source(&self, mut body: Pieces, count: usize, encoding: Encoding) -> Result<Source, Fault> {
        if encoding == Encoding::PLAIN && self.values.are_images() {
            return Ok(Source::Images(ImagePage { pieces: body, count, block: Block::default() }));
        }
        let mut bytes = body.rest()?;
        Ok(match encoding {
            Encoding::PLAIN if self.values.are_bits() => Source::Coded(Hybrid::bits(bytes)),
            Encoding::PLAIN => Source::Plain(Plain { bytes, at: 0 }),
            Encoding::RLE if self.values.are_bits() => {
                Source::Coded(Hybrid::new(with_length(&mut bytes)?, 1)?)
            }
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY if !self.values.are_bits() => {
                // A page without values may have no width either.
                let width =
                    if bytes.is_empty() { 0 } else { split(&mut bytes, 1)?.first().copied().unwrap_or(0) };
                Source::Coded(Hybrid::new(bytes, width)?)
            }
            other => {
                return Err(Fault::Bytes(format!(
                    "a page is encoded as {other}, which its footer does not say"
                )));
            }
        })
    }
}
