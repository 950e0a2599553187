//! What clients ask of a group, and what they are told.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;

/// An answer there is, or one that other members' requests will bring.
pub(crate) enum Waiting<T> {
    /// It is there.
    Now(T),
    /// It comes.
    Later(oneshot::Receiver<T>),
}

/// A group for people to look at.
pub(crate) struct GroupSummary {
    /// Kafka's name for its state.
    pub state: &'static str,
    /// "consumer" for consumers.
    pub protocol_type: StrBytes,
    /// The way partitions were shared out.
    pub protocol: StrBytes,
    /// Who is in it.
    pub members: Vec<MemberSummary>,
}

/// A member for people to look at.
pub(crate) struct MemberSummary {
    /// Its id.
    pub member_id: StrBytes,
    /// The name it keeps over restarts.
    pub instance: Option<StrBytes>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client is.
    pub client_host: String,
    /// What it says about itself.
    pub metadata: Bytes,
    /// What it reads.
    pub assignment: Bytes,
}

/// What a client asks in order to become a member.
pub(crate) struct JoinRequest {
    /// Its id, empty if it has none yet.
    pub member_id: StrBytes,
    /// The name it keeps over restarts.
    pub instance: Option<StrBytes>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client is.
    pub client_host: String,
    /// Silence after which it is taken for gone.
    pub session: Duration,
    /// Time it has to join again.
    pub rebalance: Duration,
    /// "consumer" for consumers.
    pub protocol_type: StrBytes,
    /// Ways to share out partitions, dearest first.
    pub protocols: Vec<(StrBytes, Bytes)>,
    /// Whether a client without an id is first given one and asked to come again (version 4 and later).
    pub names_first: bool,
}

/// The group as a member that joined is told of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// Number of this agreement.
    pub generation: i32,
    /// "consumer" for consumers.
    pub protocol_type: StrBytes,
    /// The way to share out that all know.
    pub protocol: StrBytes,
    /// Who shares out.
    pub leader: StrBytes,
    /// Who is told.
    pub member_id: StrBytes,
    /// For the leader alone: id, instance and metadata of every member.
    pub members: Vec<(StrBytes, Option<StrBytes>, Bytes)>,
}

/// What a member is to read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    /// "consumer" for consumers.
    pub protocol_type: StrBytes,
    /// The way that was used.
    pub protocol: StrBytes,
    /// What the leader wrote for this member.
    pub assignment: Bytes,
}

/// The answer to a join: the error comes with the id the client is to use.
pub(crate) type JoinReply = Result<Joined, (ResponseError, StrBytes)>;
/// The answer to a sync.
pub(crate) type SyncReply = Result<Synced, ResponseError>;
