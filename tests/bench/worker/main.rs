//! What `tests/bench/speed` and `tests/bench/scale` measure of nightferry, and the brokers that it is measured against.
//!
//! ```text
//! bench-worker prepare     submits a job and fans it out: rows, plan and topic, as a worker finds them
//! bench-worker run         one worker runs the job's tasks one after the other, as the function on AWS does, and tells what it took
//! bench-worker fan-out     submits a job of many nights, fans it out and asks for its status
//! bench-worker bookkeeping works through the tasks of such a job and tells what calls of the store took
//! bench-worker ready-made  the same publisher sends messages that need no work: the limit
//! bench-worker mock        serves librdkafka's mock broker, which keeps nothing
//! ```
//!
//! As the worker on AWS it has tokio's defaults and mimalloc, and one heap for what is C (`MALLOC_ARENA_MAX`). Each command
//! prints one line of JSON.

// A failed run is told by a panic, as in any test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod bookkeeping;
mod counted;
mod fan_out;
mod mock;
mod place;
mod prepare;
mod ready_made;
mod run;
mod serve_mock;
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
    /// Runs the job's tasks.
    Run(run::Args),
    /// Submits a job of many nights, fans it out, and asks for its status.
    FanOut(fan_out::Args),
    /// Works through the tasks of such a job.
    Bookkeeping(bookkeeping::Args),
    /// Sends messages that need no work.
    ReadyMade(ready_made::Args),
    /// Serves a mock broker until standard input ends.
    Mock(serve_mock::Args),
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
        Command::FanOut(args) => fan_out::fan_out(args).await,
        Command::Bookkeeping(args) => bookkeeping::work(args).await,
        Command::ReadyMade(args) => ready_made::send(args),
        Command::Mock(args) => serve_mock::serve(&args),
    }
}
