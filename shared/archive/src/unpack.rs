//! Pages decompressed into memory that is used again, some ahead of the decoder.
//!
//! The crate's decoder would decompress each page into fresh memory, cleared first. It is told that the column is not
//! compressed, and gets each page's header with what the page holds. Done for Snappy, which is what archives have, where a
//! page index tells where pages are.

use crate::{
    buffers::Buffers,
    page_meter::MAX_PAGE_BYTES,
    thrift::{Met, PAGE_HEADER, Trouble, look_over},
};
use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
    basic::Compression,
    errors::ParquetError,
    file::metadata::ParquetMetaDataBuilder,
};
use std::sync::Arc;

const UNCOMPRESSED: &[i16] = &[2];
const COMPRESSED: &[i16] = &[3];
/// Of a page of version 2: the lengths of its two kinds of levels, which are never compressed, and whether the rest is.
const LEVELS: [&[i16]; 2] = [&[8, 5], &[8, 6]];
const IS_COMPRESSED: &[i16] = &[8, 7];

/// What a page's header says of its bytes.
struct Layout {
    header: usize,
    packed: usize,
    unpacked: usize,
    levels: usize,
    is_compressed: bool,
}

/// Whether pages of a column of this codec are decompressed here.
pub(crate) fn is_unpacked(codec: Compression) -> bool {
    matches!(codec, Compression::SNAPPY)
}

/// A page as the decoder gets it: its header, and what it holds.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn unpack(page: &[u8], buffers: &Arc<Buffers>) -> Result<Bytes, String> {
    let Parts { header, levels, values, room, is_compressed } = parts(page)?;
    let mut lent = buffers.lend(header.len() + levels.len() + room);
    let bytes = lent.bytes_mut();
    bytes[..header.len()].copy_from_slice(header);
    let body = &mut bytes[header.len()..];
    body[..levels.len()].copy_from_slice(levels);
    let out = &mut body[levels.len()..];
    let written = match is_compressed {
        // A page without values may have no bytes for them at all.
        _ if room == 0 => 0,
        true => snap::raw::Decoder::new().decompress(values, out).map_err(|error| error.to_string())?,
        false if values.len() == out.len() => {
            out.copy_from_slice(values);
            room
        }
        false => values.len(),
    };
    match written == room {
        true => Ok(lent.freeze()),
        false => Err(format!("a page holds {written} bytes where it claims {room}")),
    }
}

/// Looks over a page that is to stay as Snappy has left it: once decompressed it would hold what its header says. Returns its
/// length.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_packed(page: &[u8]) -> Result<usize, String> {
    let Parts { header, levels, values, room, is_compressed } = parts(page)?;
    let holds = match is_compressed {
        _ if room == 0 && values.is_empty() => 0,
        true => snap::raw::decompress_len(values).map_err(|error| error.to_string())?,
        false => values.len(),
    };
    match holds == room {
        true => Ok(header.len() + levels.len() + values.len()),
        false => Err(format!("a page holds {holds} bytes where it claims {room}")),
    }
}

/// What Snappy has compressed, whose length was looked at.
pub(crate) fn unpack_all(packed: &[u8], buffers: &Arc<Buffers>) -> Result<Bytes, String> {
    let length = snap::raw::decompress_len(packed).map_err(|error| error.to_string())?;
    let mut lent = buffers.lend(length);
    let written = snap::raw::Decoder::new().decompress(packed, lent.bytes_mut());
    match written.map_err(|error| error.to_string())? == length {
        true => Ok(lent.freeze()),
        false => Err("a page holds less than it claims".into()),
    }
}

/// A page, taken apart.
struct Parts<'a> {
    header: &'a [u8],
    levels: &'a [u8],
    values: &'a [u8],
    /// What the values come to, once decompressed.
    room: usize,
    is_compressed: bool,
}

fn parts(page: &[u8]) -> Result<Parts<'_>, String> {
    let layout = layout(page)?;
    let (header, rest) = page.split_at_checked(layout.header).ok_or("a page ends in its header")?;
    let body = rest.get(..layout.packed).ok_or("a page ends before its header says")?;
    let (levels, values) =
        body.split_at_checked(layout.levels).ok_or("a page has fewer levels than it claims")?;
    let room = layout.unpacked.checked_sub(layout.levels).ok_or("a page has more levels than bytes")?;
    Ok(Parts { header, levels, values, room, is_compressed: layout.is_compressed })
}

fn layout(page: &[u8]) -> Result<Layout, String> {
    let (mut packed, mut unpacked, mut levels, mut is_compressed) = (0, 0, 0_u64, true);
    let mut listener = |path: &[i16], met: Met| {
        match met {
            Met::Truth(truth) if path == IS_COMPRESSED => is_compressed = truth,
            Met::Number(number) => {
                let amount = u64::try_from(number);
                let amount = || amount.map_err(|_| format!("the field {path:?} is {number}"));
                if path == COMPRESSED {
                    packed = amount()?;
                } else if path == UNCOMPRESSED {
                    unpacked = amount()?;
                } else if LEVELS.contains(&path) {
                    levels = levels.saturating_add(amount()?);
                }
            }
            _ => {}
        }
        Ok(())
    };
    let header = look_over(page, PAGE_HEADER, &mut listener).map_err(|trouble| match trouble {
        Trouble::Short => "the header of a page does not end".to_owned(),
        Trouble::Nonsense(reason) => format!("the header of a page is nonsense: {reason}"),
    })?;
    if unpacked > MAX_PAGE_BYTES {
        return Err(format!("a page claims {unpacked} bytes, more than {MAX_PAGE_BYTES}"));
    }
    let size = |bytes: u64| usize::try_from(bytes).map_err(|_| format!("a page claims {bytes} bytes"));
    Ok(Layout {
        header,
        packed: size(packed)?,
        unpacked: size(unpacked)?,
        levels: size(levels)?,
        is_compressed,
    })
}

/// What the decoder is told of a file's row group, of which the columns of these numbers come decompressed: the row group
/// alone, so that it is the first.
pub(crate) fn metadata_of(
    file: &ArrowReaderMetadata,
    row_group: usize,
    unpacked: &[usize],
) -> Result<ArrowReaderMetadata, ParquetError> {
    let metadata = file.metadata();
    let mut group = metadata.row_group(row_group).clone().into_builder();
    let columns =
        group.take_columns().into_iter().enumerate().map(|(leaf, column)| match unpacked.contains(&leaf) {
            true => column.into_builder().set_compression(Compression::UNCOMPRESSED).build(),
            false => Ok(column),
        });
    let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
    let group = group.set_column_metadata(columns).build()?;
    let pages =
        metadata.offset_index().and_then(|index| index.get(row_group)).map(|pages| vec![pages.clone()]);
    let alone = ParquetMetaDataBuilder::new(metadata.file_metadata().clone())
        .add_row_group(group)
        .set_offset_index(pages)
        .build();
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(file.schema().clone());
    ArrowReaderMetadata::try_new(Arc::new(alone), options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(field_step: u8, value: u32, out: &mut Vec<u8>) {
        out.push(field_step << 4 | 5);
        let mut left = value << 1;
        while left > 0x7f {
            out.push(left as u8 | 0x80);
            left >>= 7;
        }
        out.push(left as u8);
    }

    /// A page of version 1.
    fn page(packed: u32, unpacked: u32, body: &[u8]) -> Vec<u8> {
        let mut page = Vec::new();
        for (step, value) in [(1, 0), (1, unpacked), (1, packed)] {
            number(step, value, &mut page);
        }
        page.extend([0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0]);
        page.extend(body);
        page
    }

    /// One of version 2, with levels of 3 and 2 bytes.
    fn second_page(packed: u32, unpacked: u32, compressed: bool, body: &[u8]) -> Vec<u8> {
        let mut page = Vec::new();
        for (step, value) in [(1, 3), (1, unpacked), (1, packed)] {
            number(step, value, &mut page);
        }
        page.push(0x5c);
        for (step, value) in [(1, 7), (1, 0), (1, 7), (1, 0), (1, 3), (1, 2)] {
            number(step, value, &mut page);
        }
        page.extend([if compressed { 0x11 } else { 0x12 }, 0, 0]);
        page.extend(body);
        page
    }

    fn snappy(bytes: &[u8]) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(bytes).unwrap()
    }

    #[test]
    fn a_page_comes_with_its_header_and_what_it_holds() {
        let buffers = Arc::new(Buffers::default());
        let held: Vec<u8> = (0..200_000_u32).map(|place| (place % 13) as u8).collect();
        let packed = snappy(&held);
        let first = page(packed.len() as u32, held.len() as u32, &packed);
        let unpacked = unpack(&first, &buffers).unwrap();
        let header = first.len() - packed.len();
        assert_eq!((&unpacked[..header], &unpacked[header..]), (&first[..header], &held[..]));

        let body = [&[9, 8, 7, 6, 5], &packed[..]].concat();
        let second = second_page(body.len() as u32, 5 + held.len() as u32, true, &body);
        let unpacked = unpack(&second, &buffers).unwrap();
        let header = second.len() - body.len();
        assert_eq!(&unpacked[header..], [&[9, 8, 7, 6, 5], &held[..]].concat());
        let body = [&[9, 8, 7, 6, 5], &held[..]].concat();
        let plain = second_page(body.len() as u32, body.len() as u32, false, &body);
        assert_eq!(unpack(&plain, &buffers).unwrap(), plain);

        for page in [&first, &second, &plain] {
            assert_eq!(check_packed(&[&page[..], b"what follows"].concat()), Ok(page.len()));
        }
        let empty = page(0, 0, &[]);
        assert_eq!(check_packed(&empty), Ok(empty.len()));
        assert_eq!(unpack(&empty, &buffers).unwrap(), empty);
    }

    #[test]
    fn a_page_that_lies_is_refused() {
        let buffers = Arc::new(Buffers::default());
        let held = [7; 1000];
        let packed = snappy(&held);
        let size = packed.len() as u32;
        for (wrong, reason) in [
            (page(size, 999, &packed), "output buffer"),
            (page(size, 1001, &packed), "holds 1000 bytes where it claims 1001"),
            (page(size + 1, 1000, &packed), "ends before its header says"),
            (page(size, 2_000_000_000, &packed), "more than"),
            (second_page(4, 1000, true, &packed), "fewer levels"),
            (second_page(size, 4, true, &packed), "more levels than bytes"),
            (second_page(size, 1000, false, &packed), "where it claims 995"),
            (page(size, 1000, &packed)[..5].to_vec(), "does not end"),
            (vec![0x18, 1, 0, 0], "nonsense"),
        ] {
            let told = unpack(&wrong, &buffers).unwrap_err();
            assert!(told.contains(reason), "{told}");
            assert!(check_packed(&wrong).is_err(), "{reason}");
        }
    }
}
