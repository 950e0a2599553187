//! Floats and doubles that follow one another: most of an alert. They are written row by row, as nothing has to be decided
//! between them.

use super::put::{NULL, VALUE};
use arrow::buffer::NullBuffer;
use std::ops::Range;

/// Columns of them, each value after its branch, that are null in the same rows: those of a detection, say, where there was
/// none.
pub(super) struct Numbers<'a> {
    /// None where no row is null.
    pub nulls: Option<NullBuffer>,
    pub columns: Vec<Floats<'a>>,
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

impl Numbers<'_> {
    /// Bytes of the values of a row that is not null.
    pub(super) fn size(&self) -> usize {
        self.columns.iter().map(Floats::size).sum()
    }

    /// As `Node::least`.
    pub(super) fn least(&self) -> usize {
        self.columns.len() + if self.nulls.is_some() { 0 } else { self.size() }
    }

    /// Writes a value of each of these columns for each of these rows at its place, and moves the place behind them.
    pub(super) fn write_all(groups: &[Self], rows: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        for (row, place) in rows.zip(places) {
            let mut at = *place;
            for Self { nulls, columns } in groups {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    out[at..at + columns.len()].fill(NULL);
                    at += columns.len();
                    continue;
                }
                for column in columns {
                    at = match column {
                        Floats::Single(values) => put(values[row].to_le_bytes(), at, out),
                        Floats::Double(values) => put(values[row].to_le_bytes(), at, out),
                    };
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
