//! Progress bars.

use super::figures;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, Once};
use std::time::Duration;
use transfer::{IndexProgress, JobDocument};

const TEMPLATE: &str = "  {spinner:.cyan} {bar:32.cyan/dim} {percent:>3} %  {msg}";

/// A job's progress: a bar over the alerts of its nights.
pub struct JobBar(ProgressBar);

impl JobBar {
    /// A bar on standard error; silent where that is no terminal, or when told so.
    pub fn new(silent: bool) -> Self {
        let bar = ProgressBar::new(0);
        if silent {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Shows where the job stands.
    pub fn show(&self, job: &JobDocument) {
        let status = &job.status;
        let ended = status.nights.iter().filter(|night| night.state.is_final()).count();
        self.0.set_length(status.alerts);
        self.0.set_position(status.counts.read);
        let rate = status
            .alerts_per_second
            .map_or(String::new(), |rate| format!(" · {}/s", figures::count(rate as u64)));
        let left = status.seconds_left.filter(|left| *left > 0.5).map_or(String::new(), |left| {
            format!(" · {} left", figures::duration(Duration::from_secs_f64(left.min(1e6))))
        });
        self.0.set_message(format!(
            "{} · {ended} of {} nights · {} sent of {} read{rate}{left}",
            status.state,
            status.nights.len(),
            figures::count(status.counts.sent),
            figures::count(status.counts.read),
        ));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

const READING: &str = "  {spinner:.cyan} {bar:32.cyan/dim} {percent:>3} %  {human_pos} of {human_len} alerts · {rate} · {left} left{msg}";

/// The progress of reading a topic: a bar over its alerts, with rate and time left.
#[derive(Clone)]
pub struct DownloadBar {
    bar: ProgressBar,
    begun: Arc<Once>,
}

impl DownloadBar {
    /// A bar on standard error; silent where that is no terminal, or when told so.
    pub fn new(silent: bool) -> Self {
        let bar = ProgressBar::new(0);
        if silent {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let rate = |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{}/s", figures::count(state.per_sec() as u64));
        };
        let left = |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{}", figures::duration(Duration::from_secs(state.eta().as_secs())));
        };
        if let Ok(style) = ProgressStyle::with_template(READING) {
            bar.set_style(style.with_key("rate", rate).with_key("left", left).progress_chars("━━─"));
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, begun: Arc::new(Once::new()) }
    }

    /// Shows how far the reading is.
    pub fn show(&self, progress: download::Progress) {
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.alerts);
        // What an earlier run has read is no work of this one.
        self.begun.call_once(|| self.bar.reset_eta());
    }

    /// Adds a word.
    pub fn say(&self, words: &str) {
        self.bar.set_message(format!(" · {words}"));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// The progress of indexing: a bar over nights.
pub struct IndexBar(ProgressBar);

impl IndexBar {
    /// A bar on standard error; silent where that is no terminal, or when told so.
    pub fn new(silent: bool) -> Self {
        let bar = ProgressBar::new(0);
        if silent {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(
            "  {spinner:.cyan} {bar:32.cyan/dim} {percent:>3} %  {pos} of {len} nights · {msg} · {eta} left",
        ) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Shows how far the indexing is.
    pub fn show(&self, progress: IndexProgress) {
        self.0.set_length(progress.nights as u64);
        self.0.set_position(progress.done as u64);
        let seconds = self.0.elapsed().as_secs_f64().max(0.001);
        let rate = figures::count((progress.alerts as f64 / seconds) as u64);
        self.0.set_message(format!("{} alerts ({rate}/s)", figures::count(progress.alerts)));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// The progress of rewriting nights: a bar over nights.
pub struct OptimizeBar(ProgressBar);

impl OptimizeBar {
    /// A bar on standard error; silent where that is no terminal, or when told so.
    pub fn new(silent: bool) -> Self {
        let bar = ProgressBar::new(0);
        if silent {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(
            "  {spinner:.cyan} {bar:32.cyan/dim} {percent:>3} %  {pos} of {len} nights · {msg}",
        ) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Shows how far the rewriting is.
    pub fn show(&self, progress: optimize::Progress) {
        self.0.set_length(progress.nights as u64);
        self.0.set_position(progress.done as u64);
        // Each alert is read once and written once.
        self.0.set_message(format!("{} alerts of the next", figures::count(progress.steps / 2)));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
