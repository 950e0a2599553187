//! The topics there are, and every change to them. A change is on the disk before it is answered.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use kafka_protocol::ResponseError;
use uuid::Uuid;

use crate::error::BrokerError;
use crate::locked::{locked, reading, writing};
use crate::log::{OpenFiles, RecoverError};
use crate::metadata_file::Metadata;
use crate::settings::TopicSettings;
use crate::topic::{MAX_PARTITIONS, Partition, Topic, TopicName, TopicRecord};

/// Producer ids are taken from the file this many at a time, so that a producer's start seldom waits for the disk.
const PRODUCER_IDS_AT_ONCE: i64 = 1_000;

/// Why a change was refused: what the client is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub ResponseError, pub String);

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "topics could not be changed");
        Self(ResponseError::KafkaStorageError, error.to_string())
    }
}

impl From<RecoverError> for Refused {
    fn from(error: RecoverError) -> Self {
        tracing::error!(%error, "a partition could not be opened");
        Self(ResponseError::KafkaStorageError, error.to_string())
    }
}

/// The topics there are.
pub(crate) struct Catalog {
    folder: PathBuf,
    cluster_id: String,
    files: Arc<OpenFiles>,
    /// What is on the disk; held through a change, so changes come one after the other.
    changes: Mutex<Recorded>,
    topics: RwLock<BTreeMap<TopicName, Topic>>,
}

struct Recorded {
    metadata: Metadata,
    next_producer_id: i64,
}

impl Catalog {
    /// Opens every topic under `folder`.
    pub(crate) fn open(folder: &Path, files: Arc<OpenFiles>, verify: bool) -> Result<Self, BrokerError> {
        let metadata = Metadata::read(folder)?;
        metadata.write(folder).map_err(BrokerError::io(folder))?;
        let catalog = Self {
            folder: folder.to_owned(),
            cluster_id: metadata.cluster_id.clone(),
            files,
            changes: Mutex::new(Recorded { next_producer_id: metadata.next_producer_id, metadata }),
            topics: RwLock::default(),
        };
        for folder in [catalog.topics_folder(), catalog.deleted_folder()] {
            std::fs::create_dir_all(&folder).map_err(BrokerError::io(folder))?;
        }
        catalog.empty_deleted_folder();
        let records = locked(&catalog.changes).metadata.topics.clone();
        for (name, record) in records {
            let topic = Topic::open(&catalog.topic_folder(&name), record, &catalog.files, verify)?;
            writing(&catalog.topics).insert(name, topic);
        }
        Ok(catalog)
    }

    /// Names this broker's data towards clients.
    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The open segment files.
    pub(crate) fn files(&self) -> &OpenFiles {
        &self.files
    }

    /// The topic of that name.
    pub(crate) fn topic(&self, name: &str) -> Option<Topic> {
        reading(&self.topics).get(name).cloned()
    }

    /// The name of the topic with that id.
    pub(crate) fn name_of(&self, id: Uuid) -> Option<TopicName> {
        let topics = reading(&self.topics);
        topics.iter().find(|(_, topic)| topic.record.id == id).map(|(name, _)| name.clone())
    }

    /// Every topic's name.
    pub(crate) fn names(&self) -> Vec<TopicName> {
        reading(&self.topics).keys().cloned().collect()
    }

    /// The partition of that topic and number.
    pub(crate) fn partition(&self, topic: &str, number: i32) -> Option<Arc<Partition>> {
        reading(&self.topics).get(topic)?.partition(number).cloned()
    }

    /// Every partition there is.
    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        reading(&self.topics).values().flat_map(|topic| topic.partitions.iter().cloned()).collect()
    }

    /// Creates a topic, or only says whether it could be created if `only_check`.
    pub(crate) fn create(
        &self,
        name: &str,
        partitions: i32,
        settings: TopicSettings,
        only_check: bool,
    ) -> Result<TopicRecord, Refused> {
        let name = TopicName::new(name).map_err(|why| Refused(ResponseError::InvalidTopicException, why))?;
        check_partitions(partitions)?;
        let mut changes = locked(&self.changes);
        if changes.metadata.topics.contains_key(&name) {
            let why = format!("topic {} exists", name.as_str());
            return Err(Refused(ResponseError::TopicAlreadyExists, why));
        }
        let record = TopicRecord { id: Uuid::new_v4(), partitions, settings };
        if only_check {
            return Ok(record);
        }
        self.set_aside(&name)?;
        std::fs::create_dir_all(self.topic_folder(&name))?;
        let topic = Topic::open(&self.topic_folder(&name), record.clone(), &self.files, true)?;
        self.record(&mut changes, |metadata| {
            metadata.topics.insert(name.clone(), record.clone());
        })?;
        writing(&self.topics).insert(name, topic);
        Ok(record)
    }

    /// Deletes a topic with all its data.
    pub(crate) fn delete(&self, name: &str) -> Result<(), Refused> {
        let mut changes = locked(&self.changes);
        let Some((name, _)) = changes.metadata.topics.get_key_value(name) else { return Err(unknown(name)) };
        let name = name.clone();
        self.record(&mut changes, |metadata| {
            metadata.topics.remove(&name);
        })?;
        let topic = writing(&self.topics).remove(&name);
        for partition in topic.iter().flat_map(|topic| &topic.partitions) {
            locked(&partition.log).retire();
        }
        self.set_aside(&name)?;
        Ok(())
    }

    /// Gives a topic more partitions.
    pub(crate) fn grow(&self, name: &str, partitions: i32, only_check: bool) -> Result<(), Refused> {
        check_partitions(partitions)?;
        self.change(name, only_check, |topic, folder| {
            if partitions <= topic.record.partitions {
                let why = format!("{name} has {} partitions and cannot have fewer", topic.record.partitions);
                return Err(Refused(ResponseError::InvalidPartitions, why));
            }
            if !only_check {
                topic.grow(&folder, partitions, &self.files, true)?;
            }
            Ok(())
        })
    }

    /// Changes a topic's settings.
    pub(crate) fn configure(
        &self,
        name: &str,
        only_check: bool,
        change: impl FnOnce(&mut TopicSettings) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        self.change(name, only_check, |topic, _| change(&mut topic.record.settings))
    }

    /// A producer id never given out before.
    pub(crate) fn next_producer_id(&self) -> Result<i64, Refused> {
        let mut changes = locked(&self.changes);
        if changes.next_producer_id >= changes.metadata.next_producer_id {
            self.record(&mut changes, |metadata| metadata.next_producer_id += PRODUCER_IDS_AT_ONCE)?;
        }
        let id = changes.next_producer_id;
        changes.next_producer_id += 1;
        Ok(id)
    }

    fn change(
        &self,
        name: &str,
        only_check: bool,
        change: impl FnOnce(&mut Topic, PathBuf) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let mut changes = locked(&self.changes);
        let Some((name, _)) = changes.metadata.topics.get_key_value(name) else { return Err(unknown(name)) };
        let name = name.clone();
        let mut topic = self.topic(name.as_str()).ok_or_else(|| unknown(name.as_str()))?;
        change(&mut topic, self.topic_folder(&name))?;
        if !only_check {
            self.record(&mut changes, |metadata| {
                metadata.topics.insert(name.clone(), topic.record.clone());
            })?;
            topic.obey_settings();
            writing(&self.topics).insert(name, topic);
        }
        Ok(())
    }

    /// Writes changed metadata; what is on record in memory changes only if the file did.
    fn record(
        &self,
        changes: &mut MutexGuard<'_, Recorded>,
        change: impl FnOnce(&mut Metadata),
    ) -> io::Result<()> {
        let mut changed = changes.metadata.clone();
        change(&mut changed);
        changed.write(&self.folder)?;
        changes.metadata = changed;
        Ok(())
    }

    /// Takes a topic's folder out of the way, so that a topic of that name starts empty, and deletes it.
    fn set_aside(&self, name: &TopicName) -> io::Result<()> {
        let aside = self.deleted_folder().join(Uuid::new_v4().simple().to_string());
        match std::fs::rename(self.topic_folder(name), &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                self.empty_deleted_folder();
                Ok(())
            }
        }
    }

    /// What cannot be deleted now is tried again at the next start.
    fn empty_deleted_folder(&self) {
        let folder = self.deleted_folder();
        let gone = std::fs::remove_dir_all(&folder).and_then(|()| std::fs::create_dir_all(&folder));
        if let Err(error) = gone {
            tracing::warn!(%error, folder = %folder.display(), "deleted topics still take room");
        }
    }

    fn topics_folder(&self) -> PathBuf {
        self.folder.join("topics")
    }

    fn deleted_folder(&self) -> PathBuf {
        self.folder.join("deleted")
    }

    fn topic_folder(&self, name: &TopicName) -> PathBuf {
        self.topics_folder().join(name.as_str())
    }
}

fn check_partitions(partitions: i32) -> Result<(), Refused> {
    if (1..=MAX_PARTITIONS).contains(&partitions) {
        return Ok(());
    }
    let why = format!("{partitions} partitions are not possible: write 1 to {MAX_PARTITIONS}");
    Err(Refused(ResponseError::InvalidPartitions, why))
}

fn unknown(name: &str) -> Refused {
    Refused(ResponseError::UnknownTopicOrPartition, format!("there is no topic {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Catalog {
        Catalog::open(folder, Arc::new(OpenFiles::new(8)), true).unwrap()
    }

    fn create(catalog: &Catalog, name: &str, partitions: i32) -> Result<TopicRecord, Refused> {
        catalog.create(name, partitions, TopicSettings::default(), false)
    }

    #[test]
    fn changes_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = open(folder.path());
        let record = create(&catalog, "night", 3).unwrap();
        create(&catalog, "gone", 1).unwrap();
        catalog.grow("night", 5, false).unwrap();
        let set = |settings: &mut TopicSettings| {
            settings.set("retention.ms", "5").map_err(|why| Refused(ResponseError::InvalidConfig, why))
        };
        catalog.configure("night", false, set).unwrap();
        catalog.delete("gone").unwrap();
        let log_settings = locked(&catalog.partition("night", 4).unwrap().log).settings();
        assert_eq!(log_settings.retention_ms, Some(5));
        drop(catalog);

        let catalog = open(folder.path());
        let topic = catalog.topic("night").unwrap();
        assert_eq!((topic.record.id, topic.record.partitions, topic.partitions.len()), (record.id, 5, 5));
        assert_eq!(locked(&topic.partitions[4].log).settings().retention_ms, Some(5));
        assert_eq!(catalog.names().len(), 1);
        assert_eq!(catalog.name_of(record.id).unwrap().as_str(), "night");
        assert_eq!(std::fs::read_dir(folder.path().join("topics")).unwrap().count(), 1);
    }

    #[test]
    fn checking_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = open(folder.path());
        catalog.create("night", 3, TopicSettings::default(), true).unwrap();
        assert!(catalog.topic("night").is_none());
        create(&catalog, "night", 3).unwrap();
        catalog.grow("night", 9, true).unwrap();
        assert_eq!(catalog.topic("night").unwrap().partitions.len(), 3);
    }

    #[test]
    fn impossible_changes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = open(folder.path());
        let refused = |result: Result<TopicRecord, Refused>| result.unwrap_err().0;
        assert_eq!(refused(create(&catalog, "../night", 1)), ResponseError::InvalidTopicException);
        assert_eq!(refused(create(&catalog, "night", 0)), ResponseError::InvalidPartitions);
        assert_eq!(refused(create(&catalog, "night", 1_000_000)), ResponseError::InvalidPartitions);
        create(&catalog, "night", 2).unwrap();
        assert_eq!(refused(create(&catalog, "night", 2)), ResponseError::TopicAlreadyExists);
        assert_eq!(catalog.grow("night", 2, false).unwrap_err().0, ResponseError::InvalidPartitions);
        assert_eq!(catalog.delete("nigth").unwrap_err().0, ResponseError::UnknownTopicOrPartition);
    }

    #[test]
    fn producer_ids_are_never_given_twice() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path());
        let before: Vec<_> = (0..1_500).map(|_| first.next_producer_id().unwrap()).collect();
        assert_eq!(before, (0..1_500).collect::<Vec<_>>());
        drop(first);
        assert!(open(folder.path()).next_producer_id().unwrap() >= 1_500);
    }
}
