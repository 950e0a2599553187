//! `nightferry download`, from a topic of ours to a data set that pandas and pyarrow read, or Avro files.

use crate::harness::{Python, Stack, nightferry, number, sample_archive, text, wait_for};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// The command, with what it needs to find stack and folder.
fn command(stack: &Stack, topic: &str, outdir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(nightferry());
    command.args(["download", topic, "--bootstrap", &stack.bootstrap, "--api", &stack.api, "--json"]);
    command.args(more).arg("--outdir").arg(outdir);
    command
}

/// Runs it to its end; exit code, and what it printed.
fn run(stack: &Stack, topic: &str, outdir: &Path, more: &[&str]) -> (i32, Value) {
    told(command(stack, topic, outdir, more).output().unwrap())
}

fn told(output: Output) -> (i32, Value) {
    let told = String::from_utf8_lossy(&output.stderr);
    let summary = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    (output.status.code().unwrap(), summary)
}

fn download(stack: &Stack, topic: &str, outdir: &Path, by: &str) -> Value {
    let mut command = Command::new(nightferry());
    command.args([
        "download",
        topic,
        "--partitionby",
        by,
        "--bootstrap",
        &stack.bootstrap,
        "--json",
        "--outdir",
    ]);
    let output = command.arg(outdir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_downloaded_topic_is_a_data_set_with_every_alert_once() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2020-08-02", "2026-03-22"], 300, true);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2020-08-02..2026-03-22", "--content", "Full packet"]);
    let topic = text(&job, "/status/topic");
    for by in ["time", "finkclass", "tnsclass", "none"] {
        let outdir = folder.path().join(by);
        let summary = download(&stack, topic, &outdir, by);
        assert_eq!((number(&summary, "/alerts"), number(&summary, "/new_alerts")), (600, 600), "{by}");
        let again = download(&stack, topic, &outdir, by);
        assert_eq!((number(&again, "/alerts"), number(&again, "/new_alerts")), (600, 0), "{by}");
        let read = Python::ready().json("read_dataset.py", &[outdir.to_str().unwrap()]);
        assert_eq!(number(&read, "/rows"), 600, "{by}: {read:#}");
        assert_eq!(number(&read, "/duplicates"), 0, "{by}");
        assert_eq!((number(&read, "/pandas/rows"), number(&read, "/pyarrow/rows")), (600, 600), "{by}");
        assert_eq!(read["columns"]["candid"], "int64");
        assert_eq!(
            read["columns"]["slsn_score"], "double",
            "null in half of the nights, and a double all the same"
        );
    }
}

#[test]
fn a_topic_that_does_not_exist_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 10, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let mut command = Command::new(nightferry());
    command.args(["download", "ftransfer_ztf_2026-01-01_1", "--bootstrap", &stack.bootstrap, "--outdir"]);
    let output = command.arg(folder.path().join("out")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ftransfer_ztf_2026-01-01_1"));
}

#[test]
fn avro_files_are_read_by_the_fields_own_library() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2020-08-02", "2026-03-22"], 300, true);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    for (content, codec) in [("Light packet", "deflate"), ("Full packet", "null")] {
        let job = stack.ferry_well(&["--nights", "2020-08-02..2026-03-22", "--content", content]);
        let topic = text(&job, "/status/topic");
        let outdir = folder.path().join(codec);
        let more = ["--format", "avro", "--partitionby", "finkclass"];
        let (code, summary) = run(&stack, topic, &outdir, &more);
        assert_eq!((code, number(&summary, "/alerts"), &summary["complete"]), (0, 600, &json!(true)));
        let read = Python::ready().json("read_avro.py", &[outdir.to_str().unwrap()]);
        assert_eq!((number(&read, "/rows"), number(&read, "/duplicates")), (600, 0));
        assert_eq!(read["codecs"], json!({codec: number(&read, "/files")}));
        assert!(read["folders"].as_object().unwrap().keys().all(|name| name.starts_with("finkclass=")));
        let dump = Python::ready().topic(&stack.bootstrap, topic);
        let mut candids: Vec<i64> = dump.candids().into_keys().collect();
        candids.sort_unstable();
        assert_eq!(read["candids"], json!(candids));
        let fields: Vec<&str> = read["schemas"][0]["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .collect();
        assert_eq!(fields, dump.fields());
        assert_eq!(run(&stack, topic, &outdir, &more).1["new_alerts"], 0);
        let other = command(&stack, topic, &outdir, &["--partitionby", "finkclass"]).output().unwrap();
        assert_eq!(other.status.code(), Some(3), "another format");
    }
}

/// A stack that is at a job for some seconds, and the job.
fn long_job(folder: &Path) -> (Stack, String, u64) {
    const ALERTS: u64 = 8_000;
    let archive = sample_archive(&folder.join("archive"), &["2026-03-01..2026-03-03"], ALERTS, false);
    let stack = Stack::start(&archive, &folder.join("data"), &["--workers", "1"]);
    let job = ["submit", "--nights", "2026-03-01..2026-03-03", "--content", "Medium packet"];
    let job = stack.json(&[&job[..], &["--alerts-per-second", "2000"]].concat());
    (stack, text(&job, "/id").to_owned(), 3 * ALERTS)
}

#[test]
fn a_download_follows_a_running_job_and_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (stack, id, alerts) = long_job(folder.path());
    let outdir = folder.path().join("out");
    let mut command = command(&stack, &id, &outdir, &["--partitionby", "none"]);
    let follower = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let now = run(&stack, &id, &folder.path().join("now"), &["--partitionby", "none", "--no-follow"]);
    assert_eq!((now.0, text(&now.1, "/state")), (0, "running"), "the job was over too soon: {:#}", now.1);
    assert!(number(&now.1, "/alerts") < alerts && now.1["complete"].is_null(), "{:#}", now.1);
    stack.await_state(&id, "done", 120);
    let done = Instant::now();
    let (code, summary) = told(follower.wait_with_output().unwrap());
    // What is left to write is not waiting; the clients' ten seconds would be.
    assert!(done.elapsed() < Duration::from_secs(8), "{:?}", done.elapsed());
    assert_eq!((code, number(&summary, "/alerts"), text(&summary, "/state")), (0, alerts, "done"));
    assert_eq!((&summary["complete"], &summary["job"]), (&json!(true), &json!(id)));
    let read = Python::ready().json("read_dataset.py", &[outdir.to_str().unwrap()]);
    assert_eq!((number(&read, "/rows"), number(&read, "/duplicates")), (alerts, 0));
    assert!(number(&read, "/files") <= 20, "{read:#}");

    let begun = Instant::now();
    let (code, summary) = run(&stack, &id, &outdir, &["--partitionby", "none"]);
    assert_eq!((code, number(&summary, "/new_alerts"), &summary["complete"]), (0, 0, &json!(true)));
    assert!(begun.elapsed() < Duration::from_secs(2), "nothing to wait for: {:?}", begun.elapsed());
}

#[test]
fn a_killed_follower_neither_loses_nor_doubles_an_alert() {
    let folder = tempfile::tempdir().unwrap();
    let (stack, id, alerts) = long_job(folder.path());
    let outdir = folder.path().join("out");
    let start = || {
        let mut command = command(&stack, &id, &outdir, &[]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let kill = |mut child: Child| {
        let was_at_it = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        was_at_it
    };
    let hidden = |name: &Path| name.join(format!(".nightferry-{}", topic_of(&stack, &id)));
    for _ in 0..3 {
        let child = start();
        wait_for("a file of the follower", 60, || {
            std::fs::read_dir(hidden(&outdir)).ok()?.flatten().find(|file| file.path().extension().is_some())
        });
        assert!(kill(child), "the job was over too soon");
    }
    let (code, summary) = run(&stack, &id, &outdir, &[]);
    assert_eq!((code, number(&summary, "/alerts"), &summary["complete"]), (0, alerts, &json!(true)));
    let read = Python::ready().json("read_dataset.py", &[outdir.to_str().unwrap()]);
    assert_eq!((number(&read, "/rows"), number(&read, "/duplicates")), (alerts, 0));
    let verified =
        stack.run(&["verify", &id, "--bootstrap", &stack.bootstrap, "--outdir", outdir.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

fn topic_of(stack: &Stack, id: &str) -> String {
    wait_for("the topic", 30, || stack.job(id)["status"]["topic"].as_str().map(ToOwned::to_owned))
}

#[test]
fn a_retry_appends_to_the_topic_and_a_second_download_takes_just_that() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01..2026-03-02"], 300, false);
    let night = archive.join("science/year=2026/month=03/day=02");
    let file = std::fs::read_dir(night).unwrap().next().unwrap().unwrap().path();
    let sound = std::fs::read(&file).unwrap();
    std::fs::write(&file, &sound[..sound.len() / 2]).unwrap();
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.ferry(&["--nights", "2026-03-01..2026-03-02"]);
    assert_eq!(text(&job, "/status/state"), "partial");
    let (id, outdir) = (text(&job, "/id"), folder.path().join("out"));
    let (code, summary) = run(&stack, id, &outdir, &[]);
    assert_eq!((code, number(&summary, "/alerts"), text(&summary, "/state")), (5, 300, "partial"));
    std::fs::write(&file, &sound).unwrap();
    stack.json(&["retry", id]);
    let (code, summary) = run(&stack, id, &outdir, &[]);
    assert_eq!((code, number(&summary, "/alerts"), number(&summary, "/new_alerts")), (0, 600, 300));
    assert_eq!((text(&summary, "/state"), &summary["complete"]), ("done", &json!(true)));
}

#[test]
fn alerts_that_have_expired_are_told_and_so_is_a_topic_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-01"], 300, false);
    let python = Python::ready();
    let cut = |stack: &Stack, topic: &str, more: &[&str]| {
        let base = ["--bootstrap", &stack.bootstrap, "--topic", topic];
        let output = python.script("cut_topic.py", &[&base[..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2026-03-01"]);
    let topic = text(&job, "/status/topic");
    cut(&stack, topic, &["--partition", "1", "--before", "4"]);
    let (code, summary) = run(&stack, topic, &folder.path().join("out"), &[]);
    assert_eq!((code, number(&summary, "/alerts"), number(&summary, "/expired")), (5, 296, 4));
    assert_eq!(summary["complete"], json!(false));
    drop(stack);

    let stack = Stack::start(&archive, &folder.path().join("short"), &["--retention", "1s"]);
    let job = stack.json(&["submit", "--nights", "2026-03-01", "--watch"]);
    let topic = text(&job, "/status/topic");
    // The service itself deletes it too, sooner or later.
    python.script("cut_topic.py", &["--bootstrap", &stack.bootstrap, "--topic", topic]);
    let code = wait_for("the topic's end told", 20, || {
        let output = command(&stack, topic, &folder.path().join("gone"), &[]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        told.contains(&format!("{topic} expired on 20")).then_some(output.status.code())
    });
    assert_eq!(code, Some(3));
}
