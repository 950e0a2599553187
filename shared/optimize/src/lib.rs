//! Rewrites nights of an archive into another one, in the layout that makes queries fast: alerts sorted by class and
//! place, small row groups and pages with an index over them, Bloom filters over the columns by which alerts are looked
//! up, compression where it pays.
//!
//! What it guarantees:
//! - nothing is lost: what was written is read back and compared with what was read, by a checksum over every value of
//!   every column, before anybody sees it. Moments of the old kind (INT96) become 64-bit microseconds in UTC; every other
//!   column keeps its type;
//! - a night is there whole or not at all: its file appears at once (a night whose files have several schemas becomes one
//!   for each, one after the other), and the mark that says it is done is written last;
//! - a second run passes over what is done, and does anew what changed in either archive; two runs at once do no harm;
//! - files of others are neither changed nor mixed with ours;
//! - memory does not grow with a night: what does not fit is laid aside on disk, within a budget, in several passes if
//!   need be;
//! - where there is an end of time, no night is begun that would hardly end before it, and one that does not is broken off.
//!
//! What it leaves to others: which nights, and when.
//!
//! ```no_run
//! # async fn example() -> Result<(), optimize::OptimizeError> {
//! let (source, target) = (archive::Archive::open("ztf")?, archive::Archive::open("s3://fast/ztf")?);
//! let done = optimize::optimize(&source, &target, None, &optimize::Settings::default(), &optimize::Watch::default()).await?;
//! for (night, report) in &done.optimized {
//!     println!("{night}: {} alerts", report.alerts);
//! }
//! # Ok(()) }
//! ```

mod checksum;
mod clock;
mod error;
mod layout;
mod mark;
mod order;
mod publish;
mod reading;
mod rewrite;
mod scratch;
mod spill;
mod stale;
mod watch;

pub use checksum::Checksum;
pub use error::OptimizeError;
pub use watch::{Progress, Watch};

use archive::{Archive, ArchiveFile};
use clock::{Burden, Clock, Fit};
use job::Night;
use scratch::Scratch;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{Duration, Instant},
};

/// Where and within what the work is done.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A folder of this machine for what is under way.
    pub scratch: PathBuf,
    /// Decoded bytes that are laid aside there at most at once, before compression. A night of more is read several times.
    /// The finished file of the night lies there as well, until it is put into its place.
    pub scratch_bytes: u64,
    /// Decoded bytes that are sorted at once, in memory; several times as many are held.
    pub memory_bytes: u64,
    /// No night of more bytes than this is begun, nor one whose finished file would probably have more.
    pub night_bytes: Option<u64>,
    /// When all has to be over. No night is begun that would hardly end before, by a cautious reckoning.
    pub until: Option<Instant>,
}

impl Default for Settings {
    fn default() -> Self {
        let scratch_bytes = 32 * 1024 * 1024 * 1024;
        let memory_bytes = 192 * 1024 * 1024;
        Self { scratch: std::env::temp_dir(), scratch_bytes, memory_bytes, night_bytes: None, until: None }
    }
}

/// A night that was rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NightReport {
    /// Its alerts.
    pub alerts: u64,
    /// Bytes of its files before.
    pub bytes_before: u64,
    /// Bytes of its files now.
    pub bytes_after: u64,
    /// Row groups of its files now.
    pub row_groups: u64,
    /// How long it took.
    pub seconds: f64,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Optimized {
    /// Nights that were rewritten.
    pub optimized: BTreeMap<Night, NightReport>,
    /// Nights that were done before.
    pub unchanged: usize,
    /// Nights that could not be rewritten, with the reason; of those nothing was kept.
    pub failed: BTreeMap<Night, String>,
    /// Nights for which there was no time left: the next run does them.
    pub left: BTreeSet<Night>,
    /// Nights that no run with these settings would do, with the reason; they were not begun.
    pub too_large: BTreeMap<Night, String>,
}

/// Rewrites what is new or replaced among `nights`, or of the whole archive.
///
/// # Errors
/// One of the archives cannot be listed, or [`Watch::stop`] was called. One night's trouble is told in
/// [`Optimized::failed`].
pub async fn optimize(
    source: &Archive,
    target: &Archive,
    nights: Option<&BTreeSet<Night>>,
    settings: &Settings,
    watch: &Watch,
) -> Result<Optimized, OptimizeError> {
    let (clock, watch) = (Clock::new(settings.until), &watch.until(settings.until));
    let mut done = Optimized::default();
    let mut stale = Vec::new();
    for looked in stale::look(source, target, nights, watch).await? {
        match looked.is_done {
            true => done.unchanged += 1,
            false if looked.files.is_empty() => {
                drop(done.failed.insert(looked.night, "the archive has no such night".into()))
            }
            false => stale.push((looked.night, looked.files)),
        }
    }
    watch.begin(stale.len());
    for (night, files) in stale {
        match one_night(source, target, night, &files, settings, clock, watch).await {
            Ok(Outcome::Done(report)) => drop(done.optimized.insert(night, report)),
            Ok(Outcome::Left) => drop(done.left.insert(night)),
            Ok(Outcome::TooLarge(reason)) => drop(done.too_large.insert(night, reason)),
            Err(OptimizeError::Stopped) => return Err(OptimizeError::Stopped),
            Err(error) => {
                tracing::warn!(%night, %error, "the night cannot be optimised");
                done.failed.insert(night, error.to_string());
            }
        }
        watch.night_done();
    }
    Ok(done)
}

/// What became of a night.
enum Outcome {
    Done(NightReport),
    Left,
    TooLarge(String),
}

async fn one_night(
    source: &Archive,
    target: &Archive,
    night: Night,
    files: &[ArchiveFile],
    settings: &Settings,
    clock: Clock,
    watch: &Watch,
) -> Result<Outcome, OptimizeError> {
    let begun = Instant::now();
    let bytes = bytes_of(files);
    // By the files' size first: what is too large by that is not even opened.
    if let Some(outcome) = hinders(bytes, Burden::at_least(bytes), settings, clock) {
        return Ok(outcome);
    }
    publish::refuse_foreign(&target.folder(night), &target.files(night).await?)?;
    let scratch = Scratch::new(&settings.scratch)?;
    let opened = rewrite::open(source, files, scratch.path(), settings, watch).await?;
    if let Some(outcome) = hinders(opened.written_bytes(), opened.burden(), settings, clock) {
        return Ok(outcome);
    }
    let rewritten = opened.rewrite(watch).await?;
    if source.files(night).await? != files {
        return Err(OptimizeError::Changed);
    }
    let there = publish::publish(target, night, files, &rewritten, watch).await?;
    let report = NightReport {
        alerts: rewritten.iter().map(|file| file.checksum.alerts).sum(),
        bytes_before: bytes,
        bytes_after: bytes_of(&there),
        row_groups: rewritten.iter().map(|file| file.row_groups).sum(),
        seconds: begun.elapsed().max(Duration::from_millis(1)).as_secs_f64(),
    };
    tracing::info!(%night, alerts = report.alerts, "optimised");
    Ok(Outcome::Done(report))
}

/// What comes of a night for which there is no room, or that would not end in time.
fn hinders(bytes: u64, burden: Burden, settings: &Settings, clock: Clock) -> Option<Outcome> {
    if let Some(most) = settings.night_bytes.filter(|most| bytes > *most) {
        let reason = format!("it has {}, and there is room for {}", in_gb(bytes), in_gb(most));
        return Some(Outcome::TooLarge(reason));
    }
    let takes = burden.takes();
    match clock.fits(takes) {
        Fit::Now => None,
        Fit::Later => Some(Outcome::Left),
        Fit::Never => Some(Outcome::TooLarge(format!(
            "it might take {} s, and a run has {} s",
            takes.as_secs(),
            clock.seconds()
        ))),
    }
}

fn in_gb(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

fn bytes_of(files: &[ArchiveFile]) -> u64 {
    files.iter().map(|file| file.size).sum()
}
