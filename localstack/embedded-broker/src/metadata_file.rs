//! The file that names the topics: written beside, synced, and renamed into place, so that it is always whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::BrokerError;
use crate::topic::TopicRecords;

const FILE_NAME: &str = "metadata.json";
const FORMAT: u32 = 1;

/// What outlives the process besides the logs and the committed offsets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    format: u32,
    /// Names this broker's data towards clients.
    pub cluster_id: String,
    /// Producer ids below this one may have been given out.
    pub next_producer_id: i64,
    /// The topics.
    pub topics: TopicRecords,
}

impl Metadata {
    fn empty() -> Self {
        let cluster_id = Uuid::new_v4().simple().to_string();
        Self { format: FORMAT, cluster_id, next_producer_id: 0, topics: TopicRecords::new() }
    }

    /// Reads the file in `folder`; without one, there are no topics yet.
    pub(crate) fn read(folder: &Path) -> Result<Self, BrokerError> {
        let path = folder.join(FILE_NAME);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::empty()),
            text => text.map_err(BrokerError::io(&path))?,
        };
        let damaged = |why: String| BrokerError::DamagedMetadata { path: path.clone(), why };
        let metadata: Self = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if metadata.format != FORMAT {
            return Err(damaged(format!("format {} is not known here", metadata.format)));
        }
        Ok(metadata)
    }

    /// Writes the file in `folder`. When this returns, the new one is on the disk; until then, the old one.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        replace_file(&folder.join(FILE_NAME), &serde_json::to_vec_pretty(self)?)
    }
}

/// Replaces a file as a whole, and lets the disk have it.
pub(crate) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = PathBuf::from(format!("{}.new", path.display()));
    let mut file = File::create(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::TopicSettings;
    use crate::topic::{TopicName, TopicRecord};

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut metadata = Metadata::read(folder.path()).unwrap();
        let mut settings = TopicSettings::default();
        settings.set("retention.ms", "1000").unwrap();
        let record = TopicRecord { id: Uuid::new_v4(), partitions: 10, settings };
        metadata.topics.insert(TopicName::new("night").unwrap(), record);
        metadata.next_producer_id = 7;
        metadata.write(folder.path()).unwrap();
        assert_eq!(Metadata::read(folder.path()).unwrap(), metadata);
    }

    #[test]
    fn a_damaged_file_is_told_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let whole = r#"{"format":1,"cluster_id":"c","next_producer_id":0,"topics":{}}"#;
        let texts = [&whole[..40], &whole.replace(":1,", ":2,"), &whole.replace("{}", r#"{"../x":{}}"#)];
        for text in texts {
            std::fs::write(&path, text).unwrap();
            let error = Metadata::read(folder.path()).unwrap_err();
            assert!(matches!(error, BrokerError::DamagedMetadata { .. }), "{text}");
            assert!(error.to_string().contains("metadata.json is damaged"), "{error}");
        }
    }
}
