//! The broker from outside: the protocol byte by byte, real clients, crashes, and hostile input.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to fail")]

mod admin;
mod client;
mod consuming;
mod crash;
mod groups;
mod hostile;
mod limits;
mod producing;
mod rdkafka_clients;
