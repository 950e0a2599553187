//! The three sides against each other.

use crate::Receipt;
use crate::folder::{Folder, Kept};
use crate::identity::{Identity, night_of};
use crate::report::{Counted, Kind, NightRow, PartitionRow, Report};
use crate::topic::{NO_TASK, Partition, Sent, Topic};
use job::Night;
use std::collections::BTreeMap;

/// A report under way, and what its examples can be taken from.
pub(crate) struct Compared {
    pub(crate) report: Report,
    picks: BTreeMap<Kind, Vec<Pick>>,
}

/// An alert that is not as it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) kind: Kind,
    pub(crate) mark: u64,
    pub(crate) sent: Option<Sent>,
    pub(crate) kept: Option<Kept>,
    pub(crate) night: Option<Night>,
}

/// The most alerts of a kind that are remembered.
const MAX_PICKS: usize = 1000;

impl Compared {
    /// At most so many alerts of each kind.
    pub(crate) fn picks(&self, of_each: usize) -> Vec<Pick> {
        self.picks.values().flat_map(|picks| picks.iter().take(of_each).copied()).collect()
    }
}

/// Compares what is there of the three.
pub(crate) fn compare(
    receipt: Option<&Receipt>,
    topic: Option<&Topic>,
    folder: Option<&Folder>,
    identity: Identity,
) -> Compared {
    let mut tally = Tally::new(receipt, topic);
    match (topic, folder) {
        (Some(topic), folder) => tally.topic_and_folder(topic, folder, identity),
        (None, Some(folder)) => tally.folder_alone(folder, identity),
        (None, None) => {}
    }
    tally.finish(topic, folder, identity)
}

/// Counts of a night or a partition.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    topic: u64,
    folder: u64,
    counted: Counted,
}

struct Tally<'a> {
    receipt: Option<&'a Receipt>,
    /// The night of each task.
    tasks: BTreeMap<u16, Option<Night>>,
    /// By night; `None` sorts first and is told last.
    nights: BTreeMap<Option<Night>, Row>,
    partitions: BTreeMap<Option<i32>, Row>,
    picks: BTreeMap<Kind, Vec<Pick>>,
    differences: Vec<String>,
    notes: Vec<String>,
}

impl<'a> Tally<'a> {
    fn new(receipt: Option<&'a Receipt>, topic: Option<&Topic>) -> Self {
        let mut tasks = BTreeMap::new();
        if let Some(receipt) = receipt {
            tasks.extend((0u16..).zip(receipt.tasks.iter().map(|task| Some(task.night))));
        } else if let Some(topic) = topic {
            tasks.extend(topic.nights.iter().map(|(task, night)| (*task, night_of(*night))));
        }
        Self {
            receipt,
            tasks,
            nights: BTreeMap::new(),
            partitions: BTreeMap::new(),
            picks: BTreeMap::new(),
            differences: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn night(&self, task: u16) -> Option<Night> {
        self.tasks.get(&task).copied().flatten()
    }

    /// The rows that an alert of the topic counts in.
    fn rows(&mut self, sent: &Sent, change: impl Fn(&mut Row)) {
        let night = self.night(sent.task);
        change(self.nights.entry(night).or_default());
        change(self.partitions.entry(Some(i32::from(sent.partition))).or_default());
    }

    fn pick(&mut self, pick: Pick) {
        let picks = self.picks.entry(pick.kind).or_default();
        if picks.len() < MAX_PICKS {
            picks.push(pick);
        }
    }

    fn topic_and_folder(&mut self, topic: &Topic, folder: Option<&Folder>, identity: Identity) {
        for partition in &topic.partitions {
            self.partitions.entry(Some(partition.partition)).or_default();
            self.check_partition(partition);
        }
        let expired: i64 = topic.partitions.iter().map(|partition| partition.low).sum();
        if expired > 0 && folder.is_some() {
            self.notes.push(format!(
                "{expired} messages of the topic have expired: what the folder holds of them counts as foreign"
            ));
        }
        if identity == Identity::Unknown {
            for sent in &topic.alerts {
                self.rows(sent, |row| row.topic += 1);
            }
            if let Some(folder) = folder {
                self.counts_only(folder);
            }
            return;
        }
        let kept = folder.map_or(&[][..], |folder| &folder.alerts);
        let (mut sent, mut kept) = (topic.alerts.as_slice(), kept);
        while let Some(mark) = lowest(sent, kept) {
            let (sents, more_sent) =
                sent.split_at(sent.iter().take_while(|alert| alert.mark == mark).count());
            let (kepts, more_kept) =
                kept.split_at(kept.iter().take_while(|alert| alert.mark == mark).count());
            (sent, kept) = (more_sent, more_kept);
            self.alert(sents, kepts, folder.is_some());
        }
    }

    /// One alert, with its places in the topic and in the folder.
    fn alert(&mut self, sents: &[Sent], kepts: &[Kept], has_folder: bool) {
        let Some((first, _)) = sents.split_first() else {
            for kept in kepts {
                let night = night_of(kept.night);
                for row in [self.nights.entry(night).or_default(), self.partitions.entry(None).or_default()] {
                    row.folder += 1;
                    row.counted.foreign += 1;
                }
                self.pick(Pick {
                    kind: Kind::Foreign,
                    mark: kept.mark,
                    sent: None,
                    kept: Some(*kept),
                    night,
                });
            }
            return;
        };
        for (copy, sent) in sents.iter().enumerate() {
            let is_kept = copy < kepts.len();
            self.rows(sent, |row| {
                row.topic += 1;
                row.folder += u64::from(is_kept);
                row.counted.repeated += u64::from(copy > 0);
                row.counted.missing += u64::from(has_folder && !is_kept);
            });
            let (mark, night) = (sent.mark, self.night(sent.task));
            let pick = |kind| Pick { kind, mark, sent: Some(*sent), kept: None, night };
            if copy > 0 {
                self.pick(pick(Kind::Repeated));
            }
            if has_folder && !is_kept {
                self.pick(pick(Kind::Missing));
            }
        }
        for kept in kepts.iter().skip(sents.len()) {
            self.rows(first, |row| {
                row.folder += 1;
                row.counted.doubled += 1;
            });
            let night = self.night(first.task);
            self.pick(Pick {
                kind: Kind::Doubled,
                mark: kept.mark,
                sent: Some(*first),
                kept: Some(*kept),
                night,
            });
        }
    }

    /// A topic against itself and against the receipt.
    fn check_partition(&mut self, found: &Partition) {
        let Partition { partition, low, high, .. } = *found;
        let mut differs = |text: String| self.differences.push(format!("partition {partition}: {text}"));
        let promised = self.receipt.map(|receipt| {
            receipt.partitions.iter().find(|span| span.partition == partition).copied().unwrap_or_default()
        });
        match promised {
            Some(span) if (span.start, span.end) != (low, high) => differs(format!(
                "the receipt says offsets {} to {}, the topic holds {low} to {high}",
                span.start, span.end
            )),
            Some(span) if span.count > 0 && span.count != found.messages => {
                differs(format!(
                    "the receipt says {} alerts, the topic holds {}",
                    span.count, found.messages
                ));
            }
            None if low > 0 => differs(format!("the first {low} messages have expired")),
            _ => {}
        }
        if found.gaps > 0 {
            differs(format!("{} offsets hold no message", found.gaps));
        }
        if let Some(first) = found.first_unsigned {
            differs(format!(
                "{} messages are not signed as those of a job are, the first at offset {first}",
                found.unsigned
            ));
        }
        if let Some(first) = &found.first_broken {
            differs(format!("{} messages are out of their task's order, the first {first}", found.broken));
        }
    }

    /// A folder against a receipt, by counts; within itself by alert.
    fn folder_alone(&mut self, folder: &Folder, identity: Identity) {
        let mut last = None;
        for kept in &folder.alerts {
            let is_again = identity != Identity::Unknown && last == Some(kept.mark);
            last = Some(kept.mark);
            let night = night_of(kept.night).filter(|_| folder.nights_are_told);
            let row = self.nights.entry(night).or_default();
            row.folder += 1;
            row.counted.doubled += u64::from(is_again);
            if is_again {
                let kept_again = Some(*kept);
                self.pick(Pick { kind: Kind::Doubled, mark: kept.mark, sent: None, kept: kept_again, night });
            }
        }
        self.notes.push("without the topic the alerts in the folder were counted, not compared".to_owned());
        let Some(receipt) = self.receipt else { return };
        if folder.nights_are_told {
            for (night, (sent, _)) in receipt.nights() {
                self.nights.entry(Some(night)).or_default().balance(sent);
            }
            let known: Vec<Night> = receipt.nights().into_keys().collect();
            for (night, row) in &mut self.nights {
                if night.is_none_or(|night| !known.contains(&night)) {
                    row.counted.foreign = row.folder - row.counted.doubled;
                }
            }
        } else {
            self.notes
                .push("the files do not tell the nights of their alerts: only the total counts".to_owned());
            self.nights.entry(None).or_default().balance(receipt.sent());
        }
    }

    /// The counts of a folder whose alerts cannot be told apart, against those of the topic.
    fn counts_only(&mut self, folder: &Folder) {
        self.notes.push(
            "the content has neither candid nor objectId and jd: only counts can be compared, so an alert that is \
             doubled can hide one that is missing"
                .to_owned(),
        );
        if folder.nights_are_told {
            for kept in &folder.alerts {
                self.nights.entry(night_of(kept.night)).or_default().folder += 1;
            }
            self.nights.values_mut().for_each(|row| row.balance(row.topic));
        } else {
            self.notes
                .push("the files do not tell the nights of their alerts: only the total counts".to_owned());
            let sent: u64 = self.nights.values().map(|row| row.topic).sum();
            let row = self.nights.entry(None).or_default();
            row.folder += folder.alerts.len() as u64;
            row.balance(sent);
        }
    }

    fn finish(mut self, topic: Option<&Topic>, folder: Option<&Folder>, identity: Identity) -> Compared {
        let promised = self.receipt.map(Receipt::nights);
        if let Some(promised) = &promised {
            for (night, (sent, is_done)) in promised {
                let row = self.nights.entry(Some(*night)).or_default();
                let (held, night) = (row.topic, night.to_string());
                if topic.is_some() && held != *sent {
                    let text =
                        format!("night {night}: the receipt says {sent} alerts, the topic holds {held}");
                    match is_done {
                        true => self.differences.push(text),
                        false => self.notes.push(format!("{text}; the night did not come to its end")),
                    }
                }
            }
            let unsigned = topic.map_or(0, |topic| {
                let known = |sent: &&Sent| sent.task != NO_TASK && !self.tasks.contains_key(&sent.task);
                topic.alerts.iter().filter(known).count()
            });
            if unsigned > 0 {
                self.differences
                    .push(format!("{unsigned} messages of the topic are of tasks that the job has not"));
            }
        }
        let mut total = Counted::default();
        self.nights.values().for_each(|row| total.add(&row.counted));
        self.tell_totals(&total, folder);
        if self.receipt.is_none() {
            self.notes.push("there is no receipt to compare with".to_owned());
        }
        let nights = std::mem::take(&mut self.nights);
        let mut nights: Vec<NightRow> = nights
            .into_iter()
            .map(|(night, row)| NightRow {
                night,
                receipt: promised.as_ref().map(|promised| {
                    night.and_then(|night| promised.get(&night)).map_or(0, |(sent, _)| *sent)
                }),
                topic: topic.map(|_| row.topic),
                folder: folder.map(|_| row.folder),
                counted: row.counted,
            })
            .collect();
        nights.sort_by_key(|row| (row.night.is_none(), row.night));
        let mut partitions = self.partition_rows(topic, folder, identity);
        partitions.sort_by_key(|row| (row.partition.is_none(), row.partition));
        let report = Report {
            agrees: self.differences.is_empty(),
            receipt: self.receipt.map(Receipt::sent),
            topic: topic.map(|topic| topic.alerts.len() as u64),
            folder: folder.map(|folder| folder.alerts.len() as u64),
            files: folder.map(|folder| folder.names.len() as u64),
            compared_by: identity.words(),
            total,
            nights,
            partitions,
            differences: self.differences,
            notes: self.notes,
            examples: Vec::new(),
        };
        Compared { report, picks: self.picks }
    }

    fn partition_rows(
        &mut self,
        topic: Option<&Topic>,
        folder: Option<&Folder>,
        identity: Identity,
    ) -> Vec<PartitionRow> {
        let spans = self.receipt.map_or(&[][..], |receipt| &receipt.partitions);
        for span in spans {
            self.partitions.entry(Some(span.partition)).or_default();
        }
        let can_tell = topic.is_some() && identity != Identity::Unknown;
        let rows = std::mem::take(&mut self.partitions).into_iter().map(|(partition, row)| PartitionRow {
            partition,
            receipt: self.receipt.map(|_| {
                let span = spans.iter().find(|span| Some(span.partition) == partition);
                span.map_or(0, |span| u64::try_from(span.end - span.start).unwrap_or_default())
            }),
            topic: topic.map(|_| row.topic),
            folder: folder.filter(|_| can_tell).map(|_| row.folder),
            counted: row.counted,
        });
        rows.collect()
    }

    /// The sums over all nights, as sentences.
    fn tell_totals(&mut self, total: &Counted, folder: Option<&Folder>) {
        let mut tell = |count: u64, text: &str| {
            if count > 0 {
                self.differences.push(format!("{count} alerts {text}"));
            }
        };
        tell(total.missing, "are missing in the folder");
        tell(total.doubled, "are doubled in the folder");
        tell(total.foreign, "in the folder are foreign: the topic does not hold them");
        tell(total.repeated, "are repeated in the topic");
        let Some(folder) = folder else { return };
        for unreadable in &folder.unreadable {
            self.differences.push(format!("a file cannot be compared: {unreadable}"));
        }
        if folder.others > 0 {
            self.notes.push(format!("{} files are neither Parquet nor Avro", folder.others));
        }
    }
}

impl Row {
    /// What is too few or too many where only counts are known.
    fn balance(&mut self, sent: u64) {
        let distinct = self.folder - self.counted.doubled;
        self.counted.missing = sent.saturating_sub(distinct);
        self.counted.foreign = distinct.saturating_sub(sent);
    }
}

impl Counted {
    fn add(&mut self, other: &Self) {
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.foreign += other.foreign;
        self.repeated += other.repeated;
    }
}

fn lowest(sent: &[Sent], kept: &[Kept]) -> Option<u64> {
    match (sent.first(), kept.first()) {
        (Some(sent), Some(kept)) => Some(sent.mark.min(kept.mark)),
        (Some(sent), None) => Some(sent.mark),
        (None, kept) => kept.map(|kept| kept.mark),
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
