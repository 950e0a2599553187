//! A topic: its name, its settings, its partitions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::locked::locked;
use crate::log::{OpenFiles, PartitionLog, RecoverError};
use crate::settings::TopicSettings;

/// The most partitions of one topic: a bound on what one request can make the broker create.
pub(crate) const MAX_PARTITIONS: i32 = 1_000;

/// A topic name that can be a topic's and a folder's: 1 to 249 of `a-z A-Z 0-9 . _ -`, and neither `.` nor `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct TopicName(Arc<str>);

impl TopicName {
    /// The name, or what is wrong with it.
    pub(crate) fn new(name: &str) -> Result<Self, String> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
        if name.is_empty() || name.len() > 249 || matches!(name, "." | "..") || !name.chars().all(allowed) {
            return Err(format!("{name:?} is no topic name: write 1 to 249 of a-z A-Z 0-9 . _ -"));
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TopicName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::new(&name)
    }
}

impl From<TopicName> for String {
    fn from(name: TopicName) -> Self {
        name.0.to_string()
    }
}

/// What the metadata file says of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicRecord {
    /// Tells it from an earlier topic of the same name.
    pub id: Uuid,
    /// How many partitions it has.
    pub partitions: i32,
    /// Its settings.
    #[serde(default)]
    pub settings: TopicSettings,
}

/// All topics by name, as the metadata file has them.
pub(crate) type TopicRecords = BTreeMap<TopicName, TopicRecord>;

/// One partition.
pub(crate) struct Partition {
    /// Its log; the lock is held for a write of one batch at most, and never while reading.
    pub log: Mutex<PartitionLog>,
}

/// A topic that can be produced to and consumed.
#[derive(Clone)]
pub(crate) struct Topic {
    /// What is on record of it.
    pub record: TopicRecord,
    /// Its partitions, by number.
    pub partitions: Vec<Arc<Partition>>,
}

impl Topic {
    /// Opens the partitions that `folder` has or will have.
    pub(crate) fn open(
        folder: &Path,
        record: TopicRecord,
        files: &Arc<OpenFiles>,
        verify: bool,
    ) -> Result<Self, RecoverError> {
        let mut topic =
            Self { partitions: Vec::new(), record: TopicRecord { partitions: 0, ..record.clone() } };
        topic.grow(folder, record.partitions, files, verify)?;
        Ok(topic)
    }

    /// Opens partitions until there are `partitions`.
    pub(crate) fn grow(
        &mut self,
        folder: &Path,
        partitions: i32,
        files: &Arc<OpenFiles>,
        verify: bool,
    ) -> Result<(), RecoverError> {
        let settings = self.record.settings.log_settings();
        for number in self.record.partitions..partitions {
            let log = PartitionLog::open(folder.join(number.to_string()), settings, files.clone(), verify)?;
            self.partitions.push(Arc::new(Partition { log: Mutex::new(log) }));
        }
        self.record.partitions = partitions;
        Ok(())
    }

    /// Lets the partitions do what the settings on record say.
    pub(crate) fn obey_settings(&self) {
        let settings = self.record.settings.log_settings();
        for partition in &self.partitions {
            locked(&partition.log).set_settings(settings);
        }
    }

    /// The partition of that number.
    pub(crate) fn partition(&self, number: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(number).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_their_folder_are_none() {
        for name in ["", ".", "..", "a/b", "a\0b", "é", &"x".repeat(250)] {
            assert!(TopicName::new(name).is_err(), "{name:?}");
        }
        for name in ["ftransfer_ztf_2026-11-24_123456", "...", "A.b-C_9", &"x".repeat(249)] {
            assert!(TopicName::new(name).is_ok(), "{name:?}");
        }
    }
}
