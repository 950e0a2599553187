//! What people see: tables, bars, figures. Programs get JSON.

mod archive;
mod bars;
mod figures;
mod tables;

pub use archive::{class_table, estimate_table, night_table, schema_table};
pub use bars::{DownloadBar, IndexBar, JobBar};
pub use figures::{bytes, count, duration, rate};
pub use tables::{arrivals, job_list, job_table, receipt_table, verify_tables};

use console::style;
use serde::Serialize;

/// Prints a line of the result.
#[allow(clippy::print_stdout)]
pub fn line(text: &str) {
    println!("{text}");
}

/// Prints a result for programs.
pub fn json<T: Serialize>(value: &T) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Prints a headline of a demonstration's step.
pub fn step(number: usize, text: &str) {
    line(&format!("\n{} {}", style(format!("{number}")).cyan().bold(), style(text).bold()));
}

/// Says what went wrong, on standard error.
pub fn complain(text: &str) {
    eprintln!("{} {text}", style("error:").red().bold());
}

/// Something to know, on standard error.
pub fn remark(text: &str) {
    eprintln!("{} {text}", style("note:").yellow().bold());
}
