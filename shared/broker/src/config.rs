//! How the cluster is reached.

use rdkafka::ClientConfig;
use std::{collections::BTreeMap, time::Duration};

/// The largest message that we send or accept: a full packet is 55 KB, some have long histories.
pub(crate) const MAX_MESSAGE_BYTES: &str = "10485760";

/// The cluster and how topics are made on it.
#[derive(Clone)]
pub struct KafkaConfig {
    /// `host:port,host:port`.
    pub bootstrap: String,
    /// Settings of librdkafka for security and the like. Never logged.
    pub settings: BTreeMap<String, String>,
    /// How long alerts stay: 7 days by default, 4 to 7 in the field.
    pub retention: Duration,
    /// Copies of each partition.
    pub replication: i32,
    /// After this long without an acknowledgement an attempt is given up.
    pub delivery_timeout: Duration,
}

impl KafkaConfig {
    /// A plaintext cluster with the field's defaults.
    pub fn plaintext(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            settings: BTreeMap::new(),
            retention: Duration::from_secs(7 * 24 * 3600),
            replication: 1,
            delivery_timeout: Duration::from_secs(300),
        }
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.bootstrap).set("client.id", "nightferry");
        for (key, value) in &self.settings {
            client.set(key, value);
        }
        client
    }
}

impl std::fmt::Debug for KafkaConfig {
    /// Without the settings: they may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaConfig").field("bootstrap", &self.bootstrap).finish_non_exhaustive()
    }
}

/// How batches are compressed. Cutouts are gzip already and do not shrink; lz4 costs least for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// LZ4.
    Lz4,
}

impl Compression {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
        }
    }
}
