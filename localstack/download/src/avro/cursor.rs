//! The bytes of one message, read with every length checked.

use std::fmt;

/// Array cells that one message may make. Nulls of wide records take a byte in the message and many cells here.
pub(super) const MAX_CELLS: u64 = 32 << 20;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    EndsEarly,
    TooLong { wanted: i64, left: u64 },
    NumberTooLong,
    IntTooLarge(i64),
    NoSuchBranch(i64),
    NotBoolean(u8),
    NotUtf8,
    TooManyItems(u64),
    TooManyCells,
    LeftOver(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndsEarly => f.write_str("the message ends early"),
            Self::TooLong { wanted, left } => write!(f, "a length of {wanted} bytes where {left} are left"),
            Self::NumberTooLong => f.write_str("a number of more than 64 bits"),
            Self::IntTooLarge(value) => write!(f, "{value} is not a 32-bit int"),
            Self::NoSuchBranch(branch) => write!(f, "branch {branch} of a union of two"),
            Self::NotBoolean(byte) => write!(f, "byte {byte} is not a boolean"),
            Self::NotUtf8 => f.write_str("a string that is not UTF-8"),
            Self::TooManyItems(count) => write!(f, "{count} items announced, more than the message can hold"),
            Self::TooManyCells => write!(f, "more than {MAX_CELLS} values in one message"),
            Self::LeftOver(bytes) => write!(f, "{bytes} bytes after the last field"),
        }
    }
}

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    cells_left: u64,
    /// The field that a fault was found in.
    pub(super) blamed: Option<String>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message, cells_left: MAX_CELLS, blamed: None }
    }

    /// Remembers the innermost field of a fault.
    #[cold]
    pub(super) fn blame(&mut self, place: &str) {
        self.blamed.get_or_insert_with(|| place.to_owned());
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        let (&byte, rest) = self.rest.split_first().ok_or(Fault::EndsEarly)?;
        self.rest = rest;
        Ok(byte)
    }

    /// Zig-zag, seven bits a byte, lowest first.
    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, Fault> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(unzigzag(u64::from(first)));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(Fault::NumberTooLong);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(unzigzag(value));
            }
        }
        Err(Fault::NumberTooLong)
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, Fault> {
        let value = self.long()?;
        i32::try_from(value).map_err(|_| Fault::IntTooLarge(value))
    }

    #[inline]
    pub(super) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Fault::NotBoolean(other)),
        }
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(Fault::EndsEarly)?;
        self.rest = rest;
        Ok(*array)
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let wanted = self.long()?;
        let too_long = || Fault::TooLong { wanted, left: self.rest.len() as u64 };
        let length = usize::try_from(wanted).map_err(|_| too_long())?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(too_long)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Fault::NotUtf8)
    }

    /// The items of the next block of an array or map; 0 ends it. A negative count is followed by the block's size.
    #[inline]
    pub(super) fn block(&mut self, min_bytes: u64, cells: u64) -> Result<u64, Fault> {
        let announced = self.long()?;
        let count = announced.unsigned_abs();
        if announced < 0 {
            self.long()?;
        }
        if count.saturating_mul(min_bytes) > self.rest.len() as u64 {
            return Err(Fault::TooManyItems(count));
        }
        self.cells_left =
            self.cells_left.checked_sub(count.saturating_mul(cells)).ok_or(Fault::TooManyCells)?;
        Ok(count)
    }

    /// Array cells that lists and maps of the message made.
    pub(super) fn cells(&self) -> u64 {
        MAX_CELLS - self.cells_left
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

#[inline]
fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_specification_writes_them() {
        // The table of the Avro specification, and the ends of the range.
        let cases: [(i64, &[u8]); 9] = [
            (0, &[0x00]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (-2, &[0x03]),
            (2, &[0x04]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ];
        for (value, bytes) in cases {
            assert_eq!(Cursor::new(bytes).long(), Ok(value));
        }
    }

    #[test]
    fn numbers_of_more_bits_are_faults() {
        assert_eq!(Cursor::new(&[0xff; 11]).long(), Err(Fault::NumberTooLong));
        assert_eq!(Cursor::new(&[0xff; 9]).long(), Err(Fault::EndsEarly));
        assert_eq!(Cursor::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).int(), Err(Fault::IntTooLarge(1 << 31)));
    }

    #[test]
    fn lengths_and_counts_beyond_the_message_are_faults() {
        assert_eq!(Cursor::new(&[0x08, b'a']).bytes(), Err(Fault::TooLong { wanted: 4, left: 1 }));
        assert_eq!(Cursor::new(&[0x01, b'a']).bytes(), Err(Fault::TooLong { wanted: -1, left: 1 }));
        assert_eq!(Cursor::new(&[0x08, 1, 1]).block(1, 1), Err(Fault::TooManyItems(4)));
        let lowest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00];
        assert_eq!(Cursor::new(&lowest).block(1, 1), Err(Fault::TooManyItems(1 << 63)));
        assert_eq!(Cursor::new(&[0x02, 0]).block(1, MAX_CELLS + 1), Err(Fault::TooManyCells));
    }
}
