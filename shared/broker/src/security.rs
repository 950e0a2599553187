//! How the cluster knows us, and we it.

use std::{error::Error, path::Path, sync::Arc, time::SystemTime};

use rdkafka::ClientConfig;

/// How a cluster is reached. All but [`Security::Plaintext`] need the feature `ssl`.
#[derive(Clone, Default)]
pub enum Security {
    /// Unencrypted, without a name.
    #[default]
    Plaintext,
    /// Encrypted, without a name.
    Tls,
    /// By name and password: SCRAM-SHA-512.
    Scram {
        /// The user.
        username: String,
        /// Its password.
        password: String,
        /// Whether the connection is encrypted. Without, it is for a network of one's own.
        tls: bool,
    },
    /// By tokens that expire: OAUTHBEARER.
    Tokens {
        /// Makes them.
        source: Arc<dyn TokenSource>,
        /// Whether the connection is encrypted. Without, whoever listens can use the token until it expires: for tests.
        tls: bool,
    },
}

impl Security {
    /// Encrypted, by tokens.
    pub fn tokens(source: impl TokenSource + 'static) -> Self {
        Self::Tokens { source: Arc::new(source), tls: true }
    }

    pub(crate) fn is_plaintext(&self) -> bool {
        matches!(self, Self::Plaintext)
    }

    pub(crate) fn source(&self) -> Option<&Arc<dyn TokenSource>> {
        match self {
            Self::Tokens { source, .. } => Some(source),
            _ => None,
        }
    }

    fn protocol(&self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Tls => "ssl",
            Self::Scram { tls: true, .. } | Self::Tokens { tls: true, .. } => "sasl_ssl",
            Self::Scram { tls: false, .. } | Self::Tokens { tls: false, .. } => "sasl_plaintext",
        }
    }

    pub(crate) fn configure(&self, authorities: Option<&Path>, client: &mut ClientConfig) {
        if self.is_plaintext() {
            return;
        }
        client.set("security.protocol", self.protocol());
        match self {
            Self::Plaintext | Self::Tls => {}
            Self::Scram { username, password, .. } => {
                client.set("sasl.mechanism", "SCRAM-SHA-512");
                client.set("sasl.username", username).set("sasl.password", password);
            }
            Self::Tokens { .. } => drop(client.set("sasl.mechanism", "OAUTHBEARER")),
        }
        // The OpenSSL that is built in knows no folder of this system: librdkafka looks where distributions keep them.
        let authorities = authorities.map_or("probe".into(), Path::to_string_lossy);
        client.set("ssl.ca.location", authorities);
    }
}

impl std::fmt::Debug for Security {
    /// Without secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plaintext => f.write_str("Plaintext"),
            Self::Tls => f.write_str("Tls"),
            Self::Scram { username, tls, .. } => {
                f.debug_struct("Scram").field("username", username).field("tls", tls).finish_non_exhaustive()
            }
            Self::Tokens { tls, .. } => f.debug_struct("Tokens").field("tls", tls).finish_non_exhaustive(),
        }
    }
}

/// Makes the tokens by which a cluster knows us.
///
/// It is asked for one before a client's first request, and for a new one when four fifths of a token's life are over;
/// a failure is asked about again after 10 s, and the old token used meanwhile. It may block: it is called on threads of
/// the clients' own, several at a time, never on those of an async runtime.
pub trait TokenSource: Send + Sync {
    /// A token that is good from now on. What the error says is logged and told: no secrets.
    fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>>;
}

/// What lets a client in for a while.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The token itself.
    pub value: String,
    /// Whose it is.
    pub principal: String,
    /// When it ends.
    pub expires: SystemTime,
}

impl std::fmt::Debug for Token {
    /// Without the token itself.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("principal", &self.principal)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::KafkaConfig;

    struct Never;

    impl TokenSource for Never {
        fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>> {
            Err("none".into())
        }
    }

    #[test]
    fn what_is_printed_holds_no_secret() {
        let scram = Security::Scram { username: "ferry".into(), password: "s3cret".into(), tls: true };
        let token = Token { value: "s3cret".into(), principal: "ferry".into(), expires: SystemTime::now() };
        let config = KafkaConfig { security: scram.clone(), ..KafkaConfig::plaintext("somewhere:9096") };
        for printed in [format!("{scram:?}"), format!("{token:?}"), format!("{config:?}")] {
            assert!(printed.contains("ferry") && !printed.contains("s3cret"), "{printed}");
        }
        assert_eq!(format!("{:?}", Security::tokens(Never)), "Tokens { tls: true, .. }");
    }

    #[test]
    fn each_way_is_told_to_the_client() {
        let settings = |security: &Security| {
            let mut client = ClientConfig::new();
            security.configure(None, &mut client);
            ["security.protocol", "sasl.mechanism", "ssl.ca.location"]
                .map(|key| client.get(key).unwrap_or("").to_owned())
        };
        let scram = |tls| Security::Scram { username: "ferry".into(), password: "s3cret".into(), tls };
        let tokens = |tls| Security::Tokens { source: Arc::new(Never), tls };
        assert_eq!(settings(&Security::Plaintext), ["", "", ""]);
        assert_eq!(settings(&Security::Tls), ["ssl", "", "probe"]);
        assert_eq!(settings(&scram(true)), ["sasl_ssl", "SCRAM-SHA-512", "probe"]);
        assert_eq!(settings(&scram(false)), ["sasl_plaintext", "SCRAM-SHA-512", "probe"]);
        assert_eq!(settings(&tokens(true)), ["sasl_ssl", "OAUTHBEARER", "probe"]);
        assert_eq!(settings(&tokens(false)), ["sasl_plaintext", "OAUTHBEARER", "probe"]);
    }

    #[cfg(not(feature = "ssl"))]
    #[test]
    fn a_build_without_tls_says_so_at_once() {
        let config = KafkaConfig { security: Security::Tls, ..KafkaConfig::plaintext("somewhere:9094") };
        let error = crate::Kafka::new(config).unwrap_err();
        assert_eq!(error.to_string(), "built without TLS and SASL: build with --features ssl");
        assert_eq!(error.kind(), job::ErrorKind::Invalid);
    }
}
