//! One file a group of commands.

mod archive;
mod demo;
mod download;
mod jobs;
mod optimize;
mod simulate;
mod source;
mod up;
mod verify;

use crate::{
    args::{Args, Command},
    exit::{self, CommandError},
};
use clap::CommandFactory;

/// Runs what was asked for. The number is the exit code.
pub async fn run(args: Args) -> Result<u8, CommandError> {
    match args.command {
        None => demo::run(&args.demo).await,
        Some(Command::Demo(demo)) => demo::run(&demo).await,
        Some(Command::Up(up)) => up::run(&up).await,
        Some(Command::Submit(submit)) => jobs::submit(&submit).await,
        Some(Command::Estimate(estimate)) => jobs::estimate(&estimate).await,
        Some(Command::Status(status)) => jobs::status(&status).await,
        Some(Command::Jobs(list)) => jobs::list(&list).await,
        Some(Command::Cancel(job)) => jobs::cancel(&job).await,
        Some(Command::Retry(job)) => jobs::retry(&job).await,
        Some(Command::Rerun(rerun)) => jobs::rerun(&rerun).await,
        Some(Command::Receipt(job)) => jobs::receipt(&job).await,
        Some(Command::Log(job)) => jobs::log(&job).await,
        Some(Command::Nights(args)) => archive::nights(&args).await,
        Some(Command::Classes(args)) => archive::classes(&args).await,
        Some(Command::Schema(args)) => archive::schema(&args).await,
        Some(Command::Index(args)) => archive::index(&args).await,
        Some(Command::Optimize(args)) => optimize::run(&args).await,
        Some(Command::Download(download)) => download::run(&download).await,
        Some(Command::Verify(verify)) => verify::run(&verify).await,
        Some(Command::Simulate(simulate)) => simulate::run(&simulate).await,
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Args::command(), "nightferry", &mut std::io::stdout());
            Ok(exit::OK)
        }
    }
}
