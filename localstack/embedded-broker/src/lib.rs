//! A broker of one node that speaks Kafka's protocol and keeps its topics in a folder: for people who have only cargo.
//!
//! ```
//! use embedded_broker::{BrokerConfig, EmbeddedBroker};
//!
//! # let folder = tempfile::tempdir()?;
//! let broker = EmbeddedBroker::start(BrokerConfig::new(folder.path()))?;
//! println!("bootstrap.servers={}", broker.bootstrap());
//! broker.shutdown();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it serves
//! Producing (idempotent, every compression), consuming by offset, by time and in groups, and the administration of topics,
//! settings, records and groups, to librdkafka, kcat, kafka-python and whatever else speaks the protocol from Kafka 0.11 on.
//! ApiVersions tells which requests and versions.
//!
//! # What it guarantees
//! * Offsets are dense and start at 0. A retried batch of an idempotent producer is kept once, also over a restart.
//! * What was acknowledged outlives the end of the process, however it ends: it is in the operating system's page cache.
//!   It goes to the disk itself every [`BrokerConfig::upkeep_interval`] and at shutdown, so a power cut may lose the last
//!   seconds; what it leaves torn is cut off at the next start.
//! * Batches are kept byte for byte as the producer compressed them, but for their place in the log and, in topics with
//!   append-time stamps, their time.
//! * One process at a time uses a data folder.
//! * What a client sends, however malformed, ends its own connection at worst.
//! * A full disk is answered with `KAFKA_STORAGE_ERROR`, and the log stays as it was.
//!
//! # What it leaves to others
//! Replication, transactions, compaction, quotas, authentication and encryption: hence it listens on 127.0.0.1 unless told
//! otherwise. Topics are never created by naming them, so that a mistyped name is an error.
//!
//! # On the disk
//! `metadata.json` (topics and their settings), `offsets.jsonl` (committed offsets), `topics/<topic>/<partition>/` (segments,
//! named by the offset of their first record), `lock`, and `clean` while no broker runs after a clean end.

mod api;
mod broker;
mod buffers;
mod catalog;
mod config;
mod connection;
mod dispatch;
mod error;
mod group;
mod locked;
mod log;
mod metadata_file;
mod server;
mod settings;
mod topic;
mod wire;

pub use config::BrokerConfig;
pub use error::BrokerError;
pub use server::EmbeddedBroker;
