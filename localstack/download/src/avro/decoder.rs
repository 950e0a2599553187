//! Messages become record batches.

use super::column::Column;
use super::cursor::{Cursor, Fault, MAX_CELLS};
use super::schema::{Field, Schema};
use super::skip::skip;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use std::sync::Arc;

/// The longest message taken. With the bound on a batch's bytes it keeps every offset within 32 bits.
const MAX_MESSAGE_BYTES: usize = 512 << 20;

/// A batch is full at so many alerts …
const FULL_ROWS: usize = 8192;

/// … or so many bytes of messages: large enough to be split among many folders.
const FULL_BYTES: usize = 8 << 20;

/// Collects messages until they are taken as a record batch. After a fault it is of no more use.
pub struct Decoder {
    schema: SchemaRef,
    fields: Vec<Reading>,
    rows: usize,
    bytes: usize,
    cells: u64,
}

/// What becomes of a field of the message.
#[expect(
    clippy::large_enum_variant,
    reason = "there are as many as the schema has columns, and each is read often"
)]
enum Reading {
    Column(Column),
    /// Checked as any other, but not kept.
    Passed(Field),
}

impl Decoder {
    /// A decoder of whole alerts.
    pub fn new(schema: &Schema) -> Self {
        let fields = schema.fields.iter().map(|field| Reading::Column(Column::of_field(field))).collect();
        Self { schema: schema.to_arrow(), fields, rows: 0, bytes: 0, cells: 0 }
    }

    /// A decoder that keeps some columns of the root only, in the schema's order, and checks the others.
    pub fn of_columns(schema: &Schema, columns: &[usize]) -> Self {
        let reading = |(index, field): (usize, &Field)| match columns.contains(&index) {
            true => Reading::Column(Column::of_field(field)),
            false => Reading::Passed(field.clone()),
        };
        let fields = schema.fields.iter().enumerate().map(reading).collect();
        let whole = schema.to_arrow();
        let kept = whole.fields().iter().enumerate().filter(|(index, _)| columns.contains(index));
        let kept: Vec<_> = kept.map(|(_, field)| field.clone()).collect();
        Self { schema: Arc::new(arrow::datatypes::Schema::new(kept)), fields, rows: 0, bytes: 0, cells: 0 }
    }

    /// Adds the alert of a message. The error says what is wrong with the message, and in which field; the batch it
    /// would have joined is lost.
    pub fn add(&mut self, message: &[u8]) -> Result<(), String> {
        let mut rest = message;
        self.add_first(&mut rest)?;
        match rest.len() {
            0 => Ok(()),
            left => Err(Fault::LeftOver(left).to_string()),
        }
    }

    /// Adds the first alert of several that follow each other without anything in between, and leaves the others.
    pub fn add_first(&mut self, messages: &mut &[u8]) -> Result<(), String> {
        let mut cursor = Cursor::new(messages);
        self.read(&mut cursor).map_err(|fault| match &cursor.blamed {
            Some(place) => format!("field {place}: {fault}"),
            None => fault.to_string(),
        })?;
        let rest = cursor.rest();
        let bytes = messages.len() - rest.len();
        if bytes > MAX_MESSAGE_BYTES {
            return Err(format!("{bytes} bytes are more than an alert may have ({MAX_MESSAGE_BYTES})"));
        }
        self.rows += 1;
        self.bytes += bytes;
        self.cells += cursor.cells();
        *messages = rest;
        Ok(())
    }

    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        for field in &mut self.fields {
            match field {
                Reading::Column(column) => column.read(cursor)?,
                Reading::Passed(field) => {
                    skip(&field.shape, cursor).inspect_err(|_| cursor.blame(&field.place))?;
                }
            }
        }
        Ok(())
    }

    /// Alerts in the batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it is time to take the batch.
    pub fn is_full(&self) -> bool {
        self.rows >= FULL_ROWS || self.bytes >= FULL_BYTES || self.cells >= MAX_CELLS
    }

    /// The batch; the next one begins empty.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns = self.fields.iter_mut().filter_map(|field| match field {
            Reading::Column(column) => Some(column.finish()),
            Reading::Passed(_) => None,
        });
        let arrays = columns.collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes, self.cells) = (0, 0, 0);
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
    }
}
