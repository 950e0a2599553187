//! The record of how far a download is.

use crate::{DownloadError, Format, Layout, Options};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The version of the record's form.
const VERSION: u32 = 1;

/// What `.nightferry-<topic>.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    version: u32,
    topic: String,
    layout: Layout,
    /// Records from before there were two have none.
    #[serde(default)]
    format: Format,
    /// The schema's mark: another one is another topic of the same name.
    schema: String,
    /// Alerts in the files so far.
    pub(crate) alerts: u64,
    /// Alerts that were gone before they could be read.
    pub(crate) expired: u64,
    /// The next offset to read, by partition.
    pub(crate) offsets: BTreeMap<i32, i64>,
    /// Complete files that may still be where they were written.
    pub(crate) arriving: Vec<Arrival>,
}

/// A complete file on its way from the hidden folder to its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrival {
    /// Its name, there and here.
    pub(crate) name: String,
    /// Its folder within the data set, empty for the data set's own.
    pub(crate) folder: String,
}

impl State {
    /// Nothing read so far.
    pub(crate) fn new(options: &Options, schema_text: &str) -> Self {
        Self {
            version: VERSION,
            topic: options.topic.to_string(),
            layout: options.layout,
            format: options.format,
            schema: mark(schema_text),
            alerts: 0,
            expired: 0,
            offsets: BTreeMap::new(),
            arriving: Vec::new(),
        }
    }

    /// The record in a folder, if there is one.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, DownloadError> {
        let unreadable = |problem: String| DownloadError::Record { path: path.to_owned(), problem };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let state: Self = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        match state.version {
            VERSION => Ok(Some(state)),
            other => Err(unreadable(format!("version {other}, where this program knows {VERSION}"))),
        }
    }

    /// Whether this record is of the same download as `asked`.
    pub(crate) fn check(&self, asked: &Self, outdir: &Path) -> Result<(), DownloadError> {
        if self.layout != asked.layout {
            let outdir = outdir.to_owned();
            return Err(DownloadError::OtherLayout { outdir, begun: self.layout, asked: asked.layout });
        }
        if self.format != asked.format {
            let outdir = outdir.to_owned();
            return Err(DownloadError::OtherFormat { outdir, begun: self.format, asked: asked.format });
        }
        if self.schema != asked.schema {
            return Err(self.other_topic(outdir, "its schema is another".to_owned()));
        }
        Ok(())
    }

    /// The topic is not the one this record speaks of.
    pub(crate) fn other_topic(&self, outdir: &Path, sign: String) -> DownloadError {
        DownloadError::OtherTopic { topic: self.topic.clone(), outdir: outdir.to_owned(), sign }
    }
}

/// The names that one download has in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The data set.
    pub(crate) outdir: PathBuf,
    /// The record.
    pub(crate) state: PathBuf,
    /// The record while it is being written.
    pub(crate) new_state: PathBuf,
    /// The lock.
    pub(crate) lock: PathBuf,
    /// Where files are until they are complete.
    pub(crate) staging: PathBuf,
}

impl Places {
    pub(crate) fn new(options: &Options) -> Self {
        let hidden = |ending: &str| options.outdir.join(format!(".nightferry-{}{ending}", options.topic));
        Self {
            outdir: options.outdir.clone(),
            state: hidden(".json"),
            new_state: hidden(".json.new"),
            lock: hidden(".lock"),
            staging: hidden(""),
        }
    }
}

fn mark(schema_text: &str) -> String {
    let mut hasher = twox_hash::XxHash64::with_seed(0);
    hasher.write(schema_text.as_bytes());
    format!("{:016x}", hasher.finish())
}
