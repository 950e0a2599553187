//! Ends that are given, and topics that are still being filled.

use crate::cluster::{Cluster, Kind, SCHEMA, ids, impatient};
use download::{DownloadError, Horizon, Layout, Limits, Summary};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn run_to(cluster: &Cluster, horizon: &Horizon) -> Result<Summary, DownloadError> {
    download::run_to(&cluster.options(Layout::Finkclass), &impatient(), horizon, &|_| {})
}

fn ends<const N: usize>(ends: [i64; N]) -> BTreeMap<i32, i64> {
    (0..).zip(ends).collect()
}

fn a_run_ends_at_the_ends_that_are_given_and_says_what_lies_beyond(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 2);
    cluster.send_alerts(0..100, 2);
    let summary = run_to(&cluster, &Horizon::at(ends([40, 50]))).unwrap();
    assert_eq!((summary.alerts, summary.short, summary.beyond), (90, 0, 10));
    let summary = run_to(&cluster, &Horizon::at(ends([50, 50]))).unwrap();
    assert_eq!((summary.alerts, summary.new_alerts, summary.beyond), (100, 10, 0));
    assert!(ids(cluster.outdir.path()).into_iter().eq(0..100));
}

fn a_topic_that_lacks_its_last_alerts_is_read_as_far_as_it_goes(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 2);
    cluster.send_alerts(0..100, 2);
    let begun = Instant::now();
    let summary = run_to(&cluster, &Horizon::at(ends([50, 57]))).unwrap();
    assert_eq!((summary.alerts, summary.short), (100, 7));
    assert!(begun.elapsed() < Duration::from_secs(3), "nothing is waited for in vain");
}

fn an_open_topic_is_followed_until_its_ends_are_told(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 3);
    cluster.send_alerts(0..30, 3);
    let (horizon, seen) = (Horizon::open(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let progress = |progress: download::Progress| {
                seen.fetch_max(progress.alerts, Ordering::Relaxed);
            };
            // Patience is for a silent cluster, not for a topic without news.
            let limits = Limits { patience: Duration::from_secs(1), ..impatient() };
            download::run_to(&cluster.options(Layout::Finkclass), &limits, &horizon, &progress)
        });
        let until = |alerts| {
            let deadline = Instant::now() + Duration::from_secs(10);
            while seen.load(Ordering::Relaxed) < alerts {
                assert!(Instant::now() < deadline && !reader.is_finished(), "{alerts} alerts do not come");
                std::thread::yield_now();
            }
        };
        until(30);
        let silence = Instant::now();
        while silence.elapsed() < Duration::from_millis(2500) {
            assert!(!reader.is_finished());
            std::thread::yield_now();
        }
        cluster.send_alerts(30..90, 3);
        until(90);
        cluster.send_alerts(90..99, 3);
        let told = Instant::now();
        horizon.close(ends([33, 33, 33]));
        let summary = reader.join().unwrap().unwrap();
        assert!(told.elapsed() < Duration::from_secs(1), "no idle wait");
        assert_eq!((summary.alerts, summary.short, summary.beyond), (99, 0, 0));
        assert!(summary.files <= 6, "one file a thread and class: {summary:?}");
    });
    assert!(ids(cluster.outdir.path()).into_iter().eq(0..99));
}

fn a_topic_that_slowly_fills_does_not_become_many_tiny_files(kind: Kind) {
    let cluster = Cluster::with_schema(kind, SCHEMA, 1);
    let (horizon, seen) = (Horizon::open(), AtomicU64::new(0));
    let limits = Limits { commit_interval: Duration::ZERO, ..impatient() };
    let summary = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let progress = |progress: download::Progress| {
                seen.fetch_max(progress.alerts, Ordering::Relaxed);
            };
            download::run_to(&cluster.options(Layout::Flat), &limits, &horizon, &progress)
        });
        for id in 0..20 {
            cluster.send_alerts(id..id + 1, 1);
            while seen.load(Ordering::Relaxed) < id as u64 + 1 {
                assert!(!reader.is_finished());
                std::thread::yield_now();
            }
        }
        horizon.close_now();
        reader.join().unwrap().unwrap()
    });
    assert_eq!((summary.alerts, summary.files), (20, 1));
}

crate::cluster::on_every_cluster! {
    a_run_ends_at_the_ends_that_are_given_and_says_what_lies_beyond,
    a_topic_that_lacks_its_last_alerts_is_read_as_far_as_it_goes,
    an_open_topic_is_followed_until_its_ends_are_told,
    a_topic_that_slowly_fills_does_not_become_many_tiny_files,
}
