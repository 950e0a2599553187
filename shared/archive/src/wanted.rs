//! What is to be read of a row group, and how it comes: at once, page by page or as a stream; decompressed or not.

use crate::{
    ArchiveError, LeafSet, OpenFile,
    bytes_source::{BytesSource, Late},
    decode::ColumnPlan,
    pages::{self, HELD_BYTES},
    streams::STREAMED_BYTES,
    unpack::is_unpacked,
};
use parquet::{
    arrow::arrow_reader::RowSelection,
    file::{metadata::ColumnChunkMetaData, page_index::offset_index::PageLocation},
};
use std::ops::Range;

/// A row group whose needed bytes exceed this is not fetched as a whole: its largest columns come bit by bit.
const FETCH_AHEAD_BYTES: u64 = 40 * 1024 * 1024;
/// So much less where many columns are that large: of each a page is held as well once it is decompressed.
const MANY_COLUMNS_BYTES: u64 = 4 * 1024 * 1024;
/// Columns whose pages are decompressed ahead of the decoder, where there are no more that are paged through.
const UNPACKED_COLUMNS: usize = 8;

/// What is to be read of a row group.
#[derive(Default)]
pub(crate) struct Wanted {
    /// Held at once.
    whole: Vec<Range<u64>>,
    /// Columns that are too large for that.
    paged: Vec<pages::Wanted>,
    /// What is done with pages when they are asked for, and not before.
    late: Vec<(Range<u64>, Late)>,
    told: Told,
    /// Chunks so large whose pages nobody knows the places of.
    streamed: Vec<Range<u64>>,
}

/// What the decoder is told of the leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// They are not compressed, as nothing is to be decompressed by the decoder.
    pub plain: Vec<usize>,
    /// Those of them whose pages come as Snappy has left them.
    pub packed: Vec<usize>,
}

impl Wanted {
    /// What is to be read of the given leaves: all, or only the pages that hold selected rows where the file has a page index.
    /// What is too large to be held at once comes bit by bit.
    pub fn of(file: &OpenFile, row_group: usize, leaves: &LeafSet, selection: Option<&RowSelection>) -> Self {
        let metadata = file.metadata.metadata();
        let Some(group) = metadata.row_groups().get(row_group) else { return Self::default() };
        let mask = leaves.mask(file.metadata.parquet_schema());
        let index = metadata.offset_index().and_then(|index| index.get(row_group));
        let columns = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
        let mut parts: Vec<_> = columns
            .map(|(leaf, column)| {
                let locations = index.and_then(|pages| pages.get(leaf)).map(|index| index.page_locations());
                let ranges = chosen_ranges(column, locations.map_or(&[], |locations| locations), selection);
                (leaf, column, ranges)
            })
            .collect();
        let size = |ranges: &[Range<u64>]| -> u64 {
            ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum()
        };
        parts.sort_by_key(|(.., ranges)| size(ranges));
        let total: u64 = parts.iter().map(|(.., ranges)| size(ranges)).sum();
        let all_at_once = total <= FETCH_AHEAD_BYTES;
        let mut left = FETCH_AHEAD_BYTES - HELD_BYTES.max(STREAMED_BYTES);
        let mut sum = 0;
        let fit = parts.iter().take_while(|(.., ranges)| {
            sum += size(ranges);
            sum <= left
        });
        if parts.len() - fit.count() > UNPACKED_COLUMNS {
            left -= MANY_COLUMNS_BYTES;
        }
        let mut wanted = Self::default();
        let images = ColumnPlan::all(&file.metadata, row_group, &mask, false);
        let images: Vec<usize> = images.iter().flat_map(ColumnPlan::images).collect();
        let mut large = parts.len();
        for (leaf, column, ranges) in parts {
            let has_pages = index
                .and_then(|pages| pages.get(leaf))
                .is_some_and(|pages| !pages.page_locations().is_empty());
            let (start, length) = column.byte_range();
            let chunk = start..start.saturating_add(length);
            let is_unpacked = has_pages && is_unpacked(column.compression());
            let fits = all_at_once || size(&ranges) <= left;
            let is_packed = is_unpacked && images.contains(&leaf);
            // Of many columns, the decompressed pages ahead would come to more than is held of them as they are.
            let is_unpacked_ahead = is_unpacked && !is_packed && !fits && large <= UNPACKED_COLUMNS;
            if is_unpacked {
                wanted.told.plain.push(leaf);
            }
            if is_packed {
                wanted.told.packed.push(leaf);
            }
            if is_unpacked && !is_unpacked_ahead {
                wanted.late.push((chunk.clone(), if is_packed { Late::Check } else { Late::Unpack }));
            }
            if fits {
                left = left.saturating_sub(size(&ranges));
                large -= 1;
                wanted.whole.extend(ranges);
            } else if !has_pages {
                wanted.streamed.extend(ranges);
            } else {
                let unpacked = is_unpacked_ahead.then(|| {
                    let (packed, unpacked) = (column.compressed_size(), column.uncompressed_size());
                    unpacked.unsigned_abs().saturating_mul(1000) / packed.unsigned_abs().max(1)
                });
                wanted.paged.push(pages::Wanted { chunk, pages: ranges, unpacked });
            }
        }
        wanted
    }

    /// What of it is held at once, when it is worked on.
    pub fn held_bytes(&self) -> u64 {
        let whole: u64 = self.whole.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        let comes_bit_by_bit = !self.paged.is_empty() || !self.streamed.is_empty();
        whole + if comes_bit_by_bit { HELD_BYTES.max(STREAMED_BYTES) } else { 0 }
    }

    /// Fetches it, or has it fetched.
    pub async fn fetch(self, source: &BytesSource) -> Result<Told, ArchiveError> {
        source.fetch_ahead(self.whole).await?;
        source.stream(self.streamed);
        source.page_through(self.paged);
        source.do_late(self.late);
        Ok(self.told)
    }
}

/// A whole chunk, or its dictionary and the pages that hold selected rows.
fn chosen_ranges(
    column: &ColumnChunkMetaData,
    pages: &[PageLocation],
    selection: Option<&RowSelection>,
) -> Vec<Range<u64>> {
    let (start, length) = column.byte_range();
    let Some(first) = pages.first() else {
        return std::iter::once(start..start.saturating_add(length)).collect();
    };
    // The dictionary page lies before the first data page and is always needed.
    let dictionary = start..first.offset.unsigned_abs().max(start);
    let chosen = match selection {
        Some(selection) => selection.scan_ranges(pages),
        None => pages.iter().map(page_range).collect(),
    };
    std::iter::once(dictionary).chain(chosen).collect()
}

fn page_range(page: &PageLocation) -> Range<u64> {
    let start = page.offset.unsigned_abs();
    start..start.saturating_add(page.compressed_page_size.unsigned_abs().into())
}
