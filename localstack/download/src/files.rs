//! The files that one thread has open, one a folder.

mod avro;
mod parquet;

use crate::avro::Schema;
use crate::folder::Folders;
use crate::journal::Completed;
use crate::state::Arrival;
use crate::{DownloadError, Format};
use ::parquet::file::properties::WriterProperties;
use arrow::array::RecordBatch;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Files open at a time: with more folders than that, those there are get completed early.
const MAX_OPEN: usize = 200;

/// What files are made of.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    pub(crate) format: Format,
    pub(crate) schema: &'a Schema,
    /// The schema as the topic has it.
    pub(crate) text: &'a str,
    pub(crate) folders: &'a Folders,
}

/// Alerts on their way into a file.
pub(crate) enum Alerts<'a> {
    Columns(RecordBatch),
    /// Rows of a batch, all of them unless they are named.
    Messages(&'a Messages, Option<&'a [u32]>),
}

/// The messages of a batch, one after the other.
#[derive(Default)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// The files one thread has open, one a folder.
pub(crate) struct OpenFiles<'a> {
    staging: PathBuf,
    content: Content<'a>,
    properties: WriterProperties,
    /// Memory that alerts may take while they wait.
    memory_bytes: usize,
    open: BTreeMap<String, OpenFile>,
    alerts: u64,
}

struct OpenFile {
    name: String,
    path: PathBuf,
    writer: Writer,
}

enum Writer {
    Parquet(Box<parquet::Writer>),
    Avro(crate::avro::Writer),
}

impl<'a> OpenFiles<'a> {
    pub(crate) fn new(
        staging: &Path,
        content: Content<'a>,
        memory_bytes: usize,
    ) -> Result<Self, DownloadError> {
        let properties = parquet::properties(content.folders.schema())
            .map_err(|error| DownloadError::Bug(error.to_string()))?;
        let (staging, open) = (staging.to_owned(), BTreeMap::new());
        Ok(Self { staging, content, properties, memory_bytes, open, alerts: 0 })
    }

    /// Adds alerts to the folder's file; `name` is that of a new one, without its ending.
    pub(crate) fn write(
        &mut self,
        folder: String,
        name: impl FnOnce() -> String,
        alerts: Alerts<'_>,
    ) -> Result<(), DownloadError> {
        let file = match self.open.entry(folder) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let name = format!("{}.{}", name(), self.content.format.ending());
                entry.insert(OpenFile::create(&self.staging, name, self.content, &self.properties)?)
            }
        };
        self.alerts += alerts.count() as u64;
        file.add(alerts)
    }

    /// Writes row groups, the largest first, until the alerts that wait take no more than half of the memory there is.
    pub(crate) fn bound_memory(&mut self) -> Result<(), DownloadError> {
        let mut total: usize = self.open.values().map(OpenFile::waiting_bytes).sum();
        if total <= self.memory_bytes {
            return Ok(());
        }
        let mut files: Vec<_> = self.open.values_mut().collect();
        files.sort_by_key(|file| std::cmp::Reverse(file.waiting_bytes()));
        for file in files {
            if total <= self.memory_bytes / 2 {
                break;
            }
            total -= file.waiting_bytes();
            file.write_out()?;
        }
        Ok(())
    }

    /// Whether there are so many files that they should be completed.
    pub(crate) fn are_many(&self) -> bool {
        self.open.len() >= MAX_OPEN
    }

    /// Completes all files, down to the disk itself.
    pub(crate) fn complete(&mut self, offsets: BTreeMap<i32, i64>) -> Result<Completed, DownloadError> {
        let mut completed =
            Completed { offsets, alerts: std::mem::take(&mut self.alerts), ..Completed::default() };
        for (folder, file) in std::mem::take(&mut self.open) {
            let OpenFile { name, path, writer } = file;
            let written = match writer {
                Writer::Parquet(writer) => writer.finish(&path)?,
                Writer::Avro(writer) => writer.finish().map_err(|source| avro::failed(&path, source))?,
            };
            let synced = written.sync_all().and_then(|()| written.metadata());
            let metadata = synced.map_err(|source| DownloadError::Disk { action: "write", path, source })?;
            completed.bytes += metadata.len();
            completed.files.push(Arrival { name, folder });
        }
        Ok(completed)
    }
}

impl OpenFile {
    fn create(
        staging: &Path,
        name: String,
        content: Content<'_>,
        properties: &WriterProperties,
    ) -> Result<Self, DownloadError> {
        let path = staging.join(&name);
        let file = File::create(&path).map_err(|source| DownloadError::Disk {
            action: "write",
            path: path.clone(),
            source,
        })?;
        let writer = match content.format {
            Format::Parquet => Writer::Parquet(Box::new(parquet::Writer::new(
                file,
                &path,
                content.folders.schema(),
                properties,
            )?)),
            Format::Avro => Writer::Avro(avro::create(file, &path, &name, content)?),
        };
        Ok(Self { name, path, writer })
    }

    fn add(&mut self, alerts: Alerts<'_>) -> Result<(), DownloadError> {
        match (&mut self.writer, alerts) {
            (Writer::Parquet(writer), Alerts::Columns(alerts)) => writer.add(alerts, &self.path),
            (Writer::Avro(writer), Alerts::Messages(messages, rows)) => {
                avro::add(writer, &self.path, messages, rows)
            }
            _ => Err(DownloadError::Bug("alerts of another format than the file's".to_owned())),
        }
    }

    fn waiting_bytes(&self) -> usize {
        match &self.writer {
            Writer::Parquet(writer) => writer.waiting_bytes(),
            // Less than a block.
            Writer::Avro(_) => 0,
        }
    }

    fn write_out(&mut self) -> Result<(), DownloadError> {
        match &mut self.writer {
            Writer::Parquet(writer) => writer.write_row_group(&self.path),
            Writer::Avro(_) => Ok(()),
        }
    }
}

impl Alerts<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Columns(alerts) => alerts.num_rows(),
            Self::Messages(messages, rows) => rows.map_or(messages.ends.len(), <[u32]>::len),
        }
    }
}

impl Messages {
    pub(crate) fn add(&mut self, message: &[u8]) {
        self.bytes.extend(message);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn get(&self, row: usize) -> Option<&[u8]> {
        let begin = match row.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(begin..*self.ends.get(row)?)
    }
}
