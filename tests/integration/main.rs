//! The whole thing from outside: the real binary, the real client, a real broker.
//!
//! Cases outside `with_shared` make their own archive and run from a plain clone. Cases in `with_shared` read real
//! nights from `../shared` (or `NIGHTFERRY_SHARED`), and fail where that is missing.

// In tests a panic is how a case fails, also in what the cases call.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
mod broken_parts;
mod clients;
mod command_line;
mod contents;
mod download;
mod fan_out;
mod harness;
mod index;
mod job_life;
mod kills;
mod optimize;
mod prune;
mod requests;
mod sample;
mod service;
mod verify;
mod with_shared;
