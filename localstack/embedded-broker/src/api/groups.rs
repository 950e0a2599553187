//! JoinGroup, SyncGroup, Heartbeat and LeaveGroup: being in a consumer group.

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::code;
use crate::dispatch::{Call, RequestError};
use crate::group::{JoinRequest, Joined, Synced, Waiting};

/// Joins a group, which may take as long as its other members need.
pub(crate) async fn join(call: &mut Call<'_>) -> Result<bool, RequestError> {
    let request: JoinGroupRequest = call.decode()?;
    let (group, member_id) = (request.group_id.clone(), request.member_id.clone());
    let joined = match call.broker.coordinator.join(&group, join_request(call, request)) {
        Waiting::Now(joined) => joined,
        Waiting::Later(reply) => reply.await.unwrap_or(Err((ResponseError::UnknownMemberId, member_id))),
    };
    let response = match joined {
        Ok(joined) => told_joined(call.version, joined),
        Err((error, member_id)) => JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_generation_id(-1)
            .with_protocol_name(Some(StrBytes::new()))
            .with_member_id(member_id),
    };
    call.encode(&response)?;
    Ok(true)
}

fn join_request(call: &Call<'_>, request: JoinGroupRequest) -> JoinRequest {
    let milliseconds = |number| Duration::from_millis(u64::try_from(number).unwrap_or(0));
    JoinRequest {
        member_id: request.member_id,
        instance: request.group_instance_id,
        client_id: call.client_id.clone(),
        client_host: format!("/{}", call.peer.ip()),
        session: milliseconds(request.session_timeout_ms),
        rebalance: milliseconds(request.rebalance_timeout_ms),
        protocol_type: request.protocol_type,
        protocols: request.protocols.into_iter().map(|protocol| (protocol.name, protocol.metadata)).collect(),
        names_first: call.version >= 4,
    }
}

fn told_joined(version: i16, joined: Joined) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|(member_id, instance, metadata)| {
        JoinGroupResponseMember::default()
            .with_member_id(member_id)
            .with_group_instance_id(instance.filter(|_| version >= 5))
            .with_metadata(metadata)
    });
    JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_type(Some(joined.protocol_type).filter(|_| version >= 7))
        .with_protocol_name(Some(joined.protocol))
        .with_leader(joined.leader)
        .with_member_id(joined.member_id)
        .with_members(members.collect())
}

/// Gives the leader's assignments, or waits for one.
pub(crate) async fn sync(call: &mut Call<'_>) -> Result<bool, RequestError> {
    let request: SyncGroupRequest = call.decode()?;
    let member = (&request.member_id, request.group_instance_id.as_ref(), request.generation_id);
    let assignments =
        request.assignments.into_iter().map(|assigned| (assigned.member_id, assigned.assignment));
    let synced = match call.broker.coordinator.sync(&request.group_id, member, assignments.collect()) {
        Waiting::Now(synced) => synced,
        Waiting::Later(reply) => reply.await.unwrap_or(Err(ResponseError::RebalanceInProgress)),
    };
    let response = match synced {
        Ok(synced) => told_synced(call.version, synced),
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    };
    call.encode(&response)?;
    Ok(true)
}

fn told_synced(version: i16, synced: Synced) -> SyncGroupResponse {
    SyncGroupResponse::default()
        .with_protocol_type(Some(synced.protocol_type).filter(|_| version >= 5))
        .with_protocol_name(Some(synced.protocol).filter(|_| version >= 5))
        .with_assignment(synced.assignment)
}

/// Hears a member.
pub(crate) fn heartbeat(call: &Call<'_>, request: HeartbeatRequest) -> HeartbeatResponse {
    let heard = call.broker.coordinator.heartbeat(
        &request.group_id,
        &request.member_id,
        request.group_instance_id.as_ref(),
        request.generation_id,
    );
    HeartbeatResponse::default().with_error_code(code(heard))
}

/// How long the answer to a leaving member waits. librdkafka 2.16 can wait for ever in `close()` when the answer comes
/// within a tenth of a millisecond (8 of 870 times; none of 600 with this delay; its issue 4884); over a network it
/// never does.
const LEAVE_DELAY: Duration = Duration::from_millis(20);

/// Lets members go, and tells them a moment later.
pub(crate) async fn leave(call: &mut Call<'_>) -> Result<bool, RequestError> {
    let request: LeaveGroupRequest = call.decode()?;
    let response = left(call, request);
    tokio::time::sleep(LEAVE_DELAY).await;
    call.encode(&response)?;
    Ok(true)
}

fn left(call: &Call<'_>, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let coordinator = &call.broker.coordinator;
    if call.version < 3 {
        let left = coordinator.leave(&request.group_id, &request.member_id, None);
        return LeaveGroupResponse::default().with_error_code(code(left));
    }
    let members = request.members.into_iter().map(|member| {
        let left = coordinator.leave(&request.group_id, &member.member_id, member.group_instance_id.as_ref());
        MemberResponse::default()
            .with_member_id(member.member_id)
            .with_group_instance_id(member.group_instance_id)
            .with_error_code(code(left))
    });
    LeaveGroupResponse::default().with_members(members.collect())
}
