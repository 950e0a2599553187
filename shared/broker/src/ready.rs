//! Producers that are made before they are needed.
//!
//! The cluster has to give an idempotent producer its number first, and librdkafka asks for it half a second after the
//! producer was made, as it looks for a connection at once, finds none yet, and looks again then. A task that finds one
//! ready sends at once.

use crate::{Compression, KafkaConfig, publisher::Deliveries};
use rdkafka::producer::{Producer, ThreadedProducer};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// How old one may be: its connection and its token are as old, and this process may have been suspended meanwhile.
const MOST: Duration = Duration::from_secs(5 * 60);
/// The same where tokens are shown, which expire within minutes.
const MOST_WITH_TOKENS: Duration = Duration::from_secs(60);

/// At most one producer for each compression.
#[derive(Clone, Default)]
pub(crate) struct ReadyProducers(Arc<Mutex<Vec<Ready>>>);

struct Ready {
    compression: Compression,
    producer: ThreadedProducer<Deliveries>,
    since: SystemTime,
}

impl Ready {
    /// Whether it is as good as a new one: nothing has happened to it, and its age can be told and is low.
    fn is_sound(&self, config: &KafkaConfig) -> bool {
        let most = if config.security.source().is_some() { MOST_WITH_TOKENS } else { MOST };
        let is_young = self.since.elapsed().is_ok_and(|age| age < most);
        is_young && !self.producer.context().is_troubled() && self.producer.client().fatal_error().is_none()
    }
}

impl ReadyProducers {
    /// Makes one, if there is none that can be used. Should that fail, whoever needs it is told why.
    pub(crate) fn make(&self, config: &KafkaConfig, compression: Compression) {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ready.retain(|one| one.is_sound(config));
        if ready.iter().any(|one| one.compression == compression) {
            return;
        }
        match Deliveries::producer(config, compression) {
            Ok(producer) => ready.push(Ready { compression, producer, since: SystemTime::now() }),
            Err(error) => tracing::debug!(%error, "no producer could be made ahead"),
        }
    }

    /// The one that is ready, if it can be used.
    pub(crate) fn take(
        &self,
        config: &KafkaConfig,
        compression: Compression,
    ) -> Option<ThreadedProducer<Deliveries>> {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ready.retain(|one| one.is_sound(config));
        let place = ready.iter().position(|one| one.compression == compression)?;
        Some(ready.swap_remove(place).producer)
    }
}
