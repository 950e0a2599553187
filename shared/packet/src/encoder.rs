//! Record batches into raw Avro, straight from Arrow's buffers and column by column.
//!
//! First the lengths of the rows are added up, column by column, which tells where each row begins; then each column
//! writes its value of some rows at their places. So what to do with a value is decided once a column, not once a
//! value, and the rows at hand stay in the processor's cache.
//!
//! Every leaf is a union `[type, "null"]`, so a value is one zero byte and the value, a null the byte 2 (zig-zag of
//! branch 1). Records are not nullable: a null struct is a record of nulls.

// Rows, places and lengths come from the arrays themselves and were measured: see `node.rs`.
#[allow(clippy::indexing_slicing)]
mod messages;
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
pub use messages::Messages;
use nested::Record;
use node::Node;

/// Rows that are written together.
const ROWS: usize = 64;

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
        self.encode_by_group(batch, night, (finkclass, tnsclass), &[], messages)
    }

    /// The same, with messages of one group side by side: `groups` has a small number for each row. What is read by groups
    /// is read in order then.
    pub fn encode_by_group(
        &self,
        batch: &RecordBatch,
        night: Night,
        (finkclass, tnsclass): (&StringArray, &StringArray),
        groups: &[u32],
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
        let blocks =
            (0..batch.num_rows()).step_by(ROWS).map(|start| start..batch.num_rows().min(start + ROWS));
        let mut lengths = vec![least; batch.num_rows()];
        for (rows, lengths) in blocks.clone().zip(lengths.chunks_mut(ROWS)) {
            columns.measure(rows, lengths);
        }
        let (spans, out) = messages.lay_out(&lengths, groups);
        let mut places = Vec::with_capacity(ROWS);
        for (rows, spans) in blocks.zip(spans.chunks(ROWS)) {
            places.clear();
            for span in spans {
                // Each column writes here and there, into memory that nobody has touched for long: one clear in order brings
                // it near, which takes less time than each write waiting for its own line of it.
                if let Some(message) = out.get_mut(span.clone()) {
                    message.fill(0);
                }
                places.push(span.start);
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
