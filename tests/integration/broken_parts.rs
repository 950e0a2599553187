//! What is broken is told with its place and reason; the rest goes on.

use crate::harness::{Python, Stack, number, sample_archive, text};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const NIGHTS: [&str; 3] = ["2025-09-01", "2025-09-02", "2025-09-03"];

fn archive(folder: &Path) -> PathBuf {
    sample_archive(&folder.join("archive"), &["2025-09-01..2025-09-03"], 200, false)
}

fn only_file(archive: &Path, day: &str) -> PathBuf {
    let night = archive.join("science/year=2025/month=09").join(format!("day={day}"));
    fs::read_dir(night).unwrap().next().unwrap().unwrap().path()
}

/// Damages the second night, expects it alone to fail, repairs it, and expects a retry to complete the topic.
fn damaged_night_fails_alone_and_can_be_retried(damage: impl Fn(&mut Vec<u8>)) {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let file = only_file(&archive, "02");
    let sound = fs::read(&file).unwrap();
    let mut damaged = sound.clone();
    damage(&mut damaged);
    fs::write(&file, &damaged).unwrap();

    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let output = stack.run(&["submit", "--nights", "2025-09-01..2025-09-03", "--watch", "--json"]);
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    let job: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(text(&job, "/status/state"), "partial", "{job:#}");
    let states: Vec<&str> =
        (0..3).map(|night| text(&job, &format!("/status/nights/{night}/state"))).collect();
    assert_eq!(states, ["done", "failed", "done"], "{job:#}");
    let reason = text(&job, "/status/nights/1/failure/reason");
    assert!(reason.contains(file.file_name().unwrap().to_str().unwrap()), "{reason}");
    assert!(reason.contains("damaged"), "{reason}");
    assert_eq!(number(&job, "/status/counts/sent"), 400);

    fs::write(&file, &sound).unwrap();
    let id = text(&job, "/id");
    stack.json(&["retry", id]);
    let done = stack.await_state(id, "done", 30);
    assert_eq!(done["status"]["topic"], job["status"]["topic"]);
    assert_eq!(number(&done, "/status/counts/sent"), 600);
    let dump = Python::ready().topic(&stack.bootstrap, text(&done, "/status/topic"));
    assert_eq!(dump.candids().len(), 600);
    assert!(dump.candids().values().all(|count| *count == 1));
    assert!(dump.is_dense());
}

#[test]
fn a_truncated_file_fails_its_night_alone() {
    damaged_night_fails_alone_and_can_be_retried(|bytes| bytes.truncate(bytes.len() / 2));
}

#[test]
fn a_file_that_is_no_parquet_fails_its_night_alone() {
    damaged_night_fails_alone_and_can_be_retried(|bytes| bytes.iter_mut().for_each(|byte| *byte = b'x'));
}

#[test]
fn flipped_bits_in_the_pages_fail_their_night_alone() {
    damaged_night_fails_alone_and_can_be_retried(|bytes| {
        bytes[4..60_000].iter_mut().for_each(|byte| *byte ^= 0x5a)
    });
}

#[test]
fn a_column_without_a_common_type_is_refused_before_anything_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let python = Python::ready();
    let script = format!(
        "import pyarrow as pa, pyarrow.parquet as pq\nf = {:?}\nt = pq.read_table(f, partitioning=None)\n\
         i = t.schema.get_field_index('mulens')\n\
         t = t.set_column(i, 'mulens', pa.array([{{'ml_score': 0.5}}] * len(t)))\npq.write_table(t, f)",
        only_file(&archive, "01")
    );
    let file = folder.path().join("rewrite.py");
    fs::write(&file, script).unwrap();
    let output = python.script(file.to_str().unwrap(), &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let output = stack.run(&["submit", "--nights", "2025-09-01..2025-09-03"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    for words in
        ["`mulens`", "double in the night 2025-09-03", "struct with 1 fields in the night 2025-09-01"]
    {
        assert!(told.contains(words), "{words} is not in {told}");
    }
    assert_eq!(stack.json(&["jobs"]), serde_json::json!([]));
    // A night by itself has no conflict: there its microlensing flag does not hold.
    stack.ferry_well(&["--nights", "2025-09-01", "--content", "Medium packet"]);
}

#[test]
fn nights_that_the_archive_lacks_are_passed_over_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&archive(folder.path()), &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2025-08-30..2025-09-01"]);
    assert_eq!(job["status"]["empty_nights"], serde_json::json!(["2025-08-30", "2025-08-31"]));
    assert_eq!(number(&job, "/status/counts/sent"), 200);
}

#[test]
fn a_night_whose_folder_is_hollow_is_told_as_empty() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    fs::remove_file(only_file(&archive, "02")).unwrap();
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2025-09-01..2025-09-03"]);
    assert_eq!(job["status"]["empty_nights"], serde_json::json!(["2025-09-02"]));
    assert_eq!(number(&job, "/status/counts/sent"), 400);
}

#[test]
fn an_unreachable_broker_is_told_and_no_job_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let stack =
        Stack::start(&archive(folder.path()), &folder.path().join("data"), &["--bootstrap", "127.0.0.1:9"]);
    let output = stack.run(&["submit", "--nights", NIGHTS[0]]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("ftransfer_ztf_"), "{told}");
    assert_eq!(stack.json(&["jobs"]), serde_json::json!([]));
}

#[test]
fn a_missing_archive_and_a_data_folder_in_use_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let up = |archive: &Path| {
        let mut command = Command::new(crate::harness::nightferry());
        command.arg("up").arg("--archive").arg(archive).arg("--data").arg(&data);
        command.args(["--http", "127.0.0.1:0", "--kafka", "127.0.0.1:0"]).output().unwrap()
    };
    let told = String::from_utf8(up(&folder.path().join("nothing")).stderr).unwrap();
    assert!(told.contains("nothing` cannot be opened"), "{told}");
    let _running = Stack::start(&archive(folder.path()), &data, &[]);
    let told = String::from_utf8(up(&folder.path().join("archive")).stderr).unwrap();
    assert!(told.contains("in use by another process"), "{told}");
}

/// A file system of a few megabytes, gone with the case.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(folder: &Path, megabytes: u32) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        let size = format!("size={megabytes}m");
        let done = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).status().unwrap();
        assert!(done.success(), "this case mounts a small disk: run it as root");
        Self(folder.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_fails_the_job_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 8000, false);
    // The broker's disk alone: where jobs are kept there must be room to write down that one has failed.
    let data = folder.path().join("data");
    let _disk = SmallDisk::new(&data.join("kafka"), 16);
    let stack = Stack::start(&archive, &data, &["--delivery-timeout", "2", "--patience", "8s"]);
    let job = stack.ferry(&["--nights", "2026-03-22", "--content", "Medium packet"]);
    assert_eq!(text(&job, "/status/state"), "failed", "{job:#}");
    let reason = text(&job, "/status/nights/0/failure/reason");
    assert!(reason.contains("delivery failed"), "{reason}");
    drop(stack);
}
