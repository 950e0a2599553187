//! Marks by which things are known again.

use archive::ArchiveFile;
use std::hash::Hasher;
use twox_hash::XxHash64;

/// Grows when nights have to be indexed anew.
const VERSION: u32 = 3;

/// A mark of what a night is known from: its files, and how they are indexed.
pub(crate) fn of_files(files: &[ArchiveFile]) -> String {
    let mut mark = Mark::new();
    for file in files {
        mark.add(&file.path).add(&file.size.to_string()).add(file.etag.as_deref().unwrap_or_default());
    }
    mark.finish()
}

/// A short mark of some texts.
pub(crate) struct Mark(XxHash64);

impl Mark {
    pub(crate) fn new() -> Self {
        let mut mark = Self(XxHash64::with_seed(0));
        mark.add(&VERSION.to_string());
        mark
    }

    pub(crate) fn add(&mut self, text: &str) -> &mut Self {
        self.0.write(&(text.len() as u64).to_le_bytes());
        self.0.write(text.as_bytes());
        self
    }

    pub(crate) fn finish(&self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// The rank of an alert in its class: by its number alone, so that every build draws the same.
pub(crate) fn rank(candid: i64) -> u64 {
    XxHash64::oneshot(0x6e69_6768_7466_6572, &candid.to_le_bytes())
}
