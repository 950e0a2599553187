//! One member of a consumer group.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;

use super::messages::{JoinReply, SyncReply};

/// One member of a consumer group.
pub(super) struct Member {
    /// The name a member keeps over restarts, if it has one.
    pub instance: Option<StrBytes>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client is.
    pub client_host: String,
    /// Silence after which it is taken for gone.
    pub session: Duration,
    /// Time it has to join again when the group changes.
    pub rebalance: Duration,
    /// Ways to share out partitions that it knows, dearest first, each with what it says about itself.
    pub protocols: Vec<(StrBytes, Bytes)>,
    /// The partitions it reads, as the leader wrote them.
    pub assignment: Bytes,
    /// When it was last heard of.
    pub seen: Instant,
    /// Waits for the group to be complete.
    pub joining: Option<oneshot::Sender<JoinReply>>,
    /// Waits for its assignment.
    pub syncing: Option<oneshot::Sender<SyncReply>>,
}

impl Member {
    /// What it says about itself under a protocol.
    pub(super) fn metadata(&self, protocol: &StrBytes) -> Bytes {
        let known = self.protocols.iter().find(|(name, _)| name == protocol);
        known.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// Whether it knows a protocol.
    pub(super) fn knows(&self, protocol: &StrBytes) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// Whether it was heard of lately, or waits for an answer on a connection that is there.
    pub(super) fn is_alive(&self, now: Instant) -> bool {
        let waits = self.joining.as_ref().is_some_and(|waiter| !waiter.is_closed())
            || self.syncing.as_ref().is_some_and(|waiter| !waiter.is_closed());
        waits || now < self.seen + self.session
    }
}
