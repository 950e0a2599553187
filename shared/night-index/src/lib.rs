//! What an archive holds, night by night, without opening its files: counts, sizes, bounds, and a sample of each night.
//!
//! ```text
//! index/nights/2026-03-22.json              what is known of the night, with the files (size, ETag) that it is known from
//! index/samples/2026-03-22-<mark>.parquet   a few thousand of its alerts, whole but for the images
//! index/bundles/2026-03-<mark>.parquet      the samples of a month side by side, light curves only of a part
//! index/catalogue.json.zst                  what estimates need of all nights, in one piece
//! ```
//!
//! Nights and samples are the truth; bundles and the catalogue follow from them and only save requests. A night is known
//! again by a mark of its files, so that building is incremental, a replaced file is noticed, and two that build at once
//! write the same. A sample is never changed: another one has another name.
//!
//! - [`Index::update`] builds what is missing and drops what is gone.
//! - [`Index::catalogue`] is what there is; [`Index::open`] opens a sample or a bundle like a file of the archive.
//! - [`interval`] says what a sample tells of the whole.
//!
//! What it leaves to others: conditions and classes, and so the estimate itself (`transfer`).

mod bundle;
mod catalogue;
mod entry;
mod error;
mod interval;
mod mark;
mod night;
mod sample;
mod shelf;
mod sizes;
mod survey;
mod update;

pub use bundle::is_light;
pub use catalogue::{Bundle, Catalogue, CataloguedNight, CataloguedSchema};
pub use entry::{EntryFile, NightEntry, Object, PacketBytes, Sizes, Stratum};
pub use error::IndexError;
pub use interval::{Interval, Tried, interval};
pub use night::is_image;
pub use sample::{
    SAMPLE_COLUMN, SAMPLE_ROWS, SLICES, SLICES_WITH_LISTS, night_number, sample_field, sampled_in,
};
pub use shelf::Index;
pub use update::{Progress, Updated};
