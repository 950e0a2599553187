//! A run is stopped after any step, as often as it likes: every alert is on disk once.

use super::*;
use crate::disk::LocalDisk;
use crate::{Format, Layout, Options};
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A disk that does so many steps and then no more, as after a kill. The step it dies in may be half done.
struct MortalDisk(Arc<AtomicI64>);

impl MortalDisk {
    fn lives(&self) -> io::Result<()> {
        if self.0.fetch_sub(1, Ordering::Relaxed) > 0 { Ok(()) } else { Err(io::Error::other("killed")) }
    }
}

impl Disk for MortalDisk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.lives()?;
        LocalDisk.make_folder(path)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Err(killed) = self.lives() {
            if self.0.load(Ordering::Relaxed) == -1 {
                fs::write(path, &bytes[..bytes.len() / 2])?;
            }
            return Err(killed);
        }
        LocalDisk.write(path, bytes)
    }
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.lives()?;
        LocalDisk.replace(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.lives()?;
        LocalDisk.link(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.lives()?;
        LocalDisk.remove(path)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.lives()?;
        LocalDisk.remove_folder(path)
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.lives()?;
        LocalDisk.sync_folder(path)
    }
}

fn options(outdir: &Path) -> Options {
    Options {
        bootstrap: String::new(),
        topic: "ftransfer_ztf_2026-03-23_11487".parse().unwrap(),
        outdir: outdir.to_owned(),
        layout: Layout::Flat,
        format: Format::Parquet,
    }
}

fn open(outdir: &Path, steps: i64) -> (Arc<AtomicI64>, Result<Journal, DownloadError>) {
    let (options, left) = (options(outdir), Arc::new(AtomicI64::new(steps)));
    let disk = Box::new(MortalDisk(left.clone()));
    (left, Journal::open(disk, Places::new(&options), State::new(&options, "schema")))
}

/// One run: reads `end` alerts of one partition, `batch` at a time, one file for the even and one for the odd ones.
fn run(outdir: &Path, steps: i64, end: i64, batch: i64) -> Result<Summary, DownloadError> {
    let mut journal = open(outdir, steps).1?;
    let mut next = journal.state().offsets.get(&0).copied().unwrap_or(0);
    while next < end {
        let upto = (next + batch).min(end);
        let mut completed = Completed { offsets: [(0, upto)].into(), ..Completed::default() };
        for parity in 0..2 {
            let rows: Vec<String> =
                (next..upto).filter(|row| row % 2 == parity).map(|row| row.to_string()).collect();
            if let Some(first) = rows.first() {
                let name = format!("alerts-0-{first}.parquet");
                fs::write(journal.places.staging.join(&name), rows.join("\n")).unwrap();
                completed.files.push(Arrival { name, folder: format!("a=1/parity={parity}") });
                completed.alerts += rows.len() as u64;
            }
        }
        journal.commit(completed)?;
        next = upto;
    }
    journal.close()
}

/// The rows in files that readers see.
fn rows(folder: &Path) -> Vec<i64> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            rows.extend(self::rows(&entry.path()));
        } else {
            rows.extend(
                fs::read_to_string(entry.path()).unwrap().lines().map(|row| row.parse::<i64>().unwrap()),
            );
        }
    }
    rows.sort_unstable();
    rows
}

/// Runs to the end with the given kills before, and checks what is on disk after each.
fn run_through(kills: &[i64], end: i64, batch: i64) {
    let folder = tempfile::tempdir().unwrap();
    for steps in kills {
        let _ = run(folder.path(), *steps, end, batch);
        let seen = rows(folder.path());
        let mut once = seen.clone();
        once.dedup();
        assert_eq!(seen, once, "an alert is there twice");
    }
    let summary = run(folder.path(), i64::MAX, end, batch).unwrap();
    assert_eq!(rows(folder.path()), (0..end).collect::<Vec<_>>());
    assert_eq!(summary.alerts, end as u64);
    let hidden = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let hidden: Vec<_> = hidden.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert_eq!(hidden, [".nightferry-ftransfer_ztf_2026-03-23_11487.json"]);
}

#[test]
fn a_run_killed_at_any_one_step_neither_loses_nor_doubles_an_alert() {
    for steps in 0..80 {
        run_through(&[steps], 10, 3);
        if steps % 8 == 0 {
            run_through(&[steps, 0, 1, 2, 3, 4, 5, 6], 10, 3);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn runs_killed_again_and_again_neither_lose_nor_double_an_alert(
        kills in prop::collection::vec(0i64..60, 0..8), end in 0i64..40, batch in 1i64..12,
    ) {
        run_through(&kills, end, batch);
    }
}

#[test]
fn a_foreign_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let taken: PathBuf = folder.path().join("a=1/parity=0/alerts-0-4.parquet");
    fs::create_dir_all(taken.parent().unwrap()).unwrap();
    fs::write(&taken, "77").unwrap();
    for _ in 0..2 {
        let error = run(folder.path(), i64::MAX, 10, 4).unwrap_err();
        assert!(matches!(error, DownloadError::Taken { ref path } if *path == taken), "{error}");
        assert_eq!(fs::read_to_string(&taken).unwrap(), "77");
    }
    fs::remove_file(&taken).unwrap();
    run(folder.path(), i64::MAX, 10, 4).unwrap();
    assert_eq!(rows(folder.path()), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_file_that_its_owner_moved_away_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), i64::MAX, 10, 4).unwrap();
    fs::remove_dir_all(folder.path().join("a=1")).unwrap();
    run(folder.path(), i64::MAX, 12, 4).unwrap();
    assert_eq!(rows(folder.path()), [10, 11]);
}

#[test]
fn a_record_of_another_layout_or_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), i64::MAX, 3, 4).unwrap();
    let open = |layout, schema| {
        let options = Options { layout, ..options(folder.path()) };
        Journal::open(Box::new(LocalDisk), Places::new(&options), State::new(&options, schema)).err()
    };
    assert!(matches!(open(Layout::Time, "schema"), Some(DownloadError::OtherLayout { .. })));
    assert!(matches!(open(Layout::Flat, "another"), Some(DownloadError::OtherTopic { .. })));
    assert!(open(Layout::Flat, "schema").is_none());
}
