//! Values that nobody asked for: checked like the others, and passed over.

use super::cursor::{Cursor, Fault};
use super::schema::{Kind, Shape};

/// Passes the next value of the message.
pub(super) fn skip(shape: &Shape, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
    if let Some(null_branch) = shape.null_branch {
        match cursor.long()? {
            branch if branch == null_branch => return Ok(()),
            0 | 1 => {}
            other => return Err(Fault::NoSuchBranch(other)),
        }
    }
    match &shape.kind {
        Kind::Null => {}
        Kind::Boolean => drop(cursor.boolean()?),
        Kind::Int => drop(cursor.int()?),
        Kind::Long => drop(cursor.long()?),
        Kind::Float => drop(cursor.array::<4>()?),
        Kind::Double => drop(cursor.array::<8>()?),
        Kind::Bytes => drop(cursor.bytes()?),
        Kind::Text => drop(cursor.text()?),
        Kind::Record(fields) => {
            for field in fields {
                skip(&field.shape, cursor).inspect_err(|_| cursor.blame(&field.place))?;
            }
        }
        Kind::Array(item) => blocks(cursor, item.min_bytes(), item.cells(), |cursor| skip(item, cursor))?,
        Kind::Map(value) => {
            let (bytes, cells) = (value.min_bytes().saturating_add(1), value.cells().saturating_add(1));
            blocks(cursor, bytes, cells, |cursor| {
                cursor.text()?;
                skip(value, cursor)
            })?;
        }
    }
    Ok(())
}

fn blocks<'a>(
    cursor: &mut Cursor<'a>,
    min_bytes: u64,
    cells: u64,
    mut skip_item: impl FnMut(&mut Cursor<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    loop {
        let count = cursor.block(min_bytes, cells)?;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            skip_item(cursor)?;
        }
    }
}
