//! Tries the inputs of one target, one after the other, each within its bounds.

use crate::{
    arguments::Arguments,
    inputs::Inputs,
    memory,
    tally::Tally,
    targets::{self, Verdict, Which},
};
use std::{
    fs::File,
    os::unix::fs::FileExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// How often the child tells how far it is, in inputs.
const REPORT: u64 = 500;

static PANICS: AtomicU64 = AtomicU64::new(0);
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());
static REASON: OnceLock<PathBuf> = OnceLock::new();
/// When the input began, in milliseconds since the child did; 0 between inputs.
static BEGAN: AtomicU64 = AtomicU64::new(0);

/// The input that is tried, for whoever looks after the end: its number, its length, its bytes.
pub fn current_file(arguments: &Arguments, target: Which) -> PathBuf {
    arguments.findings.join(format!(".{}-current", target.name()))
}

/// Why the child ended itself.
pub fn reason_file(arguments: &Arguments, target: Which) -> PathBuf {
    arguments.findings.join(format!(".{}-reason", target.name()))
}

/// Ends the process at once and leaves the reason behind.
pub fn give_up(reason: &str) {
    if let Some(path) = REASON.get() {
        let _ = std::fs::write(path, reason);
        std::process::abort();
    }
}

/// Whether all inputs could be tried. What came of them goes to the parent, line by line.
pub fn run(arguments: &Arguments, which: Which) -> Result<bool, String> {
    std::fs::create_dir_all(&arguments.findings).map_err(|error| error.to_string())?;
    let _ = REASON.set(reason_file(arguments, which));
    let file = File::create(current_file(arguments, which)).map_err(|error| error.to_string())?;
    let inputs = Inputs::new(arguments, which)?;
    let mut target = targets::make(which, &inputs)?;
    targets::tell_refusals(arguments.tell);
    note_panics();
    let start = Instant::now();
    watch(start, Duration::from_secs_f64(arguments.seconds));

    let mut tally = Tally::new(which);
    for number in arguments.first..inputs.count() {
        let input = inputs.get(number);
        if arguments.keep == Some(number) {
            let kept = arguments.findings.join(format!("{}-{number}", which.name()));
            std::fs::write(kept, &input).map_err(|error| error.to_string())?;
        }
        let head = [number.to_le_bytes(), (input.len() as u64).to_le_bytes()].concat();
        file.write_all_at(&[&head, &input[..]].concat(), 0).map_err(|error| error.to_string())?;
        let panics = PANICS.load(Relaxed);
        let begun = memory::begin(which.allowance());
        let begin = Instant::now();
        BEGAN.store((begin - start).as_millis() as u64 + 1, Relaxed);
        let result = catch_unwind(AssertUnwindSafe(|| target.try_one(&input)));
        BEGAN.store(0, Relaxed);
        let peak = memory::end(begun);
        tally.cost(number, begin.elapsed(), peak);
        let panics = PANICS.load(Relaxed) - panics;
        let reason = match result {
            Ok(Ok(verdict)) => {
                tally.count(verdict);
                tally.contained += panics;
                None
            }
            Ok(Err(broken)) => Some(broken),
            Err(_) => Some(format!("panicked {}", LAST_PANIC.lock().map_err(|_| "poisoned")?)),
        };
        if let Some(reason) = reason {
            tally.count(Verdict::Refused);
            let kept = arguments.findings.join(format!("{}-{number}", which.name()));
            std::fs::write(&kept, &input).map_err(|error| error.to_string())?;
            tally.findings.push(format!("{} {reason}", kept.display()));
        }
        if tally.tried >= REPORT {
            report(&mut tally)?;
        }
    }
    report(&mut tally)?;
    let _ = std::fs::remove_file(current_file(arguments, which));
    Ok(true)
}

fn report(tally: &mut Tally) -> Result<(), String> {
    let target = tally.target;
    let part = std::mem::replace(tally, Tally::new(target));
    println!("{}", serde_json::to_string(&part).map_err(|error| error.to_string())?);
    Ok(())
}

/// Counts panics, also those that are caught further down, and keeps where the last one was.
fn note_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Relaxed);
        if let Ok(mut last) = LAST_PANIC.lock() {
            *last = panic.to_string().lines().collect::<Vec<_>>().join(" ");
        }
        if targets::tells_refusals() {
            eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
        }
    }));
}

/// Ends the process when an input takes longer than `limit`.
fn watch(start: Instant, limit: Duration) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let began = BEGAN.load(Relaxed);
            let now = start.elapsed().as_millis() as u64;
            if began > 0 && now.saturating_sub(began) > limit.as_millis() as u64 {
                give_up(&format!("took longer than {limit:?}"));
            }
        }
    });
}
