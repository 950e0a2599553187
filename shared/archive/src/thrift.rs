//! Looks over Thrift that strangers wrote (compact protocol), before a decoder believes what it claims.
//!
//! The decoder allocates for a count before it has seen as many members, descends as deep as it is told, and takes a
//! field by its number whatever its kind. So a text passes here only if every known field is of its kind and every
//! member of a list has at least one byte: then both read the same.

/// What Parquet nests at most, with room.
const MAX_DEPTH: usize = 24;

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// The fields of a struct that are known, by number. Others are passed over.
pub(crate) type Shape = &'static [(i16, Want)];

/// What a field must be.
pub(crate) enum Want {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    Struct(Shape),
    List(&'static Want),
}

/// What was met, at a path of field numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Met {
    /// A whole number.
    Number(i64),
    /// Whether something is so.
    Truth(bool),
    /// A list of so many members.
    List(usize),
    /// The end of a struct.
    End,
}

/// Why a text does not pass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It ends too early.
    Short,
    /// It cannot be right.
    Nonsense(String),
}

type Passed<T = ()> = Result<T, Trouble>;
/// Is told what was met, and may refuse it.
pub(crate) type Listener<'a> = &'a mut dyn FnMut(&[i16], Met) -> Result<(), String>;

/// Looks over the struct that `bytes` begins with, and tells how long it is.
pub(crate) fn look_over(bytes: &[u8], shape: Shape, listener: Listener) -> Passed<usize> {
    let mut walk = Walk { bytes, path: Vec::new(), listener };
    walk.structure(shape, MAX_DEPTH)?;
    Ok(bytes.len() - walk.bytes.len())
}

struct Walk<'a, 'b> {
    bytes: &'a [u8],
    path: Vec<i16>,
    listener: Listener<'b>,
}

impl Walk<'_, '_> {
    fn structure(&mut self, shape: Shape, depth: usize) -> Passed {
        let mut last = 0_i16;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return self.tell(Met::End);
            }
            let id = match head >> 4 {
                0 => i16::try_from(self.zigzag()?).ok(),
                step => last.checked_add(i16::from(step)),
            };
            last = id.ok_or_else(|| nonsense("a field has no number"))?;
            match shape.iter().find(|(known, _)| *known == last) {
                Some((_, want)) => {
                    self.path.push(last);
                    self.wanted(want, kind, depth - 1)?;
                    self.path.pop();
                }
                None => self.skip(kind, depth - 1)?,
            }
        }
    }

    fn wanted(&mut self, want: &Want, kind: u8, depth: usize) -> Passed {
        if depth == 0 {
            return Err(nonsense("it nests too deep"));
        }
        match (want, kind) {
            (Want::Bool, TRUE | FALSE) => self.tell(Met::Truth(kind == TRUE)),
            (Want::Byte, BYTE) => self.byte().map(drop),
            (Want::I16, I16) => self.number(i64::from(i16::MAX)),
            (Want::I32, I32) => self.number(i64::from(i32::MAX)),
            (Want::I64, I64) => self.number(i64::MAX),
            (Want::Double, DOUBLE) => self.pass(8),
            (Want::Binary, BINARY) => self.binary(),
            (Want::Struct(shape), STRUCT) => self.structure(shape, depth),
            (Want::List(member), LIST) => {
                let (kind, count) = self.list()?;
                self.tell(Met::List(count))?;
                (0..count).try_for_each(|_| self.wanted(member, kind, depth - 1))
            }
            _ => Err(nonsense(format!("the field {:?} is of a wrong kind", self.path))),
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Passed {
        if depth == 0 {
            return Err(nonsense("it nests too deep"));
        }
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.byte().map(drop),
            I16 | I32 | I64 => self.zigzag().map(drop),
            DOUBLE => self.pass(8),
            BINARY => self.binary(),
            LIST => {
                let (kind, count) = self.list()?;
                // Readers differ in whether a truth in a list takes a byte.
                match kind {
                    TRUE | FALSE if count > 0 => Err(nonsense("it holds a list of truth values")),
                    kind => (0..count).try_for_each(|_| self.skip(kind, depth - 1)),
                }
            }
            STRUCT => {
                let known = self.path.len();
                // Fields of a struct that is unknown itself are told to nobody.
                let result = self.unknown(depth);
                self.path.truncate(known);
                result
            }
            other => Err(nonsense(format!("it holds a field of kind {other}"))),
        }
    }

    fn unknown(&mut self, depth: usize) -> Passed {
        loop {
            let head = self.byte()?;
            match (head & 0x0f, head >> 4) {
                (0, _) => return Ok(()),
                (kind, step) => {
                    if step == 0 {
                        self.zigzag()?;
                    }
                    self.skip(kind, depth - 1)?;
                }
            }
        }
    }

    /// The kind and the number of a list's members, each of which takes a byte at least.
    fn list(&mut self) -> Passed<(u8, usize)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.varint()?).unwrap_or(usize::MAX),
            count => usize::from(count),
        };
        match count > self.bytes.len() {
            true => Err(nonsense(format!("a list claims {count} members in {} bytes", self.bytes.len()))),
            false => Ok((head & 0x0f, count)),
        }
    }

    fn number(&mut self, most: i64) -> Passed {
        let number = self.zigzag()?;
        if number > most || number < -most - 1 {
            return Err(nonsense(format!("the field {:?} is {number}", self.path)));
        }
        self.tell(Met::Number(number))
    }

    fn tell(&mut self, met: Met) -> Passed {
        (self.listener)(&self.path, met).map_err(Trouble::Nonsense)
    }

    fn binary(&mut self) -> Passed {
        let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        self.pass(length)
    }

    fn pass(&mut self, length: usize) -> Passed {
        self.bytes = self.bytes.get(length..).ok_or(Trouble::Short)?;
        Ok(())
    }

    fn byte(&mut self) -> Passed<u8> {
        let (first, rest) = self.bytes.split_first().ok_or(Trouble::Short)?;
        self.bytes = rest;
        Ok(*first)
    }

    fn zigzag(&mut self) -> Passed<i64> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn varint(&mut self) -> Passed<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(nonsense("a number has more than ten bytes"))
    }
}

fn nonsense(reason: impl Into<String>) -> Trouble {
    Trouble::Nonsense(reason.into())
}

const NOTHING: Shape = &[];
const UNIT: Shape = &[(1, Want::Struct(NOTHING)), (2, Want::Struct(NOTHING)), (3, Want::Struct(NOTHING))];
const TIME: Shape = &[(1, Want::Bool), (2, Want::Struct(UNIT))];
const LOGICAL_TYPE: Shape = &[
    (1, Want::Struct(NOTHING)),
    (2, Want::Struct(NOTHING)),
    (3, Want::Struct(NOTHING)),
    (4, Want::Struct(NOTHING)),
    (5, Want::Struct(&[(1, Want::I32), (2, Want::I32)])),
    (6, Want::Struct(NOTHING)),
    (7, Want::Struct(TIME)),
    (8, Want::Struct(TIME)),
    (10, Want::Struct(&[(1, Want::Byte), (2, Want::Bool)])),
    (11, Want::Struct(NOTHING)),
    (12, Want::Struct(NOTHING)),
    (13, Want::Struct(NOTHING)),
    (14, Want::Struct(NOTHING)),
    (15, Want::Struct(NOTHING)),
    (16, Want::Struct(&[(1, Want::Byte)])),
    (17, Want::Struct(&[(1, Want::Binary)])),
    (18, Want::Struct(&[(1, Want::Binary), (2, Want::I32)])),
];
const SCHEMA_ELEMENT: Shape = &[
    (1, Want::I32),
    (2, Want::I32),
    (3, Want::I32),
    (4, Want::Binary),
    (5, Want::I32),
    (6, Want::I32),
    (7, Want::I32),
    (8, Want::I32),
    (9, Want::I32),
    (10, Want::Struct(LOGICAL_TYPE)),
];
const STATISTICS: Shape = &[
    (1, Want::Binary),
    (2, Want::Binary),
    (3, Want::I64),
    (4, Want::I64),
    (5, Want::Binary),
    (6, Want::Binary),
    (7, Want::Bool),
    (8, Want::Bool),
    (9, Want::I64),
];
const SIZES: Shape = &[(1, Want::I64), (2, Want::List(&Want::I64)), (3, Want::List(&Want::I64))];
const BOX: Shape = &[
    (1, Want::Double),
    (2, Want::Double),
    (3, Want::Double),
    (4, Want::Double),
    (5, Want::Double),
    (6, Want::Double),
    (7, Want::Double),
    (8, Want::Double),
];
const KEY_VALUE: Shape = &[(1, Want::Binary), (2, Want::Binary)];
const COLUMN_META: Shape = &[
    (1, Want::I32),
    (2, Want::List(&Want::I32)),
    (3, Want::List(&Want::Binary)),
    (4, Want::I32),
    (5, Want::I64),
    (6, Want::I64),
    (7, Want::I64),
    (8, Want::List(&Want::Struct(KEY_VALUE))),
    (9, Want::I64),
    (10, Want::I64),
    (11, Want::I64),
    (12, Want::Struct(STATISTICS)),
    (13, Want::List(&Want::Struct(&[(1, Want::I32), (2, Want::I32), (3, Want::I32)]))),
    (14, Want::I64),
    (15, Want::I32),
    (16, Want::Struct(SIZES)),
    (17, Want::Struct(&[(1, Want::Struct(BOX)), (2, Want::List(&Want::I32))])),
];
const COLUMN_CHUNK: Shape = &[
    (1, Want::Binary),
    (2, Want::I64),
    (3, Want::Struct(COLUMN_META)),
    (4, Want::I64),
    (5, Want::I32),
    (6, Want::I64),
    (7, Want::I32),
    (8, Want::Struct(NOTHING)),
    (9, Want::Binary),
];
const SORTING: Shape = &[(1, Want::I32), (2, Want::Bool), (3, Want::Bool)];
const ROW_GROUP: Shape = &[
    (1, Want::List(&Want::Struct(COLUMN_CHUNK))),
    (2, Want::I64),
    (3, Want::I64),
    (4, Want::List(&Want::Struct(SORTING))),
    (5, Want::I64),
    (6, Want::I64),
    (7, Want::I16),
];
/// The footer of a file, `FileMetaData` of the Parquet format.
pub(crate) const FOOTER: Shape = &[
    (1, Want::I32),
    (2, Want::List(&Want::Struct(SCHEMA_ELEMENT))),
    (3, Want::I64),
    (4, Want::List(&Want::Struct(ROW_GROUP))),
    (5, Want::List(&Want::Struct(KEY_VALUE))),
    (6, Want::Binary),
    (7, Want::List(&Want::Struct(UNIT))),
    (8, Want::Struct(NOTHING)),
    (9, Want::Binary),
];
/// What stands before each page, `PageHeader` of the Parquet format.
pub(crate) const PAGE_HEADER: Shape = &[
    (1, Want::I32),
    (2, Want::I32),
    (3, Want::I32),
    (4, Want::I32),
    (
        5,
        Want::Struct(&[
            (1, Want::I32),
            (2, Want::I32),
            (3, Want::I32),
            (4, Want::I32),
            (5, Want::Struct(STATISTICS)),
        ]),
    ),
    (6, Want::Struct(NOTHING)),
    (7, Want::Struct(&[(1, Want::I32), (2, Want::I32), (3, Want::Bool)])),
    (
        8,
        Want::Struct(&[
            (1, Want::I32),
            (2, Want::I32),
            (3, Want::I32),
            (4, Want::I32),
            (5, Want::I32),
            (6, Want::I32),
            (7, Want::Bool),
            (8, Want::Struct(STATISTICS)),
        ]),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(bytes: &[u8]) -> Result<Vec<(Vec<i16>, i64)>, Trouble> {
        let mut numbers = Vec::new();
        let mut listener = |path: &[i16], met: Met| {
            if let Met::Number(number) = met {
                numbers.push((path.to_vec(), number));
            }
            Ok(())
        };
        look_over(bytes, PAGE_HEADER, &mut listener)?;
        Ok(numbers)
    }

    #[test]
    fn a_page_header_tells_its_numbers() {
        // A data page of 300 bytes, 100 compressed, 7 values; then a field that is unknown.
        let header = [
            0x15, 0, 0x15, 0xd8, 4, 0x15, 0xc8, 1, 0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0x48, 2, 9,
            9, 0,
        ];
        let expected = [(vec![1], 0), (vec![2], 300), (vec![3], 100), (vec![5, 1], 7)];
        assert_eq!(numbers(&header).unwrap()[..4], expected);
        for cut in 0..header.len() {
            assert_eq!(numbers(&header[..cut]), Err(Trouble::Short), "{cut}");
        }
    }

    #[test]
    fn what_two_readers_would_read_differently_does_not_pass() {
        let refused = |bytes: &[u8]| matches!(numbers(bytes), Err(Trouble::Nonsense(_)));
        assert!(refused(&[0x18, 1, 0, 0]), "a size that is a text");
        assert!(refused(&[0xf9, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0]), "a list longer than its bytes");
        assert!(refused(&[0xf9, 0x21, 1, 1, 0]), "truth values in a list");
        assert!(refused(&[0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0]), "a number over its kind");
        assert!(refused(&[0xfc; 100]), "structs within structs");
    }
}
