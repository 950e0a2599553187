//! A real process, really killed.

use crate::cluster::{Cluster, Kind, SCHEMA, ids, impatient};
use download::{Format, Layout, Limits, Options};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ALERTS: i64 = 200_000;

/// What the parent kills. Run by hand it does nothing, for want of a broker.
#[test]
fn child() {
    let variable = |name| std::env::var(name).ok();
    let (Some(bootstrap), Some(topic), Some(outdir)) =
        (variable("DOWNLOAD_FROM"), variable("DOWNLOAD_TOPIC"), variable("DOWNLOAD_TO"))
    else {
        return;
    };
    let options = Options {
        bootstrap,
        topic: topic.parse().unwrap(),
        outdir: outdir.into(),
        layout: Layout::Finkclass,
        format: if std::env::var("DOWNLOAD_AVRO").is_ok() { Format::Avro } else { Format::Parquet },
    };
    let limits = Limits { commit_bytes: 200_000, ..impatient() };
    download::run_within(&options, &limits, &|_| {}).unwrap();
}

fn a_run_killed_at_any_moment_neither_loses_nor_doubles_an_alert(kind: Kind) {
    killed_again_and_again(kind, Format::Parquet, ids);
}

fn nor_does_one_that_writes_avro(kind: Kind) {
    killed_again_and_again(kind, Format::Avro, crate::avro::ids);
}

fn killed_again_and_again(kind: Kind, format: Format, ids: impl Fn(&std::path::Path) -> Vec<i64>) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 4);
    cluster.send_alerts(0..ALERTS, 4);
    let mut kills = 0;
    for round in 0..40u64 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if format == Format::Avro {
            command.env("DOWNLOAD_AVRO", "1");
        }
        let mut child = command
            .args(["--exact", "kill::child"])
            .env("DOWNLOAD_FROM", &cluster.bootstrap)
            .env("DOWNLOAD_TOPIC", &cluster.topic)
            .env("DOWNLOAD_TO", cluster.outdir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Any moment will do, so a moment that differs from round to round; the wait ends early if the child does.
        let until = Instant::now() + Duration::from_millis(30 + round * 37 % 170);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        kills += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let seen = ids(cluster.outdir.path());
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "an alert is there twice");
    }
    let options = Options { format, ..cluster.options(Layout::Finkclass) };
    let summary = download::run_within(&options, &impatient(), &|_| {}).unwrap();
    assert_eq!(summary.alerts, ALERTS as u64);
    assert!(ids(cluster.outdir.path()).into_iter().eq(0..ALERTS));
    assert!(kills > 5, "{kills} runs were killed before their end");
}

crate::cluster::on_every_cluster! {
    a_run_killed_at_any_moment_neither_loses_nor_doubles_an_alert,
    nor_does_one_that_writes_avro,
}
