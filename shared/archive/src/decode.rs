//! Columns decoded here: numbers, moments, truths, texts and images, alone, in structs, in maps, and in lists of structs such
//! as light curves.
//!
//! The decoder of the parquet crate works out for each leaf by itself which rows, items and values there are, in wider types
//! than needed, and pads each; of a list it does so some sixty times. Here a level is a byte, a page of one level is not
//! unpacked at all, texts are put in one piece at once or stay in their dictionary, images stay in their pages, and of a list the
//! first leaf leads: its repetition levels tell the rows, and the others follow by as many levels. Pages are fetched, checked
//! and decompressed as always, and what they hold is read as the format says. A column with anything in it that is not known
//! here is left to the crate's decoder.

mod hybrid;
mod images;
mod leaf;
mod page;
mod pieces;
mod plan;
mod text_views;
mod texts;
mod values;

use crate::adapt::MAX_TEXT_BYTES;
use arrow::{
    array::{ArrayRef, BooleanArray, ListArray, MapArray, StructArray},
    buffer::{BooleanBuffer, NullBuffer, OffsetBuffer},
    compute::filter,
    datatypes::{DataType, FieldRef, Fields},
    error::ArrowError,
};
use leaf::{Leaf, Levels, Structure};
use parquet::{arrow::arrow_reader::RowSelector, errors::ParquetError};
pub(crate) use plan::ColumnPlan;
use plan::Shape;
use std::{collections::VecDeque, sync::Arc};

/// Why a column could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Its bytes contradict the format, or themselves.
    #[error("{0}")]
    Bytes(String),
    /// A dictionary may hold a long text once that thousands of rows name.
    #[error("the texts of a batch come to more than {MAX_TEXT_BYTES} bytes")]
    TooMuchText,
    #[error(transparent)]
    Pages(#[from] ParquetError),
    #[error(transparent)]
    Arrays(#[from] ArrowError),
}

/// A column of a row group under way.
pub(crate) struct ColumnReader {
    field: FieldRef,
    fields: Fields,
    shape: Shape,
    levels: Levels,
    leaves: Vec<(String, Leaf)>,
    /// What is passed over and what is read, if not all.
    chosen: Option<VecDeque<RowSelector>>,
    /// Rows that are still to be read, if all are.
    left: usize,
    lists: Lists,
}

/// Which of the next rows are read.
pub(crate) struct ChosenOf {
    mask: BooleanArray,
    numbers: Vec<u32>,
    of: usize,
}

impl From<BooleanArray> for ChosenOf {
    fn from(mask: BooleanArray) -> Self {
        let numbers = mask.values().set_indices_u32().collect();
        Self { numbers, of: mask.len(), mask }
    }
}

/// The lists of a batch as they gather.
#[derive(Default)]
struct Lists {
    /// Where each begins among the items.
    starts: Vec<i32>,
    /// Whether it is not null.
    present: Vec<bool>,
    items: usize,
}

impl Lists {
    fn add(&mut self, levels: Levels, structure: Structure<'_>) -> Result<(), Fault> {
        for (repeated, defined) in structure.repeated.iter().zip(structure.defined) {
            let has_item = defined >= levels.item;
            if *repeated == 0 {
                self.starts.push(place(self.items)?);
                self.present.push(defined >= levels.list);
            } else if self.starts.is_empty() || !has_item {
                return Err(Fault::Bytes("a list goes on where it had not begun".into()));
            }
            self.items += usize::from(has_item);
        }
        Ok(())
    }
}

impl ColumnReader {
    /// The field of its arrays.
    pub fn field(&self) -> &FieldRef {
        &self.field
    }

    /// Goes on by a stretch of rows that are read, at most `rows`, or passed over; tells how many it has read. Their texts
    /// take from `room`. Columns take turns, so that pages of all of them can be fetched meanwhile.
    pub fn step(&mut self, rows: usize, room: &mut usize) -> Result<usize, Fault> {
        let Some(chosen) = &mut self.chosen else {
            self.take(rows, room)?;
            self.left = self.left.saturating_sub(rows);
            return Ok(rows);
        };
        let Some(next) = chosen.front_mut() else {
            let name = self.field.name();
            return Err(Fault::Bytes(format!("column {name}: more rows are wanted than were chosen")));
        };
        let (skip, part) = (next.skip, if next.skip { next.row_count } else { next.row_count.min(rows) });
        next.row_count -= part;
        if next.row_count == 0 {
            chosen.pop_front();
        }
        if !skip {
            self.take(part, room)?;
            return Ok(part);
        }
        for (column, leaf) in &mut self.leaves {
            leaf.skip_rows(part).map_err(|fault| fault.of(column))?;
        }
        Ok(0)
    }

    /// The rows that were read since it was last asked.
    pub fn finish(&mut self) -> Result<ArrayRef, Fault> {
        self.check_end()?;
        let lists = std::mem::take(&mut self.lists);
        self.array(lists)
    }

    fn take(&mut self, rows: usize, room: &mut usize) -> Result<(), Fault> {
        let (levels, shape, lists) = (self.levels, self.shape, &mut self.lists);
        let mut taken = (!shape.repeats()).then_some(rows);
        for (column, leaf) in &mut self.leaves {
            let done = match taken {
                None => leaf
                    .take_rows(rows, room, &mut |structure| lists.add(levels, structure))
                    .map(|count| taken = Some(count)),
                Some(count) => leaf.take(count, room),
            };
            done.map_err(|fault| fault.of(column))?;
        }
        Ok(())
    }

    fn array(&mut self, lists: Lists) -> Result<ArrayRef, Fault> {
        let nulls = |present: Vec<bool>| {
            present.contains(&false).then(|| NullBuffer::new(BooleanBuffer::from(present)))
        };
        let Some((_, first)) = self.leaves.first() else {
            return Err(Fault::Bytes("a column has no leaves".into()));
        };
        let (items, whole_item) = (first.gathered().len(), self.levels.whole_item);
        let item_nulls = match first.gathered().iter().copied().min() {
            Some(least) if least < whole_item => {
                nulls(first.gathered().iter().map(|level| *level >= whole_item).collect())
            }
            _ => None,
        };
        let mut arrays = Vec::with_capacity(self.leaves.len());
        for (column, leaf) in &mut self.leaves {
            let other = leaf.gathered().len();
            if other != items {
                let reason = format!("it has {other} items in rows in which another has {items}");
                return Err(Fault::Bytes(reason).of(column));
            }
            arrays.push(leaf.finish().map_err(|fault| fault.of(column))?);
        }
        if self.shape == Shape::Value {
            return arrays.pop().ok_or_else(|| Fault::Bytes("a column has no leaves".into()));
        }
        let structs = StructArray::try_new(self.fields.clone(), arrays, item_nulls)?;
        if !self.shape.repeats() {
            return Ok(Arc::new(structs));
        }
        let offsets: Vec<i32> = lists.starts.into_iter().chain([place(items)?]).collect();
        let (offsets, present) = (OffsetBuffer::new(offsets.into()), nulls(lists.present));
        Ok(match self.field.data_type() {
            DataType::Map(pair, _) => {
                Arc::new(MapArray::try_new(pair.clone(), offsets, structs, present, false)?)
            }
            DataType::List(item) => {
                Arc::new(ListArray::try_new(item.clone(), offsets, Arc::new(structs), present)?)
            }
            _ => return Err(Fault::Bytes("a column is neither a list nor a map".into())),
        })
    }

    /// The chosen ones of the next rows, all of which it passes: none where none is.
    pub fn read_chosen(&mut self, rows: &ChosenOf, room: &mut usize) -> Result<Option<ArrayRef>, Fault> {
        self.left = self.left.saturating_sub(rows.of);
        let is_all = rows.numbers.len() == rows.of;
        if self.shape.repeats() && !rows.numbers.is_empty() || is_all {
            self.take(rows.of, room)?;
            let array = self.finish()?;
            return Ok(Some(if is_all { array } else { filter(&array, &rows.mask)? }));
        }
        for (column, leaf) in &mut self.leaves {
            let done = match rows.numbers.as_slice() {
                [] => leaf.skip_rows(rows.of),
                some => leaf.take_some(rows.of, some, room),
            };
            done.map_err(|fault| fault.of(column))?;
        }
        if !rows.numbers.is_empty() {
            return self.finish().map(Some);
        }
        self.check_end()?;
        Ok(None)
    }

    fn check_end(&mut self) -> Result<(), Fault> {
        if self.left == 0 && self.chosen.is_none() {
            for (column, leaf) in &mut self.leaves {
                leaf.check_end().map_err(|fault| fault.of(column))?;
            }
        }
        Ok(())
    }
}

impl Fault {
    /// With the name of the column, where it is of one.
    fn of(self, column: &str) -> Self {
        match self {
            Self::Bytes(reason) => Self::Bytes(format!("column {column}: {reason}")),
            Self::Arrays(error) => Self::Bytes(format!("column {column}: {error}")),
            other => other,
        }
    }
}

fn place(items: usize) -> Result<i32, Fault> {
    i32::try_from(items).map_err(|_| Fault::Bytes("a batch has too many items".into()))
}
