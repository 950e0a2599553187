//! Buffers for answers, lent from one answer to the next: making the system find fresh memory for every large answer costs
//! more than filling it.

use std::sync::Mutex;

use bytes::BytesMut;

use crate::locked::locked;

/// Buffers kept at most, for all connections together.
const KEPT: usize = 4;
/// A buffer that grew beyond this is not kept.
const KEPT_BYTES: usize = 10 << 20;

/// The buffers nobody has at the moment.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<BytesMut>>);

impl Buffers {
    /// An empty buffer, which may have room already.
    pub(crate) fn take(&self) -> BytesMut {
        locked(&self.0).pop().unwrap_or_default()
    }

    /// Takes a buffer back, or lets it go if there are enough.
    pub(crate) fn give(&self, mut buffer: BytesMut) {
        let mut kept = locked(&self.0);
        if kept.len() < KEPT && buffer.capacity() <= KEPT_BYTES {
            buffer.clear();
            kept.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_buffers_of_bounded_size_are_kept() {
        let buffers = Buffers::default();
        for bytes in [100, 200, KEPT_BYTES + 1, 300, 400, 500] {
            buffers.give(BytesMut::zeroed(bytes));
        }
        let kept: Vec<_> = (0..6).map(|_| buffers.take()).collect();
        assert!(kept.iter().all(BytesMut::is_empty));
        assert_eq!(kept.iter().filter(|buffer| buffer.capacity() > 0).count(), KEPT);
    }
}
