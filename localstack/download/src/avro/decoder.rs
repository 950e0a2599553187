//! Messages become record batches.

use super::column::Column;
use super::cursor::{Cursor, Fault, MAX_CELLS};
use super::schema::Schema;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

/// The longest message taken. With the bound on a batch's bytes it keeps every offset within 32 bits.
const MAX_MESSAGE_BYTES: usize = 512 << 20;

/// A batch is full at so many alerts …
const FULL_ROWS: usize = 8192;

/// … or so many bytes of messages: large enough to be split among many folders.
const FULL_BYTES: usize = 8 << 20;

/// Collects messages until they are taken as a record batch.
pub(crate) struct Decoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    cells: u64,
}

impl Decoder {
    pub(crate) fn new(schema: &Schema) -> Self {
        Self {
            schema: schema.to_arrow(),
            columns: schema.fields.iter().map(Column::of_field).collect(),
            rows: 0,
            bytes: 0,
            cells: 0,
        }
    }

    /// Adds the alert of a message. The error says what is wrong with the message, and in which field; the batch it
    /// would have joined is lost.
    pub(crate) fn add(&mut self, message: &[u8]) -> Result<(), String> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(format!(
                "{} bytes are more than an alert may have ({MAX_MESSAGE_BYTES})",
                message.len()
            ));
        }
        let mut cursor = Cursor::new(message);
        self.read(&mut cursor).map_err(|fault| match &cursor.blamed {
            Some(place) => format!("field {place}: {fault}"),
            None => fault.to_string(),
        })?;
        self.rows += 1;
        self.bytes += message.len();
        self.cells += cursor.cells();
        Ok(())
    }

    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        for column in &mut self.columns {
            column.read(cursor)?;
        }
        cursor.end()
    }

    /// Alerts in the batch.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it is time to take the batch.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= FULL_ROWS || self.bytes >= FULL_BYTES || self.cells >= MAX_CELLS
    }

    /// The batch; the next one begins empty.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let arrays = self.columns.iter_mut().map(Column::finish).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes, self.cells) = (0, 0, 0);
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
    }
}
