//! Memory that fetched bytes lie in, used again and again: fresh memory has to be cleared by the system first, which costs
//! as much as reading a file that is in memory already.

use bytes::Bytes;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// What is kept for later: about what is fetched of a row group of light packets, and the pages that it becomes.
const KEPT_BYTES: usize = 32 * 1024 * 1024;
/// Sizes are rounded up to this, so that one buffer serves many; shorter ones are not kept.
const STEP_BYTES: usize = 16 * 1024;

/// Buffers that wait to be used again.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Kept>);

/// The one that has waited longest first.
#[derive(Debug, Default)]
struct Kept {
    buffers: VecDeque<Vec<u8>>,
    bytes: usize,
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
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).find(rounded);
        Lent { bytes: found.unwrap_or_else(|| vec![0; rounded]), length, home }
    }
}

impl Kept {
    /// The smallest that will do, and none that would mostly lie idle.
    fn find(&mut self, length: usize) -> Option<Vec<u8>> {
        let fits = |buffer: &Vec<u8>| (length..=length + length / 4).contains(&buffer.len());
        let found = self.buffers.iter().enumerate().filter(|(_, buffer)| fits(buffer));
        let (place, _) = found.min_by_key(|(_, buffer)| buffer.len())?;
        let buffer = self.buffers.remove(place)?;
        self.bytes -= buffer.len();
        Some(buffer)
    }

    /// Keeps one more; hands back those that nobody has wanted for longest and that there is no room for.
    fn keep(&mut self, buffer: Vec<u8>) -> Vec<Vec<u8>> {
        self.bytes += buffer.len();
        self.buffers.push_back(buffer);
        let mut gone = Vec::new();
        while self.bytes > KEPT_BYTES
            && let Some(oldest) = self.buffers.pop_front()
        {
            self.bytes -= oldest.len();
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
        // Given back to the system while others go on.
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
        assert_eq!((kept.buffers.len(), kept.bytes), (KEPT_BYTES / STEP_BYTES, KEPT_BYTES));
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
