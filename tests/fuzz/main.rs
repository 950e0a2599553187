//! Hostile input for everything that reads what others wrote: conditions, requests, manifests and plans, Parquet files.
//!
//! Each input is a seed of `corpus/` that was damaged, or made by a grammar; the same `--seed` makes the same inputs.
//! Each has a bound on time and on memory, and may not panic. The inputs run in a child process, so that one that
//! overflows the stack or exhausts the memory is found, kept, and passed over.
//!
//! ```sh
//! cargo test --release --workspace --test fuzz -- --inputs 100000 --seed 7 --target conditions
//! ```

#![allow(clippy::print_stdout)] // A program that answers on the terminal.

mod arguments;
mod child;
mod inputs;
mod memory;
mod mutate;
mod parent;
mod tally;
mod targets;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

fn main() -> std::process::ExitCode {
    let arguments = arguments::read();
    if arguments.is_for_other_tests() {
        return std::process::ExitCode::SUCCESS;
    }
    let result = match &arguments.child {
        Some(target) => child::run(&arguments, *target),
        None => parent::run(&arguments),
    };
    match result {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
