//! The whole thing from outside: the real binary, the real client, a real broker.
//!
//! Cases outside `with_shared` make their own archive and run from a plain clone. Cases in `with_shared` read real
//! nights from `../shared` (or `NIGHTFERRY_SHARED`), and fail where that is missing.

#![allow(missing_docs)]

mod api;
mod broken_parts;
mod clients;
mod command_line;
mod contents;
mod download;
mod harness;
mod kills;
mod with_shared;
