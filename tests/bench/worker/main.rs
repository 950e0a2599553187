//! What `tests/bench/speed` measures of nightferry, and the brokers that it measures against.
//!
//! ```text
//! bench-worker prepare     submits a job and fans it out: rows, plan and topic, as a worker finds them
//! bench-worker run         one worker runs the job's only task, as the function on AWS does, and tells what it took
//! bench-worker ready-made  the same publisher sends messages that need no work: the limit
//! bench-worker mock        serves librdkafka's mock broker, which keeps nothing
//! ```
//!
//! As the worker on AWS it has tokio's defaults and mimalloc, and one heap for what is C (`MALLOC_ARENA_MAX`). Each command
//! prints one line of JSON.

// A failed run is told by a panic, as in any test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod mock;
mod place;
mod prepare;
mod ready_made;
mod run;
mod slow;
mod usage;

use clap::{Parser, Subcommand};

/// As the worker's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Subcommand)]
enum Command {
    /// Submits a job and fans it out.
    Prepare(prepare::Args),
    /// Runs the job's only task.
    Run(run::Args),
    /// Sends messages that need no work.
    ReadyMade(ready_made::Args),
    /// Serves a mock broker until standard input ends.
    Mock(mock::Args),
}

/// One worker of nightferry, measured.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[tokio::main]
async fn main() {
    telemetry::init(telemetry::Format::Text, "warn");
    match Args::parse().command {
        Command::Prepare(args) => prepare::prepare(args).await,
        Command::Run(args) => run::run(args).await,
        Command::ReadyMade(args) => ready_made::send(args),
        Command::Mock(args) => mock::serve(&args),
    }
}
