//! Memory that fetched bytes lie in, used again and again: fresh memory has to be cleared by the system first, which costs
//! as much as reading a file that is in memory already.

use bytes::Bytes;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// What is kept for later while nobody reads: about what is fetched of a row group of light packets, and the pages that it
/// becomes.
const KEPT_BYTES: usize = 32 * 1024 * 1024;
/// Sizes are rounded up to this, so that one buffer serves many; shorter ones are not kept.
const STEP_BYTES: usize = 16 * 1024;

/// Buffers that wait to be used again. With those in use they take no more memory than those in use took at most.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Kept>);

/// The one that has waited longest first.
#[derive(Debug, Default)]
struct Kept {
    buffers: VecDeque<Vec<u8>>,
    /// Their bytes.
    idle: usize,
    /// Bytes of those in use, and the most that these were since none was.
    lent: usize,
    most_lent: usize,
}

/// A buffer in use. Whatever it held before is still in it.
pub(crate) struct Lent {
    bytes: Vec<u8>,
    length: usize,
    home: Arc<Buffers>,
}

impl Buffers {
    /// A buffer of `length` bytes.
    pub fn lend(self: &Arc<Self>, length: usize) -> Lent {
        let home = Arc::clone(self);
        if length < STEP_BYTES {
            return Lent { bytes: vec![0; length], length, home };
        }
        let rounded = length.next_multiple_of(STEP_BYTES);
        let (found, gone) = self.0.lock().unwrap_or_else(PoisonError::into_inner).lend(rounded);
        // Given back to the system while others go on, and before more is taken.
        drop(gone);
        Lent { bytes: found.unwrap_or_else(|| vec![0; rounded]), length, home }
    }
}

impl Kept {
    /// A buffer, unless a new one is to be made; and those that have to go then.
    fn lend(&mut self, length: usize) -> (Option<Vec<u8>>, Vec<Vec<u8>>) {
        let found = self.find(length);
        self.lent += found.as_ref().map_or(length, Vec::len);
        self.most_lent = self.most_lent.max(self.lent);
        (found, self.trim())
    }

    /// The smallest that will do, and none that would mostly lie idle.
    fn find(&mut self, length: usize) -> Option<Vec<u8>> {
        let fits = |buffer: &Vec<u8>| (length..=length + length / 4).contains(&buffer.len());
        let found = self.buffers.iter().enumerate().filter(|(_, buffer)| fits(buffer));
        let (place, _) = found.min_by_key(|(_, buffer)| buffer.len())?;
        let buffer = self.buffers.remove(place)?;
        self.idle -= buffer.len();
        Some(buffer)
    }

    /// Keeps one that was lent; hands back those that there is no room for.
    fn keep(&mut self, buffer: Vec<u8>) -> Vec<Vec<u8>> {
        self.lent = self.lent.saturating_sub(buffer.len());
        if self.lent == 0 {
            self.most_lent = 0;
        }
        self.idle += buffer.len();
        self.buffers.push_back(buffer);
        self.trim()
    }

    /// Those that nobody has wanted for longest and that there is no room for.
    fn trim(&mut self) -> Vec<Vec<u8>> {
        let room = self.most_lent.max(KEPT_BYTES).saturating_sub(self.lent);
        let mut gone = Vec::new();
        while self.idle > room
            && let Some(oldest) = self.buffers.pop_front()
        {
            self.idle -= oldest.len();
            gone.push(oldest);
        }
        gone
    }
}

impl Lent {
    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.length).unwrap_or_default()
    }

    /// The bytes as they are now; with the last part of them that is dropped the buffer goes back.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.length < STEP_BYTES {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let gone = self.home.0.lock().unwrap_or_else(PoisonError::into_inner).keep(bytes);
        // As above.
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_with_its_last_part_and_is_lent_to_who_needs_about_as_much() {
        let buffers = Arc::new(Buffers::default());
        let mut lent = buffers.lend(3_000_000);
        lent.bytes_mut().fill(7);
        let address = lent.as_ref().as_ptr();
        let bytes = lent.freeze();
        let part = bytes.slice(10..20);
        drop(bytes);
        // Still in use.
        let other = buffers.lend(3_000_000);
        assert_ne!(other.as_ref().as_ptr(), address);
        assert_eq!(&part[..], &[7; 10]);
        drop(part);
        assert_ne!(buffers.lend(2_000_000).as_ref().as_ptr(), address);
        let again = buffers.lend(2_900_000);
        assert_eq!((again.as_ref().as_ptr(), again.as_ref().len()), (address, 2_900_000));
    }

    #[test]
    fn no_more_is_kept_than_the_bound_and_nothing_short() {
        let buffers = Arc::new(Buffers::default());
        let lent: Vec<Lent> = (0..KEPT_BYTES / STEP_BYTES + 9).map(|_| buffers.lend(STEP_BYTES)).collect();
        drop(lent);
        drop(buffers.lend(10));
        let kept = buffers.0.lock().unwrap();
        assert_eq!((kept.buffers.len(), kept.idle), (KEPT_BYTES / STEP_BYTES, KEPT_BYTES));
    }

    #[test]
    fn while_some_are_in_use_as_many_are_kept_as_were_at_most_and_then_no_more_than_the_bound() {
        let buffers = Arc::new(Buffers::default());
        let mut lent: Vec<Lent> = (0..9).map(|_| buffers.lend(KEPT_BYTES / 4)).collect();
        let last = lent.pop();
        drop(lent);
        let held = |buffers: &Buffers| {
            let kept = buffers.0.lock().unwrap();
            (kept.buffers.len(), kept.idle + kept.lent)
        };
        assert_eq!(held(&buffers), (8, KEPT_BYTES / 4 * 9));
        // One that none of them will do for takes the place of two.
        let other = buffers.lend(KEPT_BYTES / 2);
        assert_eq!(held(&buffers), (6, KEPT_BYTES / 4 * 9));
        drop((last, other));
        assert_eq!(held(&buffers), (3, KEPT_BYTES));
    }

    #[test]
    fn what_nobody_wants_makes_room() {
        let buffers = Arc::new(Buffers::default());
        drop(buffers.lend(KEPT_BYTES / 2));
        let wanted = buffers.lend(KEPT_BYTES / 3);
        let address = wanted.as_ref().as_ptr();
        drop((buffers.lend(KEPT_BYTES / 4), wanted));
        let kept = buffers.0.lock().unwrap();
        let sizes: Vec<usize> = kept.buffers.iter().map(Vec::len).collect();
        assert_eq!(sizes, [KEPT_BYTES / 4, (KEPT_BYTES / 3).next_multiple_of(STEP_BYTES)]);
        assert_eq!(kept.buffers[1].as_ptr(), address);
    }
}
