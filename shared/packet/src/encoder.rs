//! Record batches into raw Avro, straight from Arrow's buffers and column by column.
//!
//! First the lengths of some rows are added up, column by column, which tells where each row begins; then each column
//! writes its value of all these rows at their places. So what to do with a value is decided once a column, not once a
//! value, and the rows at hand stay in the processor's cache.
//!
//! Every leaf is a union `[type, "null"]`, so a value is one zero byte and the value, a null the byte 2 (zig-zag of
//! branch 1). Records are not nullable: a null struct is a record of nulls.

// Rows, places and lengths come from the arrays themselves and were measured: see `node.rs`.
#[allow(clippy::indexing_slicing)]
mod nested;
#[allow(clippy::indexing_slicing)]
mod node;
#[allow(clippy::indexing_slicing)]
mod numbers;
#[allow(clippy::indexing_slicing)]
mod put;
#[allow(clippy::indexing_slicing)]
mod views;

use crate::{Layout, PacketError, Source, derived::column};
use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, FieldRef},
};
use job::Night;
use nested::Record;
use node::Node;
use std::ops::Range;

/// Rows that are written together.
const ROWS: usize = 64;

/// Encoded alerts, back to back in one buffer.
#[derive(Debug, Default)]
pub struct Messages {
    /// May be longer than what is written: bytes that are there already need not be made.
    buffer: Vec<u8>,
    ends: Vec<usize>,
    /// Bytes that the messages before took.
    before: usize,
}

impl Messages {
    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all messages.
    pub fn buffer(&self) -> &[u8] {
        self.buffer.get(..self.end()).unwrap_or_default()
    }

    /// Where the message number `index` lies in the buffer.
    pub fn span(&self, index: usize) -> Range<usize> {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        start..self.ends.get(index).copied().unwrap_or(start)
    }

    /// The messages in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.buffer.get(self.span(index)).unwrap_or_default())
    }

    /// The buffer with all messages, to be sent as it is, with anything behind them; `next`, whatever it holds, is
    /// written over instead. Forgets the messages.
    pub fn exchange(&mut self, next: Vec<u8>) -> Vec<u8> {
        self.before = self.end();
        self.ends.clear();
        std::mem::replace(&mut self.buffer, next)
    }

    /// Forgets the messages and keeps the memory.
    pub fn clear(&mut self) {
        self.ends.clear();
    }

    /// Where the last message ends.
    fn end(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The buffer, with room up to `end`.
    fn room(&mut self, end: usize) -> &mut [u8] {
        if self.buffer.len() < end {
            // Batches are of about one size; what is larger than that would lie idle in every buffer under way.
            let room =
                (self.before + self.before / 16).max(if self.before < end { end + end / 4 } else { 0 });
            self.buffer.reserve_exact(room - self.buffer.len());
            self.buffer.resize(room, 0);
        }
        &mut self.buffer
    }
}

/// Encodes the batches of a job.
#[derive(Clone, Debug)]
pub struct Encoder {
    layout: Layout,
}

impl Encoder {
    /// An encoder for a layout.
    pub fn new(layout: Layout) -> Self {
        Self { layout }
    }

    /// Appends one message for each row of `batch`, which has at least the columns that the layout reads, in the job's
    /// types, texts as views or not. `finkclass` and `tnsclass` have as many rows.
    pub fn encode(
        &self,
        batch: &RecordBatch,
        night: Night,
        finkclass: &StringArray,
        tnsclass: &StringArray,
        messages: &mut Messages,
    ) -> Result<(), PacketError> {
        let columns = self.columns(batch, finkclass, tnsclass)?;
        let mut nodes = Vec::with_capacity(columns.len());
        for (column, array) in self.layout.columns().iter().zip(&columns) {
            nodes.push(match array {
                Some(array) => Node::new(array, None, &column.name)?,
                None => Node::int_constant(match column.name.as_str() {
                    "year" => night.year(),
                    "month" => night.month() as i32,
                    _ => night.day() as i32,
                }),
            });
        }
        let mut columns = Record::of(nodes);
        let least = columns.least();
        messages.ends.reserve(batch.num_rows());
        let (mut lengths, mut places) = (Vec::with_capacity(ROWS), Vec::with_capacity(ROWS));
        for start in (0..batch.num_rows()).step_by(ROWS) {
            let rows = start..batch.num_rows().min(start + ROWS);
            lengths.clear();
            lengths.resize(rows.len(), least);
            columns.measure(rows.clone(), &mut lengths);
            let mut end = messages.end();
            places.clear();
            for length in &lengths {
                places.push(end);
                end += length;
                messages.ends.push(end);
            }
            let from = places.first().copied().unwrap_or(end);
            let out = messages.room(end);
            // Each column writes here and there, into memory that nobody has touched for long: one clear in order brings it
            // near, which takes less time than each write waiting for its own line of it.
            if let Some(block) = out.get_mut(from..end) {
                block.fill(0);
            }
            columns.write(rows, &mut places, out);
        }
        Ok(())
    }

    /// The array of each column, none for the parts of the night.
    fn columns(
        &self,
        batch: &RecordBatch,
        finkclass: &StringArray,
        tnsclass: &StringArray,
    ) -> Result<Vec<Option<ArrayRef>>, PacketError> {
        let array_of = |planned: &crate::Column| match (&planned.source, planned.name.as_str()) {
            (Source::Archive(path), _) => {
                let array = column(batch, &path.to_string());
                match array.filter(|array| fits(array.data_type(), &planned.data_type)) {
                    Some(array) => Ok(Some(array)),
                    None => Err(PacketError::Mismatch { column: planned.name.clone() }),
                }
            }
            (Source::Derived, "finkclass") => Ok(Some(std::sync::Arc::new(finkclass.clone()) as ArrayRef)),
            (Source::Derived, "tnsclass") => Ok(Some(std::sync::Arc::new(tnsclass.clone()) as ArrayRef)),
            (Source::Derived, _) if planned.data_type == DataType::Int32 => Ok(None),
            (Source::Derived, _) => Err(PacketError::Mismatch { column: planned.name.clone() }),
        };
        self.layout.columns().iter().map(array_of).collect()
    }
}

/// Whether arrays of this type hold what is planned: texts may come as views.
fn fits(found: &DataType, planned: &DataType) -> bool {
    let same = |found: &FieldRef, planned: &FieldRef| {
        found.name() == planned.name() && fits(found.data_type(), planned.data_type())
    };
    match (found, planned) {
        (DataType::Utf8View, DataType::Utf8) => true,
        (DataType::Struct(found), DataType::Struct(planned)) => {
            found.len() == planned.len()
                && found.iter().zip(planned).all(|(found, planned)| same(found, planned))
        }
        (DataType::List(found), DataType::List(planned)) => same(found, planned),
        (DataType::Map(found, _), DataType::Map(planned, _)) => same(found, planned),
        (found, planned) => found == planned,
    }
}
