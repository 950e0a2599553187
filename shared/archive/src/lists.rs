//! Lists of structs, such as light curves, decoded here: some sixty leaves that all have the same rows and items.
//!
//! The decoder of the parquet crate works out for each leaf by itself where its rows and items begin and end, and pads each.
//! Here the first leaf of a list leads: its repetition levels tell the rows, and the others follow by as many levels, of which
//! only those that tell a missing value matter. What a leaf is made of otherwise (pages, levels, dictionaries) is read as
//! the format says; a list with anything in it that this decoder does not know is left to the crate's.

mod hybrid;
mod leaf;
mod values;

use crate::{adapt::MAX_TEXT_BYTES, bytes_source::BytesSource, leaves::item_of};
use arrow::{
    array::{ArrayRef, ListArray, StructArray},
    buffer::{BooleanBuffer, NullBuffer, OffsetBuffer},
    datatypes::{DataType, Field, FieldRef, Fields},
    error::ArrowError,
};
use leaf::{Leaf, Levels, Structure};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, RowSelection, RowSelector},
    },
    basic::{Encoding, Repetition},
    errors::ParquetError,
    file::{metadata::ColumnChunkMetaData, serialized_reader::SerializedPageReader},
    schema::types::Type as ParquetType,
};
use std::{collections::VecDeque, sync::Arc};
use values::Values;

/// Encodings that are read here.
const ENCODINGS: [Encoding; 4] =
    [Encoding::PLAIN, Encoding::RLE, Encoding::PLAIN_DICTIONARY, Encoding::RLE_DICTIONARY];

/// Why a list could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Its bytes contradict the format, or themselves.
    #[error("{0}")]
    Bytes(String),
    /// A dictionary may hold a long text once that thousands of items name.
    #[error("the texts of a batch of rows come to more than {MAX_TEXT_BYTES} bytes")]
    TooMuchText,
    #[error(transparent)]
    Pages(#[from] ParquetError),
    #[error(transparent)]
    Arrays(#[from] ArrowError),
}

/// A list that can be read here: which leaves of the file it has, and what they are to become.
pub(crate) struct ListPlan {
    field: FieldRef,
    levels: Levels,
    /// Number of each leaf that is wanted, its name, and whether it may be null.
    leaves: Vec<(usize, FieldRef)>,
    item_is_nullable: bool,
}

impl ListPlan {
    /// The lists among the wanted leaves of a row group that can be read here.
    pub fn all(file: &ArrowReaderMetadata, row_group: usize, mask: &ProjectionMask) -> Vec<Self> {
        let Some(group) = file.metadata().row_groups().get(row_group) else { return Vec::new() };
        let mut first = 0;
        let mut plans = Vec::new();
        for column in file.parquet_schema().root_schema().get_fields() {
            let next = first + leaf_count(column);
            if (first..next).any(|leaf| mask.leaf_included(leaf)) {
                let field = file.schema().fields().iter().find(|field| field.name() == column.name());
                let chunks = group.columns().get(first..next).unwrap_or_default();
                plans.extend(field.and_then(|field| Self::of(column, field, first, chunks, mask)));
            }
            first = next;
        }
        plans
    }

    fn of(
        column: &ParquetType,
        field: &FieldRef,
        first: usize,
        chunks: &[ColumnChunkMetaData],
        mask: &ProjectionMask,
    ) -> Option<Self> {
        let DataType::List(item_field) = field.data_type() else { return None };
        let DataType::Struct(fields) = item_field.data_type() else { return None };
        let repeated = column.get_fields().first().filter(|_| column.is_group())?;
        let item = item_of(column).filter(|item| item.is_group())?;
        let is_optional = |node: &ParquetType| node.get_basic_info().repetition() == Repetition::OPTIONAL;
        let list = u8::from(is_optional(column));
        // In the oldest way of writing lists the repeated group is the item itself.
        let item_is_nullable = !std::ptr::eq(item, repeated.as_ref()) && is_optional(item);
        let levels = Levels { list, item: list + 1, whole_item: list + 1 + u8::from(item_is_nullable) };
        let inner = item.get_fields();
        if inner.len() != fields.len() || inner.len() != chunks.len() {
            return None;
        }
        let mut leaves = Vec::new();
        for (number, ((node, field), chunk)) in inner.iter().zip(fields).zip(chunks).enumerate() {
            if !mask.leaf_included(first + number) {
                continue;
            }
            let whole = levels.whole_item + u8::from(is_optional(node));
            let descriptor = chunk.column_descr();
            let is_plain = node.is_primitive()
                && node.name() == field.name()
                && descriptor.max_rep_level() == 1
                && descriptor.max_def_level() == i16::from(whole)
                && chunk.encodings().all(|encoding| ENCODINGS.contains(&encoding));
            let values = Values::of(chunk.column_type(), field.data_type()).filter(|_| is_plain)?;
            let field = Field::new(field.name(), values.data_type(), is_optional(node));
            leaves.push((first + number, Arc::new(field)));
        }
        (!leaves.is_empty()).then(|| Self { field: field.clone(), levels, leaves, item_is_nullable })
    }

    /// The leaves that it reads.
    pub fn leaves(&self) -> impl Iterator<Item = usize> {
        self.leaves.iter().map(|(leaf, _)| *leaf)
    }

    /// Begins to read the chosen rows of a row group.
    pub fn reader(
        self,
        source: &BytesSource,
        file: &ArrowReaderMetadata,
        row_group: usize,
        selection: Option<&RowSelection>,
    ) -> Result<ListReader, ParquetError> {
        let group = file.metadata().row_group(row_group);
        let index = file.metadata().offset_index().and_then(|index| index.get(row_group));
        let rows = usize::try_from(group.num_rows()).unwrap_or_default();
        let source = Arc::new(source.clone());
        let leaves = self.leaves.iter().map(|(leaf, field)| {
            let chunk = group.column(*leaf);
            let pages = index.and_then(|index| index.get(*leaf)).map(|pages| pages.page_locations().clone());
            let pages = pages.filter(|pages| !pages.is_empty());
            let indexed = pages.is_some();
            let pages = SerializedPageReader::new(source.clone(), chunk, rows, pages)?;
            let gone = || ParquetError::General("its type changed".into());
            let values = Values::of(chunk.column_type(), field.data_type()).ok_or_else(gone)?;
            let whole = self.levels.whole_item + u8::from(field.is_nullable());
            Ok((
                chunk.column_path().string(),
                Leaf::new(Box::new(pages), indexed, self.levels, whole, values),
            ))
        });
        let leaves = leaves.collect::<Result<Vec<_>, ParquetError>>()?;
        let fields: Fields = self.leaves.iter().map(|(_, field)| field.clone()).collect();
        let item = match self.field.data_type() {
            DataType::List(item) => item.name().as_str(),
            _ => Field::LIST_FIELD_DEFAULT_NAME,
        };
        let item = Arc::new(Field::new(item, DataType::Struct(fields.clone()), self.item_is_nullable));
        let field = Field::new(self.field.name(), DataType::List(item.clone()), self.levels.list > 0);
        Ok(ListReader {
            field: Arc::new(field),
            item,
            fields,
            levels: self.levels,
            leaves,
            chosen: selection.map(|selection| selection.iter().copied().collect()),
        })
    }
}

/// A list of a row group under way.
pub(crate) struct ListReader {
    field: FieldRef,
    item: FieldRef,
    fields: Fields,
    levels: Levels,
    leaves: Vec<(String, Leaf)>,
    /// What is passed over and what is read, if not all.
    chosen: Option<VecDeque<RowSelector>>,
}

/// The lists of a batch as they gather.
#[derive(Default)]
struct Rows {
    /// Where each begins among the items.
    starts: Vec<i32>,
    /// Whether it is not null.
    present: Vec<bool>,
    items: usize,
}

impl Rows {
    fn add(&mut self, levels: Levels, structure: Structure<'_>) -> Result<(), Fault> {
        let too_many = |_| Fault::Bytes("a batch of rows has too many items".into());
        for (repeated, defined) in structure.repeated.iter().zip(structure.defined) {
            let has_item = defined >= levels.item;
            if *repeated == 0 {
                self.starts.push(i32::try_from(self.items).map_err(too_many)?);
                self.present.push(defined >= levels.list);
            } else if self.starts.is_empty() || !has_item {
                return Err(Fault::Bytes("a list goes on where it had not begun".into()));
            }
            self.items += usize::from(has_item);
        }
        Ok(())
    }
}

impl ListReader {
    /// The field of its arrays.
    pub fn field(&self) -> &FieldRef {
        &self.field
    }

    /// The next `rows` chosen rows.
    pub fn read(&mut self, rows: usize) -> Result<ArrayRef, Fault> {
        let (mut read, mut room) = (Rows::default(), MAX_TEXT_BYTES);
        let mut left = rows;
        while left > 0 {
            let Some(chosen) = &mut self.chosen else {
                self.take(left, &mut read, &mut room)?;
                break;
            };
            let Some(next) = chosen.front_mut() else {
                return Err(Fault::Bytes("it has fewer rows than were chosen".into()));
            };
            let rows = if next.skip { next.row_count } else { next.row_count.min(left) };
            let skip = next.skip;
            next.row_count -= rows;
            if next.row_count == 0 {
                chosen.pop_front();
            }
            if skip {
                self.skip(rows)?;
            } else {
                self.take(rows, &mut read, &mut room)?;
                left -= rows;
            }
        }
        match read.starts.len() == rows {
            true => self.finish(read),
            false => {
                Err(Fault::Bytes(format!("{} has {} rows of {rows}", self.field.name(), read.starts.len())))
            }
        }
    }

    fn take(&mut self, rows: usize, read: &mut Rows, room: &mut usize) -> Result<(), Fault> {
        let levels = self.levels;
        let mut taken = None;
        for (column, leaf) in &mut self.leaves {
            let done = match taken {
                None => leaf
                    .take_rows(rows, room, &mut |structure| read.add(levels, structure))
                    .map(|count| taken = Some(count)),
                Some(count) => leaf.take(count, room),
            };
            done.map_err(|fault| fault.of(column))?;
        }
        Ok(())
    }

    fn skip(&mut self, rows: usize) -> Result<(), Fault> {
        self.leaves
            .iter_mut()
            .try_for_each(|(column, leaf)| leaf.skip_rows(rows).map_err(|fault| fault.of(column)))
    }

    fn finish(&mut self, read: Rows) -> Result<ArrayRef, Fault> {
        let Rows { starts, present, items } = read;
        let nulls = |present: Vec<bool>| {
            present.contains(&false).then(|| NullBuffer::new(BooleanBuffer::from(present)))
        };
        let (levels, mut item_nulls) = (self.levels, None);
        if let Some((_, first)) = self.leaves.first() {
            let whole = |level: &u8| *level >= levels.whole_item;
            if !first.gathered().iter().all(whole) {
                item_nulls = nulls(first.gathered().iter().map(whole).collect());
            }
        }
        let mut arrays = Vec::with_capacity(self.leaves.len());
        for (column, leaf) in &mut self.leaves {
            if leaf.items() != items {
                let other = leaf.items();
                let reason =
                    format!("its rows have {other} items, those of another column of the list {items}");
                return Err(Fault::Bytes(reason).of(column));
            }
            arrays.push(leaf.finish().map_err(|fault| fault.of(column))?);
        }
        let structs = StructArray::try_new(self.fields.clone(), arrays, item_nulls)?;
        let end =
            i32::try_from(items).map_err(|_| Fault::Bytes("a batch of rows has too many items".into()))?;
        let offsets: Vec<i32> = starts.into_iter().chain([end]).collect();
        let offsets = OffsetBuffer::new(offsets.into());
        Ok(Arc::new(ListArray::try_new(self.item.clone(), offsets, Arc::new(structs), nulls(present))?))
    }
}

impl Fault {
    /// With the name of the column, where that is not known already.
    fn of(self, column: &str) -> Self {
        match self {
            Self::Bytes(reason) => Self::Bytes(format!("column {column}: {reason}")),
            Self::Arrays(error) => Self::Bytes(format!("column {column}: {error}")),
            other => other,
        }
    }
}

fn leaf_count(node: &ParquetType) -> usize {
    match node.is_primitive() {
        true => 1,
        false => node.get_fields().iter().map(|field| leaf_count(field)).sum(),
    }
}
