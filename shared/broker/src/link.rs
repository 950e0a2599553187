//! What each client of librdkafka has from us: tokens to log in with, and an ear for refusals.

use crate::{BrokerError, Token, TokenSource};
use rdkafka::{
    ClientContext, client::OAuthToken, consumer::ConsumerContext, error::KafkaError, message::DeliveryResult,
    producer::ProducerContext, types::RDKafkaErrorCode,
};
use std::{
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant, UNIX_EPOCH},
};

/// So long may a cluster refuse a client that it has not let in yet: one that starts may not know its users yet.
const GRACE: Duration = Duration::from_secs(2);

/// The context of a client.
#[derive(Default)]
pub(crate) struct Link {
    tokens: Option<Arc<dyn TokenSource>>,
    /// Where the authorities are, in words.
    authorities: String,
    news: Mutex<News>,
}

#[derive(Default)]
struct News {
    /// Since when we and the cluster do not come together, and who refuses whom.
    refused: Option<(Instant, Refusal)>,
    /// Why there is no token.
    no_token: Option<String>,
}

#[derive(Clone)]
enum Refusal {
    /// The cluster refuses us, in these words.
    Login(String),
    /// We refuse this broker's certificate.
    Untrusted(String),
}

impl Link {
    pub(crate) fn new(tokens: Option<Arc<dyn TokenSource>>, authorities: Option<&Path>) -> Self {
        let authorities = authorities.map_or("the system's own".into(), |path| path.display().to_string());
        Self { tokens, authorities, news: Mutex::default() }
    }

    /// Why nothing is answered, where that is known. Of use only while nothing is.
    pub(crate) fn check(&self) -> Result<(), BrokerError> {
        let news = self.news();
        match &news.refused {
            Some((since, refusal)) if since.elapsed() >= GRACE => Err(match refusal.clone() {
                Refusal::Login(reason) => BrokerError::Login { reason, lasting: true },
                Refusal::Untrusted(broker) => {
                    BrokerError::Untrusted { broker, authorities: self.authorities.clone() }
                }
            }),
            _ => Ok(()),
        }
    }

    /// The reason for having waited in vain: that there is no token, or else what is given.
    pub(crate) fn in_vain(&self, otherwise: BrokerError) -> BrokerError {
        match &self.news().no_token {
            Some(reason) => BrokerError::Login { reason: format!("no token: {reason}"), lasting: false },
            None => otherwise,
        }
    }

    /// The cluster has answered: what was refused before was a passing fault.
    pub(crate) fn answered(&self) {
        self.news().refused = None;
    }

    /// A new token, where the cluster asks for one.
    pub(crate) fn token(&self) -> Option<Result<Token, BrokerError>> {
        let made = self.tokens.as_ref()?.token();
        self.news().no_token = made.as_ref().err().map(ToString::to_string);
        Some(made.map_err(|error| {
            tracing::warn!(%error, "no token for the Kafka cluster");
            BrokerError::Login { reason: format!("no token: {error}"), lasting: false }
        }))
    }

    fn news(&self) -> std::sync::MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Link {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn error(&self, error: KafkaError, reason: &str) {
        // A lost connection is tried again by librdkafka; a refusal too, but that seldom helps.
        tracing::debug!(%error, reason, "librdkafka");
        let login = || Some(Refusal::Login(reason.to_owned()));
        let refusal = match error.rdkafka_error_code() {
            // Told as a refusal too, but the cluster has not been asked.
            Some(RDKafkaErrorCode::Authentication) if reason.contains("Failed to acquire") => None,
            Some(
                RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::UnsupportedSASLMechanism,
            ) => login(),
            Some(RDKafkaErrorCode::SSL) if reason.contains("certificate verify failed") => {
                Some(Refusal::Untrusted(broker_in(reason).to_owned()))
            }
            // A cluster that wants a certificate of ours.
            Some(RDKafkaErrorCode::SSL) if reason.contains("certificate") => login(),
            _ => None,
        };
        if let Some(refusal) = refusal {
            self.news().refused.get_or_insert_with(|| (Instant::now(), refusal));
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let token = self.token().ok_or("no source of tokens")??;
        let lifetime = token.expires.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(OAuthToken {
            token: token.value,
            principal_name: token.principal,
            lifetime_ms: i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX),
        })
    }
}

impl ConsumerContext for Link {}

/// `host:port` of the broker with whose name librdkafka begins: `ssl://host:port/bootstrap: …`.
fn broker_in(reason: &str) -> &str {
    let name = reason.split_once("://").map_or(reason, |(_, rest)| rest);
    name.split_once('/').map_or(name, |(address, _)| address)
}

/// Where the first failed delivery of several messages is noted.
pub(crate) type FirstFailure = Arc<OnceLock<KafkaError>>;

impl ProducerContext for Link {
    type DeliveryOpaque = FirstFailure;

    fn delivery(&self, result: &DeliveryResult<'_>, first: FirstFailure) {
        if let Err((error, _)) = result {
            let _ = first.set(error.clone());
        }
    }
}
