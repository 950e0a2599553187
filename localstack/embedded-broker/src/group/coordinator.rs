//! All consumer groups: their members and their offsets.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use super::membership::Membership;
use super::messages::{GroupSummary, JoinReply, JoinRequest, SyncReply, Waiting};
use super::offsets::{Committed, OffsetChange, OffsetStore};
use crate::locked::locked;

/// The most groups with members.
const MAX_GROUPS: usize = 10_000;

/// All consumer groups.
pub(crate) struct Coordinator {
    formation_delay: Duration,
    groups: Mutex<Groups>,
}

struct Groups {
    memberships: HashMap<String, Membership>,
    offsets: OffsetStore,
}

impl Coordinator {
    /// Reads the committed offsets under `folder`; those of topics that are not `known` are forgotten.
    pub(crate) fn open(
        folder: &Path,
        formation_delay: Duration,
        known: impl Fn(&str) -> bool,
    ) -> io::Result<Self> {
        let offsets = OffsetStore::open(folder, known)?;
        let groups = Mutex::new(Groups { memberships: HashMap::new(), offsets });
        Ok(Self { formation_delay, groups })
    }

    /// Takes a member into a group, which thereby exists.
    pub(crate) fn join(&self, group: &str, request: JoinRequest) -> Waiting<JoinReply> {
        let refuse = |error, request: JoinRequest| Waiting::Now(Err((error, request.member_id)));
        if group.is_empty() {
            return refuse(ResponseError::InvalidGroupId, request);
        }
        let mut groups = locked(&self.groups);
        if groups.memberships.len() >= MAX_GROUPS && !groups.memberships.contains_key(group) {
            return refuse(ResponseError::CoordinatorNotAvailable, request);
        }
        let membership = groups.memberships.entry(group.to_owned());
        membership.or_insert_with(|| Membership::new(self.formation_delay)).join(request, Instant::now())
    }

    /// Takes or gives assignments.
    pub(crate) fn sync(
        &self,
        group: &str,
        member: (&StrBytes, Option<&StrBytes>, i32),
        assignments: Vec<(StrBytes, Bytes)>,
    ) -> Waiting<SyncReply> {
        match locked(&self.groups).memberships.get_mut(group) {
            Some(membership) => membership.sync(member, assignments, Instant::now()),
            None => Waiting::Now(Err(ResponseError::UnknownMemberId)),
        }
    }

    /// Hears a member.
    pub(crate) fn heartbeat(
        &self,
        group: &str,
        member_id: &StrBytes,
        instance: Option<&StrBytes>,
        generation: i32,
    ) -> Result<(), ResponseError> {
        let mut groups = locked(&self.groups);
        let membership = groups.memberships.get_mut(group).ok_or(ResponseError::UnknownMemberId)?;
        membership.heartbeat(member_id, instance, generation, Instant::now())
    }

    /// Lets a member go.
    pub(crate) fn leave(
        &self,
        group: &str,
        member_id: &StrBytes,
        instance: Option<&StrBytes>,
    ) -> Result<(), ResponseError> {
        let mut groups = locked(&self.groups);
        let membership = groups.memberships.get_mut(group).ok_or(ResponseError::UnknownMemberId)?;
        membership.leave(member_id, instance, Instant::now())
    }

    /// Whether this member, or a client that is in no group, may commit.
    pub(crate) fn may_commit(
        &self,
        group: &str,
        member_id: &StrBytes,
        instance: Option<&StrBytes>,
        generation: i32,
    ) -> Result<(), ResponseError> {
        match locked(&self.groups).memberships.get_mut(group) {
            Some(membership) => membership.may_commit(member_id, instance, generation, Instant::now()),
            None if generation < 0 => Ok(()),
            None => Err(ResponseError::UnknownMemberId),
        }
    }

    /// Keeps committed offsets, all or none.
    pub(crate) fn commit(&self, group: &str, changes: Vec<OffsetChange>) -> io::Result<()> {
        locked(&self.groups).offsets.change(group, changes)
    }

    /// How far a group came in a partition.
    pub(crate) fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<Committed> {
        let groups = locked(&self.groups);
        groups.offsets.of(group)?.get(&(topic.to_owned(), partition)).cloned()
    }

    /// The partitions in which a group has an offset, ordered.
    pub(crate) fn committed_partitions(&self, group: &str) -> Vec<(String, i32)> {
        let groups = locked(&self.groups);
        groups.offsets.of(group).map(|offsets| offsets.keys().cloned().collect()).unwrap_or_default()
    }

    /// Forgets how far anyone came in a topic that is no more.
    pub(crate) fn forget_topic(&self, topic: &str) -> io::Result<()> {
        locked(&self.groups).offsets.forget(|_, of| of == topic)
    }

    /// Forgets a group that nobody is in.
    pub(crate) fn delete(&self, group: &str) -> Result<(), ResponseError> {
        let mut groups = locked(&self.groups);
        let membership = groups.memberships.get(group);
        if membership.is_none() && groups.offsets.of(group).is_none() {
            return Err(ResponseError::GroupIdNotFound);
        }
        if membership.is_some_and(Membership::has_members) {
            return Err(ResponseError::NonEmptyGroup);
        }
        groups.memberships.remove(group);
        groups.offsets.forget(|of, _| of == group).map_err(|error| {
            tracing::error!(%error, group, "committed offsets could not be forgotten");
            ResponseError::CoordinatorNotAvailable
        })
    }

    /// Every group that has members or offsets, ordered.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let groups = locked(&self.groups);
        groups.memberships.keys().chain(groups.offsets.groups()).cloned().collect()
    }

    /// A group to look at; `None` if there is none.
    pub(crate) fn summary(&self, group: &str) -> Option<GroupSummary> {
        let groups = locked(&self.groups);
        match groups.memberships.get(group) {
            Some(membership) => Some(membership.summary()),
            None => groups.offsets.of(group).map(|_| Membership::new(Duration::ZERO).summary()),
        }
    }

    /// Lets the silent go, in every group.
    pub(crate) fn tick(&self) {
        let now = Instant::now();
        let mut groups = locked(&self.groups);
        for membership in groups.memberships.values_mut() {
            membership.tick(now);
        }
        groups.memberships.retain(|_, membership| !membership.is_empty());
    }

    /// The offsets' file, for syncing.
    pub(crate) fn offsets_file(&self) -> io::Result<File> {
        locked(&self.groups).offsets.file()
    }
}
