//! The values of one leaf, as they gather for a batch.

use super::{
    Fault,
    hybrid::Hybrid,
    images::{ImagePage, Images},
    text_views::TextViews,
    texts::Texts,
};
use arrow::{
    array::{ArrayRef, BooleanArray, PrimitiveArray},
    buffer::{BooleanBuffer, NullBuffer},
    datatypes::{
        ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit,
        TimestampMicrosecondType,
    },
};
use bytes::Bytes;
use parquet::{basic::Type as PhysicalType, data_type::Int96};
use std::sync::Arc;

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

    pub fn text(&mut self) -> Result<&[u8], Fault> {
        let mut length = [0; 4];
        length.copy_from_slice(self.take(4)?);
        self.take(u32::from_le_bytes(length) as usize)
    }

    pub fn pass_texts(&mut self, count: usize) -> Result<(), Fault> {
        (0..count).try_for_each(|_| self.text().map(drop))
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

/// The next values of a page.
#[derive(Clone, Copy)]
pub(crate) struct Next<'a> {
    /// How many are passed.
    pub count: usize,
    /// Which of them are taken, in order; without it all are.
    pub taken: Option<&'a [u32]>,
}

/// A fixed number of bytes in Parquet.
pub(crate) trait Fixed {
    type Arrow: ArrowPrimitiveType;
    /// As they lie in the file.
    type Raw: Copy;
    const BYTES: usize = size_of::<Self::Raw>();
    fn raws(bytes: &[u8]) -> &[Self::Raw];
    fn of(raw: Self::Raw) -> <Self::Arrow as ArrowPrimitiveType>::Native;
}

macro_rules! fixed {
    ($($name:ident: $bytes:literal bytes of $arrow:ty, $of:expr;)*) => {$(
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Fixed for $name {
            type Arrow = $arrow;
            type Raw = [u8; $bytes];

            fn raws(bytes: &[u8]) -> &[Self::Raw] {
                bytes.as_chunks().0
            }

            fn of(raw: Self::Raw) -> <$arrow as ArrowPrimitiveType>::Native {
                $of(raw)
            }
        }
    )*};
}

fixed! {
    Int32: 4 bytes of Int32Type, i32::from_le_bytes;
    Int64: 8 bytes of Int64Type, i64::from_le_bytes;
    Float32: 4 bytes of Float32Type, f32::from_le_bytes;
    Float64: 8 bytes of Float64Type, f64::from_le_bytes;
    Moment: 8 bytes of TimestampMicrosecondType, i64::from_le_bytes;
    OldMoment: 12 bytes of TimestampMicrosecondType, old_moment;
}

/// Nanoseconds of a day, and which day; the crate does the sum.
fn old_moment([a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]) -> i64 {
    let word = u32::from_le_bytes;
    let mut moment = Int96::new();
    moment.set_data(word([a, b, c, d]), word([e, f, g, h]), word([i, j, k, l]));
    moment.to_micros()
}

/// What is gathered of a batch, with the dictionary that pages refer to.
#[derive(Debug)]
pub(crate) enum Values {
    Bool(Vec<bool>),
    Int32(Numbers<Int32>),
    Int64(Numbers<Int64>),
    Float32(Numbers<Float32>),
    Float64(Numbers<Float64>),
    Moment(Numbers<Moment>),
    OldMoment(Numbers<OldMoment>),
    Text(Box<Texts>),
    TextViews(Box<TextViews>),
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
            Values::Moment($numbers) => $then,
            Values::OldMoment($numbers) => $then,
            Values::Text($texts) => $text,
            Values::TextViews($texts) => $text,
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
            (PhysicalType::INT64, DataType::Timestamp(TimeUnit::Microsecond, zone)) if is_utc(zone) => {
                Self::Moment(Numbers::default())
            }
            (PhysicalType::INT96, DataType::Timestamp(TimeUnit::Microsecond, None)) => {
                Self::OldMoment(Numbers::default())
            }
            (PhysicalType::BYTE_ARRAY, DataType::Utf8) => Self::Text(Box::default()),
            (PhysicalType::BYTE_ARRAY, DataType::Utf8View) => Self::TextViews(Box::default()),
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
            Self::Moment(_) | Self::OldMoment(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Text(_) => DataType::Utf8,
            Self::TextViews(_) => DataType::Utf8View,
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
        let plain = Plain { bytes, at: 0 };
        numbers!(self,
            numbers => numbers.set_dictionary(plain, count),
            Bool(_bits) => Err(Fault::Bytes("it has a dictionary of truths".into())),
            Text(texts) => texts.set_dictionary(plain, count),
            Images(images) => images.set_dictionary(plain, count))
    }

    /// Appends an item for each level: the next value that is taken where it is `whole`, else nothing. Of images all are taken.
    pub fn append(
        &mut self,
        source: &mut Source,
        levels: &[u8],
        whole: u8,
        next: Next<'_>,
        room: &mut usize,
    ) -> Result<(), Fault> {
        numbers!(self,
            numbers => numbers.append(source, levels, whole, next),
            Bool(bits) => append_bits(bits, source, levels, whole, next),
            Text(texts) => texts.append(source, levels, whole, next, room),
            Images(images) => images.append(source, levels, whole, next.count))
    }

    /// Passes over `count` values.
    pub fn skip(&self, source: &mut Source, count: usize) -> Result<(), Fault> {
        match (self, source) {
            (_, Source::Coded(places)) => places.skip(count),
            (_, Source::Images(page)) => page.skip(count),
            (Self::Text(_) | Self::TextViews(_), Source::Plain(plain)) => plain.pass_texts(count),
            (Self::Int32(_) | Self::Float32(_), Source::Plain(plain)) => plain.take(count * 4).map(drop),
            (Self::OldMoment(_), Source::Plain(plain)) => plain.take(count * OldMoment::BYTES).map(drop),
            (_, Source::Plain(plain)) => plain.take(count * 8).map(drop),
        }
    }

    /// What was gathered, and begins anew.
    pub fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, Fault> {
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

/// Spreads values over the items that have one. The rest get a default, and are null. One value more is asked for than there
/// may be.
pub(super) fn spread<T: Copy + Default>(
    levels: &[u8],
    whole: u8,
    out: &mut Vec<T>,
    value: impl Fn(usize) -> T,
) {
    let mut next = 0;
    // Without a branch: which items have a value is beyond guessing. What the closures hold is theirs, not lent to them: what
    // is lent stays in memory, and each turn would wait for the one before to have written it.
    out.extend(levels.iter().map(move |level| {
        let value = value(next);
        let is_whole = *level == whole;
        next += usize::from(is_whole);
        if is_whole { value } else { T::default() }
    }));
}

/// Moments that are told in UTC, or in a zone that is not told, are the same numbers.
fn is_utc(zone: &Option<Arc<str>>) -> bool {
    zone.as_deref().is_none_or(|zone| zone == "UTC")
}

fn append_bits(
    out: &mut Vec<bool>,
    source: &mut Source,
    levels: &[u8],
    whole: u8,
    next: Next<'_>,
) -> Result<(), Fault> {
    let Source::Coded(bits) = source else {
        return Err(Fault::Bytes("a page of truths is no bits".into()));
    };
    if next.taken.is_none() && next.count == levels.len() {
        return bits.read(next.count, out);
    }
    let mut values = Vec::new();
    read_places(bits, next, &mut values)?;
    spread(levels, whole, out, |next| values.get(next).is_some_and(|bit| *bit != 0));
    Ok(())
}

/// Numbers of one width.
#[derive(Debug)]
pub(crate) struct Numbers<T: Fixed> {
    values: Vec<Native<T>>,
    /// As it lies in its page.
    dictionary: Bytes,
    places: Vec<u32>,
}

type Native<T> = <<T as Fixed>::Arrow as ArrowPrimitiveType>::Native;

impl<T: Fixed> Default for Numbers<T> {
    fn default() -> Self {
        Self { values: Vec::new(), dictionary: Bytes::new(), places: Vec::new() }
    }
}

impl<T: Fixed> Numbers<T> {
    fn set_dictionary(&mut self, mut plain: Plain, count: usize) -> Result<(), Fault> {
        let length = count.saturating_mul(T::BYTES);
        plain.take(length)?;
        self.dictionary = plain.bytes.slice(..length);
        Ok(())
    }

    fn append(&mut self, source: &mut Source, levels: &[u8], whole: u8, next: Next<'_>) -> Result<(), Fault> {
        match source {
            Source::Plain(plain) => {
                let raws = T::raws(plain.take(next.count.saturating_mul(T::BYTES))?);
                let out = &mut self.values;
                match next.taken {
                    None if next.count == levels.len() => out.extend(raws.iter().map(|raw| T::of(*raw))),
                    None => spread(levels, whole, out, move |number| native::<T>(raws.get(number))),
                    Some(taken) if taken.len() == levels.len() => {
                        out.extend(taken.iter().map(move |number| native::<T>(raws.get(*number as usize))));
                    }
                    Some(taken) => spread(levels, whole, out, move |place| {
                        native::<T>(taken.get(place).and_then(|number| raws.get(*number as usize)))
                    }),
                }
            }
            Source::Coded(places) => {
                read_places(places, next, &mut self.places)?;
                let (raws, places) = (T::raws(&self.dictionary), self.places.as_slice());
                check_places(places, raws.len())?;
                let raw = move |place: u32| native::<T>(raws.get(place as usize));
                match places.len() == levels.len() {
                    true => self.values.extend(places.iter().map(move |place| raw(*place))),
                    false => spread(levels, whole, &mut self.values, move |number| {
                        places.get(number).map_or_else(Default::default, |place| raw(*place))
                    }),
                }
            }
            Source::Images(_) => return Err(Fault::Bytes("a page of numbers came as one of bytes".into())),
        }
        Ok(())
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(PrimitiveArray::<T::Arrow>::new(taken(&mut self.values).into(), nulls))
    }
}

fn native<T: Fixed>(raw: Option<&T::Raw>) -> Native<T> {
    raw.map_or_else(Default::default, |raw| T::of(*raw))
}

/// What was gathered. The next batch has about as much.
pub(super) fn taken<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len() + values.len() / 16);
    std::mem::replace(values, next)
}

/// Places in the dictionary: those of the values that are taken.
pub(crate) fn read_places(from: &mut Hybrid, next: Next<'_>, places: &mut Vec<u32>) -> Result<(), Fault> {
    places.clear();
    match next.taken {
        None => from.read(next.count, places),
        Some(taken) => from.pick(next.count, taken, places),
    }
}

pub(crate) fn check_places(places: &[u32], dictionary: usize) -> Result<(), Fault> {
    let end = u32::try_from(dictionary).unwrap_or(u32::MAX);
    // Counting them takes less than half as long as looking for the greatest.
    if places.iter().map(|place| u32::from(*place >= end)).sum::<u32>() == 0 {
        return Ok(());
    }
    let greatest = places.iter().copied().max().map_or(0, |place| place as usize + 1);
    Err(Fault::Bytes(format!("a page names value {greatest} of a dictionary of {dictionary}")))
}
