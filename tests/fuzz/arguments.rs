//! What to try, and how much of it.

use crate::targets::Which;
use clap::Parser;
use std::path::PathBuf;

/// Tries hostile inputs; ends with 1 when one of them panics, takes too long or too much memory.
#[derive(Clone, Debug, Parser)]
pub struct Arguments {
    /// Inputs of each text target; HTTP and Parquet get a tenth of them, and every kept input is tried besides.
    #[arg(long, default_value_t = 5_000)]
    pub inputs: u64,
    /// The same seed makes the same inputs.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only these targets.
    #[arg(long, value_enum)]
    pub target: Vec<Which>,
    /// The longest that an input may take, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Prints the result as JSON.
    #[arg(long)]
    pub json: bool,
    /// Where inputs are kept that fail.
    #[arg(long, default_value = "fuzz-findings")]
    pub findings: PathBuf,
    /// Writes the input of this number where failing inputs are kept, whatever comes of it.
    #[arg(long)]
    pub keep: Option<u64>,
    /// Prints why each input is refused.
    #[arg(long)]
    pub tell: bool,
    /// Only the input in this file, as one of `--target`.
    #[arg(long)]
    pub file: Option<PathBuf>,

    #[arg(long, hide = true, value_enum)]
    pub child: Option<Which>,
    #[arg(long, hide = true, default_value_t = 0)]
    pub first: u64,
    /// What `cargo test` passes to every test program.
    #[arg(long, hide = true)]
    skip: Vec<String>,
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    list: bool,
    #[arg(long, hide = true)]
    exact: bool,
    #[arg(long, hide = true)]
    test_threads: Option<String>,
    #[arg(hide = true)]
    names: Vec<String>,
}

/// The command line.
pub fn read() -> Arguments {
    Arguments::parse()
}

impl Arguments {
    /// `cargo test` was asked for tests by name, and this is not among them.
    pub fn is_for_other_tests(&self) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|name| "fuzz".contains(name.as_str()));
        self.list || !named || self.skip.iter().any(|name| name == "fuzz")
    }

    /// The generated inputs of a target.
    pub fn inputs_of(&self, target: Which) -> u64 {
        if self.file.is_some() {
            return 0;
        }
        match target {
            Which::Http | Which::Parquet => self.inputs.div_ceil(10),
            _ => self.inputs,
        }
    }
}
