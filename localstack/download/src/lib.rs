//! A topic becomes Parquet or Avro files.
//!
//! The data topic of a transfer holds one alert a message, as raw Avro; `<topic>_schema` holds the schema (CONTRACT §5).
//! [`run`] reads both, from where the last run into the same folder ended to the end the topic has now, and writes a data
//! set that pandas and pyarrow read as one. [`run_to`] reads to an end that is given, or follows a topic that is still
//! being filled until somebody tells where it ends ([`Horizon`]).
//!
//! # What it guarantees
//! * **Every alert once.** Files and offsets become visible together, so a run can be killed at any moment and started
//!   again: no alert is lost, none is there twice (the protocol is in `journal.rs`).
//! * **No foreign file is touched.** A file is named by the topic and by the offset of its first alert; a name that is taken
//!   is an error, never overwritten.
//! * **Exact types.** Values go from Avro straight into Arrow arrays of the schema's own types: a column without a value
//!   keeps its type, a long stays a long.
//! * **A damaged message is an error** that names its partition and offset, whatever its bytes are.
//! * **One run at a time** for a topic in a folder: a second is refused.
//!
//! # On the disk
//! `year=YYYY/month=MM/day=DD/<topic>-<partition>-<offset>.parquet` (or `.avro`), or as [`Layout`] says, and three names that readers of
//! data sets skip, as they begin with a dot: `.nightferry-<topic>.json` (how far the download is: keep it as long as the
//! topic may be read again), `.nightferry-<topic>.lock`, and, while a run lasts, the folder `.nightferry-<topic>`.
//!
//! # What it leaves to others
//! Waiting for a topic to appear, and knowing when it is complete. Encrypted clusters.
//!
//! ```no_run
//! use download::{Format, Layout, Options};
//!
//! let options = Options {
//!     bootstrap: "127.0.0.1:9092".to_owned(),
//!     topic: "ftransfer_ztf_2026-03-23_11487".parse()?,
//!     outdir: "alerts".into(),
//!     layout: Layout::Finkclass,
//!     format: Format::Parquet,
//! };
//! let summary = download::run(&options, &|progress| println!("{} of {}", progress.alerts, progress.total))?;
//! println!("{} alerts, {} of them new", summary.alerts, summary.new_alerts);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod avro;
mod disk;
mod error;
mod files;
mod folder;
mod horizon;
mod journal;
mod limits;
mod plan;
mod state;
pub mod topic;
mod worker;

pub use error::{DownloadError, is_passing};
pub use horizon::Horizon;
pub use limits::Limits;

use job::TopicName;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How files are laid out: as the field's own client does it. Values in folder names are percent-encoded, a null is
/// `__HIVE_DEFAULT_PARTITION__`, and what a folder's name tells is not repeated inside its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `year=YYYY/month=MM/day=DD`, the UTC date of `jd` or `candidate.jd`. It may differ from the night.
    Time,
    /// `finkclass=…`
    Finkclass,
    /// `tnsclass=…`
    Tnsclass,
    /// All in one folder.
    #[serde(rename = "none")]
    Flat,
}

/// What files are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One data set for pandas and pyarrow.
    #[default]
    Parquet,
    /// Object container files: the messages as they came, all their columns, with the topic's own schema.
    Avro,
}

impl Format {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Parquet, Self::Avro];

    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Avro => "avro",
        }
    }
}

/// What to download, and where to.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster, `host:port,…`.
    pub bootstrap: String,
    /// The data topic.
    pub topic: TopicName,
    /// The folder to fill. Made if it does not exist; it may hold other files, and downloads of other topics.
    pub outdir: PathBuf,
    /// How files are laid out.
    pub layout: Layout,
    /// What files are.
    pub format: Format,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Alerts written, also those in files that are not complete yet.
    pub alerts: u64,
    /// Alerts in the topic; those expected while it is still being filled.
    pub total: u64,
}

/// What a download did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Alerts of the topic that are on disk.
    pub alerts: u64,
    /// Those that this run wrote.
    pub new_alerts: u64,
    /// Files that this run wrote.
    pub files: u64,
    /// Bytes that this run wrote.
    pub bytes: u64,
    /// Alerts that the cluster had already deleted, their retention being over, before they were read.
    pub expired: u64,
    /// Alerts that the topic should hold by the ends that were given, and lacks.
    pub short: u64,
    /// Messages after the ends that were given: they were not read.
    pub beyond: u64,
}

/// Downloads what is in the topic and not yet in the folder.
///
/// `progress` is called from several threads, a few times a second. It blocks until the end: call it from a thread that
/// may block.
pub fn run(options: &Options, progress: &(dyn Fn(Progress) + Sync)) -> Result<Summary, DownloadError> {
    run_within(options, &Limits::default(), progress)
}

/// The same within other limits.
pub fn run_within(
    options: &Options,
    limits: &Limits,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Summary, DownloadError> {
    plan::run(options, limits, &Horizon::now(), progress)
}

/// The same to another end than what is in the topic now.
pub fn run_to(
    options: &Options,
    limits: &Limits,
    horizon: &Horizon,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Summary, DownloadError> {
    plan::run(options, limits, horizon, progress)
}
