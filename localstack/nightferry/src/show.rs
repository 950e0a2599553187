//! What people see: tables, bars, figures. Programs get JSON.

mod archive;
mod bars;
mod figures;
mod tables;

pub use archive::{class_table, estimate_table, night_table, optimized_table, schema_table};
pub use bars::{DownloadBar, IndexBar, JobBar, OptimizeBar};
pub use figures::{bytes, count, duration, rate};
pub use tables::{arrivals, job_list, job_table, receipt_table, verify_tables};

use crate::exit;
use console::style;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Prints a line of the result. Whoever reads it may have seen enough (`… | head`): that ends the command quietly.
pub fn line(text: &str) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
        let enough = error.kind() == ErrorKind::BrokenPipe;
        if !enough {
            complain(&format!("the result cannot be written: {error}"));
        }
        std::process::exit(i32::from(if enough { exit::OK } else { exit::FAILED }));
    }
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
