//! A topic becomes Parquet files.

use job::TopicName;
use serde::Serialize;
use std::path::PathBuf;

/// How files are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `year=YYYY/month=MM/day=DD`
    Time,
    /// `finkclass=…`
    Finkclass,
    /// `tnsclass=…`
    Tnsclass,
    /// All in one folder.
    Flat,
}

/// What to download, and where to.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster, `host:port,…`.
    pub bootstrap: String,
    /// The data topic.
    pub topic: TopicName,
    /// The folder to fill.
    pub outdir: PathBuf,
    /// How files are laid out.
    pub layout: Layout,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Alerts on disk.
    pub alerts: u64,
    /// Alerts in the topic.
    pub total: u64,
}

/// What a download did.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Alerts of the topic that are on disk.
    pub alerts: u64,
    /// Those that this run wrote.
    pub new_alerts: u64,
    /// Files that this run wrote.
    pub files: u64,
    /// Bytes that this run wrote.
    pub bytes: u64,
}

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Not there yet.
    #[error("not yet")]
    NotYet,
}

/// Downloads what is in the topic.
pub fn run(_options: &Options, _progress: &(dyn Fn(Progress) + Sync)) -> Result<Summary, DownloadError> {
    Err(DownloadError::NotYet)
}
