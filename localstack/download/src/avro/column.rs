//! A field under construction: values come in from messages, an array goes out.

use super::cursor::{Cursor, Fault};
use super::schema::{Field, Kind, Shape, arrow_fields};
use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float32Builder, Float64Builder, Int32Builder, Int64Builder,
    ListArray, MapArray, NullArray, NullBufferBuilder, StringBuilder, StructArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Fields;
use arrow::error::ArrowError;
use std::sync::Arc;

pub(super) struct Column {
    place: String,
    null_branch: Option<i64>,
    values: Values,
}

enum Values {
    Null(usize),
    Boolean(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    Bytes(BinaryBuilder),
    Text(StringBuilder),
    Record { fields: Fields, children: Vec<Column>, nulls: NullBufferBuilder },
    Array { shape: Shape, item: Box<Column>, spans: Spans },
    Map { shape: Shape, keys: StringBuilder, value: Box<Column>, spans: Spans },
}

/// Where the items of each row end, and which rows are null.
struct Spans {
    ends: Vec<i32>,
    items: i32,
    nulls: NullBufferBuilder,
    /// The fewest bytes of an item.
    min_bytes: u64,
    /// The array cells of an item.
    cells: u64,
}

impl Column {
    pub(super) fn of_field(field: &Field) -> Self {
        Self::new(&field.shape, field.place.clone())
    }

    fn new(shape: &Shape, place: String) -> Self {
        let values = match &shape.kind {
            Kind::Null => Values::Null(0),
            Kind::Boolean => Values::Boolean(BooleanBuilder::new()),
            Kind::Int => Values::Int(Int32Builder::new()),
            Kind::Long => Values::Long(Int64Builder::new()),
            Kind::Float => Values::Float(Float32Builder::new()),
            Kind::Double => Values::Double(Float64Builder::new()),
            Kind::Bytes => Values::Bytes(BinaryBuilder::new()),
            Kind::Text => Values::Text(StringBuilder::new()),
            Kind::Record(fields) => Values::Record {
                fields: arrow_fields(fields),
                children: fields.iter().map(Self::of_field).collect(),
                nulls: NullBufferBuilder::new(0),
            },
            Kind::Array(item) => Values::Array {
                spans: Spans::new(item.min_bytes(), item.cells()),
                item: Box::new(Self::new(item, format!("{place}[]"))),
                shape: (**item).clone(),
            },
            Kind::Map(value) => Values::Map {
                spans: Spans::new(value.min_bytes().saturating_add(1), value.cells().saturating_add(1)),
                keys: StringBuilder::new(),
                value: Box::new(Self::new(value, format!("{place}{{}}"))),
                shape: (**value).clone(),
            },
        };
        Self { place, null_branch: shape.null_branch, values }
    }

    /// Appends the next value of the message. After a fault the column is of no more use.
    #[inline]
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        self.read_branch(cursor).inspect_err(|_| cursor.blame(&self.place))
    }

    #[inline]
    fn read_branch(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        if let Some(null_branch) = self.null_branch {
            match cursor.long()? {
                branch if branch == null_branch => {
                    self.append_null();
                    return Ok(());
                }
                0 | 1 => {}
                other => return Err(Fault::NoSuchBranch(other)),
            }
        }
        self.read_value(cursor)
    }

    fn read_value(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        match &mut self.values {
            Values::Null(rows) => *rows += 1,
            Values::Boolean(builder) => builder.append_value(cursor.boolean()?),
            Values::Int(builder) => builder.append_value(cursor.int()?),
            Values::Long(builder) => builder.append_value(cursor.long()?),
            Values::Float(builder) => builder.append_value(f32::from_le_bytes(cursor.array()?)),
            Values::Double(builder) => builder.append_value(f64::from_le_bytes(cursor.array()?)),
            Values::Bytes(builder) => builder.append_value(cursor.bytes()?),
            Values::Text(builder) => builder.append_value(cursor.text()?),
            Values::Record { children, nulls, .. } => {
                for child in children {
                    child.read(cursor)?;
                }
                nulls.append_non_null();
            }
            Values::Array { item, spans, .. } => spans.read(cursor, |cursor| item.read(cursor))?,
            Values::Map { keys, value, spans, .. } => spans.read(cursor, |cursor| {
                keys.append_value(cursor.text()?);
                value.read(cursor)
            })?,
        }
        Ok(())
    }

    fn append_null(&mut self) {
        match &mut self.values {
            Values::Null(rows) => *rows += 1,
            Values::Boolean(builder) => builder.append_null(),
            Values::Int(builder) => builder.append_null(),
            Values::Long(builder) => builder.append_null(),
            Values::Float(builder) => builder.append_null(),
            Values::Double(builder) => builder.append_null(),
            Values::Bytes(builder) => builder.append_null(),
            Values::Text(builder) => builder.append_null(),
            Values::Record { children, nulls, .. } => {
                children.iter_mut().for_each(Self::append_null);
                nulls.append_null();
            }
            Values::Array { spans, .. } | Values::Map { spans, .. } => spans.append_null(),
        }
    }

    /// The array so far; the column is empty afterwards.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match &mut self.values {
            Values::Null(rows) => Arc::new(NullArray::new(std::mem::take(rows))),
            Values::Boolean(builder) => Arc::new(builder.finish()),
            Values::Int(builder) => Arc::new(builder.finish()),
            Values::Long(builder) => Arc::new(builder.finish()),
            Values::Float(builder) => Arc::new(builder.finish()),
            Values::Double(builder) => Arc::new(builder.finish()),
            Values::Bytes(builder) => Arc::new(builder.finish()),
            Values::Text(builder) => Arc::new(builder.finish()),
            Values::Record { fields, children, nulls } => {
                let arrays = children.iter_mut().map(Self::finish).collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new(fields.clone(), arrays, nulls.finish())?)
            }
            Values::Array { shape, item, spans } => {
                let (offsets, nulls) = spans.finish();
                Arc::new(ListArray::try_new(shape.list_field(), offsets, item.finish()?, nulls)?)
            }
            Values::Map { shape, keys, value, spans } => {
                let (offsets, nulls) = spans.finish();
                let pairs: Vec<ArrayRef> = vec![Arc::new(keys.finish()), value.finish()?];
                let entries = StructArray::try_new(shape.entry_fields(), pairs, None)?;
                Arc::new(MapArray::try_new(shape.entries_field(), offsets, entries, nulls, false)?)
            }
        })
    }
}

impl Spans {
    fn new(min_bytes: u64, cells: u64) -> Self {
        Self { ends: vec![0], items: 0, nulls: NullBufferBuilder::new(0), min_bytes, cells }
    }

    fn read<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        mut read_item: impl FnMut(&mut Cursor<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        loop {
            let count = cursor.block(self.min_bytes, self.cells)?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                read_item(cursor)?;
            }
            let added = i32::try_from(count).ok().and_then(|count| self.items.checked_add(count));
            self.items = added.ok_or(Fault::TooManyCells)?;
        }
        self.ends.push(self.items);
        self.nulls.append_non_null();
        Ok(())
    }

    fn append_null(&mut self) {
        self.ends.push(self.items);
        self.nulls.append_null();
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Option<arrow::buffer::NullBuffer>) {
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        self.items = 0;
        // Ends never fall: each is the one before plus a count.
        (OffsetBuffer::new(ScalarBuffer::from(ends)), self.nulls.finish())
    }
}
