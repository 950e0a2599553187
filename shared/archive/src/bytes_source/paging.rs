//! Columns that are paged through: their wanted pages in order, on their way before the decoder asks for them.

use super::{BytesSource, lock};
use crate::{
    ArchiveError,
    pages::{Pages, Piece, Wanted},
    unpack::unpack,
};
use bytes::Bytes;
use parquet::errors::ParquetError;
use std::{collections::HashMap, ops::Range};
use tokio::task::{JoinError, JoinHandle};

/// Columns that are paged through, and what of them is on its way.
#[derive(Default)]
pub(super) struct Paging {
    pages: Pages,
    coming: HashMap<Piece, Coming>,
}

/// Bytes on their way; nobody fetches what nobody waits for any more.
pub(super) struct Coming(JoinHandle<Result<Parts, ArchiveError>>);

/// A piece as it is kept: as a whole, or its pages one by one.
type Parts = Vec<(Range<u64>, Bytes)>;

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Paging {
    pub fn of(columns: Vec<Wanted>) -> Self {
        Self { pages: Pages::new(columns), ..Self::default() }
    }
}

impl BytesSource {
    /// The bytes from `start` to `end` of a page that is paged through; none if they are of no such page. Has the next ones
    /// fetched meanwhile.
    pub(super) fn paged(&self, start: u64, end: u64) -> Result<Option<Bytes>, ParquetError> {
        let mut paging = lock(&self.0.paging);
        let unpacked = paging.pages.is_unpacked(start);
        let Some(piece) = paging.pages.piece_of(start, end) else {
            drop(paging);
            // Nobody should ask for it, but it must not come as it lies in the file.
            return if unpacked { self.page_alone(start..end).map(Some) } else { Ok(None) };
        };
        for ordered in paging.pages.order(&piece) {
            let coming = self.fetch_apart(&ordered, paging.pages.to_unpack(&ordered));
            paging.coming.insert(ordered, coming);
        }
        let found = paging.pages.find(&piece, start, end);
        if found.is_some() {
            return Ok(found);
        }
        let coming = paging.coming.remove(&piece);
        // One that was let go already is fetched again.
        let mut coming = coming.unwrap_or_else(|| self.fetch_apart(&piece, paging.pages.to_unpack(&piece)));
        drop(paging);
        let came = self.0.runtime.block_on(&mut coming.0);
        let came = came.unwrap_or_else(|error| Err(self.broken_off(error)));
        let came = came.map_err(|error| self.failed(error))?;
        let mut paging = lock(&self.0.paging);
        for (range, bytes) in came {
            paging.pages.came(&piece, range, bytes);
        }
        match paging.pages.find(&piece, start, end) {
            None if unpacked => {
                let reason = format!("bytes {start} to {end} are asked for, which are not one page");
                Err(ParquetError::General(reason))
            }
            found => Ok(found),
        }
    }

    /// Has the first pages of all columns fetched, before the decoder asks for any.
    pub(crate) fn begin_paging(&self) {
        let mut paging = lock(&self.0.paging);
        for piece in paging.pages.begin() {
            let coming = self.fetch_apart(&piece, paging.pages.to_unpack(&piece));
            paging.coming.insert(piece, coming);
        }
    }

    /// Whether few of the pages are still to be read, if there are any.
    pub(crate) fn is_ending(&self) -> bool {
        lock(&self.0.paging).pages.are_ending()
    }

    /// A page that nobody wanted, decompressed.
    fn page_alone(&self, page: Range<u64>) -> Result<Bytes, ParquetError> {
        let fetched = self.0.runtime.block_on(self.get(page.clone()));
        let unpacked = fetched.and_then(|bytes| self.unpack(page.start, &bytes, [page].into()));
        let unpacked = unpacked.map_err(|error| self.failed(error))?;
        Ok(unpacked.into_iter().map(|(_, bytes)| bytes).next().unwrap_or_default())
    }

    /// Fetches a piece while the decoder goes on, and decompresses these pages of it, if there are any.
    fn fetch_apart(&self, piece: &Piece, pages: Vec<Range<u64>>) -> Coming {
        let (source, places, range) = (self.clone(), self.0.places.clone(), piece.range.clone());
        Coming(self.0.runtime.spawn(async move {
            let _place = places.acquire().await;
            let bytes = source.get(range.clone()).await?;
            if pages.is_empty() {
                return Ok(vec![(range, bytes)]);
            }
            let unpacking = source.clone();
            let unpacked = tokio::task::spawn_blocking(move || unpacking.unpack(range.start, &bytes, pages));
            unpacked.await.unwrap_or_else(|error| Err(source.broken_off(error)))
        }))
    }

    /// A panic is the file's fault. That a process ends is nobody's, and another goes on.
    pub(crate) fn broken_off(&self, error: JoinError) -> ArchiveError {
        if error.is_panic() {
            return ArchiveError::damaged(self.path(), "its pages hold what cannot be decompressed");
        }
        let source = Box::new(error);
        ArchiveError::store(&self.0.path, object_store::Error::Generic { store: "archive", source })
    }

    /// What came of looking at the page at this place.
    pub(super) fn page<T>(&self, start: u64, looked: Result<T, String>) -> Result<T, ParquetError> {
        looked.map_err(|reason| {
            let column = lock(&self.0.meter).column_at(start);
            self.complain(format!("column {column}: {reason}"))
        })
    }

    /// Decompresses these pages of the bytes from `base` on.
    fn unpack(&self, base: u64, bytes: &[u8], pages: Vec<Range<u64>>) -> Result<Parts, ArchiveError> {
        let unpacked = pages.into_iter().map(|page| {
            let within = (page.start - base) as usize..(page.end - base) as usize;
            let packed = bytes.get(within).ok_or_else(|| "a page lies elsewhere".to_owned());
            let unpacked = packed.and_then(|packed| unpack(packed, &self.0.archive.buffers));
            let damaged = |reason| {
                let column = lock(&self.0.meter).column_at(page.start);
                ArchiveError::damaged(self.path(), format!("column {column}: {reason}"))
            };
            Ok((page.clone(), unpacked.map_err(damaged)?))
        });
        unpacked.collect()
    }
}
