//! Texts and bytes that lie elsewhere, or in their view where they are short.

use super::put::{put_bytes, put_short};
use arrow::{array::GenericByteViewArray, buffer::Buffer, datatypes::ByteViewType};

/// Bytes up to this length lie in their view, behind the length (Arrow's columnar format, "Variable-size Binary View Layout").
const SHORT_BYTES: usize = 12;

/// Those of a column.
#[derive(Clone, Copy)]
pub(super) struct Views<'a> {
    views: &'a [u128],
    buffers: &'a [Buffer],
}

impl<'a> Views<'a> {
    pub(super) fn of<T: ByteViewType>(array: &'a GenericByteViewArray<T>) -> Self {
        Self { views: array.views(), buffers: array.data_buffers() }
    }

    /// Bytes of a value.
    #[inline]
    pub(super) fn length(&self, row: usize) -> usize {
        self.views[row] as u32 as usize
    }

    /// As [`put_bytes`].
    #[inline]
    pub(super) fn put(&self, row: usize, place: usize, out: &mut [u8]) -> usize {
        let (view, length) = (self.views[row], self.length(row));
        if length <= SHORT_BYTES {
            return put_short(view >> 32, length, place, out);
        }
        // Behind the length and the first four bytes: which buffer, and where in it.
        let (buffer, from) = ((view >> 64) as u32 as usize, (view >> 96) as usize);
        put_bytes(&self.buffers[buffer][from..from + length], place, out)
    }
}
