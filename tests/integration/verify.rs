//! `nightferry verify`: what is done to a folder, a topic or a receipt is what it tells.

use crate::harness::{Python, Stack, number, sample_archive, text};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

const NIGHTS: [&str; 2] = ["2020-08-02", "2026-03-22"];
const ALERTS: u64 = 600;

/// Two nights of a job in a topic.
struct Ferried {
    folder: tempfile::TempDir,
    stack: Stack,
    id: String,
    topic: String,
}

impl Ferried {
    fn new(submit: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = sample_archive(&folder.path().join("archive"), &NIGHTS, ALERTS / 2, false);
        let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
        let job = stack.ferry_well(&[&["--nights", "2020-08-02..2026-03-22"], submit].concat());
        let (id, topic) = (text(&job, "/id").to_owned(), text(&job, "/status/topic").to_owned());
        Self { folder, stack, id, topic }
    }

    /// Downloads the topic with our downloader.
    fn downloaded(&self, name: &str, more: &[&str]) -> PathBuf {
        let outdir = self.folder.path().join(name);
        let base = [
            "download",
            &self.topic,
            "--bootstrap",
            &self.stack.bootstrap,
            "--outdir",
            outdir.to_str().unwrap(),
        ];
        let output = self.stack.run(&[&base, more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        outdir
    }

    fn run(&self, job: &str, more: &[&str]) -> Output {
        let base = ["verify", job, "--bootstrap", &self.stack.bootstrap, "--json"];
        self.stack.run(&[&base, more].concat())
    }

    /// The exit code and the report.
    fn verify(&self, outdir: &Path, more: &[&str]) -> (i32, Value) {
        let output = self.run(&self.topic, &[&["--outdir", outdir.to_str().unwrap()], more].concat());
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), report)
    }

    fn verify_well(&self, outdir: &Path) -> Value {
        let (code, report) = self.verify(outdir, &[]);
        assert_eq!((code, &report["agrees"]), (0, &Value::Bool(true)), "{report:#}");
        for side in ["receipt", "topic", "folder"] {
            assert_eq!(number(&report, &format!("/{side}")), ALERTS, "{report:#}");
        }
        report
    }
}

/// The files of a data set.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
        match path.is_dir() {
            _ if is_hidden => {}
            true => found.extend(files(&path, ending)),
            false if path.extension().is_some_and(|found| found == ending) => found.push(path),
            false => {}
        }
    }
    found.sort();
    found
}

/// How often each candid of a Parquet file is there, by pyarrow.
fn candids(file: &Path) -> Vec<i64> {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(file, folder.path().join("one.parquet")).unwrap();
    let read = Python::ready().json("read_dataset.py", &[folder.path().to_str().unwrap(), "--candids"]);
    read["candids"].as_array().unwrap().iter().map(|candid| candid.as_i64().unwrap()).collect()
}

/// The row of a night.
fn night<'a>(report: &'a Value, night: &str) -> &'a Value {
    let rows = report["nights"].as_array().unwrap();
    rows.iter().find(|row| row["night"] == night).unwrap_or_else(|| panic!("no night {night} in {report:#}"))
}

#[test]
fn all_is_well_with_parquet_and_avro_of_ours_in_any_layout() {
    let ferried = Ferried::new(&["--content", "Full packet"]);
    for format in ["parquet", "avro"] {
        for by in ["time", "finkclass", "none"] {
            let name = format!("{format}-{by}");
            let outdir = ferried.downloaded(&name, &["--format", format, "--partitionby", by]);
            let report = ferried.verify_well(&outdir);
            assert_eq!(report["compared_by"], "candid");
            for (row, name) in report["nights"].as_array().unwrap().iter().zip(NIGHTS) {
                assert_eq!((text(row, "/night"), number(row, "/folder")), (name, ALERTS / 2), "{report:#}");
            }
            let partitions = report["partitions"].as_array().unwrap();
            let folder: u64 = partitions.iter().map(|row| number(row, "/folder")).sum();
            assert_eq!((partitions.len(), folder), (10, ALERTS));
        }
    }
    let by_job = ferried.run(&ferried.id, &[]);
    assert!(by_job.status.success(), "by the job's id, receipt and topic alone");
}

#[test]
fn all_is_well_with_files_of_the_fields_own_client() {
    let ferried = Ferried::new(&[]);
    let outdir = ferried.folder.path().join("fink");
    let bootstrap = &ferried.stack.bootstrap;
    let more = ["--nconsumers", "10", "--partitionby", "time"];
    Python::ready().download("12", bootstrap, &ferried.topic, &outdir, &more);
    let report = ferried.verify_well(&outdir);
    assert!(number(&report, "/files") > 10, "{report:#}");
}

#[test]
fn a_removed_file_is_missing_at_its_night_and_partitions() {
    let ferried = Ferried::new(&[]);
    let outdir = ferried.downloaded("out", &["--partitionby", "none"]);
    let removed = files(&outdir, "parquet").remove(0);
    let lost = candids(&removed);
    fs::remove_file(&removed).unwrap();
    let (code, report) = ferried.verify(&outdir, &["--examples", "1000"]);
    assert_eq!((code, number(&report, "/missing")), (6, lost.len() as u64), "{report:#}");
    assert_eq!((number(&report, "/doubled"), number(&report, "/foreign")), (0, 0));
    let examples = report["examples"].as_array().unwrap();
    let mut named: Vec<i64> = examples.iter().map(|example| example["candid"].as_i64().unwrap()).collect();
    let mut lost = lost;
    named.sort_unstable();
    lost.sort_unstable();
    assert_eq!(named, lost);

    // Where each of them is, the field's own libraries say.
    let dump = Python::ready().topic(&ferried.stack.bootstrap, &ferried.topic);
    for name in NIGHTS {
        let (year, day): (i64, i64) = (name[..4].parse().unwrap(), name[8..].parse().unwrap());
        let of_night = |alert: &&Value| {
            alert["year"] == year
                && alert["day"] == day
                && lost.binary_search(&alert["candid"].as_i64().unwrap()).is_ok()
        };
        let expected = dump.alerts.iter().filter(of_night).count() as u64;
        assert_eq!(number(night(&report, name), "/missing"), expected, "{report:#}");
    }
    for example in examples {
        let alert = dump.alerts.iter().find(|alert| alert["candid"] == example["candid"]).unwrap();
        assert_eq!(example["object_id"], alert["objectId"]);
    }
    let of_partitions: u64 =
        report["partitions"].as_array().unwrap().iter().map(|row| number(row, "/missing")).sum();
    assert_eq!(of_partitions, lost.len() as u64);
}

#[test]
fn a_copied_file_is_doubled_and_half_a_file_is_told() {
    let ferried = Ferried::new(&[]);
    let outdir = ferried.downloaded("out", &["--partitionby", "finkclass"]);
    let file = files(&outdir, "parquet").remove(0);
    let copied = candids(&file).len() as u64;
    let copy = outdir.join("copy.parquet");
    fs::copy(&file, &copy).unwrap();
    let (code, report) = ferried.verify(&outdir, &["--examples", "3"]);
    assert_eq!((code, number(&report, "/doubled")), (6, copied), "{report:#}");
    assert_eq!(number(&report, "/missing") + number(&report, "/foreign"), 0);
    let of_nights: u64 = report["nights"].as_array().unwrap().iter().map(|row| number(row, "/doubled")).sum();
    assert_eq!(of_nights, copied);
    assert_eq!(report["examples"].as_array().unwrap().len() as u64, copied.min(3));
    assert_eq!(report["examples"][0]["kind"], "doubled");

    fs::remove_file(&copy).unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let (code, report) = ferried.verify(&outdir, &[]);
    assert_eq!((code, number(&report, "/missing")), (6, copied), "{report:#}");
    let told = report["differences"].to_string();
    assert!(told.contains(file.file_name().unwrap().to_str().unwrap()), "{told}");
}

#[test]
fn alerts_of_another_topic_are_foreign_and_named_with_their_file() {
    let ferried = Ferried::new(&[]);
    let outdir = ferried.downloaded("out", &["--partitionby", "none"]);
    let other = sample_archive(&ferried.folder.path().join("other"), &["2025-09-01"], 40, false);
    let stack = Stack::start(&other, &ferried.folder.path().join("other-data"), &[]);
    let job = stack.ferry_well(&["--nights", "2025-09-01"]);
    let output = stack.run(&[
        "download",
        text(&job, "/status/topic"),
        "--bootstrap",
        &stack.bootstrap,
        "--partitionby",
        "none",
        "--outdir",
        outdir.to_str().unwrap(),
    ]);
    assert!(output.status.success());
    let (code, report) = ferried.verify(&outdir, &[]);
    assert_eq!((code, number(&report, "/foreign")), (6, 40), "{report:#}");
    assert_eq!(number(night(&report, "2025-09-01"), "/foreign"), 40, "{report:#}");
    assert_eq!(number(&report, "/missing") + number(&report, "/doubled"), 0);
    let example = &report["examples"][0];
    assert!(text(example, "/file").starts_with(text(&job, "/status/topic")), "{example}");
    assert!(text(example, "/object_id").starts_with("ZTF"), "{example}");
}

#[test]
fn a_topic_that_has_lost_messages_does_not_agree_with_its_receipt() {
    let ferried = Ferried::new(&[]);
    let outdir = ferried.downloaded("out", &["--partitionby", "none"]);
    let cut = ["--bootstrap", &ferried.stack.bootstrap, "--topic", &ferried.topic];
    let output =
        Python::ready().script("cut_topic.py", &[&cut[..], &["--partition", "3", "--before", "5"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (code, report) = ferried.verify(&outdir, &[]);
    assert_eq!(
        (code, number(&report, "/topic"), number(&report, "/foreign")),
        (6, ALERTS - 5, 5),
        "{report:#}"
    );
    let told = report["differences"].to_string();
    assert!(told.contains("partition 3: the receipt says offsets 0 to"), "{told}");
    let (code, report) = ferried.verify(&outdir, &["--no-topic"]);
    assert_eq!((code, number(&report, "/folder")), (0, ALERTS), "{report:#}");

    let output = Python::ready().script("cut_topic.py", &cut);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = ferried.run(&ferried.topic, &["--outdir", outdir.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--no-topic"));
}

#[test]
fn a_receipt_that_says_otherwise_is_told_and_one_of_another_job_is_refused() {
    let ferried = Ferried::new(&[]);
    let outdir = ferried.downloaded("out", &[]);
    let mut receipt = ferried.stack.json(&["receipt", &ferried.id]);
    let path = ferried.folder.path().join("receipt.json");
    let end = number(&receipt, "/partitions/7/end");
    receipt["partitions"][7]["end"] = (end + 2).into();
    receipt["nights"][1]["counts"]["sent"] = (ALERTS / 2 + 2).into();
    fs::write(&path, receipt.to_string()).unwrap();
    let (code, report) = ferried.verify(&outdir, &["--receipt", path.to_str().unwrap()]);
    assert_eq!(code, 6, "{report:#}");
    let told: Vec<&str> =
        report["differences"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let expected = [
        format!("partition 7: the receipt says offsets 0 to {}, the topic holds 0 to {end}", end + 2),
        "night 2026-03-22: the receipt says 302 alerts, the topic holds 300".to_owned(),
    ];
    assert_eq!(told, expected);

    receipt["topic"] = "ftransfer_ztf_2026-01-01_1".into();
    fs::write(&path, receipt.to_string()).unwrap();
    let output = ferried.run(&ferried.topic, &["--receipt", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn without_candid_alerts_are_known_by_object_and_time_and_without_these_by_counts() {
    let ferried = Ferried::new(&["--content", "objectId,candidate.magpsf"]);
    let outdir = ferried.downloaded("out", &["--partitionby", "time"]);
    assert_eq!(ferried.verify_well(&outdir)["compared_by"], "objectId and jd");
    fs::remove_file(files(&outdir, "parquet").remove(0)).unwrap();
    let (code, report) = ferried.verify(&outdir, &[]);
    assert!(code == 6 && number(&report, "/missing") > 0, "{report:#}");

    let ferried = Ferried::new(&["--content", "candidate.magpsf"]);
    for by in ["time", "finkclass"] {
        let outdir = ferried.downloaded(by, &["--partitionby", by]);
        let report = ferried.verify_well(&outdir);
        assert_eq!(report["compared_by"], "counts");
        assert!(report["notes"].to_string().contains("only counts can be compared"), "{report:#}");
        let removed = files(&outdir, "parquet").remove(0);
        fs::remove_file(removed).unwrap();
        let (code, report) = ferried.verify(&outdir, &[]);
        assert!(code == 6 && number(&report, "/missing") > 0, "{report:#}");
    }
}
