//! An Avro file: the messages as they came, with the topic's own schema.

use super::{Content, Messages};
use crate::DownloadError;
use crate::avro::Writer;
use std::fs::File;
use std::hash::Hasher;
use std::io;
use std::path::Path;

pub(super) fn create(
    file: File,
    path: &Path,
    name: &str,
    content: Content<'_>,
) -> Result<Writer, DownloadError> {
    Writer::new(file, content.text, content.schema, mark(name)).map_err(|source| failed(path, source))
}

pub(super) fn add(
    writer: &mut Writer,
    path: &Path,
    messages: &Messages,
    rows: Option<&[u32]>,
) -> Result<(), DownloadError> {
    let mut add = |row| {
        let message = messages.get(row).ok_or_else(|| DownloadError::Bug(format!("no message {row}")))?;
        writer.add(message).map_err(|source| failed(path, source))
    };
    match rows {
        Some(rows) => rows.iter().try_for_each(|row| add(*row as usize)),
        None => (0..messages.ends.len()).try_for_each(add),
    }
}

pub(super) fn failed(path: &Path, source: io::Error) -> DownloadError {
    DownloadError::Disk { action: "write", path: path.to_owned(), source }
}

/// What marks the ends of blocks: it must not be likely to occur within one.
fn mark(name: &str) -> [u8; 16] {
    let half = |seed| {
        let mut hasher = twox_hash::XxHash64::with_seed(seed);
        hasher.write(name.as_bytes());
        hasher.finish()
    };
    ((u128::from(half(0)) << 64) | u128::from(half(1))).to_be_bytes()
}
