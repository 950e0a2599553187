//! Nights of alerts on object storage: which there are, one schema over many of them, and a scan that reads no more
//! than a query needs.
//!
//! What it guarantees:
//! - the night is the partition path, never a date computed from an alert;
//! - [`unify`] yields one schema for a job, whatever order, number and width of columns the nights have, or an error
//!   that names the column and both nights;
//! - every batch that [`RowGroupScan`] hands out has exactly the schema that was asked for, with nulls where a file
//!   lacks a column;
//! - memory does not grow with the size of a file: what is not prefetched is read through bounded windows;
//! - nor does it grow with what a file claims: footers and page headers are looked over before they are believed.
//!
//! What it leaves to others: which rows are kept ([`RowFilter`]), derived columns, encoding.
//!
//! ```no_run
//! # async fn example() -> Result<(), archive::ArchiveError> {
//! let archive = archive::Archive::open("s3://alerts/ztf")?;
//! for night in archive.nights().await? {
//!     println!("{night}: {} files", archive.files(night).await?.len());
//! }
//! # Ok(()) }
//! ```

mod adapt;
mod batches;
mod buffers;
mod bytes_source;
mod columns;
mod decode;
mod error;
mod footer;
mod footer_bounds;
mod leaves;
mod listing;
mod look;
mod page_meter;
mod pages;
mod prune;
mod scan;
mod schema;
mod schema_text;
mod shapes;
mod stored;
mod streams;
mod thrift;
mod unpack;
mod wanted;

pub use columns::{Bound, ColumnFootprint};
pub use error::ArchiveError;
pub use footer::{OpenFile, Opening};
pub use leaves::LeafSet;
pub use listing::{Archive, ArchiveFile, fetch_object, night_of_file, open_bucket};
pub use look::Footer;
pub use prune::RuledOut;
pub use scan::{ChosenRows, Ending, PlannedScan, RowFilter, RowGroupScan, ScanPlan, ScanStats};
pub use schema::{Conflict, JobSchema, NightSchema, canonical, distinct, unify};
pub use schema_text::{describe, from_description};
