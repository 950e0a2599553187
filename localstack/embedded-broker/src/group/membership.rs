//! The members of one consumer group and their agreement on who reads what.
//!
//! A group is *empty*; or it waits for its members to join (*preparing*); or for the leader to share out the partitions
//! (*completing*); or it is *stable*. Every change of members takes it back to *preparing* and on to a new generation.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::member::Member;
use super::messages::{
    GroupSummary, JoinReply, JoinRequest, Joined, MemberSummary, SyncReply, Synced, Waiting,
};

/// The most members, and the most that have been named but not come back.
const MAX_MEMBERS: usize = 1_000;
/// The longest silence a member may ask for, as in Kafka.
const MAX_SESSION: Duration = Duration::from_secs(30 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    Preparing,
    Completing,
    Stable,
}

/// The members of one group.
pub(super) struct Membership {
    state: State,
    generation: i32,
    protocol_type: StrBytes,
    protocol: StrBytes,
    leader: StrBytes,
    members: BTreeMap<StrBytes, Member>,
    /// Ids given out, and until when they may be used.
    named: HashMap<StrBytes, Instant>,
    /// The preparing group is complete without the missing after this.
    deadline: Option<Instant>,
    /// The preparing group waits for further members until this.
    forming: Option<Instant>,
    formation_delay: Duration,
}

impl Membership {
    /// A group without members; a first one will wait `formation_delay` for others.
    pub(super) fn new(formation_delay: Duration) -> Self {
        Self {
            state: State::Empty,
            generation: 0,
            protocol_type: StrBytes::new(),
            protocol: StrBytes::new(),
            leader: StrBytes::new(),
            members: BTreeMap::new(),
            named: HashMap::new(),
            deadline: None,
            forming: None,
            formation_delay,
        }
    }

    /// Whether nobody is in it or on the way.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.named.is_empty()
    }

    /// Whether it has members.
    pub(super) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }

    /// Takes a member in, or in again.
    pub(super) fn join(&mut self, request: JoinRequest, now: Instant) -> Waiting<JoinReply> {
        let member_id = match self.admit(&request, now) {
            Ok(member_id) => member_id,
            Err(refusal) => return Waiting::Now(Err(refusal)),
        };
        let known = self.members.get_mut(&member_id);
        let unchanged = known.as_ref().is_some_and(|member| member.protocols == request.protocols);
        let settled = match self.state {
            State::Completing => true,
            State::Stable => member_id != self.leader,
            State::Empty | State::Preparing => false,
        };
        if let (Some(member), true, true) = (known, unchanged, settled) {
            member.seen = now;
            return Waiting::Now(Ok(self.joined(&member_id)));
        }
        let assignment = self.members.get(&member_id).map(|member| member.assignment.clone());
        let (joining, reply) = oneshot::channel();
        let member = Member {
            instance: request.instance,
            client_id: request.client_id,
            client_host: request.client_host,
            session: request.session,
            rebalance: request.rebalance.clamp(request.session, MAX_SESSION),
            protocols: request.protocols,
            assignment: assignment.unwrap_or_default(),
            seen: now,
            joining: Some(joining),
            syncing: None,
        };
        self.protocol_type = request.protocol_type;
        self.members.insert(member_id, member);
        self.prepare(now);
        self.complete_if_due(now);
        Waiting::Later(reply)
    }

    /// The id under which the client may join, or why it may not.
    fn admit(&mut self, request: &JoinRequest, now: Instant) -> Result<StrBytes, (ResponseError, StrBytes)> {
        let refuse = |error| Err((error, request.member_id.clone()));
        if request.session.is_zero() || request.session > MAX_SESSION {
            return refuse(ResponseError::InvalidSessionTimeout);
        }
        let all_know = |protocol| self.members.values().all(|member| member.knows(protocol));
        let agrees = self.members.is_empty() || self.protocol_type == request.protocol_type;
        if !agrees || !request.protocols.iter().any(|(name, _)| all_know(name)) {
            return refuse(ResponseError::InconsistentGroupProtocol);
        }
        let holder = self.member_of_instance(request.instance.as_ref());
        if !request.member_id.is_empty() {
            return match holder {
                Some(holder) if holder != request.member_id => refuse(ResponseError::FencedInstanceId),
                _ if self.members.contains_key(&request.member_id) => Ok(request.member_id.clone()),
                _ if self.named.remove(&request.member_id).is_some() => Ok(request.member_id.clone()),
                _ => refuse(ResponseError::UnknownMemberId),
            };
        }
        let member_id = StrBytes::from_string(format!("{}-{}", request.client_id, Uuid::new_v4()));
        if let Some(holder) = holder {
            self.replace(&holder, &member_id);
            return Ok(member_id);
        }
        if self.members.len() + self.named.len() >= MAX_MEMBERS {
            return refuse(ResponseError::GroupMaxSizeReached);
        }
        if request.instance.is_none() && request.names_first {
            self.named.insert(member_id.clone(), now + request.session);
            return Err((ResponseError::MemberIdRequired, member_id));
        }
        Ok(member_id)
    }

    /// A member that restarted takes the place of its former self.
    fn replace(&mut self, former: &StrBytes, member_id: &StrBytes) {
        let Some(mut member) = self.members.remove(former) else { return };
        if let Some(waiter) = member.joining.take() {
            let _ = waiter.send(Err((ResponseError::FencedInstanceId, former.clone())));
        }
        if let Some(waiter) = member.syncing.take() {
            let _ = waiter.send(Err(ResponseError::FencedInstanceId));
        }
        if self.leader == *former {
            self.leader = member_id.clone();
        }
        self.members.insert(member_id.clone(), member);
    }

    fn member_of_instance(&self, instance: Option<&StrBytes>) -> Option<StrBytes> {
        let instance = instance?;
        let holder = self.members.iter().find(|(_, member)| member.instance.as_ref() == Some(instance));
        holder.map(|(member_id, _)| member_id.clone())
    }

    fn prepare(&mut self, now: Instant) {
        if self.state == State::Preparing {
            return;
        }
        self.forming = (self.state == State::Empty).then(|| now + self.formation_delay);
        for member in self.members.values_mut() {
            if let Some(waiter) = member.syncing.take() {
                let _ = waiter.send(Err(ResponseError::RebalanceInProgress));
            }
        }
        self.state = State::Preparing;
        let longest = self.members.values().map(|member| member.rebalance).max();
        self.deadline = Some(now + longest.unwrap_or_default());
    }

    fn complete_if_due(&mut self, now: Instant) {
        if self.state != State::Preparing || self.forming.is_some_and(|until| now < until) {
            return;
        }
        let late = self.deadline.is_some_and(|deadline| now >= deadline);
        if late {
            self.members.retain(|_, member| member.joining.is_some() || member.instance.is_some());
        }
        if self.members.is_empty() {
            self.begin_generation(State::Empty);
        } else if late || self.members.values().all(|member| member.joining.is_some()) {
            self.begin_generation(State::Completing);
            self.choose();
            self.tell_joined(now);
        }
    }

    fn begin_generation(&mut self, state: State) {
        self.generation = self.generation.wrapping_add(1).max(1);
        self.state = state;
        self.deadline = None;
        self.forming = None;
    }

    /// Chooses the leader and the protocol.
    fn choose(&mut self) {
        let joined = |member: &Member| member.joining.is_some();
        if !self.members.get(&self.leader).is_some_and(joined) {
            let first = self.members.iter().find(|(_, member)| joined(member)).or(self.members.iter().next());
            self.leader = first.map(|(member_id, _)| member_id.clone()).unwrap_or_default();
        }
        let proposals =
            self.members.get(&self.leader).map(|leader| leader.protocols.as_slice()).unwrap_or_default();
        let common =
            proposals.iter().find(|(name, _)| self.members.values().all(|member| member.knows(name)));
        self.protocol = common.map(|(name, _)| name.clone()).unwrap_or_default();
    }

    fn tell_joined(&mut self, now: Instant) {
        let member_ids: Vec<_> = self.members.keys().cloned().collect();
        for member_id in member_ids {
            let joined = self.joined(&member_id);
            let Some(member) = self.members.get_mut(&member_id) else { continue };
            member.seen = now;
            if let Some(waiter) = member.joining.take() {
                let _ = waiter.send(Ok(joined));
            }
        }
    }

    fn joined(&self, member_id: &StrBytes) -> Joined {
        let told = |(id, member): (&StrBytes, &Member)| {
            (id.clone(), member.instance.clone(), member.metadata(&self.protocol))
        };
        let leads = *member_id == self.leader;
        Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            member_id: member_id.clone(),
            members: if leads { self.members.iter().map(told).collect() } else { Vec::new() },
        }
    }

    /// Takes the leader's assignments, or lets a member wait for its own.
    pub(super) fn sync(
        &mut self,
        member: (&StrBytes, Option<&StrBytes>, i32),
        assignments: Vec<(StrBytes, Bytes)>,
        now: Instant,
    ) -> Waiting<SyncReply> {
        if let Err(error) = self.check(member.0, member.1, member.2, now) {
            return Waiting::Now(Err(error));
        }
        if self.state == State::Completing && *member.0 == self.leader {
            self.assign(assignments, now);
        }
        let Some(known) = self.members.get_mut(member.0) else {
            return Waiting::Now(Err(ResponseError::UnknownMemberId));
        };
        match self.state {
            State::Stable => {
                let assignment = known.assignment.clone();
                Waiting::Now(Ok(self.synced(assignment)))
            }
            State::Completing => {
                let (syncing, reply) = oneshot::channel();
                known.syncing = Some(syncing);
                Waiting::Later(reply)
            }
            State::Empty | State::Preparing => Waiting::Now(Err(ResponseError::RebalanceInProgress)),
        }
    }

    fn assign(&mut self, assignments: Vec<(StrBytes, Bytes)>, now: Instant) {
        let mut assignments: HashMap<_, _> = assignments.into_iter().collect();
        self.state = State::Stable;
        let (protocol_type, protocol) = (self.protocol_type.clone(), self.protocol.clone());
        for (member_id, member) in &mut self.members {
            member.assignment = assignments.remove(member_id).unwrap_or_default();
            member.seen = now;
            if let Some(waiter) = member.syncing.take() {
                let _ = waiter.send(Ok(Synced {
                    protocol_type: protocol_type.clone(),
                    protocol: protocol.clone(),
                    assignment: member.assignment.clone(),
                }));
            }
        }
    }

    fn synced(&self, assignment: Bytes) -> Synced {
        Synced { protocol_type: self.protocol_type.clone(), protocol: self.protocol.clone(), assignment }
    }

    /// Hears a member, and tells it whether it is to join again.
    pub(super) fn heartbeat(
        &mut self,
        member_id: &StrBytes,
        instance: Option<&StrBytes>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.check(member_id, instance, generation, now)?;
        match self.state {
            State::Preparing => Err(ResponseError::RebalanceInProgress),
            State::Empty | State::Completing | State::Stable => Ok(()),
        }
    }

    /// Lets a member go, named by its id or its instance.
    pub(super) fn leave(
        &mut self,
        member_id: &StrBytes,
        instance: Option<&StrBytes>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        let holder = self.member_of_instance(instance);
        let member_id = match holder {
            Some(holder) if member_id.is_empty() => holder,
            Some(holder) if holder != *member_id => return Err(ResponseError::FencedInstanceId),
            _ => member_id.clone(),
        };
        if self.named.remove(&member_id).is_some() {
            return Ok(());
        }
        let left = self.members.remove(&member_id).ok_or(ResponseError::UnknownMemberId)?;
        if let Some(waiter) = left.joining {
            let _ = waiter.send(Err((ResponseError::UnknownMemberId, member_id)));
        }
        self.lost_members(now);
        Ok(())
    }

    /// Whether this commit comes from a member of now, or from a client that is in no group.
    pub(super) fn may_commit(
        &mut self,
        member_id: &StrBytes,
        instance: Option<&StrBytes>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        if generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        self.check(member_id, instance, generation, now)?;
        match self.state {
            State::Completing => Err(ResponseError::RebalanceInProgress),
            State::Empty | State::Preparing | State::Stable => Ok(()),
        }
    }

    fn check(
        &mut self,
        member_id: &StrBytes,
        instance: Option<&StrBytes>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        if self.member_of_instance(instance).is_some_and(|holder| holder != *member_id) {
            return Err(ResponseError::FencedInstanceId);
        }
        let member = self.members.get_mut(member_id).ok_or(ResponseError::UnknownMemberId)?;
        member.seen = now;
        if generation == self.generation { Ok(()) } else { Err(ResponseError::IllegalGeneration) }
    }

    /// Lets the silent go and completes what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        self.named.retain(|_, until| now < *until);
        let before = self.members.len();
        self.members.retain(|_, member| member.is_alive(now));
        if self.members.len() != before {
            self.lost_members(now);
        }
        self.complete_if_due(now);
    }

    fn lost_members(&mut self, now: Instant) {
        self.prepare(now);
        self.forming = None;
        self.complete_if_due(now);
    }

    /// The group for people to look at.
    pub(super) fn summary(&self) -> GroupSummary {
        let summary = |(member_id, member): (&StrBytes, &Member)| MemberSummary {
            member_id: member_id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: member.metadata(&self.protocol),
            assignment: member.assignment.clone(),
        };
        GroupSummary {
            state: match self.state {
                State::Empty => "Empty",
                State::Preparing => "PreparingRebalance",
                State::Completing => "CompletingRebalance",
                State::Stable => "Stable",
            },
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            members: self.members.iter().map(summary).collect(),
        }
    }
}

#[cfg(test)]
#[path = "membership_tests.rs"]
mod tests;
