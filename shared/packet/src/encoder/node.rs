//! One column (or leaf) of a batch, ready to write any of its rows.

use crate::{PacketError, timestamp::write_timestamp};
use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryViewArray},
    buffer::{BooleanBuffer, NullBuffer},
    datatypes::{
        DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        TimestampMicrosecondType,
    },
};

/// Branch 0 of `[type, "null"]`.
const VALUE: u8 = 0;
/// Branch 1 of `[type, "null"]`.
const NULL: u8 = 2;

pub(super) struct Node<'a> {
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
    Float(&'a [f32]),
    Double(&'a [f64]),
    Text {
        offsets: &'a [i32],
        bytes: &'a [u8],
    },
    Bytes(&'a BinaryViewArray),
    Moment(&'a [i64]),
    /// Children carry this struct's nulls.
    Record(Vec<Node<'a>>),
    List {
        offsets: &'a [i32],
        item: Box<Node<'a>>,
    },
    Map {
        offsets: &'a [i32],
        key: Box<Node<'a>>,
        value: Box<Node<'a>>,
    },
}

impl<'a> Node<'a> {
    /// A node over `array`, null also where `parent` is.
    pub(super) fn new(
        array: &'a ArrayRef,
        parent: Option<&NullBuffer>,
        name: &str,
    ) -> Result<Self, PacketError> {
        let nulls = NullBuffer::union(parent, array.nulls());
        let values = match array.data_type() {
            DataType::Boolean => Values::Boolean(array.as_boolean().values()),
            DataType::Int8 => Values::Int8(array.as_primitive::<Int8Type>().values()),
            DataType::Int16 => Values::Int16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Values::Int32(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => Values::Int64(array.as_primitive::<Int64Type>().values()),
            DataType::Float32 => Values::Float(array.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Values::Double(array.as_primitive::<Float64Type>().values()),
            DataType::Timestamp(_, _) => match array.as_primitive_opt::<TimestampMicrosecondType>() {
                Some(moments) => Values::Moment(moments.values()),
                None => return Err(mismatch(name)),
            },
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                Values::Text { offsets: texts.value_offsets(), bytes: texts.value_data() }
            }
            DataType::BinaryView => Values::Bytes(array.as_binary_view()),
            DataType::Null => Values::Constant(vec![NULL]),
            DataType::Struct(fields) => {
                let children = array.as_struct().columns().iter().zip(fields);
                let nodes = children.map(|(child, field)| Node::new(child, nulls.as_ref(), field.name()));
                Values::Record(nodes.collect::<Result<_, _>>()?)
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Values::List {
                    offsets: list.value_offsets(),
                    item: Box::new(Node::new(list.values(), None, name)?),
                }
            }
            DataType::Map(_, _) => {
                let map = array.as_map();
                Values::Map {
                    offsets: map.value_offsets(),
                    key: Box::new(Node::new(map.keys(), None, name)?),
                    value: Box::new(Node::new(map.values(), None, name)?),
                }
            }
            _ => return Err(mismatch(name)),
        };
        Ok(Self { nulls, values })
    }

    /// The same int in every row.
    pub(super) fn int_constant(value: i32) -> Self {
        let mut bytes = vec![VALUE];
        write_long(i64::from(value), &mut bytes);
        Self { nulls: None, values: Values::Constant(bytes) }
    }

    /// Appends the row's union (or record). Rows are within the arrays' lengths by construction.
    #[allow(clippy::indexing_slicing)]
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) {
        match &self.values {
            Values::Constant(bytes) => return out.extend_from_slice(bytes),
            Values::Record(children) => return children.iter().for_each(|child| child.write(row, out)),
            _ => {}
        }
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return out.push(NULL);
        }
        // The branch and a number go out in one piece: most of a message is numbers.
        match &self.values {
            Values::Float(values) => write_float(values[row], out),
            Values::Double(values) => write_double(values[row], out),
            _ => {
                out.push(VALUE);
                self.write_value(row, out);
            }
        }
    }

    /// The same where a record may be null: as the item of an array or the value of a map.
    fn write_nullable(&self, row: usize, out: &mut Vec<u8>) {
        if matches!(self.values, Values::Record(_)) {
            let null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
            out.push(if null { NULL } else { VALUE });
            if null {
                return;
            }
        }
        self.write(row, out);
    }

    /// Appends the row's value without the branch before it. Rows are within the arrays' lengths by construction.
    #[allow(clippy::indexing_slicing)]
    fn write_value(&self, row: usize, out: &mut Vec<u8>) {
        match &self.values {
            Values::Boolean(values) => out.push(u8::from(values.value(row))),
            Values::Int8(values) => write_long(i64::from(values[row]), out),
            Values::Int16(values) => write_long(i64::from(values[row]), out),
            Values::Int32(values) => write_long(i64::from(values[row]), out),
            Values::Int64(values) => write_long(values[row], out),
            Values::Float(values) => out.extend_from_slice(&values[row].to_le_bytes()),
            Values::Double(values) => out.extend_from_slice(&values[row].to_le_bytes()),
            Values::Text { offsets, bytes } => {
                write_bytes(&bytes[offsets[row] as usize..offsets[row + 1] as usize], out);
            }
            Values::Bytes(values) => write_bytes(values.value(row), out),
            Values::Moment(values) => {
                // A moment is at most 32 bytes, so its length is one byte, filled in afterwards.
                let length_at = out.len();
                out.push(0);
                write_timestamp(values[row], out);
                out[length_at] = ((out.len() - length_at - 1) * 2) as u8;
            }
            Values::List { offsets, item } => {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                write_block(end - start, out, |out| {
                    for index in start..end {
                        item.write_nullable(index, out);
                    }
                });
            }
            Values::Map { offsets, key, value } => {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                write_block(end - start, out, |out| {
                    for index in start..end {
                        key.write_value(index, out);
                        value.write_nullable(index, out);
                    }
                });
            }
            Values::Constant(_) | Values::Record(_) => {}
        }
    }
}

/// One block of an array or map, and the empty block that ends it.
fn write_block(count: usize, out: &mut Vec<u8>, items: impl FnOnce(&mut Vec<u8>)) {
    if count > 0 {
        write_long(count as i64, out);
        items(out);
    }
    out.push(0);
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// The branch of a value, and the value.
#[inline]
fn write_float(value: f32, out: &mut Vec<u8>) {
    let [a, b, c, d] = value.to_le_bytes();
    out.extend_from_slice(&[VALUE, a, b, c, d]);
}

/// The same.
#[inline]
fn write_double(value: f64, out: &mut Vec<u8>) {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    out.extend_from_slice(&[VALUE, a, b, c, d, e, f, g, h]);
}

/// Zig-zag, then seven bits a byte, lowest first. Ten bytes at most.
#[inline]
fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    if rest < 0x80 {
        return out.push(rest as u8);
    }
    // A piece of one size is copied faster than bytes one by one; what was too much of it is taken off again.
    let mut piece = [0_u8; 10];
    let mut length = 0;
    for byte in &mut piece {
        length += 1;
        *byte = rest as u8 | 0x80;
        rest >>= 7;
        if rest == 0 {
            *byte &= 0x7f;
            break;
        }
    }
    let end = out.len() + length;
    out.extend_from_slice(&piece);
    out.truncate(end);
}

fn mismatch(name: &str) -> PacketError {
    PacketError::Mismatch { column: name.to_owned() }
}
