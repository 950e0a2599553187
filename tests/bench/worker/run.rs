//! One worker, one task.

use crate::{place::Place, usage::Usage};
use job::{JobId, TaskId};
use serde_json::{Value, json};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use transfer::{AttemptEnd, AttemptFigures, Outcome};

/// What the attempt did: the meter is a plain function.
static FIGURES: Mutex<Option<AttemptFigures>> = Mutex::new(None);

/// Which job, and where.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// The job.
    #[arg(long)]
    job: JobId,
    /// How much longer each request to the archive takes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

/// Runs the task and prints what it took. The clocks run from when the worker has its task's number to when the broker
/// has acknowledged the last alert and the task's row says so.
pub async fn run(args: Args) {
    let meter = |figures: &AttemptFigures| {
        *FIGURES.lock().unwrap_or_else(PoisonError::into_inner) = Some(figures.clone());
    };
    let service = match args.latency_ms {
        0 => args.place.service(meter),
        latency => args.place.slow_service(Duration::from_millis(latency), meter),
    };
    let task = TaskId { job: args.job, index: 0 };
    let (begun, before) = (Instant::now(), Usage::now());
    let outcome = service.run_task(task, None).await.unwrap();
    let wall = begun.elapsed();
    let after = Usage::now();
    let figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap();
    assert_eq!((outcome, figures.end), (Outcome::Ended, AttemptEnd::Done), "the task did not come through");
    println!("{}", told(&figures, wall, &before, &after));
}

fn told(figures: &AttemptFigures, wall: Duration, before: &Usage, after: &Usage) -> Value {
    let stages = figures.stages;
    json!({
        "wall_seconds": wall.as_secs_f64(),
        "cpu_seconds": after.cpu_seconds - before.cpu_seconds,
        "peak_bytes": after.peak_bytes,
        "idle_bytes": before.peak_bytes,
        "read": figures.read,
        "kept": figures.kept,
        "sent": figures.sent,
        "bytes_sent": figures.bytes_sent,
        "bytes_read": figures.bytes_read,
        "requests": figures.requests,
        "footer_requests": figures.footer_requests,
        "stages": {
            "fetch": stages.fetch.as_secs_f64(),
            "scan": stages.scan.as_secs_f64(),
            "encode": stages.encode.as_secs_f64(),
            "send": stages.send.as_secs_f64(),
        },
    })
}
