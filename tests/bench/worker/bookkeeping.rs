//! A job of many tasks, worked through by one worker: what of its time goes into rows, queue and documents.

use crate::{place::Place, usage::Usage};
use job::{JobId, TaskId};
use serde_json::json;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};
use transfer::{AttemptEnd, AttemptFigures, Outcome};

/// Microseconds that attempts were seen to spend on alerts: the meter is a plain function.
static ON_ALERTS: AtomicU64 = AtomicU64::new(0);

/// Which job, and where.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// The job, as `fan-out` made it.
    #[arg(long)]
    job: JobId,
}

/// Works through all tasks in their order, and prints what calls of the store took.
pub async fn work(args: Args) {
    let (service, calls) = args.place.counted_service(meter);
    let tasks = service.job(args.job).await.unwrap().value.tasks;
    calls.reset();
    let (begun, before) = (Instant::now(), Usage::now());
    // The slowest of a tenth each: a cost that grows with the tasks behind it shows.
    let mut tenths = vec![0.0; 10];
    for index in 0..tasks {
        let since = calls.seconds();
        let outcome = service.run_task(TaskId { job: args.job, index }, None).await.unwrap();
        assert_eq!(outcome, Outcome::Ended);
        tenths[index as usize * 10 / tasks as usize] += calls.seconds() - since;
    }
    let wall = begun.elapsed().as_secs_f64();
    let job = service.job(args.job).await.unwrap().value;
    assert!(job.state.is_final(), "{job:?}");
    println!(
        "{}",
        json!({
            "tasks": tasks,
            "state": job.state,
            "wall_seconds": wall,
            "cpu_seconds": Usage::now().cpu_seconds - before.cpu_seconds,
            "on_alerts_seconds": ON_ALERTS.load(Ordering::Relaxed) as f64 / 1e6,
            "store_seconds": calls.seconds(),
            "store_calls": calls.number(),
            "rows_read": calls.rows(),
            "store_seconds_by_tenth": tenths,
        })
    );
}

fn meter(figures: &AttemptFigures) {
    assert_eq!(figures.end, AttemptEnd::Done, "a task did not come through");
    let stages = figures.stages;
    let spent = stages.fetch + stages.scan + stages.encode + stages.send;
    ON_ALERTS.fetch_add(spent.as_micros() as u64, Ordering::Relaxed);
}
