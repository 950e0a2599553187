//! Kills, cancels, restarts.

use crate::harness::{Python, Stack, number, sample_archive, text};
use std::{thread::sleep, time::Duration};

#[test]
fn a_killed_stack_neither_loses_nor_doubles_an_alert() {
    const ALERTS: u64 = 40_000;
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-21..2026-03-22"], ALERTS, false);
    let mut stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.json(&["submit", "--nights", "2026-03-21..2026-03-22"]);
    let id = text(&job, "/id").to_owned();
    for milliseconds in [60, 110, 170, 40, 130] {
        sleep(Duration::from_millis(milliseconds));
        stack = stack.crash_and_restart();
    }
    let done = stack.await_state(&id, "done", 120);
    assert_eq!(number(&done, "/status/counts/sent"), 2 * ALERTS);
    let attempts: u64 = (0..2).map(|night| number(&done, &format!("/status/nights/{night}/attempts"))).sum();
    assert!(attempts > 2, "no kill met a task under way: {done:#}");
    let dump = Python::ready().topic(&stack.bootstrap, text(&done, "/status/topic"));
    let candids = dump.candids();
    assert_eq!(candids.len() as u64, 2 * ALERTS, "lost");
    assert!(candids.values().all(|count| *count == 1), "doubled");
    assert!(dump.is_dense());
}

#[test]
fn a_killed_part_of_a_night_sends_its_own_files_only() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 100_000, false);
    let mut stack =
        Stack::start(&archive, &folder.path().join("data"), &["--task-mib", "200", "--workers", "1"]);
    let job = stack.json(&["submit", "--nights", "2026-03-22", "--where", "candidate.magpsf < 16.5"]);
    let id = text(&job, "/id").to_owned();
    for _ in 0..3 {
        sleep(Duration::from_millis(90));
        stack = stack.crash_and_restart();
    }
    let done = stack.await_state(&id, "done", 120);
    assert!(done["status"]["nights"].as_array().unwrap().len() > 1, "the night has one part only: {done:#}");
    assert_eq!(number(&done, "/status/counts/read"), 100_000);
    let dump = Python::ready().topic(&stack.bootstrap, text(&done, "/status/topic"));
    assert_eq!(dump.candids().len() as u64, number(&done, "/status/counts/sent"));
    assert!(dump.candids().values().all(|count| *count == 1) && dump.is_dense());
}

#[test]
fn a_limit_is_kept_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-04"], 20_000, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.json(&["submit", "--nights", "2026-03-01..2026-03-04", "--limit", "10"]);
    let stack = stack.crash_and_restart();
    let done = stack.await_state(text(&job, "/id"), "done", 60);
    assert_eq!(number(&done, "/status/counts/sent"), 10);
    assert_eq!(number(&done, "/status/nights/0/counts/sent"), 10, "first nights first");
}

#[test]
fn a_restart_finds_jobs_and_topics_again() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 200, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2026-03-22"]);
    let stack = stack.crash_and_restart();
    let found = stack.job(text(&job, "/id"));
    assert_eq!(found["status"]["counts"], job["status"]["counts"]);
    let dump = Python::ready().topic(&stack.bootstrap, text(&job, "/status/topic"));
    assert_eq!(dump.candids().len(), 200);
}

#[test]
fn a_cancelled_job_stops_and_its_topic_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-08"], 20_000, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &["--workers", "1"]);
    let job = stack.json(&["submit", "--nights", "2026-03-01..2026-03-08", "--content", "Medium packet"]);
    let id = text(&job, "/id");
    stack.json(&["cancel", id]);
    let cancelled = stack.await_state(id, "cancelled", 5);
    let sent = number(&cancelled, "/status/counts/sent");
    assert!(sent < 160_000, "all was sent before the cancel");
    let again = stack.run(&["cancel", id]);
    assert!(again.status.success(), "cancelling twice is harmless");
    assert!(Python::ready().topic(&stack.bootstrap, text(&cancelled, "/status/topic")).is_dense());
    let refused = stack.run(&["retry", "0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11"]);
    assert_eq!(refused.status.code(), Some(3));
}
