//! What each client of librdkafka has from us: tokens to log in with, and an ear for refusals.

use crate::{BrokerError, Token, TokenSource};
use rdkafka::{
    ClientContext, client::OAuthToken, consumer::ConsumerContext, error::KafkaError, message::DeliveryResult,
    producer::ProducerContext, types::RDKafkaErrorCode,
};
use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant, UNIX_EPOCH},
};

/// So long may a cluster refuse a client that it has not let in yet: one that starts may not know its users yet.
const GRACE: Duration = Duration::from_secs(2);

/// The context of a client.
#[derive(Default)]
pub(crate) struct Link {
    tokens: Option<Arc<dyn TokenSource>>,
    news: Mutex<News>,
}

#[derive(Default)]
struct News {
    /// Since when the cluster refuses us, and in what words.
    refused: Option<(Instant, String)>,
    /// Why there is no token.
    no_token: Option<String>,
}

impl Link {
    pub(crate) fn new(tokens: Option<Arc<dyn TokenSource>>) -> Self {
        Self { tokens, news: Mutex::default() }
    }

    /// Why nothing is answered, where that is known. Of use only while nothing is.
    pub(crate) fn check(&self) -> Result<(), BrokerError> {
        let news = self.news();
        if let Some((since, reason)) = &news.refused
            && since.elapsed() >= GRACE
        {
            return Err(BrokerError::Login { reason: reason.clone(), lasting: true });
        }
        Ok(())
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
        let refused = match error.rdkafka_error_code() {
            // Told as a refusal too, but the cluster has not been asked.
            Some(RDKafkaErrorCode::Authentication) => !reason.contains("Failed to acquire"),
            Some(RDKafkaErrorCode::SaslAuthenticationFailed | RDKafkaErrorCode::UnsupportedSASLMechanism) => {
                true
            }
            Some(RDKafkaErrorCode::SSL) => reason.contains("certificate"),
            _ => false,
        };
        if refused {
            self.news().refused.get_or_insert_with(|| (Instant::now(), reason.to_owned()));
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
