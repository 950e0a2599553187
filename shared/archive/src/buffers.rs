//! Memory that fetched bytes lie in, used again and again: fresh memory has to be cleared by the system first, which costs
//! as much as reading a file that is in memory already.

use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};

/// What is kept for later.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
/// Sizes are rounded up to this, so that one buffer serves many; shorter ones are not kept.
const STEP_BYTES: usize = 128 * 1024;

/// Buffers that wait to be used again.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

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
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that will do, and none that would mostly lie idle.
        let rounded = length.next_multiple_of(STEP_BYTES);
        let fits = |buffer: &Vec<u8>| (rounded..=rounded + rounded / 4).contains(&buffer.len());
        let found = kept.iter().enumerate().filter(|(_, buffer)| fits(buffer));
        let bytes = match found.min_by_key(|(_, buffer)| buffer.len()).map(|(place, _)| place) {
            Some(place) => kept.swap_remove(place),
            None => vec![0; rounded],
        };
        Lent { bytes, length, home }
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
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = kept.iter().map(Vec::len).sum();
        if total + self.bytes.len() <= KEPT_BYTES {
            kept.push(std::mem::take(&mut self.bytes));
        }
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
        assert_eq!(buffers.0.lock().unwrap().len(), KEPT_BYTES / STEP_BYTES);
    }
}
