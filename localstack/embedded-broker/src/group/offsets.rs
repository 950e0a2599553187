//! Committed offsets: a file of lines that grows with every commit and is rewritten at start, and when it has grown much.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::log::append_whole;
use crate::metadata_file::replace_file;

const FILE_NAME: &str = "offsets.jsonl";
/// The file is rewritten when it has this many lines, and four times as many as there are offsets.
const LINES_BEFORE_REWRITE: usize = 100_000;

/// How far a group came in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Committed {
    /// Offset of the next record to read.
    pub offset: i64,
    /// The leader's epoch the client saw, or -1.
    pub leader_epoch: i32,
    /// What the client noted.
    pub metadata: String,
}

/// One change of one offset, as a line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OffsetChange {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// The new offset; `None` forgets it.
    pub committed: Option<Committed>,
}

#[derive(Serialize, Deserialize)]
struct Line<G, C> {
    group: G,
    #[serde(flatten)]
    change: C,
}

/// Offsets of one group by topic and partition.
pub(super) type GroupOffsets = BTreeMap<(String, i32), Committed>;

/// The committed offsets of all groups.
pub(super) struct OffsetStore {
    path: PathBuf,
    file: File,
    bytes: u64,
    lines: usize,
    groups: HashMap<String, GroupOffsets>,
}

impl OffsetStore {
    /// Reads the offsets under `folder`, forgets those of topics that are not `known`, and rewrites the file.
    pub(super) fn open(folder: &Path, known: impl Fn(&str) -> bool) -> io::Result<Self> {
        let path = folder.join(FILE_NAME);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            text => text?,
        };
        let mut groups = HashMap::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Line<String, OffsetChange>>(line) {
                Ok(line) if known(&line.change.topic) => {
                    apply(groups.entry(line.group).or_default(), line.change)
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "a committed offset is not readable")
                }
            }
        }
        groups.retain(|_, offsets| !offsets.is_empty());
        let (file, bytes, lines) = rewrite(&path, &groups)?;
        Ok(Self { path, file, bytes, lines, groups })
    }

    /// The offsets of a group.
    pub(super) fn of(&self, group: &str) -> Option<&GroupOffsets> {
        self.groups.get(group)
    }

    /// Every group with an offset.
    pub(super) fn groups(&self) -> impl Iterator<Item = &String> {
        self.groups.keys()
    }

    /// Changes a group's offsets, all or none.
    pub(super) fn change(&mut self, group: &str, changes: Vec<OffsetChange>) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        for change in &changes {
            serde_json::to_writer(&mut text, &Line { group, change })?;
            text.push(b'\n');
        }
        append_whole(&self.file, self.bytes, &text, &[]).map_err(|error| error.source)?;
        self.bytes += text.len() as u64;
        self.lines += changes.len();
        let offsets = self.groups.entry(group.to_owned()).or_default();
        for change in changes {
            apply(offsets, change);
        }
        if offsets.is_empty() {
            self.groups.remove(group);
        }
        self.rewrite_if_grown()
    }

    /// Forgets what `gone` tells, by group, topic and partition.
    pub(super) fn forget(&mut self, gone: impl Fn(&str, &str) -> bool) -> io::Result<()> {
        let mut forgotten = Vec::new();
        for (group, offsets) in &self.groups {
            let gone = offsets.keys().filter(|(topic, _)| gone(group, topic));
            let changes = gone.map(|(topic, partition)| OffsetChange {
                topic: topic.clone(),
                partition: *partition,
                committed: None,
            });
            forgotten.push((group.clone(), changes.collect()));
        }
        forgotten.into_iter().try_for_each(|(group, changes)| self.change(&group, changes))
    }

    /// The file, for syncing.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    fn rewrite_if_grown(&mut self) -> io::Result<()> {
        let offsets: usize = self.groups.values().map(BTreeMap::len).sum();
        if self.lines >= LINES_BEFORE_REWRITE.max(offsets.saturating_mul(4)) {
            (self.file, self.bytes, self.lines) = rewrite(&self.path, &self.groups)?;
        }
        Ok(())
    }
}

fn apply(offsets: &mut GroupOffsets, change: OffsetChange) {
    let key = (change.topic, change.partition);
    match change.committed {
        Some(committed) => offsets.insert(key, committed),
        None => offsets.remove(&key),
    };
}

fn rewrite(path: &Path, groups: &HashMap<String, GroupOffsets>) -> io::Result<(File, u64, usize)> {
    let (mut text, mut lines) = (Vec::new(), 0);
    for (group, offsets) in groups {
        for ((topic, partition), committed) in offsets {
            let (topic, committed) = (topic.clone(), Some(committed.clone()));
            let change = OffsetChange { topic, partition: *partition, committed };
            serde_json::to_writer(&mut text, &Line { group, change })?;
            text.push(b'\n');
            lines += 1;
        }
    }
    replace_file(path, &text)?;
    let file = OpenOptions::new().append(true).open(path)?;
    Ok((file, text.len() as u64, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(topic: &str, partition: i32, offset: Option<i64>) -> OffsetChange {
        let committed = offset.map(|offset| Committed {
            offset,
            leader_epoch: -1,
            metadata: "noted \"so\"\n".to_owned(),
        });
        OffsetChange { topic: topic.to_owned(), partition, committed }
    }

    fn offset(store: &OffsetStore, group: &str, topic: &str, partition: i32) -> Option<i64> {
        store.of(group)?.get(&(topic.to_owned(), partition)).map(|committed| committed.offset)
    }

    #[test]
    fn the_last_commit_counts_also_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = OffsetStore::open(folder.path(), |_| true).unwrap();
        for at in 0..10 {
            store
                .change("group", vec![change("night", 0, Some(at)), change("night", 1, Some(at * 2))])
                .unwrap();
        }
        store.change("group", vec![change("night", 1, None)]).unwrap();
        drop(store);
        let store = OffsetStore::open(folder.path(), |_| true).unwrap();
        assert_eq!(offset(&store, "group", "night", 0), Some(9));
        assert_eq!(offset(&store, "group", "night", 1), None);
        let text = std::fs::read_to_string(folder.path().join(FILE_NAME)).unwrap();
        assert_eq!(text.lines().count(), 1, "rewritten at start");
    }

    #[test]
    fn a_torn_line_loses_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = OffsetStore::open(folder.path(), |_| true).unwrap();
        store.change("group", vec![change("night", 0, Some(4))]).unwrap();
        append_whole(&store.file, store.bytes, b"{\"group\":\"group\",\"top", b"").unwrap();
        let mut store = OffsetStore::open(folder.path(), |_| true).unwrap();
        store.change("group", vec![change("night", 1, Some(5))]).unwrap();
        let store = OffsetStore::open(folder.path(), |_| true).unwrap();
        assert_eq!(offset(&store, "group", "night", 0), Some(4));
        assert_eq!(offset(&store, "group", "night", 1), Some(5));
    }

    #[test]
    fn what_is_forgotten_stays_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = OffsetStore::open(folder.path(), |_| true).unwrap();
        store.change("group", vec![change("old", 0, Some(4)), change("night", 0, Some(4))]).unwrap();
        store.forget(|_, topic| topic == "old").unwrap();
        let store = OffsetStore::open(folder.path(), |_| true).unwrap();
        assert_eq!(store.of("group").unwrap().len(), 1);
        let store = OffsetStore::open(folder.path(), |topic| topic != "night").unwrap();
        assert_eq!(store.groups().count(), 0);
    }

    #[test]
    fn the_file_does_not_grow_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = OffsetStore::open(folder.path(), |_| true).unwrap();
        for at in 0..11 {
            let commits = (0..10_000).map(|_| change("night", 0, Some(at))).collect();
            store.change("group", commits).unwrap();
        }
        assert!(store.lines < LINES_BEFORE_REWRITE);
        assert_eq!(
            offset(&OffsetStore::open(folder.path(), |_| true).unwrap(), "group", "night", 0),
            Some(10)
        );
    }
}
