//! `nightferry` on a laptop: the command line, and the whole service in one process.
//!
//! ```text
//! nightferry            a demonstration: sample archive, stack, job, what arrived
//! nightferry up         the stack: HTTP API, embedded broker and store, workers
//! nightferry submit …   and the other commands talk to a stack (or to AWS) over HTTP
//! ```

mod args;
mod client;
mod commands;
mod exit;
mod request_args;
mod show;
mod sign;
mod stack;
mod workers;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let format = if args.log_json { telemetry::Format::Json } else { telemetry::Format::Text };
    telemetry::init(format, args.log_level());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::complain(&format!("the runtime does not start: {error}"));
            return exit::FAILED.into();
        }
    };
    let code = match runtime.block_on(commands::run(args)) {
        Ok(code) => code,
        Err(error) => {
            show::complain(&error.to_string());
            error.code()
        }
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code.into()
}
