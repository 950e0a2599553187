//! Sample nights: alerts that look like ZTF's with Fink's added values, for whoever has no archive at hand.
//!
//! - The columns, their types and their order are those of real nights of 2020, 2021, 2025 and 2026; a night gets those
//!   of its time, so that nights differ as real ones do.
//! - Objects come back in other nights and have light curves; classes come in a realistic mix, and the scores behind
//!   them are such that Fink's rule finds them; cutouts are gzip FITS images.
//! - Other values are spread as in real nights (`values.json`, made by `learn`): as many are missing, or the same for all.
//! - The same seed makes the same alerts on every machine, whatever is written beside them.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! let nights = vec!["2026-03-22".parse()?];
//! let simulation = simulate::Simulation { nights, alerts_per_night: 50, seed: 1, cutouts: false };
//! let written = simulation.write(folder.path(), &|_| {})?;
//! assert_eq!(written.alerts, 50);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alert;
mod chance;
mod columns;
mod era;
mod kind;
mod leaves;
mod spreads;
mod stamps;
mod write;

pub use write::{SimulateError, Simulation, Written};
