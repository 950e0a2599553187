//! One worker, the tasks of a job one after the other.

use crate::{place::Place, usage::Usage};
use job::{JobId, TaskId};
use serde_json::{Value, json};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use transfer::{AttemptEnd, AttemptFigures, Outcome};

/// What the attempts did: the meter is a plain function.
static FIGURES: Mutex<Vec<AttemptFigures>> = Mutex::new(Vec::new());

/// What a worker has before its first task comes: its start and a pause, or a task before.
pub const WARM: Duration = Duration::from_secs(1);

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

/// Runs the tasks and prints what they took. The clocks run from when the worker has the first task's number to when the
/// broker has acknowledged the last alert and its task's row says so.
pub async fn run(args: Args) {
    let meter = |figures: &AttemptFigures| {
        FIGURES.lock().unwrap_or_else(PoisonError::into_inner).push(figures.clone());
    };
    let service = match args.latency_ms {
        0 => args.place.service(meter),
        latency => args.place.slow_service(Duration::from_millis(latency), meter),
    };
    // As the function does when it starts, before a task comes.
    service.warm_up();
    tokio::time::sleep(WARM).await;
    let tasks = service.job(args.job).await.unwrap().value.tasks;
    let (begun, before) = (Instant::now(), Usage::now());
    for index in 0..tasks {
        let outcome = service.run_task(TaskId { job: args.job, index }, None).await.unwrap();
        assert_eq!(outcome, Outcome::Ended, "task {index} did not come through");
    }
    let wall = begun.elapsed();
    let after = Usage::now();
    let figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(figures.len(), tasks as usize);
    assert!(figures.iter().all(|attempt| attempt.end == AttemptEnd::Done), "{figures:?}");
    println!("{}", told(&figures, wall, &before, &after));
}

fn told(figures: &[AttemptFigures], wall: Duration, before: &Usage, after: &Usage) -> Value {
    let sum = |of: fn(&AttemptFigures) -> u64| figures.iter().map(of).sum::<u64>();
    let spent = |of: fn(&AttemptFigures) -> Duration| figures.iter().map(of).sum::<Duration>().as_secs_f64();
    json!({
        "wall_seconds": wall.as_secs_f64(),
        "cpu_seconds": after.cpu_seconds - before.cpu_seconds,
        "peak_bytes": after.peak_bytes,
        "idle_bytes": before.peak_bytes,
        "read": sum(|attempt| attempt.read),
        "kept": sum(|attempt| attempt.kept),
        "sent": sum(|attempt| attempt.sent),
        "bytes_sent": sum(|attempt| attempt.bytes_sent),
        "bytes_read": sum(|attempt| attempt.bytes_read),
        "requests": sum(|attempt| attempt.requests),
        "footer_requests": sum(|attempt| attempt.footer_requests),
        "stages": {
            "fetch": spent(|attempt| attempt.stages.fetch),
            "scan": spent(|attempt| attempt.stages.scan),
            "encode": spent(|attempt| attempt.stages.encode),
            "send": spent(|attempt| attempt.stages.send),
        },
    })
}
