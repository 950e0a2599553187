//! Topics on Kafka: made, filled without a gap or a second copy, and read back where an attempt must go on.
//!
//! What it guarantees (CONTRACT §5, DESIGN "How an alert is delivered once"):
//! - a data topic never sees a transaction, so its offsets are dense and start at 0;
//! - a [`Publisher`] is idempotent and gapless: what has arrived in a partition is always a prefix of what was sent to
//!   it, and after the first failed delivery nothing more is sent;
//! - every message says in its key which task it belongs to and its number in the partition ([`MessageKey`]), so that
//!   [`Kafka::arrived`] finds from the topic alone where a new attempt goes on.
//!
//! How a cluster is reached, and by whom, is [`Security`]; tokens come from a [`TokenSource`]; who vouches for the cluster is in
//! [`KafkaConfig::authorities`]. A cluster for which nobody does is told nothing. Encryption and logins need the feature `ssl`,
//! which builds OpenSSL. Nothing that is printed or logged holds a secret.
//!
//! What it leaves to others: which partition an alert goes to, and when an attempt may begin.
//!
//! ```
//! use broker::{Kafka, KafkaConfig, Security};
//!
//! let security = Security::Scram { username: "ferry".into(), password: "secret".into(), tls: true };
//! let config = KafkaConfig { security, replication: 3, ..KafkaConfig::plaintext("kafka-1:9096,kafka-2:9096") };
//! let cluster = Kafka::new(config);
//! // A build without encryption and logins says so at once.
//! assert_eq!(cluster.is_ok(), cfg!(feature = "ssl"));
//! ```

mod admin;
mod asker;
mod config;
mod error;
mod handover;
mod key;
mod link;
mod publisher;
mod ready;
mod security;
mod tail;
mod topics;

pub use config::{Compression, KafkaConfig};
pub use error::BrokerError;
pub use key::MessageKey;
pub use publisher::{Acknowledged, DeliveryWatch, Outgoing, Publisher};
pub use security::{Security, Token, TokenSource};
pub use topics::{Existing, Kafka, SCHEMA_COPIES, TopicState};
