//! Downloads from a broker in the same process, and from Apache Kafka.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "download/avro.rs"]
mod avro;
#[path = "download/cluster.rs"]
mod cluster;
#[path = "download/damaged.rs"]
mod damaged;
#[path = "download/follow.rs"]
mod follow;
#[path = "download/kill.rs"]
mod kill;
#[path = "download/layouts.rs"]
mod layouts;
#[path = "download/resume.rs"]
mod resume;
#[path = "download/with_shared.rs"]
mod with_shared;
