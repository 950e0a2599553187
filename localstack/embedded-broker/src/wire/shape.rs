//! Walks over a request before it is decoded.
//!
//! The decoder takes the counts in a request at their word and makes room for as many elements. The walk makes sure that
//! every element counted is there, and that there are not too many, so what a request can make the broker allocate is in
//! proportion to its own size.

/// The most elements and tagged fields of one request.
const MAX_ELEMENTS: u32 = 200_000;

/// What a field looks like on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// That many bytes.
    Fixed(usize),
    /// A text, which may be absent.
    Text,
    /// Bytes, which may be absent.
    Blob,
    /// Any number of one shape.
    Each(&'static Shape),
    /// Any number of structures.
    List(&'static [Field]),
}

/// A field of a structure, and the versions that have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    shape: Shape,
    since: i16,
    until: i16,
}

impl Field {
    /// A field that every version has.
    pub(crate) const fn always(shape: Shape) -> Self {
        Self { shape, since: 0, until: i16::MAX }
    }

    /// A field from a version on.
    pub(crate) const fn since(since: i16, shape: Shape) -> Self {
        Self { shape, since, until: i16::MAX }
    }

    /// A field that a version was the last to have.
    pub(crate) const fn until(until: i16, shape: Shape) -> Self {
        Self { shape, since: 0, until }
    }

    /// A field of some versions in the middle.
    pub(crate) const fn between(since: i16, until: i16, shape: Shape) -> Self {
        Self { shape, since, until }
    }
}

/// A request header: API, version and correlation id, then the client's name, which is of the old kind even where tagged
/// fields follow.
const HEADER: &[Field] = &[Field::always(Shape::Fixed(8)), Field::always(Shape::Text)];

/// The bytes are not what they say, or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// They end before they should.
    #[error("the request ends before its last field")]
    CutOff,
    /// A length or count below zero.
    #[error("a length in the request is negative")]
    Negative,
    /// More than anyone needs.
    #[error("the request is larger than any client has reason to send")]
    TooMany,
    /// A tagged field whose content does not fill it.
    #[error("a tagged field of the request does not have the size it says")]
    TaggedField,
}

/// How a message is laid out in one version.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// The version.
    pub version: i16,
    /// Whether lengths are short and structures end with tagged fields.
    pub flexible: bool,
    /// Whether the outermost structure knows a text under tag 0.
    pub text_in_tag_0: bool,
}

/// Walks over `bytes`, which may go on behind the message. Returns how many bytes the message has.
pub(crate) fn check(bytes: &[u8], fields: &[Field], layout: Layout) -> Result<usize, Malformed> {
    let mut walk = Walk { left: bytes, elements: 0, layout };
    walk.fields(fields)?;
    if layout.flexible {
        walk.tagged_fields(layout.text_in_tag_0)?;
    }
    Ok(bytes.len() - walk.left.len())
}

/// Walks over a header and returns how many bytes it has; `tagged` is whether tagged fields follow it.
pub(crate) fn check_header(bytes: &[u8], tagged: bool) -> Result<usize, Malformed> {
    let layout = Layout { version: 0, flexible: false, text_in_tag_0: false };
    let mut walk = Walk { left: bytes, elements: 0, layout };
    walk.fields(HEADER)?;
    if tagged {
        walk.tagged_fields(false)?;
    }
    Ok(bytes.len() - walk.left.len())
}

struct Walk<'a> {
    left: &'a [u8],
    elements: u32,
    layout: Layout,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &[Field]) -> Result<(), Malformed> {
        let version = self.layout.version;
        let there = fields.iter().filter(|field| (field.since..=field.until).contains(&version));
        for field in there {
            self.field(field.shape)?;
        }
        Ok(())
    }

    fn field(&mut self, shape: Shape) -> Result<(), Malformed> {
        match shape {
            Shape::Fixed(bytes) => self.skip(bytes),
            Shape::Text => {
                let bytes = if self.layout.flexible { self.short_length()? } else { self.signed(2)? };
                self.skip(bytes)
            }
            Shape::Blob => {
                let bytes = self.length()?;
                self.skip(bytes)
            }
            Shape::Each(shape) => {
                let count = self.length()?;
                self.count(count)?;
                (0..count).try_for_each(|_| self.field(*shape))
            }
            Shape::List(fields) => {
                let count = self.length()?;
                self.count(count)?;
                (0..count).try_for_each(|_| self.structure(fields))
            }
        }
    }

    fn structure(&mut self, fields: &[Field]) -> Result<(), Malformed> {
        self.fields(fields)?;
        if self.layout.flexible { self.tagged_fields(false) } else { Ok(()) }
    }

    fn tagged_fields(&mut self, text_in_tag_0: bool) -> Result<(), Malformed> {
        let count = self.varint()?;
        self.count(count)?;
        for _ in 0..count {
            let tag = self.varint()?;
            let bytes = self.varint()?;
            let before = self.left.len();
            if tag == 0 && text_in_tag_0 {
                let text = self.short_length()?;
                self.skip(text)?;
                if before - self.left.len() != bytes {
                    return Err(Malformed::TaggedField);
                }
            } else {
                self.skip(bytes)?;
            }
        }
        Ok(())
    }

    /// A length or count; what is absent has none.
    fn length(&mut self) -> Result<usize, Malformed> {
        if self.layout.flexible { self.short_length() } else { self.signed(4) }
    }

    fn short_length(&mut self) -> Result<usize, Malformed> {
        Ok(self.varint()?.saturating_sub(1))
    }

    fn signed(&mut self, bytes: usize) -> Result<usize, Malformed> {
        let (number, rest) = self.left.split_at_checked(bytes).ok_or(Malformed::CutOff)?;
        self.left = rest;
        let number = match *number {
            [a, b] => i32::from(i16::from_be_bytes([a, b])),
            [a, b, c, d] => i32::from_be_bytes([a, b, c, d]),
            _ => return Err(Malformed::CutOff),
        };
        match number {
            -1 => Ok(0),
            number => usize::try_from(number).map_err(|_| Malformed::Negative),
        }
    }

    /// An unsigned number of at most five bytes, read as the decoder reads it.
    fn varint(&mut self) -> Result<usize, Malformed> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let (byte, rest) = self.left.split_first().ok_or(Malformed::CutOff)?;
            self.left = rest;
            value |= u32::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                break;
            }
        }
        usize::try_from(value).map_err(|_| Malformed::TooMany)
    }

    fn skip(&mut self, bytes: usize) -> Result<(), Malformed> {
        self.left = self.left.get(bytes..).ok_or(Malformed::CutOff)?;
        Ok(())
    }

    fn count(&mut self, elements: usize) -> Result<(), Malformed> {
        let elements = u32::try_from(elements).map_err(|_| Malformed::TooMany)?;
        self.elements = self.elements.saturating_add(elements);
        if self.elements > MAX_ELEMENTS { Err(Malformed::TooMany) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Layout = Layout { version: 1, flexible: false, text_in_tag_0: false };
    const FLEXIBLE: Layout = Layout { version: 9, flexible: true, text_in_tag_0: true };
    const FIELDS: &[Field] = &[
        Field::always(Shape::Text),
        Field::since(9, Shape::Fixed(2)),
        Field::always(Shape::List(&[
            Field::always(Shape::Each(&Shape::Fixed(4))),
            Field::always(Shape::Blob),
        ])),
    ];

    #[test]
    fn a_message_is_walked_to_its_end() {
        let old = [0, 2, b'h', b'i', 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 0, 0, 0, 1, 7];
        assert_eq!(check(&old, FIELDS, OLD), Ok(old.len()));
        let flexible = [3, b'h', b'i', 8, 8, 2, 2, 9, 9, 9, 9, 2, 7, 0, 2, 0, 3, 2, b'x', 5, 1, 0];
        assert_eq!(check(&flexible, FIELDS, FLEXIBLE), Err(Malformed::TaggedField));
        let flexible = [3, b'h', b'i', 8, 8, 2, 2, 9, 9, 9, 9, 2, 7, 0, 2, 0, 2, 2, b'x', 5, 1, 0];
        assert_eq!(check(&flexible, FIELDS, FLEXIBLE), Ok(flexible.len()));
        for end in 0..flexible.len() {
            assert_eq!(check(&flexible[..end], FIELDS, FLEXIBLE), Err(Malformed::CutOff), "{end} bytes");
        }
    }

    #[test]
    fn counts_that_are_not_there_are_refused() {
        let huge = [0, 0, 0x7f, 0xff, 0xff, 0xff];
        assert_eq!(check(&huge, FIELDS, OLD), Err(Malformed::TooMany));
        assert_eq!(check(&[0, 0, 0, 0, 0xff, 0xff], FIELDS, OLD), Err(Malformed::CutOff));
        assert_eq!(check(&[0, 0, 0xff, 0xff, 0xff, 0xfe], FIELDS, OLD), Err(Malformed::Negative));
        assert_eq!(check(&[0x80, 0], FIELDS, OLD), Err(Malformed::Negative));
        let flexible = [1, 8, 8, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(check(&flexible, FIELDS, FLEXIBLE), Err(Malformed::TooMany));
    }

    #[test]
    fn a_header_may_have_tagged_fields() {
        let header = [0, 0, 0, 0, 0, 0, 0, 1, 0, 2, b'm', b'e', 1, 9, 2, 1, 1, 77];
        assert_eq!(check_header(&header, false), Ok(12));
        assert_eq!(check_header(&header, true), Ok(17));
        assert_eq!(check_header(&header[..14], true), Err(Malformed::CutOff));
    }
}
