//! What is not there, or not as it should be.

use crate::cluster::{Alert, Cluster, Kind, SCHEMA, ids};
use download::{DownloadError, Format, Layout, Limits, Options};
use job::ErrorKind;
use std::net::TcpListener;
use std::time::{Duration, Instant};

fn a_topic_that_does_not_exist_is_named_and_leaves_nothing_behind(kind: Kind) {
    let cluster = Cluster::empty(kind);
    let error = cluster.download(Layout::Flat).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().starts_with(&format!("topic {} does not exist at 127.0.0.1:", cluster.topic)),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(cluster.outdir.path()).unwrap().count(), 0);
}

fn a_topic_without_its_schema_topic_or_schema_is_an_error(kind: Kind) {
    let cluster = Cluster::empty(kind);
    cluster.create(&cluster.topic, 2);
    let error = cluster.download(Layout::Flat).unwrap_err();
    assert!(
        matches!(error, DownloadError::NoTopic { ref topic, .. } if topic.ends_with("_schema")),
        "{error}"
    );

    cluster.create(&format!("{}_schema", cluster.topic), 2);
    let begun = Instant::now();
    let error = cluster.download(Layout::Flat).unwrap_err();
    assert!(matches!(error, DownloadError::NoSchema { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "that is known without waiting");

    cluster.send(&format!("{}_schema", cluster.topic), &[(0, None, b"no key".to_vec())]);
    assert!(matches!(cluster.download(Layout::Flat), Err(DownloadError::NoSchema { .. })));
}

#[test]
fn a_broker_that_does_not_answer_is_an_error_within_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = Options {
        bootstrap: format!("127.0.0.1:{port}"),
        topic: "ftransfer_ztf_2026-03-23_11487".parse().unwrap(),
        outdir: "never-made".into(),
        layout: Layout::Flat,
        format: Format::Parquet,
    };
    let limits = Limits { patience: Duration::from_secs(1), ..Limits::default() };
    // First it accepts and stays silent, then it refuses.
    for _ in 0..2 {
        let error = download::run_within(&options, &limits, &|_| {}).unwrap_err();
        assert!(matches!(error, DownloadError::Unreachable { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Transient);
    }
    drop(listener);
    let error = download::run_within(&options, &limits, &|_| {}).unwrap_err();
    assert!(matches!(error, DownloadError::Unreachable { .. }), "{error}");
}

fn a_schema_that_no_transfer_makes_names_the_field(kind: Kind) {
    let cluster = Cluster::with_schema(
        kind,
        r#"{"type":"record","name":"r","fields":[{"name":"when","type":{"type":"long","logicalType":"timestamp-micros"}}]}"#,
        1,
    );
    let error = cluster.download(Layout::Flat).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permanent);
    assert!(error.to_string().contains("cannot be used: when is of type"), "{error}");
}

fn a_damaged_alert_is_named_and_those_on_disk_stay(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 2);
    cluster.send_alerts(0..20, 1);
    cluster.download(Layout::Flat).unwrap();
    cluster.send(&cluster.topic, &[(1, None, Alert::new(20).encode()), (1, None, vec![0, 0xff])]);
    for _ in 0..2 {
        let error = cluster.download(Layout::Flat).unwrap_err();
        assert!(matches!(error, DownloadError::Message { partition: 1, offset: 1, .. }), "{error}");
        let expected = format!(
            "the message at offset 1 of partition 1 of topic {} is damaged: field id: the message ends early",
            cluster.topic
        );
        assert_eq!(error.to_string(), expected);
    }
    let on_disk = ids(cluster.outdir.path());
    assert!(on_disk == (0..20).collect::<Vec<_>>() || on_disk == (0..=20).collect::<Vec<_>>(), "{on_disk:?}");
}

crate::cluster::on_every_cluster! {
    a_topic_that_does_not_exist_is_named_and_leaves_nothing_behind,
    a_topic_without_its_schema_topic_or_schema_is_an_error,
    a_schema_that_no_transfer_makes_names_the_field,
    a_damaged_alert_is_named_and_those_on_disk_stay,
}
