//! Receipt, topic and folder, compared alert by alert.
//!
//! A receipt says what a job sent; the topic holds it; a download puts it on disk. [`run`] reads what is given of the
//! three and tells where they do not agree: what is *missing* (in the topic, not in the folder), *doubled* (more often in
//! the folder than in the topic), *foreign* (in the folder, not in the topic) or *repeated* (twice in the topic itself),
//! by night and by partition.
//!
//! # What is checked
//! * The topic against itself: offsets without a gap from the first on, the number in each message's key running from 0
//!   for each task in each partition, every message one whole alert of the schema, every alert once.
//! * The topic against the receipt: the ends of each partition, the alerts of each night.
//! * The folder against the topic: every alert as often as there. Files may be Parquet or Avro, of our downloader or of
//!   the field's client, in any layout; names that begin with a dot or an underscore are left out, as by pyarrow.
//!
//! # What an alert is known by
//! Its `candid`; where the content has none, its `objectId` and time; where it lacks these too, only counts can be
//! compared, and the report says so. The night of an alert is that of its task, as its message's key says.
//!
//! # What it takes
//! 16 bytes of memory for each alert of the topic, and 16 for each in the folder. Of the messages and files only those
//! columns are decoded; the others are checked and passed.

mod compare;
mod error;
mod examples;
mod folder;
mod identity;
mod receipt;
mod report;
mod topic;

pub use error::VerifyError;
pub use receipt::{Receipt, ReceiptTask};
pub use report::{Counted, Example, Kind, NightRow, PartitionRow, Report};

use identity::Identity;
use job::TopicName;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What to compare.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the job says it sent.
    pub receipt: Option<Receipt>,
    /// Where the alerts are.
    pub topic: Option<Source>,
    /// What was downloaded.
    pub outdir: Option<PathBuf>,
    /// How many alerts to name for each kind of difference.
    pub examples: usize,
    /// Partitions or files read at the same time.
    pub threads: NonZeroUsize,
    /// How long to wait for the cluster before giving up.
    pub patience: Duration,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct Source {
    /// The cluster, `host:port,…`.
    pub bootstrap: String,
    /// The data topic.
    pub topic: TopicName,
}

/// How far a comparison is.
pub type Progress = download::Progress;

/// Compares what is given. `progress` is called from several threads. It blocks until the end.
pub fn run(options: &Options, progress: &(dyn Fn(Progress) + Sync)) -> Result<Report, VerifyError> {
    let meter = Meter { done: AtomicU64::new(0), total: AtomicU64::new(0), progress };
    let mut files = match &options.outdir {
        Some(outdir) => Some(folder::Files::list(outdir)?),
        None => None,
    };
    if let Some(files) = &files {
        meter.expect(files.rows());
    }
    let opened = match &options.topic {
        Some(source) => Some(topic::Opened::open(source, options)?),
        None => None,
    };
    let identity = match (&opened, &mut files) {
        (Some(opened), _) => Identity::of_columns(&opened.columns()),
        (None, Some(files)) => files.identity(),
        (None, None) => Identity::Unknown,
    };
    let topic = match opened {
        Some(opened) => Some(opened.read(options, identity, &meter)?),
        None => None,
    };
    let folder = match files {
        Some(files) => Some(files.read(options.threads, identity, &meter)?),
        None => None,
    };
    let mut compared = compare::compare(options.receipt.as_ref(), topic.as_ref(), folder.as_ref(), identity);
    let examples = compared.picks(options.examples);
    compared.report.examples = examples::resolve(examples, options, folder.as_ref(), identity)?;
    Ok(compared.report)
}

/// Counts what has been read.
struct Meter<'a> {
    done: AtomicU64,
    total: AtomicU64,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl Meter<'_> {
    fn expect(&self, alerts: u64) {
        self.total.fetch_add(alerts, Ordering::Relaxed);
    }

    fn add(&self, alerts: u64) {
        let alerts = self.done.fetch_add(alerts, Ordering::Relaxed) + alerts;
        let total = self.total.load(Ordering::Relaxed).max(alerts);
        (self.progress)(Progress { alerts, total });
    }
}
