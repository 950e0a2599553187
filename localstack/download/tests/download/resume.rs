//! Going on where an earlier run ended.

use crate::cluster::{Alert, Cluster, Kind, SCHEMA, files, ids, impatient, unique};
use download::{DownloadError, Layout, Limits, Progress, Summary};
use job::ErrorKind;
use std::sync::Mutex;

fn a_second_run_takes_only_what_is_new(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 3);
    cluster.send_alerts(0..50, 3);
    cluster.download(Layout::Finkclass).unwrap();
    let summary = cluster.download(Layout::Finkclass).unwrap();
    assert_eq!(summary, Summary { alerts: 50, ..Summary::default() });
    cluster.send_alerts(50..70, 3);
    let summary = cluster.download(Layout::Finkclass).unwrap();
    assert_eq!((summary.alerts, summary.new_alerts), (70, 20));
    assert_eq!(ids(cluster.outdir.path()), (0..70).collect::<Vec<_>>());
}

fn an_empty_topic_is_no_error_and_makes_no_file(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 10);
    assert_eq!(cluster.download(Layout::Time).unwrap(), Summary::default());
    assert!(files(cluster.outdir.path()).is_empty());
    cluster.send_alerts(0..5, 10);
    assert_eq!(cluster.download(Layout::Time).unwrap().alerts, 5);
}

fn progress_counts_to_the_total(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 2);
    cluster.send_alerts(0..5_000, 2);
    let seen = Mutex::new(Vec::<Progress>::new());
    download::run(&cluster.options(Layout::Flat), &|progress| seen.lock().unwrap().push(progress)).unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|progress| progress.total == 5_000));
    assert_eq!(seen.first().unwrap().alerts, 0);
    assert_eq!(seen.iter().map(|progress| progress.alerts).max(), Some(5_000));
}

fn small_limits_change_the_files_but_not_the_alerts(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 3);
    cluster.send_alerts(0..20_000, 3);
    let limits = Limits { commit_bytes: 100_000, memory_bytes: 10_000, ..impatient() };
    let summary = download::run_within(&cluster.options(Layout::Finkclass), &limits, &|_| {}).unwrap();
    assert!(summary.files > 6, "{summary:?}");
    assert_eq!(ids(cluster.outdir.path()), (0..20_000).collect::<Vec<_>>());
}

fn a_folder_that_holds_other_files_and_topics_may_be_used(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    std::fs::write(cluster.outdir.path().join("notes.txt"), "mine").unwrap();
    cluster.send_alerts(0..10, 1);
    cluster.download(Layout::Flat).unwrap();

    let other = &unique("fxmatch");
    cluster.create(other, 1);
    cluster.create(&format!("{other}_schema"), 1);
    cluster.send(&format!("{other}_schema"), &[(0, Some(SCHEMA.into()), vec![])]);
    cluster.send(other, &[(0, None, Alert::new(10).encode())]);
    let mut options = cluster.options(Layout::Flat);
    options.topic = other.parse().unwrap();
    download::run(&options, &|_| {}).unwrap();

    std::fs::remove_file(cluster.outdir.path().join("notes.txt")).unwrap();
    assert_eq!(ids(cluster.outdir.path()), (0..=10).collect::<Vec<_>>());
}

fn a_second_run_at_the_same_time_is_refused(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    cluster.send_alerts(0..10, 1);
    let refused = Mutex::new(None);
    let once = |_| {
        refused.lock().unwrap().get_or_insert_with(|| cluster.download(Layout::Flat).unwrap_err());
    };
    assert_eq!(download::run(&cluster.options(Layout::Flat), &once).unwrap().alerts, 10);
    let error = refused.into_inner().unwrap().unwrap();
    assert!(matches!(error, DownloadError::Busy { .. }) && error.kind() == ErrorKind::Conflict, "{error}");
}

fn files_without_their_record_are_not_doubled(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    cluster.send_alerts(0..10, 1);
    cluster.download(Layout::Finkclass).unwrap();
    std::fs::remove_file(cluster.outdir.path().join(format!(".nightferry-{}.json", cluster.topic))).unwrap();
    assert!(matches!(cluster.download(Layout::Finkclass), Err(DownloadError::NoRecord { .. })));
}

fn a_damaged_record_is_refused(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    std::fs::write(cluster.outdir.path().join(format!(".nightferry-{}.json", cluster.topic)), "{").unwrap();
    assert!(matches!(cluster.download(Layout::Flat), Err(DownloadError::Record { .. })));
}

fn a_topic_that_is_shorter_than_before_is_another_one(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    cluster.send_alerts(0..10, 1);
    cluster.download(Layout::Flat).unwrap();
    cluster.make_again(1);
    cluster.send_alerts(0..5, 1);
    assert!(matches!(cluster.download(Layout::Flat), Err(DownloadError::OtherTopic { .. })));
    assert_eq!(ids(cluster.outdir.path()), (0..10).collect::<Vec<_>>());
}

fn alerts_that_the_cluster_has_deleted_are_counted_and_the_others_arrive(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    cluster.send_alerts(0..10, 1);
    cluster.expire(0, 4);
    let summary = cluster.download(Layout::Flat).unwrap();
    assert_eq!((summary.alerts, summary.expired), (6, 4));
    cluster.send_alerts(10..20, 1);
    cluster.expire(0, 12);
    let summary = cluster.download(Layout::Flat).unwrap();
    assert_eq!((summary.alerts, summary.new_alerts, summary.expired), (14, 8, 6));
    assert!(ids(cluster.outdir.path()).into_iter().eq((4..10).chain(12..20)));
}

crate::cluster::on_every_cluster! {
    a_second_run_takes_only_what_is_new,
    an_empty_topic_is_no_error_and_makes_no_file,
    progress_counts_to_the_total,
    small_limits_change_the_files_but_not_the_alerts,
    a_folder_that_holds_other_files_and_topics_may_be_used,
    a_second_run_at_the_same_time_is_refused,
    files_without_their_record_are_not_doubled,
    a_damaged_record_is_refused,
    a_topic_that_is_shorter_than_before_is_another_one,
    alerts_that_the_cluster_has_deleted_are_counted_and_the_others_arrive,
}
