//! How the cluster is reached.

use crate::{BrokerError, Security, link::Link};
use rdkafka::ClientConfig;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The largest message that we send or accept: a full packet is 55 KB, some have long histories.
pub(crate) const MAX_MESSAGE_BYTES: &str = "10485760";

/// How a certificate begins.
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The cluster and how topics are made on it.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// `host:port,host:port`.
    pub bootstrap: String,
    /// How the cluster knows us.
    pub security: Security,
    /// The certificates of the authorities that vouch for the cluster, a file or a folder; without, the system's own.
    pub authorities: Option<PathBuf>,
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
            security: Security::Plaintext,
            authorities: None,
            retention: Duration::from_secs(7 * 24 * 3600),
            replication: 1,
            delivery_timeout: Duration::from_secs(300),
        }
    }

    /// Whether this build can reach such a cluster, and the authorities can be read.
    pub(crate) fn check(&self) -> Result<(), BrokerError> {
        if self.security.is_plaintext() {
            return Ok(());
        }
        if !cfg!(feature = "ssl") {
            return Err(BrokerError::Build);
        }
        self.authorities.as_deref().map_or(Ok(()), check_authorities)
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.bootstrap).set("client.id", "nightferry");
        self.security.configure(self.authorities.as_deref(), &mut client);
        client
    }

    /// What every client is made with.
    pub(crate) fn link(&self) -> Link {
        Link::new(self.security.source().cloned(), self.authorities.as_deref())
    }
}

/// What librdkafka would tell without the file's name, and only when it is first asked something.
fn check_authorities(path: &Path) -> Result<(), BrokerError> {
    let wrong = |reason: String| BrokerError::Authorities { path: path.to_owned(), reason };
    if path.is_dir() {
        return Ok(());
    }
    let content = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let is_pem = content.windows(PEM.len()).any(|start| start == PEM);
    if is_pem {
        Ok(())
    } else {
        Err(wrong("no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----".into()))
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
