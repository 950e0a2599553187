//! How much the pages claim that a scan is about to decompress: a few bytes may claim gigabytes.

use crate::thrift::{Met, PAGE_HEADER, Trouble, look_over};
use parquet::{basic::Encoding, file::metadata::RowGroupMetaData};
use std::ops::Range;

/// One page, decompressed. Writers aim at 1 MB; a page of cutouts may have some ten.
pub(crate) const MAX_PAGE_BYTES: u64 = 128 * 1024 * 1024;
/// All pages that are held while one batch is decoded, decompressed.
const MAX_HELD_BYTES: u64 = 1024 * 1024 * 1024;
/// What a member of a list takes besides its page: its two levels and its value. A run of the same is a few bytes.
const MEMBER_BYTES: u64 = 12;
/// What a value outside lists takes besides its page: its level, which a run of the same may stand for. Values are taken
/// batch by batch, but levels are read page by page.
const LEVEL_BYTES: u64 = 1;
/// What a text of a dictionary takes besides its bytes; the decoder makes room for as many as are claimed.
const ENTRY_BYTES: u64 = 24;

const KIND: &[i16] = &[1];
const UNCOMPRESSED: &[i16] = &[2];
const DICTIONARY_PAGE: i64 = 2;
/// The numbers of values of a data page, of a dictionary, of a data page of version 2.
const VALUES: [&[i16]; 3] = [&[5, 1], &[7, 1], &[8, 1]];

/// The encoding of a data page, in both versions.
const ENCODINGS: [&[i16]; 2] = [&[5, 2], &[8, 4]];
/// Encodings whose counts stand within the page, where the decoder makes room for them unseen; and the second may make
/// texts of any length of few bytes.
const UNCHECKED: [(i64, Encoding); 2] =
    [(6, Encoding::DELTA_LENGTH_BYTE_ARRAY), (7, Encoding::DELTA_BYTE_ARRAY)];

/// Why a column of this encoding is not read, if it is not.
pub(crate) fn refused_encoding(encoding: Encoding) -> Option<String> {
    let refused = UNCHECKED.iter().any(|(_, unchecked)| *unchecked == encoding);
    refused.then(|| {
        format!("it is encoded as {encoding}, whose lengths cannot be checked; write it plain or with a dictionary")
    })
}

/// What a page's header claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Claim {
    is_dictionary: bool,
    bytes: u64,
    values: u64,
    encoding: Option<Encoding>,
}

/// The pages that a scan of some columns holds.
#[derive(Debug, Default)]
pub(crate) struct PageMeter {
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    column: String,
    range: Range<u64>,
    /// A row may have many values.
    repeats: bool,
    /// Rows of its row group.
    rows: u64,
    /// Pages are read whole, by their index.
    indexed: bool,
    dictionary: u64,
    page: u64,
    /// Pages that the batch has done with: its values may still lie in them.
    before: u64,
}

impl PageMeter {
    /// A meter for the columns of a row group that `wanted` names by number.
    pub(crate) fn new(group: &RowGroupMetaData, indexed: bool, wanted: impl Fn(usize) -> bool) -> Self {
        let columns = group.columns().iter().enumerate().filter(|(leaf, _)| wanted(*leaf));
        let mut chunks: Vec<Chunk> = columns
            .map(|(_, column)| {
                let (start, length) = column.byte_range();
                Chunk {
                    column: column.column_path().string(),
                    range: start..start.saturating_add(length),
                    repeats: column.column_descr().max_rep_level() > 0,
                    rows: group.num_rows().unsigned_abs(),
                    indexed,
                    dictionary: 0,
                    page: 0,
                    before: 0,
                }
            })
            .collect();
        chunks.sort_by_key(|chunk| chunk.range.start);
        Self { chunks }
    }

    /// The batch is handed on: of its pages only the last of each column may still be held.
    pub(crate) fn next_batch(&mut self) {
        for chunk in &mut self.chunks {
            chunk.before = 0;
        }
    }

    /// Whether the column at this place reads its pages whole.
    pub(crate) fn reads_whole_pages(&self, at: u64) -> bool {
        self.position(at).and_then(|chunk| self.chunks.get(chunk)).is_some_and(|chunk| chunk.indexed)
    }

    /// The name of the column that this place lies in.
    pub(crate) fn column_at(&self, at: u64) -> String {
        let chunk = self.position(at).and_then(|chunk| self.chunks.get(chunk));
        chunk.map_or_else(String::new, |chunk| chunk.column.clone())
    }

    /// Where the column ends that this place lies in.
    pub(crate) fn end_of_column(&self, at: u64) -> Option<u64> {
        self.position(at).and_then(|chunk| self.chunks.get(chunk)).map(|chunk| chunk.range.end)
    }

    /// Looks at the header of a page. `None`: the bytes end before it does.
    pub(crate) fn page(&mut self, at: u64, header: &[u8]) -> Option<Result<(), String>> {
        let position = self.position(at)?;
        let chunk = self.chunks.get_mut(position)?;
        let claim = match claim_of(header) {
            Ok(claim) => claim,
            Err(Trouble::Short) => return None,
            Err(Trouble::Nonsense(reason)) => {
                return Some(Err(format!(
                    "column {}: the header of a page is nonsense: {reason}",
                    chunk.column
                )));
            }
        };
        if claim.bytes > MAX_PAGE_BYTES {
            let (column, bytes) = (&chunk.column, claim.bytes);
            let reason = format!("column {column}: a page claims {bytes} bytes, more than {MAX_PAGE_BYTES}");
            return Some(Err(reason));
        }
        if let Some(reason) = claim.encoding.and_then(refused_encoding) {
            return Some(Err(format!("column {}: {reason}", chunk.column)));
        }
        if claim.is_dictionary && claim.values > claim.bytes {
            let (column, values, bytes) = (&chunk.column, claim.values, claim.bytes);
            return Some(Err(format!(
                "column {column}: its dictionary claims {values} values in {bytes} bytes"
            )));
        }
        if !claim.is_dictionary && !chunk.repeats && claim.values > chunk.rows {
            let (column, values, rows) = (&chunk.column, claim.values, chunk.rows);
            return Some(Err(format!(
                "column {column}: a page claims {values} values in a row group of {rows} rows"
            )));
        }
        let members = if claim.is_dictionary {
            claim.values.saturating_mul(ENTRY_BYTES)
        } else if chunk.repeats {
            claim.values.saturating_mul(MEMBER_BYTES)
        } else {
            claim.values.saturating_mul(LEVEL_BYTES)
        };
        let cost = claim.bytes.saturating_add(members);
        if claim.is_dictionary {
            chunk.dictionary = cost;
        } else {
            chunk.before = chunk.before.saturating_add(chunk.page);
            chunk.page = cost;
        }
        let column = chunk.column.clone();
        let held = self.chunks.iter().fold(0_u64, |held, chunk| {
            held.saturating_add(chunk.dictionary).saturating_add(chunk.page).saturating_add(chunk.before)
        });
        match held > MAX_HELD_BYTES {
            true => Some(Err(format!(
                "column {column}: the pages of one batch of rows come to {held} bytes, more than {MAX_HELD_BYTES}"
            ))),
            false => Some(Ok(())),
        }
    }

    fn position(&self, at: u64) -> Option<usize> {
        let position = self.chunks.partition_point(|chunk| chunk.range.start <= at).checked_sub(1)?;
        self.chunks.get(position).filter(|chunk| at < chunk.range.end)?;
        Some(position)
    }
}

fn claim_of(header: &[u8]) -> Result<Claim, Trouble> {
    let mut claim = Claim::default();
    let mut listener = |path: &[i16], met: Met| {
        let Met::Number(number) = met else { return Ok(()) };
        if path == KIND {
            claim.is_dictionary = number == DICTIONARY_PAGE;
            return Ok(());
        }
        let amount = u64::try_from(number).map_err(|_| format!("the field {path:?} is {number}"));
        if path == UNCOMPRESSED {
            claim.bytes = amount?;
        } else if ENCODINGS.contains(&path) {
            let encoding = UNCHECKED.iter().find(|(unchecked, _)| *unchecked == number);
            claim.encoding = encoding.map(|(_, encoding)| *encoding);
        } else if VALUES.contains(&path) {
            claim.values = claim.values.max(amount?);
        }
        Ok(())
    };
    look_over(header, PAGE_HEADER, &mut listener)?;
    Ok(claim)
}
