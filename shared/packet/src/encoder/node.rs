//! One column (or leaf) of a batch, written row by row into places that were measured before.

use super::{
    nested::{List, Record},
    numbers::{Floats, Numbers},
    put::{NULL, VALUE, long_length, put_bytes, put_long},
    views::Views,
};
use crate::{PacketError, timestamp::Moment};
use arrow::{
    array::{Array, ArrayRef, AsArray},
    buffer::{BooleanBuffer, NullBuffer},
    datatypes::{
        DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        TimestampMicrosecondType,
    },
};
use std::ops::Range;

/// A column. Rows that it is asked for are within its array by construction.
pub(super) struct Node<'a> {
    /// Whether the number of the union's branch stands before each value: not before records of a record, nor keys.
    branch: bool,
    /// None where no row is null.
    nulls: Option<NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    /// The same bytes in every row.
    Constant(Vec<u8>),
    Boolean(&'a BooleanBuffer),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Floats(Floats<'a>),
    Text {
        offsets: &'a [i32],
        bytes: &'a [u8],
    },
    Views(Views<'a>),
    /// The texts that moments become.
    Moments(Vec<Moment>),
    Record(Record<'a>),
    List(Box<List<'a>>),
}

impl<'a> Node<'a> {
    /// A column or a field of a record: null also where `parent` is. A record itself is never null: it is a record of
    /// nulls.
    pub(super) fn new(
        array: &'a ArrayRef,
        parent: Option<&NullBuffer>,
        name: &str,
    ) -> Result<Self, PacketError> {
        let is_record = matches!(array.data_type(), DataType::Struct(_));
        Self::of(array, NullBuffer::union(parent, array.nulls()), !is_record, name)
    }

    /// The items of a list or the values of a map: here a record may be null.
    pub(super) fn item(array: &'a ArrayRef, name: &str) -> Result<Self, PacketError> {
        Self::of(array, array.nulls().cloned(), true, name)
    }

    /// The keys of a map, which are never null.
    pub(super) fn key(array: &'a ArrayRef, name: &str) -> Result<Self, PacketError> {
        Self::of(array, None, false, name)
    }

    /// The same int in every row.
    pub(super) fn int_constant(value: i32) -> Self {
        let mut bytes = vec![0; 1 + long_length(i64::from(value))];
        put_long(i64::from(value), 1, &mut bytes);
        Self { branch: true, nulls: None, values: Values::Constant(bytes) }
    }

    fn of(
        array: &'a ArrayRef,
        nulls: Option<NullBuffer>,
        branch: bool,
        name: &str,
    ) -> Result<Self, PacketError> {
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        let values = match array.data_type() {
            DataType::Boolean => Values::Boolean(array.as_boolean().values()),
            DataType::Int8 => Values::Int8(array.as_primitive::<Int8Type>().values()),
            DataType::Int16 => Values::Int16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Values::Int32(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => Values::Int64(array.as_primitive::<Int64Type>().values()),
            DataType::Float32 => Values::Floats(Floats::Single(array.as_primitive::<Float32Type>().values())),
            DataType::Float64 => Values::Floats(Floats::Double(array.as_primitive::<Float64Type>().values())),
            DataType::Timestamp(_, _) => match array.as_primitive_opt::<TimestampMicrosecondType>() {
                Some(moments) => Values::Moments(Moment::all(moments.values())),
                None => return Err(mismatch(name)),
            },
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                Values::Text { offsets: texts.value_offsets(), bytes: texts.value_data() }
            }
            DataType::Utf8View => Values::Views(Views::of(array.as_string_view())),
            DataType::BinaryView => Values::Views(Views::of(array.as_binary_view())),
            DataType::Null => {
                return Ok(Self { branch: true, nulls: None, values: Values::Constant(vec![NULL]) });
            }
            DataType::Struct(_) => Values::Record(Record::new(array.as_struct(), nulls.as_ref())?),
            DataType::List(_) => Values::List(Box::new(List::new(array.as_list::<i32>(), name)?)),
            DataType::Map(_, _) => Values::List(Box::new(List::of_map(array.as_map(), name)?)),
            _ => return Err(mismatch(name)),
        };
        Ok(Self { branch, nulls, values })
    }

    /// Bytes that every row takes, at the least.
    pub(super) fn least(&self) -> usize {
        let branch = usize::from(self.branch);
        if self.nulls.is_some() && self.branch {
            return branch;
        }
        match &self.values {
            Values::Constant(bytes) => bytes.len(),
            Values::Boolean(_) => branch + 1,
            Values::Floats(floats) => branch + floats.size(),
            Values::Record(record) => branch + record.least(),
            _ => branch,
        }
    }

    /// Adds to the length of each of these rows what it takes beyond [`Node::least`].
    pub(super) fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) {
        let nulls = self.nulls.as_ref();
        match &mut self.values {
            Values::Constant(_) => {}
            Values::Boolean(_) => add_fixed(nulls, rows, lengths, 1),
            Values::Floats(floats) => add_fixed(nulls, rows, lengths, floats.size()),
            Values::Int8(values) => add(nulls, rows, lengths, |row| long_length(i64::from(values[row]))),
            Values::Int16(values) => add(nulls, rows, lengths, |row| long_length(i64::from(values[row]))),
            Values::Int32(values) => add(nulls, rows, lengths, |row| long_length(i64::from(values[row]))),
            Values::Int64(values) => add(nulls, rows, lengths, |row| long_length(values[row])),
            Values::Text { offsets, .. } => add(nulls, rows, lengths, |row| {
                let length = (offsets[row + 1] - offsets[row]) as usize;
                length + long_length(length as i64)
            }),
            Values::Views(views) => add(nulls, rows, lengths, |row| {
                let length = views.length(row);
                length + long_length(length as i64)
            }),
            Values::Moments(moments) => add(nulls, rows, lengths, |row| 1 + moments[row].text().len()),
            // Its fields are null with it.
            Values::Record(record) if !self.branch => record.measure(rows, lengths),
            Values::Record(record) => {
                let beyond = if nulls.is_some() { record.least() } else { 0 };
                for valid in runs(nulls, rows.clone()) {
                    let lengths = &mut lengths[valid.start - rows.start..valid.end - rows.start];
                    lengths.iter_mut().for_each(|length| *length += beyond);
                    record.measure(valid, lengths);
                }
            }
            Values::List(list) => {
                for valid in runs(nulls, rows.clone()) {
                    let lengths = &mut lengths[valid.start - rows.start..valid.end - rows.start];
                    list.measure(valid, lengths);
                }
            }
        }
    }

    /// Writes each of these rows at its place, and moves the place behind it. They were measured.
    pub(super) fn write(&self, rows: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        match &self.values {
            Values::Constant(bytes) => {
                for place in places {
                    out[*place..*place + bytes.len()].copy_from_slice(bytes);
                    *place += bytes.len();
                }
            }
            Values::Boolean(values) => {
                self.put_fixed(rows, places, out, |row| [u8::from(values.value(row))]);
            }
            Values::Floats(Floats::Single(values)) => {
                self.put_fixed(rows, places, out, |row| values[row].to_le_bytes());
            }
            Values::Floats(Floats::Double(values)) => {
                self.put_fixed(rows, places, out, |row| values[row].to_le_bytes());
            }
            Values::Int8(values) => self.put_longs(rows, places, out, |row| i64::from(values[row])),
            Values::Int16(values) => self.put_longs(rows, places, out, |row| i64::from(values[row])),
            Values::Int32(values) => self.put_longs(rows, places, out, |row| i64::from(values[row])),
            Values::Int64(values) => self.put_longs(rows, places, out, |row| values[row]),
            Values::Text { offsets, bytes } => self.put(rows, places, out, |row, place, out| {
                put_bytes(&bytes[offsets[row] as usize..offsets[row + 1] as usize], place, out)
            }),
            Values::Views(views) => self.put(rows, places, out, |row, place, out| views.put(row, place, out)),
            Values::Moments(moments) => {
                self.put(rows, places, out, |row, place, out| put_bytes(moments[row].text(), place, out))
            }
            Values::Record(record) if !self.branch => record.write(rows, places, out),
            Values::Record(record) => self.put_runs(rows, places, out, |valid, places, out| {
                record.write(valid, places, out);
            }),
            Values::List(list) => self.put_runs(rows, places, out, |valid, places, out| {
                list.write(valid, places, out);
            }),
        }
    }

    /// This as one of several numbers that follow one another.
    pub(super) fn as_numbers(&self) -> Option<Numbers<'a>> {
        match &self.values {
            Values::Floats(values) if self.branch => {
                Some(Numbers { nulls: self.nulls.clone(), columns: vec![*values] })
            }
            _ => None,
        }
    }

    #[inline]
    fn put_fixed<const SIZE: usize>(
        &self,
        rows: Range<usize>,
        places: &mut [usize],
        out: &mut [u8],
        bytes: impl Fn(usize) -> [u8; SIZE],
    ) {
        self.put(rows, places, out, |row, place, out| {
            out[place..place + SIZE].copy_from_slice(&bytes(row));
            place + SIZE
        });
    }

    #[inline]
    fn put_longs(
        &self,
        rows: Range<usize>,
        places: &mut [usize],
        out: &mut [u8],
        value: impl Fn(usize) -> i64,
    ) {
        self.put(rows, places, out, |row, place, out| put_long(value(row), place, out));
    }

    /// The branch, and by `value`, which tells the place behind it, the value.
    #[inline]
    fn put(
        &self,
        rows: Range<usize>,
        places: &mut [usize],
        out: &mut [u8],
        value: impl Fn(usize, usize, &mut [u8]) -> usize,
    ) {
        match &self.nulls {
            _ if !self.branch => {
                for (row, place) in rows.zip(places) {
                    *place = value(row, *place, out);
                }
            }
            None => {
                for (row, place) in rows.zip(places) {
                    out[*place] = VALUE;
                    *place = value(row, *place + 1, out);
                }
            }
            Some(nulls) => {
                for (row, place) in rows.zip(places) {
                    let is_null = nulls.is_null(row);
                    out[*place] = if is_null { NULL } else { VALUE };
                    *place += 1;
                    if !is_null {
                        *place = value(row, *place, out);
                    }
                }
            }
        }
    }

    /// The branch of each row, and by `values` those rows of a run that are not null.
    fn put_runs(
        &self,
        rows: Range<usize>,
        places: &mut [usize],
        out: &mut [u8],
        values: impl Fn(Range<usize>, &mut [usize], &mut [u8]),
    ) {
        self.put(rows.clone(), places, out, |_, place, _| place);
        for valid in runs(self.nulls.as_ref(), rows.clone()) {
            let places = &mut places[valid.start - rows.start..valid.end - rows.start];
            values(valid, places, out);
        }
    }
}

/// Rows side by side of which none is null.
fn runs(nulls: Option<&NullBuffer>, rows: Range<usize>) -> Vec<Range<usize>> {
    match nulls {
        None => vec![rows],
        Some(nulls) => {
            let runs = nulls.slice(rows.start, rows.len());
            runs.valid_slices().map(|(start, end)| rows.start + start..rows.start + end).collect()
        }
    }
}

#[inline]
fn add(
    nulls: Option<&NullBuffer>,
    rows: Range<usize>,
    lengths: &mut [usize],
    length: impl Fn(usize) -> usize,
) {
    match nulls {
        None => rows.zip(lengths).for_each(|(row, total)| *total += length(row)),
        Some(nulls) => {
            for (row, total) in rows.zip(lengths) {
                *total += if nulls.is_valid(row) { length(row) } else { 0 };
            }
        }
    }
}

/// Of values of one size, only nulls are to be told apart.
#[inline]
pub(super) fn add_fixed(nulls: Option<&NullBuffer>, rows: Range<usize>, lengths: &mut [usize], size: usize) {
    if nulls.is_some() {
        add(nulls, rows, lengths, |_| size);
    }
}

pub(super) fn mismatch(name: &str) -> PacketError {
    PacketError::Mismatch { column: name.to_owned() }
}
