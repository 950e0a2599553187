//! Logs: one `init` for every binary.
//!
//! On a terminal they are short lines for people; elsewhere (`Format::Json`) one JSON object a line with the fields
//! `job`, `night` and `attempt`, which log services can search. `NIGHTFERRY_LOG` chooses what is shown, such as
//! `info` or `transfer=debug`. Nothing secret is ever logged: configurations that hold secrets do not print them.

use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, fmt::time::SystemTime, prelude::*};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, on standard error.
    Text,
    /// For programs, on standard error.
    Json,
}

/// Starts logging at `level` unless `NIGHTFERRY_LOG` says otherwise. A second call changes nothing.
pub fn init(format: Format, level: &str) {
    let filter = EnvFilter::try_from_env("NIGHTFERRY_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        Format::Json => {
            let mut lines = json_subscriber::JsonLayer::new(std::io::stderr);
            lines.with_timer("timestamp", SystemTime);
            lines.with_level("level").with_target("target");
            // The task's fields and the event's beside each other: `job` is found in one place.
            lines.with_top_level_flattened_span_list().with_flattened_event();
            registry.with(lines).try_init()
        }
        Format::Text => {
            let colours = std::io::stderr().is_terminal();
            registry
                .with(fmt::layer().with_ansi(colours).with_target(false).with_writer(std::io::stderr))
                .try_init()
        }
    };
    // Tests start it many times in one process; the first wins.
    drop(started);
}
