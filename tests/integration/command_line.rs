//! The command line: the demonstration, exit codes, documents.

use crate::harness::{Stack, get, nightferry, number, sample_archive, text};
use serde_json::Value;
use std::process::Command;

#[test]
fn the_demonstration_runs_from_nothing_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| {
        let mut command = Command::new(nightferry());
        command.current_dir(folder.path()).args(["demo", "--alerts", "60"]).args(more).output().unwrap()
    };
    let output = run(&[]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    for words in [
        "6 nights, 360 alerts",
        "What arrived",
        "2026-03-22",
        "up --archive",
        "submit --nights",
        "download ftransfer_ztf_",
    ] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    let again: Value = serde_json::from_slice(&run(&["--json"]).stdout).unwrap();
    assert_eq!(text(&again, "/status/state"), "done");
    let sent = number(&again, "/status/counts/sent");
    assert!(sent > 50 && sent < 360, "{sent} of 360");
    assert_eq!(number(&again, "/status/counts/read"), 360);
}

#[test]
fn exit_codes_mean_something() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 50, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let code = |args: &[&str]| stack.run(args).status.code().unwrap();
    assert_eq!(code(&["submit", "--nights", "2026-03-22", "--watch"]), 0);
    assert_eq!(code(&["submit", "--nights", "yesterday"]), 3);
    assert_eq!(code(&["submit", "--nights", "2026-03-22", "--where", "magpsf > 3"]), 3);
    assert_eq!(code(&["status", "0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11"]), 3);
    let job = stack.json(&["status"]);
    let told = String::from_utf8(stack.run(&["log", text(&job, "/id")]).stdout).unwrap();
    assert!(told.contains("submitted") && told.contains(text(&job, "/status/trace")), "{told}");
    assert_eq!(code(&["frobnicate"]), 2);
    let unreachable =
        Command::new(nightferry()).args(["jobs", "--api", "http://127.0.0.1:9"]).output().unwrap();
    assert_eq!(unreachable.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&unreachable.stderr).contains("nightferry up"));
}

#[test]
fn a_refused_condition_is_marked_under_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 50, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let output =
        stack.run(&["submit", "--nights", "2026-03-22", "--where", "rf_snia_vs_nonia > 0.5 AND distnr > 2"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("rf_snia_vs_nonia > 0.5 AND distnr > 2\n"), "{told}");
    assert!(told.contains("                           ^^^^^^"), "{told}");
    assert!(told.contains("candidate.distnr"), "{told}");
}

#[test]
fn job_files_are_yaml_or_json_and_a_dry_run_prints_the_document() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 50, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let yaml = folder.path().join("job.yaml");
    std::fs::write(
        &yaml,
        "nights: [2026-03-22]\nwhere:\n  - candidate.magpsf > 10\ncontent: Medium packet\n",
    )
    .unwrap();
    let printed = stack.run(&["submit", yaml.to_str().unwrap(), "--dry-run"]);
    let json = folder.path().join("job.json");
    std::fs::write(&json, &printed.stdout).unwrap();
    let job = stack.ferry_well(&[json.to_str().unwrap()]);
    assert_eq!(job["content"], "Medium packet");
    assert_eq!(number(&job, "/status/counts/sent"), 50);
    assert_eq!(
        get(&format!("{}/v1/jobs/{}", stack.api, text(&job, "/id"))).2["conditions"],
        "candidate.magpsf > 10"
    );
    let shown = String::from_utf8(stack.run(&["jobs"]).stdout).unwrap();
    assert!(shown.contains(text(&job, "/status/topic")), "{shown}");
    let completions = Command::new(nightferry()).args(["completions", "bash"]).output().unwrap();
    assert!(String::from_utf8_lossy(&completions.stdout).contains("_nightferry"));
}

#[test]
fn simulated_nights_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(nightferry());
    let output = command
        .arg("simulate")
        .arg(folder.path())
        .args(["--nights", "2021-01-01..2021-01-02", "--alerts", "30", "--no-cutouts", "--json"])
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((number(&told, "/nights"), number(&told, "/alerts")), (2, 60));
    let stack = Stack::start(folder.path(), &folder.path().join("data"), &[]);
    let nights = stack.json(&["nights"]);
    assert_eq!((text(&nights, "/0/night"), text(&nights, "/1/night")), ("2021-01-01", "2021-01-02"));
    assert_eq!(nights.as_array().unwrap().len(), 2);
}
