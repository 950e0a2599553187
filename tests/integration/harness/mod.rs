//! Starts what the cases need, and asks it.

mod alerts;
mod http;
mod messages;
mod programs;
mod stack;

pub use alerts::{alerts_of, night_files, texts};
pub use http::{get, send};
pub use messages::payloads;
pub use programs::{Python, nightferry, shared};
pub use stack::Stack;

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Waits for a condition; panics with `what` when it does not come true in time.
pub fn wait_for<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "after {seconds} s still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A sample archive of the given nights.
pub fn sample_archive(folder: &Path, nights: &[&str], alerts_per_night: u64, cutouts: bool) -> PathBuf {
    let nights = job::NightSelection::parse(nights).unwrap().iter().collect();
    let simulation = simulate::Simulation { nights, alerts_per_night, seed: 1, cutouts };
    simulation.write(folder, &|_| {}).unwrap();
    folder.to_owned()
}

/// A number in a JSON document, by its path.
pub fn number(value: &Value, pointer: &str) -> u64 {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no number at {pointer} in {value:#}"))
}

/// A text in a JSON document, by its path.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {pointer} in {value:#}"))
}
