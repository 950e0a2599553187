//! From the columns that a file has to the columns that the job has.

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryBuilder, BinaryViewArray, ListArray, MapArray, RecordBatch,
        RecordBatchOptions, StringArray, StringViewArray, StructArray, new_null_array,
    },
    buffer::OffsetBuffer,
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Fields, SchemaRef},
    error::ArrowError,
};
use std::sync::Arc;

/// The texts of one batch together. A dictionary holds a text once, whatever the number of rows that name it.
pub(crate) const MAX_TEXT_BYTES: usize = 256 * 1024 * 1024;

/// Texts up to this length lie in their view.
const SHORT_TEXT_BYTES: usize = 12;

/// A batch with exactly `schema`: columns that the file lacks are null, narrower numbers are widened, structs get
/// their missing fields. Columns that already fit are passed on without a copy.
pub(crate) fn adapt(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let file_schema = batch.schema();
    let mut room = MAX_TEXT_BYTES;
    let columns = schema.fields().iter().map(|field| match file_schema.index_of(field.name()) {
        Ok(index) => adapt_array(batch.column(index), field.data_type(), &mut room),
        Err(_) => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

fn adapt_array(array: &ArrayRef, to: &DataType, room: &mut usize) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    match (array.data_type(), to) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            Ok(Arc::new(adapt_struct(array.as_struct(), fields, room)?))
        }
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let values = adapt_array(list.values(), item.data_type(), room)?;
            let list =
                ListArray::try_new(item.clone(), list.offsets().clone(), values, list.nulls().cloned())?;
            Ok(Arc::new(list))
        }
        (DataType::Map(_, _), DataType::Map(entries, sorted)) => {
            adapt_map(array.as_map(), entries, *sorted, room)
        }
        (DataType::Utf8View, DataType::Utf8) => texts(array.as_string_view(), room),
        (DataType::BinaryView, DataType::Binary) => binaries(array.as_binary_view(), room),
        (_, to) => {
            // A value that does not fit its wider type would be our fault: an error, never a silent null.
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(array, to, &strict)
        }
    }
}

/// Texts in one piece, which the encoder and the conditions want.
fn texts(views: &StringViewArray, room: &mut usize) -> Result<ArrayRef, ArrowError> {
    let bytes = views.lengths().map(|length| length as usize).sum();
    *room = room.checked_sub(bytes).ok_or_else(|| {
        ArrowError::ParseError(format!(
            "the texts of {} rows come to more than {MAX_TEXT_BYTES} bytes",
            views.len()
        ))
    })?;
    let mut texts = Vec::with_capacity(bytes + SHORT_TEXT_BYTES);
    let mut offsets = Vec::with_capacity(views.len() + 1);
    offsets.push(0);
    for (row, view) in views.views().iter().enumerate() {
        if views.is_valid(row) {
            // A view begins with the length; a short text follows it at once.
            match *view as u32 as usize {
                length if length <= SHORT_TEXT_BYTES => {
                    let [_, _, _, _, text @ ..] = view.to_le_bytes();
                    texts.extend_from_slice(&text);
                    texts.truncate(texts.len() - (SHORT_TEXT_BYTES - length));
                }
                _ => texts.extend_from_slice(views.value(row).as_bytes()),
            }
        }
        offsets.push(i32::try_from(texts.len()).map_err(|error| ArrowError::ParseError(error.to_string()))?);
    }
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(StringArray::try_new(offsets, texts.into(), views.nulls().cloned())?))
}

/// The same for binaries, for whoever copies files.
fn binaries(views: &BinaryViewArray, room: &mut usize) -> Result<ArrayRef, ArrowError> {
    let bytes = views.lengths().map(|length| length as usize).sum();
    *room = room.checked_sub(bytes).ok_or_else(|| {
        ArrowError::ParseError(format!(
            "the binaries of {} rows come to more than {MAX_TEXT_BYTES} bytes",
            views.len()
        ))
    })?;
    let mut binaries = BinaryBuilder::with_capacity(views.len(), bytes);
    views.iter().for_each(|binary| binaries.append_option(binary));
    Ok(Arc::new(binaries.finish()))
}

fn adapt_struct(array: &StructArray, fields: &Fields, room: &mut usize) -> Result<StructArray, ArrowError> {
    let columns = fields.iter().map(|field| match array.column_by_name(field.name()) {
        Some(column) => adapt_array(column, field.data_type(), room),
        None => Ok(new_null_array(field.data_type(), array.len())),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    StructArray::try_new_with_length(fields.clone(), columns, array.nulls().cloned(), array.len())
}

fn adapt_map(
    map: &MapArray,
    entries: &arrow::datatypes::FieldRef,
    sorted: bool,
    room: &mut usize,
) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(pair) = entries.data_type() else {
        return Err(ArrowError::SchemaError("a map without key and value".into()));
    };
    let [key, value] = &pair[..] else {
        return Err(ArrowError::SchemaError("a map without key and value".into()));
    };
    let columns = vec![
        adapt_array(map.keys(), key.data_type(), room)?,
        adapt_array(map.values(), value.data_type(), room)?,
    ];
    let pairs = StructArray::try_new(pair.clone(), columns, None)?;
    let map = MapArray::try_new(entries.clone(), map.offsets().clone(), pairs, map.nulls().cloned(), sorted)?;
    Ok(Arc::new(map))
}
