//! What is done to a folder is what is told of it.

use super::*;
use crate::ReceiptTask;
use job::PartitionSpan;
use proptest::prelude::*;

fn night(day: u32) -> Night {
    Night::from_ymd(2026, 3, day).unwrap()
}

/// A topic of two nights in three partitions: alert `mark` is of task `mark % 2`, in partition `mark % 3`.
fn topic(marks: &[u64]) -> Topic {
    let mut topic = Topic::default();
    for partition in 0..3u16 {
        let here = marks.iter().filter(|mark| *mark % 3 == u64::from(partition));
        let sent =
            here.zip(0..).map(|(&mark, offset)| Sent { mark, offset, task: (mark % 2) as u16, partition });
        topic.alerts.extend(sent);
        let messages = topic.alerts.iter().filter(|sent| sent.partition == partition).count();
        topic.partitions.push(Partition {
            partition: i32::from(partition),
            high: messages as i64,
            messages: messages as u64,
            ..Partition::default()
        });
    }
    topic.alerts.sort_by_key(|sent| (sent.mark, sent.partition, sent.offset));
    topic
}

fn folder(marks: &[u64]) -> Folder {
    let mut alerts: Vec<Kept> = marks.iter().map(|&mark| Kept { mark, file: 0, night: 0 }).collect();
    alerts.sort_by_key(|kept| kept.mark);
    Folder {
        alerts,
        names: vec!["a.parquet".into()],
        paths: vec!["a.parquet".into()],
        unreadable: Vec::new(),
        others: 0,
        nights_are_told: false,
    }
}

fn receipt(topic: &Topic) -> Receipt {
    let sent = |task| topic.alerts.iter().filter(|sent| sent.task == task).count() as u64;
    let task =
        |task: u16| ReceiptTask { night: night(21 + u32::from(task)), sent: sent(task), is_done: true };
    let span = |found: &Partition| PartitionSpan {
        partition: found.partition,
        start: 0,
        end: found.high,
        count: found.messages,
    };
    Receipt { tasks: vec![task(0), task(1)], partitions: topic.partitions.iter().map(span).collect() }
}

fn report(receipt: Option<&Receipt>, topic: &Topic, folder: &Folder) -> Report {
    compare(receipt, Some(topic), Some(folder), Identity::Candid).report
}

#[test]
fn three_that_agree_agree() {
    let topic = topic(&[1, 2, 3, 4, 5, 6, 7]);
    let report = report(Some(&receipt(&topic)), &topic, &folder(&[7, 6, 5, 4, 3, 2, 1]));
    assert!(report.agrees, "{:?}", report.differences);
    assert_eq!((report.receipt, report.topic, report.folder), (Some(7), Some(7), Some(7)));
    assert_eq!(report.nights.iter().map(|row| row.folder).collect::<Vec<_>>(), [Some(3), Some(4)]);
    assert_eq!(
        report.partitions.iter().map(|row| row.topic).collect::<Vec<_>>(),
        [Some(2), Some(3), Some(2)]
    );
}

#[test]
fn each_difference_is_counted_at_its_night_and_partition() {
    let topic = topic(&[1, 2, 3, 4, 5, 6, 6]);
    let found = report(Some(&receipt(&topic)), &topic, &folder(&[1, 1, 3, 4, 5, 6, 6, 9]));
    assert!(!found.agrees);
    assert_eq!(found.total, Counted { missing: 1, doubled: 1, foreign: 1, repeated: 1 });
    let at = |day| found.nights.iter().find(|row| row.night == Some(night(day))).unwrap().counted;
    assert_eq!(at(21), Counted { missing: 1, repeated: 1, ..Counted::default() });
    assert_eq!(at(22), Counted { doubled: 1, ..Counted::default() });
    let of = |partition| found.partitions.iter().find(|row| row.partition == partition).unwrap().counted;
    assert_eq!(of(Some(2)), Counted { missing: 1, ..Counted::default() });
    assert_eq!(of(Some(1)), Counted { doubled: 1, ..Counted::default() });
    assert_eq!(of(None), Counted { foreign: 1, ..Counted::default() });
}

#[test]
fn a_receipt_that_says_otherwise_is_told() {
    let topic = topic(&[1, 2, 3]);
    let mut other = receipt(&topic);
    other.partitions[1].end = 5;
    other.tasks[0].sent = 7;
    let report = report(Some(&other), &topic, &folder(&[1, 2, 3]));
    assert_eq!(
        report.differences,
        [
            "partition 1: the receipt says offsets 0 to 5, the topic holds 0 to 1",
            "night 2026-03-21: the receipt says 7 alerts, the topic holds 1"
        ]
    );
}

#[test]
fn without_the_topic_the_counts_of_the_receipt_are_held_against_the_folder() {
    let topic = topic(&[1, 2, 3]);
    let receipt = receipt(&topic);
    let compared =
        |marks: &[u64]| compare(Some(&receipt), None, Some(&folder(marks)), Identity::Candid).report;
    assert!(compared(&[1, 2, 3]).agrees);
    assert_eq!(compared(&[1, 2]).total.missing, 1);
    assert_eq!(compared(&[1, 2, 2]).total, Counted { missing: 1, doubled: 1, ..Counted::default() });
    assert_eq!(compared(&[1, 2, 3, 4]).total.foreign, 1);
}

#[test]
fn alerts_that_cannot_be_told_apart_are_counted() {
    let topic = topic(&[0, 2, 4]);
    let report = compare(None, Some(&topic), Some(&folder(&[0, 0])), Identity::Unknown).report;
    assert_eq!((report.total.missing, report.compared_by), (1, "counts"));
}

proptest! {
    #[test]
    fn the_books_add_up(
        sent in prop::collection::vec(0u64..40, 0..60),
        kept in prop::collection::vec(0u64..50, 0..60),
    ) {
        let (topic, folder) = (topic(&sent), folder(&kept));
        let report = report(None, &topic, &folder);
        let total = report.total;
        prop_assert_eq!(sent.len() as u64 - total.missing, kept.len() as u64 - total.doubled - total.foreign);
        let foreign = kept.iter().filter(|mark| !sent.contains(mark)).count() as u64;
        prop_assert_eq!(total.foreign, foreign);
        let of_nights: u64 = report.nights.iter().map(|row| row.folder.unwrap()).sum();
        let of_partitions: u64 = report.partitions.iter().map(|row| row.folder.unwrap()).sum();
        prop_assert_eq!((of_nights, of_partitions), (kept.len() as u64, kept.len() as u64));
        let mut both = (sent.clone(), kept.clone());
        both.0.sort_unstable();
        both.1.sort_unstable();
        let mut distinct = sent;
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(total.repeated, topic.alerts.len() as u64 - distinct.len() as u64);
        prop_assert_eq!(report.agrees, both.0 == both.1 && total.repeated == 0);
    }
}
