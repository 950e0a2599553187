//! The pages of columns that are too large to be held at once: each column's come a few at a time, in their order and ahead
//! of the decoder, and those that nobody wants stay where they are.
//!
//! Columns are decoded side by side, so all are served side by side: whenever the decoder asks, whoever has less than its
//! share left is given more, and nobody waits for the piece behind the one that is being read. What was read is let go. This
//! module says what is to be fetched and keeps what came; it fetches nothing itself.

use bytes::Bytes;
use std::{collections::VecDeque, ops::Range};

/// What all columns may hold together, unless there are so many that each holds its least.
pub(crate) const HELD_BYTES: u64 = 24 * 1024 * 1024;
/// What a column has ahead of the decoder at least, and at most, as far as whole pages allow.
const LEAST_SHARE: u64 = 256 * 1024;
const MOST_SHARE: u64 = 8 * 1024 * 1024;
/// No more than this is asked for ahead of the decoder, however many columns there are and however large their pages.
const MOST_AHEAD: u64 = 48 * 1024 * 1024;
/// Of more columns than this each has a decompressed page as well: less of them comes while the row group before is read.
const FEW_COLUMNS: usize = 8;
/// Pages of a column that lie closer than this are fetched together.
const GAP_BYTES: u64 = 64 * 1024;

/// What is wanted of a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Where all of it lies.
    pub chunk: Range<u64>,
    /// Its pages that are wanted, with that of its dictionary.
    pub pages: Vec<Range<u64>>,
    /// They are to be decompressed when they come: then so many bytes become of a thousand.
    pub unpacked: Option<u64>,
}

/// The same, in order, and what became of it.
#[derive(Debug)]
struct Column {
    wanted: Wanted,
    /// What it has ahead.
    share: u64,
    /// One request each.
    pieces: Vec<Range<u64>>,
    /// The first that was not asked for yet.
    next: usize,
    /// The one that is being read.
    current: usize,
    /// Up to where.
    read: u64,
    held: VecDeque<Held>,
}

/// Bytes of the file, which are more once they are decompressed.
#[derive(Debug)]
struct Held {
    range: Range<u64>,
    bytes: Bytes,
}

/// The columns of a row group, in order.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    columns: Vec<Column>,
}

/// What is fetched at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Piece {
    column: usize,
    number: usize,
    /// Its bytes.
    pub range: Range<u64>,
}

impl Wanted {
    /// Bytes of its pages.
    fn size(&self) -> u64 {
        self.pages.iter().fold(0, |size, page| size.saturating_add(page.end.saturating_sub(page.start)))
    }
}

impl Column {
    fn new(mut wanted: Wanted, share: u64) -> Self {
        wanted.pages.retain(|page| page.start < page.end);
        wanted.pages.sort_by_key(|page| page.start);
        // What is held counts, not what it was.
        let share = (share * 1000 / wanted.unpacked.unwrap_or(1000).max(1000)).max(LEAST_SHARE);
        let mut pieces: Vec<Range<u64>> = Vec::new();
        for page in &wanted.pages {
            match pieces.last_mut() {
                // A page lies in one piece.
                Some(last) if page.start <= last.end + GAP_BYTES && page.end <= last.start + share / 2 => {
                    last.end = last.end.max(page.end);
                }
                _ => pieces.push(page.clone()),
            }
        }
        Self { wanted, share, pieces, next: 0, current: 0, read: 0, held: VecDeque::new() }
    }

    /// Bytes that were asked for and are not read yet.
    fn unread(&self) -> u64 {
        let ahead = self.pieces.get(self.current..self.next).unwrap_or_default();
        ahead.iter().map(|piece| piece.end.saturating_sub(piece.start.max(self.read))).sum()
    }

    /// The next pieces, until a share is ahead and the piece behind the one that is being read, which may be a dictionary;
    /// of up to `most` bytes in all. From now on they have been asked for.
    fn order(&mut self, column: usize, most: u64) -> Vec<Piece> {
        let (mut ahead, mut ordered, mut pieces) = (self.unread(), 0, Vec::new());
        while let Some(range) = self.pieces.get(self.next) {
            let size = range.end - range.start;
            let has_its_share = ahead >= self.share && self.next > self.current + 1;
            if has_its_share || ordered + size > most {
                break;
            }
            ordered += size;
            ahead += size;
            pieces.push(Piece { column, number: self.next, range: range.clone() });
            self.next += 1;
        }
        pieces
    }
}

impl Pages {
    /// Of these columns; nothing is held yet.
    pub fn new(columns: Vec<Wanted>) -> Self {
        // A share is ahead, and at most half of one comes more at once.
        let most = HELD_BYTES * 2 / 3;
        // By their sizes: images come as soon as the many small columns beside them.
        let total = columns.iter().fold(0, |total: u64, wanted| total.saturating_add(wanted.size()));
        let columns = columns.into_iter().map(|wanted| {
            let share = u128::from(most) * u128::from(wanted.size()) / u128::from(total.max(1));
            Column::new(wanted, (share as u64).clamp(LEAST_SHARE, MOST_SHARE))
        });
        let mut columns: Vec<Column> = columns.filter(|column| !column.pieces.is_empty()).collect();
        columns.sort_by_key(|column| column.wanted.chunk.start);
        Self { columns }
    }

    fn column_at(&self, position: u64) -> Option<(usize, &Column)> {
        let begins = |column: &Column| column.wanted.chunk.start <= position;
        let number = self.columns.partition_point(begins).checked_sub(1)?;
        let column = self.columns.get(number).filter(|column| position < column.wanted.chunk.end)?;
        Some((number, column))
    }

    /// Whether what lies there comes decompressed, and so by whole pages alone.
    pub fn is_unpacked(&self, position: u64) -> bool {
        self.column_at(position).is_some_and(|(_, column)| column.wanted.unpacked.is_some())
    }

    /// The piece that the bytes from `start` to `end` lie in; none where nobody wanted them.
    pub fn piece_of(&self, start: u64, end: u64) -> Option<Piece> {
        let (column, Column { pieces, .. }) = self.column_at(start)?;
        let number = pieces.partition_point(|piece| piece.start <= start).checked_sub(1)?;
        let range = pieces.get(number).filter(|range| end <= range.end)?.clone();
        Some(Piece { column, number, range })
    }

    /// The pages in a piece that are to be decompressed; none if it is to be kept as it comes.
    pub fn to_unpack(&self, piece: &Piece) -> Vec<Range<u64>> {
        let wanted = self.columns.get(piece.column).map(|column| &column.wanted);
        let wanted = wanted.filter(|wanted| wanted.unpacked.is_some());
        let pages = wanted.iter().flat_map(|wanted| &wanted.pages);
        pages.filter(|page| piece.range.contains(&page.start)).cloned().collect()
    }

    /// What is to be fetched before anything is read.
    pub fn begin(&mut self) -> Vec<Piece> {
        let most = if self.columns.len() > FEW_COLUMNS { HELD_BYTES / 2 } else { HELD_BYTES };
        self.order_more(Vec::new(), most)
    }

    /// What is to be fetched now that `piece` is being read: that one first, if it was not asked for before.
    pub fn order(&mut self, piece: &Piece) -> Vec<Piece> {
        let mut ordered = Vec::new();
        if let Some(column) = self.columns.get_mut(piece.column) {
            if column.next <= piece.number {
                column.next = piece.number + 1;
                ordered.push(piece.clone());
            }
            column.current = piece.number;
        }
        self.order_more(ordered, MOST_AHEAD)
    }

    fn order_more(&mut self, mut ordered: Vec<Piece>, most: u64) -> Vec<Piece> {
        let mut ahead: u64 = self.columns.iter().map(Column::unread).sum();
        for (number, column) in self.columns.iter_mut().enumerate() {
            let more = column.order(number, most.saturating_sub(ahead));
            ahead += more.iter().map(|piece| piece.range.end - piece.range.start).sum::<u64>();
            ordered.extend(more);
        }
        ordered
    }

    /// Whether so little is left to be read that what comes after this row group may be fetched as well.
    pub fn are_ending(&self) -> bool {
        let all_ordered = self.columns.iter().all(|column| column.next >= column.pieces.len());
        all_ordered && self.columns.iter().map(Column::unread).sum::<u64>() <= HELD_BYTES / 2
    }

    /// The bytes from `start` to `end`, if they are held; a page that was decompressed as a whole. They are let go with
    /// what lies before them: each page is read once.
    pub fn find(&mut self, piece: &Piece, start: u64, end: u64) -> Option<Bytes> {
        let column = self.columns.get_mut(piece.column)?;
        let held = column.held.iter().find(|held| held.range.start <= start && end <= held.range.end)?;
        let found = match column.wanted.unpacked {
            None => held.bytes.slice((start - held.range.start) as usize..(end - held.range.start) as usize),
            Some(_) if held.range == (start..end) => held.bytes.clone(),
            Some(_) => return None,
        };
        column.read = column.read.max(end);
        column.held.retain(|held| held.range.end > end);
        Some(found)
    }

    /// Some of a piece has come: all of it, or its pages one by one.
    pub fn came(&mut self, piece: &Piece, range: Range<u64>, bytes: Bytes) {
        if let Some(column) = self.columns.get_mut(piece.column) {
            column.held.push_back(Held { range, bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// A file whose bytes tell their places.
    fn byte_at(place: u64) -> u8 {
        (place % 251) as u8
    }

    /// Pages one after the other.
    fn column(start: u64, sizes: &[u64]) -> Vec<Range<u64>> {
        let mut at = start;
        let pages = sizes.iter().map(|size| {
            let page = at..at + size;
            at = page.end;
            page
        });
        pages.collect()
    }

    fn wanted_of(pages: &[Range<u64>]) -> Wanted {
        let ends = (pages.first().map_or(0, |page| page.start), pages.last().map_or(0, |page| page.end));
        Wanted { chunk: ends.0..ends.1, pages: pages.to_vec(), unpacked: None }
    }

    /// A decoder and its store.
    struct Reading {
        pages: Pages,
        coming: HashMap<Piece, Bytes>,
        fetched: Vec<Range<u64>>,
    }

    impl Reading {
        fn read(&mut self, page: &Range<u64>) -> Bytes {
            let piece = self.pages.piece_of(page.start, page.end).unwrap();
            for ordered in self.pages.order(&piece) {
                self.fetched.push(ordered.range.clone());
                let bytes: Vec<u8> = ordered.range.clone().map(byte_at).collect();
                assert_eq!(self.coming.insert(ordered, bytes.into()), None);
            }
            if let Some(bytes) = self.coming.remove(&piece) {
                self.pages.came(&piece, piece.range.clone(), bytes);
            }
            self.pages.find(&piece, page.start, page.end).unwrap()
        }

        fn held(&self) -> usize {
            let held = self.pages.columns.iter().flat_map(|column| &column.held).map(|held| held.bytes.len());
            held.chain(self.coming.values().map(Bytes::len)).sum()
        }
    }

    #[test]
    fn wanted_pages_are_fetched_once_and_no_others() {
        let sizes: Vec<u64> = (0..60).map(|page| 300_000 + page * 7919 % 900_000).collect();
        let all = [column(1_000, &sizes), column(80_000_000, &sizes[..31]), column(200_000_000, &[50; 40])];
        let wanted = all.each_ref().map(|pages| {
            let chosen = pages.iter().enumerate().filter(|(page, _)| page % 3 != 1 || *page < 9);
            chosen.map(|(_, page)| page.clone()).collect::<Vec<_>>()
        });
        let pages = Pages::new(wanted.iter().map(|pages| wanted_of(pages)).collect());
        let mut reading = Reading { pages, coming: HashMap::new(), fetched: Vec::new() };
        // Side by side, at the pace of their rows.
        let steps = wanted.iter().map(Vec::len).max().unwrap();
        for step in 0..steps {
            for column in &wanted {
                for page in &column[step * column.len() / steps..(step + 1) * column.len() / steps] {
                    let found = reading.read(page);
                    assert!(found.iter().copied().eq(page.clone().map(byte_at)));
                }
            }
            assert!(reading.held() as u64 <= HELD_BYTES + 3 * 1_200_000, "{}", reading.held());
        }
        let needed: u64 = wanted.iter().flatten().map(|page| page.end - page.start).sum();
        let total: u64 = reading.fetched.iter().map(|piece| piece.end - piece.start).sum();
        // The pages of 50 bytes lie so close that those between them come along.
        assert!((needed..needed + 1_000).contains(&total), "{total} of {needed}");
        reading.fetched.sort_by_key(|piece| piece.start);
        assert!(reading.fetched.windows(2).all(|two| two[0].end <= two[1].start), "none comes twice");
        assert_eq!(reading.held(), 0, "what was read is let go");
    }

    #[test]
    fn the_next_are_asked_for_before_the_last_is_read() {
        let mut pages = Pages::new(vec![wanted_of(&column(0, &[1_000_000; 50]))]);
        let first = pages.piece_of(0, 1_000_000).unwrap();
        let ordered = pages.order(&first);
        assert!(ordered.len() > 1 && ordered[0] == first);
        assert_eq!(pages.order(&first), [], "not twice");
        // Less than a share is left by then.
        let last = ordered.last().unwrap().clone();
        assert_eq!(pages.order(&last)[0].number, last.number + 1);
        assert_eq!(pages.find(&last, last.range.start, last.range.end), None);
        pages.came(&last, last.range.clone(), vec![0; (last.range.end - last.range.start) as usize].into());
        pages.find(&last, last.range.start, last.range.end).unwrap();
        assert_eq!(pages.find(&first, 0, 10), None, "it never came");
    }

    #[test]
    fn behind_a_dictionary_larger_than_a_share_the_first_page_comes_with_it() {
        let columns =
            (0..30).map(|number| wanted_of(&column(number * 10_000_000, &[1_000_000, 300_000, 300_000])));
        let mut pages = Pages::new(columns.collect());
        assert!(pages.columns.iter().all(|column| column.share < 1_000_000));
        let first = pages.piece_of(0, 1_000_000).unwrap();
        let mut ordered: Vec<(usize, usize)> =
            pages.order(&first).iter().map(|piece| (piece.column, piece.number)).collect();
        ordered.sort_unstable();
        let expected: Vec<_> = (0..30).flat_map(|column| [(column, 0), (column, 1)]).collect();
        assert_eq!(ordered, expected);
        // And so on: the third when the second is asked for.
        let second = pages.piece_of(1_000_000, 1_300_000).unwrap();
        assert_eq!(pages.order(&second).first().map(|piece| (piece.column, piece.number)), Some((0, 2)));
    }

    #[test]
    fn the_end_is_near_once_all_is_asked_for_and_little_unread() {
        let all = column(0, &[3_000_000; 9]);
        let pages = Pages::new(vec![wanted_of(&all)]);
        let mut reading = Reading { pages, coming: HashMap::new(), fetched: Vec::new() };
        let mut near = vec![reading.pages.are_ending()];
        for page in &all {
            reading.read(page);
            near.push(reading.pages.are_ending());
        }
        let first = near.iter().position(|near| *near).unwrap();
        assert!(near[first..].iter().all(|near| *near) && (2..9).contains(&first), "{near:?}");
        assert!((9 - first) * 3_000_000 <= HELD_BYTES as usize / 2);
        assert!(Pages::default().are_ending());
    }

    #[test]
    fn no_more_is_asked_for_ahead_than_may_be_held_however_much_there_is() {
        // A thousand columns, each of pages of 10 MB.
        let columns = (0..1000).map(|number| wanted_of(&column(number * 100_000_000, &[10_000_000; 10])));
        let mut pages = Pages::new(columns.collect());
        let first = pages.piece_of(0, 10_000_000).unwrap();
        let ordered: u64 = pages.order(&first).iter().map(|piece| piece.range.end - piece.range.start).sum();
        assert!((40_000_000..=MOST_AHEAD).contains(&ordered), "{ordered}");
        // What is being read is asked for whatever else is held.
        let last = pages.piece_of(999 * 100_000_000, 999 * 100_000_000 + 10).unwrap();
        assert_eq!(pages.order(&last), std::slice::from_ref(&last));
    }

    #[test]
    fn pages_close_by_come_in_one_request_and_pages_apart_do_not() {
        let near = [0..1_000, 2_000..3_000, 3_000 + GAP_BYTES..4_000 + GAP_BYTES];
        let joined = Column::new(wanted_of(&near), 2 * LEAST_SHARE).pieces;
        assert_eq!((joined.len(), &joined[0]), (1, &(0..4_000 + GAP_BYTES)));
        let apart = [0..1_000, 1_001 + GAP_BYTES..2_000 + GAP_BYTES];
        assert_eq!(Column::new(wanted_of(&apart), 2 * LEAST_SHARE).pieces, apart);
        // Nor more than that, but for a page that is larger.
        let long = [0..200_000, 200_000..300_000, 300_000..900_000];
        assert_eq!(Column::new(wanted_of(&long), 2 * LEAST_SHARE).pieces, long);
    }

    #[test]
    fn what_is_decompressed_comes_by_whole_pages_and_counts_as_what_it_becomes() {
        let pages = column(0, &[1_000_000; 20]);
        let wanted = Wanted { unpacked: Some(4_000), ..wanted_of(&pages) };
        let mut pages = Pages::new(vec![wanted]);
        let first = pages.piece_of(0, 1_000_000).unwrap();
        let ordered: u64 = pages.order(&first).iter().map(|piece| piece.range.end - piece.range.start).sum();
        assert!(ordered <= HELD_BYTES / 4, "{ordered}");
        for page in pages.to_unpack(&first) {
            pages.came(&first, page.clone(), vec![7; 4_000_000].into());
        }
        assert_eq!(pages.find(&first, 0, 1_000_000).unwrap().len(), 4_000_000);
        assert_eq!(pages.find(&first, 10, 1_000_000), None);
        assert!(pages.is_unpacked(19_999_999) && !pages.is_unpacked(20_000_000));
    }

    #[test]
    fn what_nobody_wanted_is_not_known() {
        let wanted = [&[100..200, 500_000..500_100][..], &[]];
        let pages = Pages::new(wanted.map(wanted_of).to_vec());
        assert_eq!(pages.piece_of(100, 201), None);
        assert_eq!(pages.piece_of(90, 110), None);
        assert_eq!(pages.piece_of(300, 310), None);
        assert!(pages.piece_of(100, 110).is_some());
        assert_eq!(Pages::default().piece_of(0, 1), None);
    }
}
