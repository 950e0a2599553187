//! Progress bars.

use super::figures;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;
use transfer::JobDocument;

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
