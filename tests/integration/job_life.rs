//! Cancel, retry, rerun, expiry; budgets and limits; a broker that goes away.

use crate::harness::{Python, Stack, get, number, sample_archive, send, text, wait_for};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use serde_json::Value;
use std::{
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

/// What holds for the receipt of any job that has ended.
fn receipt_adds_up(stack: &Stack, id: &str) -> Value {
    let receipt = stack.json(&["receipt", id]);
    let total = &receipt["total"];
    let dropped: u64 =
        total["dropped_by_condition"].as_array().unwrap().iter().filter_map(Value::as_u64).sum();
    let by_class = number(total, "/dropped_by_class");
    assert_eq!(
        number(total, "/read"),
        dropped + by_class + number(total, "/over_limit") + number(total, "/kept")
    );
    let unfinished: u64 =
        receipt["nights"].as_array().unwrap().iter().map(|night| number(night, "/unfinished")).sum();
    assert_eq!(number(total, "/kept") + unfinished, number(total, "/sent"));
    let partitions = receipt["partitions"].as_array().unwrap();
    let held: u64 = partitions.iter().map(|span| number(span, "/end")).sum();
    assert_eq!(held, number(total, "/sent"), "{receipt:#}");
    let topic = Python::ready().topic(&stack.bootstrap, text(&receipt, "/topic"));
    assert_eq!(topic.alerts.len() as u64, held);
    assert!(topic.is_dense());
    receipt
}

#[test]
fn a_cancel_takes_effect_within_two_seconds_and_a_retry_completes_the_topic() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-04"], 3_000, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let nights = "2026-03-01..2026-03-04";
    let slow = ["submit", "--nights", nights, "--alerts-per-second", "1500", "--nights-at-once", "2"];
    let job = stack.json(&slow);
    let id = text(&job, "/id").to_owned();
    wait_for("alerts on their way", 30, || {
        (number(&stack.job(&id), "/status/counts/kept") > 500).then_some(())
    });
    let begun = Instant::now();
    stack.json(&["cancel", &id]);
    let cancelled = stack.await_state(&id, "cancelled", 10);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(number(&cancelled, "/status/counts/sent") < 12_000);
    let receipt = receipt_adds_up(&stack, &id);
    assert_eq!(text(&receipt, "/state"), "cancelled");

    // The pace is the job's own: the rest takes some seconds.
    stack.json(&["retry", &id]);
    let done = stack.await_state(&id, "done", 60);
    assert_eq!(done["status"]["topic"], cancelled["status"]["topic"]);
    let receipt = receipt_adds_up(&stack, &id);
    assert_eq!(number(&receipt, "/total/sent"), 12_000);
    let dump = Python::ready().topic(&stack.bootstrap, text(&done, "/status/topic"));
    assert_eq!(dump.candids().len(), 12_000, "lost");
    assert!(dump.candids().values().all(|count| *count == 1), "doubled");
}

#[test]
fn a_receipt_has_the_books_of_every_class_condition_file_and_partition() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-02"], 2_000, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let nights = ["--nights", "2026-03-01..2026-03-02"];
    let two = ["--where", "candidate.magpsf < 19.5", "--where", "candidate.fid = 1"];
    let job = stack.ferry_well(&[&nights[..], &two].concat());
    let receipt = receipt_adds_up(&stack, text(&job, "/id"));
    let first_alone = stack.ferry_well(&[&nights[..], &two[..2]].concat());
    let after_first = number(&first_alone, "/status/counts/kept");
    let dropped = &receipt["total"]["dropped_by_condition"];
    assert_eq!(dropped[0].as_u64().unwrap(), 4_000 - after_first);
    assert_eq!(dropped[1].as_u64().unwrap(), after_first - number(&receipt, "/total/kept"));
    let classes: u64 =
        receipt["total"]["classes"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(classes, number(&receipt, "/total/sent"), "every alert has a class");
    assert_eq!(receipt["schema_fingerprint"].as_str().unwrap().len(), 16);
    for night in receipt["nights"].as_array().unwrap() {
        for file in night["files"].as_array().unwrap() {
            let kept = std::fs::metadata(Path::new("/").join(text(file, "/path"))).unwrap();
            assert_eq!(number(file, "/size"), kept.len());
            assert!(file["etag"].is_string());
        }
        let messages: u64 = night["messages"].as_array().unwrap().iter().filter_map(Value::as_u64).sum();
        assert_eq!(messages, number(night, "/counts/sent"));
    }
    let told = stack.run(&["receipt", text(&job, "/id")]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("by condition 2") && told.contains("end offset"), "{told}");
}

#[test]
fn a_broker_that_vanishes_for_long_only_delays_a_job() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-02"], 5_000, false);
    let start = |listen: Option<std::net::SocketAddr>| {
        let config = BrokerConfig::new(folder.path().join("kafka"));
        EmbeddedBroker::start(listen.map_or(config.clone(), |listen| config.listen(listen))).unwrap()
    };
    let broker = start(None);
    let address = broker.address();
    let bootstrap = broker.bootstrap();
    // An attempt gives up after one silent second, so that the broker is away for many attempts.
    let more = ["--bootstrap", &bootstrap, "--delivery-timeout", "2"];
    let stack = Stack::start(&archive, &folder.path().join("data"), &more);
    let paced = ["--alerts-per-second", "2000", "--nights-at-once", "2"];
    let job = stack.json(&[&["submit", "--nights", "2026-03-01..2026-03-02"][..], &paced].concat());
    let id = text(&job, "/id").to_owned();
    wait_for("alerts on their way", 30, || {
        (number(&stack.job(&id), "/status/counts/sent") > 1_000).then_some(())
    });
    broker.shutdown();
    let failing = wait_for("a failed attempt", 60, || {
        let job = stack.job(&id);
        job["status"]["nights"][0]["failure"].is_object().then_some(job)
    });
    assert_eq!(text(&failing, "/status/state"), "running");
    assert_eq!(failing["status"]["nights"][0]["failure"]["worth_retrying"], true);
    sleep(Duration::from_secs(5));
    let _broker = start(Some(address));
    let done = stack.await_state(&id, "done", 120);
    assert_eq!(number(&done, "/status/counts/sent"), 10_000);
    assert!(number(&done, "/status/nights/0/attempts") > 1);
    let dump = Python::ready().topic(&bootstrap, text(&done, "/status/topic"));
    assert_eq!(dump.candids().len(), 10_000, "lost");
    assert!(dump.candids().values().all(|count| *count == 1) && dump.is_dense(), "doubled");
}

#[test]
fn a_job_keeps_to_its_pace() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-03"], 800, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &["--workers", "3"]);
    let nights = "2026-03-01..2026-03-03";
    let begun = Instant::now();
    let job = stack.json(&["submit", "--nights", nights, "--alerts-per-second", "600"]);
    let id = text(&job, "/id").to_owned();
    let most = std::cell::Cell::new(0);
    let done = wait_for("the end", 60, || {
        let job = stack.job(&id);
        let nights = job["status"]["nights"].as_array().unwrap();
        most.set(most.get().max(nights.iter().filter(|night| night["state"] == "running").count()));
        (text(&job, "/status/state") == "done").then_some(job)
    });
    assert!(begun.elapsed() >= Duration::from_millis(3_900), "{:?} for 2,400 alerts", begun.elapsed());
    assert_eq!((number(&done, "/status/counts/sent"), most.get()), (2_400, 1), "one night at a time");

    let bytes = number(&done, "/status/counts/bytes_sent");
    let rate = (bytes / 3).to_string();
    let begun = Instant::now();
    stack.ferry_well(&["--nights", nights, "--bytes-per-second", &rate, "--nights-at-once", "3"]);
    assert!(begun.elapsed() >= Duration::from_millis(2_800), "{:?} for 3 s of bytes", begun.elapsed());
}

#[test]
fn a_small_job_does_not_wait_for_all_nights_of_a_large_one() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-06"], 2_000, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &["--workers", "1"]);
    let large = stack.json(&[
        "submit",
        "--nights",
        "2026-03-01..2026-03-06",
        "--alerts-per-second",
        "6000",
        "--nights-at-once",
        "6",
    ]);
    let small = stack.ferry_well(&["--nights", "2026-03-03", "--limit", "50"]);
    assert_eq!(number(&small, "/status/counts/sent"), 50);
    let large = stack.job(text(&large, "/id"));
    assert_eq!(text(&large, "/status/state"), "running", "the large job was to be still under way");
}

#[test]
fn requests_over_a_limit_are_refused_with_the_estimate_and_what_would_fit() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-04"], 100, false);
    let limits = ["--job-alerts", "250", "--job-nights", "3", "--day-alerts", "400"];
    let stack = Stack::start(&archive, &folder.path().join("data"), &limits);
    let jobs = format!("{}/v1/jobs", stack.api);

    let (status, _, refused) = send("POST", &jobs, "nights: 2026-03-01..2026-03-03");
    assert_eq!(status, 422, "{refused}");
    assert_eq!(number(&refused, "/estimate/alerts"), 300);
    let reason = text(&refused, "/problems/0/reason");
    assert!(reason.contains("300 alerts, where 250 are allowed"), "{reason}");
    let instead = text(&refused, "/problems/0/instead");
    assert!(instead.contains("first 2 of the nights, up to 2026-03-02: 200 alerts"), "{instead}");
    assert!(instead.contains("limit: 250"), "{instead}");
    let (status, _, refused) = send("POST", &jobs, "nights: 2026-03-01..2026-03-04\nlimit: 10");
    assert_eq!(status, 422);
    assert!(text(&refused, "/problems/0/reason").contains("4 nights, where 3 are allowed"), "{refused}");

    let submit = |user: &str, limit: &str| {
        let mut command = Command::new(crate::harness::nightferry());
        command.env("NIGHTFERRY_USER", user).args(["submit", "--nights", "2026-03-01..2026-03-03"]);
        command.args(["--limit", limit, "--watch", "--json", "--api", &stack.api]).output().unwrap()
    };
    assert_eq!(submit("ada", "250").status.code(), Some(0));
    let refused = submit("ada", "200");
    assert_eq!(refused.status.code(), Some(3));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("450 alerts, where 400 are allowed to a user in a day"), "{said}");
    assert!(said.contains("limit: 150"), "{said}");
    assert_eq!(submit("grace", "250").status.code(), Some(0), "another user's day is another's");
    assert_eq!(submit("ada", "150").status.code(), Some(0), "what was left");
    let (_, _, list) = get(&jobs);
    assert_eq!(text(&list, "/0/user"), "ada");
    // Refused jobs leave nothing behind: the three accepted ones are all there are.
    assert_eq!(list.as_array().unwrap().len(), 3);
    let (_, _, nobodys) = get(&format!("{jobs}?mine=true"));
    assert_eq!(nobodys.as_array().unwrap().len(), 0, "who asks has no job");
}

#[test]
fn a_job_runs_again_by_its_id_into_a_new_topic() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 300, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job =
        stack.ferry_well(&["--nights", "2026-03-22", "--where", "candidate.magpsf < 19", "--name", "again"]);
    let again = stack.json(&["rerun", text(&job, "/id"), "--watch"]);
    assert_eq!(text(&again, "/status/state"), "done");
    assert_ne!(again["id"], job["id"]);
    assert_ne!(again["status"]["topic"], job["status"]["topic"]);
    for part in ["nights", "conditions", "content", "name"] {
        assert_eq!(again[part], job[part]);
    }
    assert_eq!(again["status"]["counts"]["sent"], job["status"]["counts"]["sent"]);
    let unknown = stack.run(&["rerun", "0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11"]);
    assert_eq!(unknown.status.code(), Some(3));
}

#[test]
fn a_topic_lives_as_long_as_was_said_and_not_longer() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 100, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &["--retention", "15s"]);
    let job = stack.ferry_well(&["--nights", "2026-03-22"]);
    let topic = text(&job, "/status/topic").to_owned();
    let time = |path: &str| text(&job, path).parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((time("/status/expires") - time("/status/created")).num_seconds(), 15);
    assert_eq!(job["status"]["expired"], false);
    assert_eq!(Python::ready().topic(&stack.bootstrap, &topic).alerts.len(), 100);
    let gone = wait_for("the end of the topic", 60, || {
        let job = stack.job(text(&job, "/id"));
        let log = job["status"]["log"].to_string();
        log.contains("was deleted").then_some(job)
    });
    assert_eq!(gone["status"]["expired"], true);
    let listed = stack.run(&["jobs"]);
    assert!(String::from_utf8(listed.stdout).unwrap().contains("expired"));
    let unread =
        Python::ready().script("read_topic.py", &["--bootstrap", &stack.bootstrap, "--topic", &topic]);
    assert!(!unread.status.success(), "the topic is still there");
    assert_eq!(stack.run(&["retry", text(&job, "/id")]).status.code(), Some(3));
}
