//! What is tried: one entry a kind of input that others write.

mod conditions;
mod http;
mod manifests;
mod night;
mod parquet;
mod requests;

use crate::inputs::Inputs;
use clap::ValueEnum;
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};

/// A kind of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// Conditions: parsed, bound, evaluated over sample alerts.
    Conditions,
    /// Job requests, YAML and JSON.
    Requests,
    /// Manifests and plans, as found in the bucket.
    Manifests,
    /// HTTP requests: method, path and body; a document that is taken is estimated.
    Http,
    /// Files of a night: listed, opened, scanned, encoded.
    Parquet,
}

/// What a sound program makes of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Refused,
}

/// Takes inputs, one after the other. An error is a broken promise: an answer that cannot be right.
pub trait Target {
    fn try_one(&mut self, input: &[u8]) -> Result<Verdict, String>;
}

impl Which {
    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conditions => "conditions",
            Self::Requests => "requests",
            Self::Manifests => "manifests",
            Self::Http => "http",
            Self::Parquet => "parquet",
        }
    }

    /// The memory that one input may take, in bytes.
    pub fn allowance(self) -> usize {
        match self {
            Self::Conditions => 256 << 20,
            Self::Requests | Self::Manifests => 64 << 20,
            Self::Http => 256 << 20,
            Self::Parquet => 1536 << 20,
        }
    }
}

static TELLS_REFUSALS: AtomicBool = AtomicBool::new(false);

/// Whether refusals are printed.
pub fn tell_refusals(tell: bool) {
    TELLS_REFUSALS.store(tell, Ordering::Relaxed);
}

pub fn tells_refusals() -> bool {
    TELLS_REFUSALS.load(Ordering::Relaxed)
}

/// An input is refused, for this reason.
fn refused(reason: &dyn std::fmt::Display) -> Verdict {
    if tells_refusals() {
        eprintln!("refused: {reason}");
    }
    Verdict::Refused
}

/// The target, ready to try.
pub fn make(which: Which, inputs: &Inputs) -> Result<Box<dyn Target>, String> {
    Ok(match which {
        Which::Conditions => Box::new(conditions::Target::new()?),
        Which::Requests => Box::new(requests::Target),
        Which::Manifests => Box::new(manifests::Target::new(&inputs.seeds)?),
        Which::Http => Box::new(http::Target::new()?),
        Which::Parquet => Box::new(parquet::Target::new()?),
    })
}

/// An input by the target's grammar, where it has one.
pub fn generate(which: Which, chance: &mut Rng) -> Option<Vec<u8>> {
    match which {
        Which::Conditions => Some(conditions::generate(chance).into_bytes()),
        Which::Requests => Some(requests::generate(chance).into_bytes()),
        Which::Http => Some(http::generate(chance).into_bytes()),
        Which::Manifests | Which::Parquet => None,
    }
}

/// Words that inputs of the target are made of.
pub fn words(which: Which) -> &'static [&'static str] {
    match which {
        Which::Conditions => conditions::WORDS,
        Which::Requests => requests::WORDS,
        Which::Manifests => manifests::WORDS,
        Which::Http => http::WORDS,
        Which::Parquet => &[],
    }
}
