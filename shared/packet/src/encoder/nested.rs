//! Records, lists and maps.

use super::{
    node::{Node, add_fixed},
    numbers::Numbers,
    put::{long_length, put_long},
};
use crate::PacketError;
use arrow::{
    array::{Array, ListArray, MapArray, StructArray},
    buffer::NullBuffer,
};
use std::ops::Range;

/// Items that are written together, column by column: what they take stays in the processor's nearest cache.
const ITEMS: usize = 128;

/// Its fields one after the other, each null where the record is.
pub(super) struct Record<'a>(Vec<Part<'a>>);

/// What is written at once.
enum Part<'a> {
    Numbers(Vec<Numbers<'a>>),
    Other(Node<'a>),
}

impl<'a> Record<'a> {
    /// A record that is null where `nulls` says so.
    pub(super) fn new(array: &'a StructArray, nulls: Option<&NullBuffer>) -> Result<Self, PacketError> {
        let fields = array.columns().iter().zip(array.fields());
        let nodes = fields.map(|(column, field)| Node::new(column, nulls, field.name()));
        Ok(Self::of(nodes.collect::<Result<_, _>>()?))
    }

    /// Of fields that follow one another.
    pub(super) fn of(fields: Vec<Node<'a>>) -> Self {
        let mut parts = Vec::with_capacity(fields.len());
        for field in fields {
            let Some(numbers) = field.as_numbers() else {
                parts.push(Part::Other(field));
                continue;
            };
            match parts.last_mut() {
                Some(Part::Numbers(groups)) => match groups.last_mut() {
                    Some(group) if group.nulls == numbers.nulls => group.columns.extend(numbers.columns),
                    _ => groups.push(numbers),
                },
                _ => parts.push(Part::Numbers(vec![numbers])),
            }
        }
        Self(parts)
    }

    /// As [`Node::least`].
    pub(super) fn least(&self) -> usize {
        let least = |part: &Part| match part {
            Part::Numbers(groups) => groups.iter().map(Numbers::least).sum(),
            Part::Other(node) => node.least(),
        };
        self.0.iter().map(least).sum()
    }

    /// As [`Node::measure`].
    pub(super) fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) {
        for part in &mut self.0 {
            match part {
                Part::Numbers(groups) => {
                    for group in groups {
                        add_fixed(group.nulls.as_ref(), rows.clone(), lengths, group.size());
                    }
                }
                Part::Other(node) => node.measure(rows.clone(), lengths),
            }
        }
    }

    /// As [`Node::write`].
    pub(super) fn write(&self, rows: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        for part in &self.0 {
            match part {
                Part::Numbers(groups) => Numbers::write_all(groups, rows.clone(), places, out),
                Part::Other(node) => node.write(rows.clone(), places, out),
            }
        }
    }
}

/// One block of items, if there are any, and the empty block that ends it. A map is a list of pairs.
pub(super) struct List<'a> {
    offsets: &'a [i32],
    item: Record<'a>,
    /// Of each item, once measured.
    lengths: Vec<usize>,
}

impl<'a> List<'a> {
    pub(super) fn new(array: &'a ListArray, name: &str) -> Result<Self, PacketError> {
        let item = Record::of(vec![Node::item(array.values(), name)?]);
        Ok(Self { offsets: array.value_offsets(), item, lengths: vec![0; array.values().len()] })
    }

    pub(super) fn of_map(array: &'a MapArray, name: &str) -> Result<Self, PacketError> {
        let item = Record::of(vec![Node::key(array.keys(), name)?, Node::item(array.values(), name)?]);
        Ok(Self { offsets: array.value_offsets(), item, lengths: vec![0; array.keys().len()] })
    }

    /// The items of these rows, which lie side by side.
    fn items(&self, rows: &Range<usize>) -> Range<usize> {
        self.offsets[rows.start] as usize..self.offsets[rows.end] as usize
    }

    /// Adds what the blocks take. None of the rows is null.
    pub(super) fn measure(&mut self, rows: Range<usize>, lengths: &mut [usize]) {
        let items = self.items(&rows);
        let least = self.item.least();
        let own = &mut self.lengths[items.clone()];
        own.fill(least);
        self.item.measure(items, own);
        for (row, length) in rows.zip(lengths) {
            let items = self.items(&(row..row + 1));
            *length += 1;
            if !items.is_empty() {
                *length += long_length(items.len() as i64) + self.lengths[items].iter().sum::<usize>();
            }
        }
    }

    /// As [`Node::write`]. None of the rows is null.
    pub(super) fn write(&self, rows: Range<usize>, places: &mut [usize], out: &mut [u8]) {
        let items = self.items(&rows);
        let mut items_at = Vec::with_capacity(items.len());
        for (row, place) in rows.zip(places) {
            let items = self.items(&(row..row + 1));
            if !items.is_empty() {
                *place = put_long(items.len() as i64, *place, out);
                for length in &self.lengths[items] {
                    items_at.push(*place);
                    *place += length;
                }
            }
            out[*place] = 0;
            *place += 1;
        }
        for (number, places) in items_at.chunks_mut(ITEMS).enumerate() {
            let first = items.start + number * ITEMS;
            self.item.write(first..first + places.len(), places, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Float32Array, Float64Array};
    use std::sync::Arc;

    /// The bytes are Avro's by its specification: a zero and the value with its lowest byte first, or a two for a null.
    #[test]
    fn numbers_are_null_each_where_its_own_column_is() {
        let columns: [ArrayRef; 4] = [
            Arc::new(Float32Array::from(vec![Some(1.0), None, Some(1.0)])),
            Arc::new(Float64Array::from(vec![Some(2.0), None, Some(2.0)])),
            Arc::new(Float32Array::from(vec![None, Some(1.0), Some(1.0)])),
            Arc::new(Float32Array::from(vec![1.0, 1.0, 1.0])),
        ];
        let nodes = columns.iter().map(|column| Node::new(column, None, "magnitude").unwrap());
        let mut record = Record::of(nodes.collect());
        let mut lengths = [record.least(); 3];
        record.measure(0..3, &mut lengths);
        let (one, two): (&[u8], &[u8]) = (&[0, 0, 0, 0x80, 0x3f], &[0, 0, 0, 0, 0, 0, 0, 0, 0x40]);
        let wanted =
            [[one, two, &[2], one], [&[2], &[2], one, one], [one, two, one, one]].map(|row| row.concat());
        assert_eq!(lengths, [wanted[0].len(), wanted[1].len(), wanted[2].len()]);
        let mut places = [0, lengths[0], lengths[0] + lengths[1]];
        let mut out = vec![0xaa; lengths.iter().sum()];
        record.write(0..3, &mut places, &mut out);
        assert_eq!(out, wanted.concat());
        assert_eq!(places, [lengths[0], lengths[0] + lengths[1], out.len()]);
    }
}
