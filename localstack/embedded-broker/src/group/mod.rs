//! Consumer groups: who is in them, who reads what, and how far they came.

mod coordinator;
mod member;
mod membership;
mod messages;
mod offsets;

pub(crate) use coordinator::Coordinator;
pub(crate) use messages::{JoinRequest, Joined, MemberSummary, Synced, Waiting};
pub(crate) use offsets::{Committed, OffsetChange};
