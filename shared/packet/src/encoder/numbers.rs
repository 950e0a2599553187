//! Floats and doubles that follow one another: most of an alert. They are written row by row, as nothing has to be decided
//! between them.

use super::put::{NULL, VALUE};
use arrow::buffer::NullBuffer;
use std::ops::Range;

/// A column of them, each after its branch.
pub(super) struct Number<'a> {
    /// None where no row is null.
    pub nulls: Option<NullBuffer>,
    pub values: Floats<'a>,
}

/// Of one size.
#[derive(Clone, Copy)]
pub(super) enum Floats<'a> {
    Single(&'a [f32]),
    Double(&'a [f64]),
}

impl Floats<'_> {
    /// Bytes of a value.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Single(_) => 4,
            Self::Double(_) => 8,
        }
    }
}

impl Number<'_> {
    /// As `Node::least`.
    pub(super) fn least(&self) -> usize {
        1 + if self.nulls.is_some() { 0 } else { self.values.size() }
    }

    /// Writes a value of each of these columns for each of these rows at its place, and moves the place behind them.
    pub(super) fn write_all(numbers: &[Self], rows: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        for (row, place) in rows.zip(places) {
            let mut at = *place;
            for number in numbers {
                if number.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    out[at] = NULL;
                    at += 1;
                    continue;
                }
                match number.values {
                    Floats::Single(values) => at = put(values[row].to_le_bytes(), at, out),
                    Floats::Double(values) => at = put(values[row].to_le_bytes(), at, out),
                }
            }
            *place = at;
        }
    }
}

/// The branch and the value in one piece.
#[inline]
fn put<const SIZE: usize>(bytes: [u8; SIZE], at: usize, out: &mut [u8]) -> usize {
    let piece = &mut out[at..at + 1 + SIZE];
    piece[0] = VALUE;
    piece[1..].copy_from_slice(&bytes);
    at + 1 + SIZE
}
