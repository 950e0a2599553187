//! `nightferry download`, from a topic of ours to a data set that pandas and pyarrow read.

use crate::harness::{Python, Stack, nightferry, number, sample_archive, text};
use serde_json::Value;
use std::{path::Path, process::Command};

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
