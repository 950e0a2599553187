//! An allocator that counts, and ends the process when an input takes too much.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

/// Passes everything on to the system's allocator.
pub struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static CEILING: AtomicUsize = AtomicUsize::new(usize::MAX);
static OVER: AtomicBool = AtomicBool::new(false);

/// Begins an input: what is live now is not the input's. Over `allowance` bytes more, the process ends.
pub fn begin(allowance: usize) -> usize {
    let live = LIVE.load(Relaxed);
    PEAK.store(live, Relaxed);
    CEILING.store(live.saturating_add(allowance), Relaxed);
    live
}

/// The most that was live since [`begin`], less what was live then.
pub fn end(begun: usize) -> usize {
    CEILING.store(usize::MAX, Relaxed);
    PEAK.load(Relaxed).saturating_sub(begun)
}

fn grow(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
    if live > CEILING.load(Relaxed) && !OVER.swap(true, Relaxed) {
        // What follows allocates: once, and without a ceiling.
        CEILING.store(usize::MAX, Relaxed);
        crate::child::give_up(&format!("asked for memory: {bytes} bytes more, {live} in all"));
    }
}

#[expect(
    unsafe_code,
    reason = "an allocator cannot be written without; every call goes to the system's unchanged"
)]
// SAFETY: pointers and layouts are passed on as they come.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}
