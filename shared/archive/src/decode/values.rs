//! The values of one leaf, as they gather for a batch.

use super::{
    Fault,
    hybrid::Hybrid,
    images::{ImagePage, Images},
};
use arrow::{
    array::{ArrayRef, BooleanArray, PrimitiveArray, StringArray},
    buffer::{BooleanBuffer, NullBuffer, OffsetBuffer},
    datatypes::{ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int32Type, Int64Type},
    error::ArrowError,
};
use bytes::Bytes;
use parquet::basic::Type as PhysicalType;
use std::sync::Arc;

/// Most texts of an alert are no longer.
const SHORT_TEXT_BYTES: usize = 16;

/// Where the values of a page come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// As they are.
    Plain(Plain),
    /// Bits, or places in the dictionary.
    Coded(Hybrid),
    /// Bytes that stay where they are.
    Images(ImagePage),
}

/// Values that lie one behind the other.
#[derive(Debug)]
pub(crate) struct Plain {
    pub bytes: Bytes,
    pub at: usize,
}

impl Plain {
    fn take(&mut self, bytes: usize) -> Result<&[u8], Fault> {
        let end = self.at.checked_add(bytes);
        let found = end.and_then(|end| self.bytes.get(self.at..end));
        let found = found.ok_or_else(|| Fault::Bytes("a page ends before its values".into()))?;
        self.at += bytes;
        Ok(found)
    }

    fn text(&mut self) -> Result<&[u8], Fault> {
        let mut length = [0; 4];
        length.copy_from_slice(self.take(4)?);
        self.take(u32::from_le_bytes(length) as usize)
    }

    /// Where each of the next `count` texts begins and ends.
    pub fn words(&mut self, count: usize) -> Result<Vec<(u32, u32)>, Fault> {
        let mut words = Vec::new();
        for _ in 0..count {
            let length = self.text()?.len();
            // A page is smaller than 4 GB by far.
            words.push(((self.at - length) as u32, self.at as u32));
        }
        Ok(words)
    }
}

/// A fixed number of bytes in Parquet.
pub(crate) trait Fixed: ArrowPrimitiveType {
    const BYTES: usize;
    fn of(bytes: &[u8]) -> Self::Native;
}

macro_rules! fixed {
    ($($arrow:ty: $native:ty),*) => {$(
        impl Fixed for $arrow {
            const BYTES: usize = size_of::<$native>();
            fn of(bytes: &[u8]) -> Self::Native {
                <$native>::from_le_bytes(bytes.try_into().unwrap_or_default())
            }
        }
    )*};
}

fixed!(Int32Type: i32, Int64Type: i64, Float32Type: f32, Float64Type: f64);

/// What is gathered of a batch, with the dictionary that pages refer to.
#[derive(Debug)]
pub(crate) enum Values {
    Bool(Vec<bool>),
    Int32(Numbers<Int32Type>),
    Int64(Numbers<Int64Type>),
    Float32(Numbers<Float32Type>),
    Float64(Numbers<Float64Type>),
    Text(Texts),
    Images(Box<Images>),
}

macro_rules! numbers {
    ($values:expr, $numbers:ident => $then:expr, Bool($bits:ident) => $bool:expr, Text($texts:ident) => $text:expr,
     Images($images:ident) => $image:expr) => {
        match $values {
            Values::Bool($bits) => $bool,
            Values::Int32($numbers) => $then,
            Values::Int64($numbers) => $then,
            Values::Float32($numbers) => $then,
            Values::Float64($numbers) => $then,
            Values::Text($texts) => $text,
            Values::Images($images) => $image,
        }
    };
}

impl Values {
    /// For a leaf of this type, if it is one of those that are read here.
    pub fn of(physical: PhysicalType, arrow: &DataType) -> Option<Self> {
        Some(match (physical, arrow) {
            (PhysicalType::BOOLEAN, DataType::Boolean) => Self::Bool(Vec::new()),
            (PhysicalType::INT32, DataType::Int32) => Self::Int32(Numbers::default()),
            (PhysicalType::INT64, DataType::Int64) => Self::Int64(Numbers::default()),
            (PhysicalType::FLOAT, DataType::Float32) => Self::Float32(Numbers::default()),
            (PhysicalType::DOUBLE, DataType::Float64) => Self::Float64(Numbers::default()),
            (PhysicalType::BYTE_ARRAY, DataType::Utf8 | DataType::Utf8View) => Self::Text(Texts::default()),
            (PhysicalType::BYTE_ARRAY, DataType::Binary | DataType::BinaryView) => {
                Self::Images(Box::default())
            }
            _ => return None,
        })
    }

    /// Of the arrays that it gives.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Bool(_) => DataType::Boolean,
            Self::Int32(_) => DataType::Int32,
            Self::Int64(_) => DataType::Int64,
            Self::Float32(_) => DataType::Float32,
            Self::Float64(_) => DataType::Float64,
            Self::Text(_) => DataType::Utf8,
            Self::Images(_) => DataType::BinaryView,
        }
    }

    /// Whether pages without a dictionary hold bits.
    pub fn are_bits(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    /// Whether they stay in their pages, and those may come as they lie in the file.
    pub fn are_images(&self) -> bool {
        matches!(self, Self::Images(_))
    }

    /// The dictionary of the chunk: `count` values.
    pub fn set_dictionary(&mut self, bytes: Bytes, count: usize) -> Result<(), Fault> {
        let mut plain = Plain { bytes, at: 0 };
        numbers!(self,
            numbers => numbers.set_dictionary(&mut plain, count),
            Bool(_bits) => Err(Fault::Bytes("it has a dictionary of truths".into())),
            Text(texts) => texts.set_dictionary(&mut plain, count),
            Images(images) => images.set_dictionary(plain, count))
    }

    /// Appends an item for each level: the next value where it is `whole`, else nothing. `present` is how many are whole.
    pub fn append(
        &mut self,
        source: &mut Source,
        levels: &[u8],
        whole: u8,
        present: usize,
        room: &mut usize,
    ) -> Result<(), Fault> {
        numbers!(self,
            numbers => numbers.append(source, levels, whole, present),
            Bool(bits) => append_bits(bits, source, levels, whole, present),
            Text(texts) => texts.append(source, levels, whole, present, room),
            Images(images) => images.append(source, levels, whole, present))
    }

    /// Passes over `count` values.
    pub fn skip(&self, source: &mut Source, count: usize) -> Result<(), Fault> {
        match (self, source) {
            (_, Source::Coded(places)) => places.skip(count),
            (_, Source::Images(page)) => page.skip(count),
            (Self::Text(_), Source::Plain(plain)) => (0..count).try_for_each(|_| plain.text().map(drop)),
            (Self::Int32(_) | Self::Float32(_), Source::Plain(plain)) => plain.take(count * 4).map(drop),
            (_, Source::Plain(plain)) => plain.take(count * 8).map(drop),
        }
    }

    /// What was gathered, and begins anew.
    pub fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(numbers!(self,
            numbers => numbers.finish(nulls),
            Bool(bits) => {
                let values = BooleanBuffer::from(bits.as_slice());
                bits.clear();
                Arc::new(BooleanArray::new(values, nulls))
            },
            Text(texts) => texts.finish(nulls)?,
            Images(images) => images.finish()))
    }
}

/// Spreads the values over the items that have one. The rest get a default, and are null. A default is put behind the values,
/// so that none is looked at that is not there.
fn spread<T: Copy + Default>(values: &mut Vec<T>, levels: &[u8], whole: u8, out: &mut Vec<T>) {
    values.push(T::default());
    let mut next = 0;
    // Without a branch: which items have a value is beyond guessing.
    out.extend(levels.iter().map(|level| {
        let value = values.get(next).copied().unwrap_or_default();
        let is_whole = *level == whole;
        next += usize::from(is_whole);
        if is_whole { value } else { T::default() }
    }));
}

fn append_bits(
    out: &mut Vec<bool>,
    source: &mut Source,
    levels: &[u8],
    whole: u8,
    present: usize,
) -> Result<(), Fault> {
    let Source::Coded(bits) = source else {
        return Err(Fault::Bytes("a page of truths is no bits".into()));
    };
    if present == levels.len() {
        return bits.read(present, out);
    }
    let mut values = Vec::new();
    bits.read(present, &mut values)?;
    spread(&mut values, levels, whole, out);
    Ok(())
}

/// Numbers of one width.
#[derive(Debug)]
pub(crate) struct Numbers<T: Fixed> {
    values: Vec<T::Native>,
    /// Those of a page's part of which some are missing.
    dense: Vec<T::Native>,
    dictionary: Vec<T::Native>,
    places: Vec<u32>,
}

impl<T: Fixed> Default for Numbers<T> {
    fn default() -> Self {
        Self { values: Vec::new(), dense: Vec::new(), dictionary: Vec::new(), places: Vec::new() }
    }
}

impl<T: Fixed> Numbers<T> {
    fn set_dictionary(&mut self, plain: &mut Plain, count: usize) -> Result<(), Fault> {
        let bytes = plain.take(count.saturating_mul(T::BYTES))?;
        self.dictionary = bytes.chunks_exact(T::BYTES).map(T::of).collect();
        Ok(())
    }

    fn append(&mut self, source: &mut Source, levels: &[u8], whole: u8, present: usize) -> Result<(), Fault> {
        // Those that lack nothing go where they belong at once.
        let gather = if present == levels.len() { &mut self.values } else { &mut self.dense };
        match source {
            Source::Plain(plain) => {
                let bytes = plain.take(present.saturating_mul(T::BYTES))?;
                gather.extend(bytes.chunks_exact(T::BYTES).map(T::of));
            }
            Source::Coded(places) => {
                self.places.clear();
                places.read(present, &mut self.places)?;
                check_places(&self.places, self.dictionary.len())?;
                let dictionary = self.dictionary.as_slice();
                let named = |place: &u32| dictionary.get(*place as usize).copied().unwrap_or_default();
                gather.extend(self.places.iter().map(named));
            }
            Source::Images(_) => return Err(Fault::Bytes("a page of numbers came as one of bytes".into())),
        }
        if present < levels.len() {
            spread(&mut self.dense, levels, whole, &mut self.values);
            self.dense.clear();
        }
        Ok(())
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::new(taken(&mut self.values).into(), nulls))
    }
}

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

/// What was gathered. The next batch has about as much.
fn taken<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len() + values.len() / 16);
    std::mem::replace(values, next)
}

pub(crate) fn check_places(places: &[u32], dictionary: usize) -> Result<(), Fault> {
    let greatest = places.iter().copied().max().map_or(0, |place| place as usize + 1);
    match greatest <= dictionary {
        true => Ok(()),
        false => Err(Fault::Bytes(format!("a page names value {greatest} of a dictionary of {dictionary}"))),
    }
}

/// Texts in one piece.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    dictionary: Bytes,
    /// Where each text of the dictionary begins and ends.
    words: Vec<(u32, u32)>,
    places: Vec<u32>,
}

impl Texts {
    fn set_dictionary(&mut self, plain: &mut Plain, count: usize) -> Result<(), Fault> {
        self.words = plain.words(count)?;
        self.dictionary = plain.bytes.clone();
        Ok(())
    }

    fn append(
        &mut self,
        source: &mut Source,
        levels: &[u8],
        whole: u8,
        present: usize,
        room: &mut usize,
    ) -> Result<(), Fault> {
        if let Source::Coded(places) = source {
            self.places.clear();
            places.read(present, &mut self.places)?;
            check_places(&self.places, self.words.len())?;
        }
        self.ends.reserve(levels.len());
        let mut places = self.places.iter();
        for level in levels {
            if *level == whole {
                let (from, start, end) = match source {
                    Source::Plain(plain) => {
                        let length = plain.text()?.len();
                        (plain.bytes.as_ref(), plain.at - length, plain.at)
                    }
                    Source::Coded(_) => {
                        let place = places.next().map_or(0, |place| *place as usize);
                        let (start, end) = self.words.get(place).copied().unwrap_or_default();
                        (self.dictionary.as_ref(), start as usize, end as usize)
                    }
                    Source::Images(_) => {
                        return Err(Fault::Bytes("a page of texts came as one of bytes".into()));
                    }
                };
                *room = room.checked_sub(end - start).ok_or(Fault::TooMuchText)?;
                append_text(from, start, end, &mut self.bytes);
            }
            self.ends.push(i32::try_from(self.bytes.len()).map_err(|_| Fault::TooMuchText)?);
        }
        Ok(())
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let offsets: Vec<i32> = std::iter::once(0).chain(self.ends.drain(..)).collect();
        let bytes = taken(&mut self.bytes);
        Ok(Arc::new(StringArray::try_new(OffsetBuffer::new(offsets.into()), bytes.into(), nulls)?))
    }
}
