//! Consumer groups, request by request.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ApiKey, DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::{Client, broker, text, topic_name};

fn group(name: &str) -> GroupId {
    GroupId(text(name))
}

fn join_once(client: &mut Client, version: i16, name: &str, member_id: StrBytes) -> JoinGroupResponse {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(b"subscription"));
    let request = JoinGroupRequest::default()
        .with_group_id(group(name))
        .with_session_timeout_ms(10_000)
        .with_member_id(member_id)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let request = if version >= 1 { request.with_rebalance_timeout_ms(10_000) } else { request };
    let request = if version >= 8 { request.with_reason(Some(text("a test"))) } else { request };
    client.call(version, &request)
}

/// Joins as the only member; returns member id and generation.
fn join(client: &mut Client, version: i16, name: &str) -> (StrBytes, i32) {
    let mut joined = join_once(client, version, name, StrBytes::new());
    if version >= 4 {
        assert_eq!(joined.error_code, ResponseError::MemberIdRequired.code(), "v{version}");
        joined = join_once(client, version, name, joined.member_id);
    }
    assert_eq!((joined.error_code, joined.members.len()), (0, 1), "v{version}");
    assert_eq!(joined.leader, joined.member_id);
    assert_eq!(joined.protocol_name, Some(text("range")));
    assert_eq!(joined.members[0].metadata, "subscription");
    (joined.member_id, joined.generation_id)
}

fn sync(client: &mut Client, version: i16, name: &str, member: &(StrBytes, i32)) -> Bytes {
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(member.0.clone())
        .with_assignment(Bytes::from_static(b"partitions"));
    let request = SyncGroupRequest::default()
        .with_group_id(group(name))
        .with_generation_id(member.1)
        .with_member_id(member.0.clone())
        .with_assignments(vec![assignment]);
    let response = client.call(version, &request);
    assert_eq!(response.error_code, 0, "v{version}");
    response.assignment
}

fn leave(client: &mut Client, version: i16, name: &str, member_id: &StrBytes) -> i16 {
    let request = LeaveGroupRequest::default().with_group_id(group(name));
    if version < 3 {
        return client.call(version, &request.with_member_id(member_id.clone())).error_code;
    }
    let member = MemberIdentity::default().with_member_id(member_id.clone());
    let response = client.call(version, &request.with_members(vec![member]));
    assert_eq!(response.error_code, 0);
    response.members[0].error_code
}

#[test]
fn this_node_coordinates_groups_and_no_transactions_in_every_version() {
    let broker = broker();
    let port = i32::from(broker.broker.address().port());
    let mut client = broker.client();
    for version in client.versions(ApiKey::FindCoordinator) {
        if version >= 4 {
            let request =
                FindCoordinatorRequest::default().with_coordinator_keys(vec![text("one"), text("two")]);
            let response = client.call(version, &request);
            let ports = response.coordinators.iter().map(|found| (found.error_code, found.port));
            assert_eq!(ports.collect::<Vec<_>>(), [(0, port), (0, port)]);
        } else {
            let response = client.call(version, &FindCoordinatorRequest::default().with_key(text("one")));
            assert_eq!((response.error_code, response.port), (0, port), "v{version}");
        }
        if (1..4).contains(&version) {
            let request = FindCoordinatorRequest::default().with_key(text("t")).with_key_type(1);
            let refused = ResponseError::TransactionalIdAuthorizationFailed.code();
            assert_eq!(client.call(version, &request).error_code, refused);
        }
    }
}

#[test]
fn members_join_sync_beat_and_leave_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    let last = |client: &mut Client, key| *client.versions(key).end();
    let (sync_last, beat_last) = (last(&mut client, ApiKey::SyncGroup), last(&mut client, ApiKey::Heartbeat));
    for version in client.versions(ApiKey::JoinGroup) {
        let name = format!("group-{version}");
        let member = join(&mut client, version, &name);
        assert_eq!(sync(&mut client, version.min(sync_last), &name, &member), "partitions");
        let beat = |member_id: &StrBytes, generation| {
            HeartbeatRequest::default()
                .with_group_id(group(&name))
                .with_member_id(member_id.clone())
                .with_generation_id(generation)
        };
        let beat_version = version.min(beat_last);
        let mut code = |beat: HeartbeatRequest| client.call(beat_version, &beat).error_code;
        assert_eq!(code(beat(&member.0, member.1)), 0, "v{version}");
        assert_eq!(code(beat(&member.0, member.1 + 1)), ResponseError::IllegalGeneration.code());
        assert_eq!(code(beat(&text("who"), member.1)), ResponseError::UnknownMemberId.code());
        let again = join_once(&mut client, version, &name, text("who"));
        assert_eq!(again.error_code, ResponseError::UnknownMemberId.code());
    }
    for version in client.versions(ApiKey::LeaveGroup) {
        let member = join(&mut client, 5, "leaving");
        assert_eq!(leave(&mut client, version, "leaving", &member.0), 0, "v{version}");
        assert_eq!(leave(&mut client, version, "leaving", &member.0), ResponseError::UnknownMemberId.code());
    }
    let nameless = join_once(&mut client, 5, "", StrBytes::new());
    assert_eq!(nameless.error_code, ResponseError::InvalidGroupId.code());
}

fn commit(client: &mut Client, version: i16, name: &str, topic: &str, offset: i64) -> i16 {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(1)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("a note")));
    let topic =
        OffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default().with_group_id(group(name)).with_topics(vec![topic]);
    client.call(version, &request).topics[0].partitions[0].error_code
}

/// The committed offset and note of partition 1; `all` asks for whatever there is.
fn committed(client: &mut Client, version: i16, name: &str, all: bool) -> Option<(i64, String)> {
    let topics = (!all).then(|| (topic_name("night"), vec![0, 1]));
    let told = |offset, note: Option<StrBytes>| (offset, note.unwrap().to_string());
    if version >= 8 {
        let topics = topics.map(|(topic, partitions)| {
            vec![OffsetFetchRequestTopics::default().with_name(topic).with_partition_indexes(partitions)]
        });
        let asked = OffsetFetchRequestGroup::default().with_group_id(group(name)).with_topics(topics);
        let response = client.call(version, &OffsetFetchRequest::default().with_groups(vec![asked]));
        let topic = response.groups[0].topics.first()?;
        let found = topic.partitions.iter().find(|found| found.partition_index == 1).unwrap();
        return Some(told(found.committed_offset, found.metadata.clone()));
    }
    let topics = topics.map(|(topic, partitions)| {
        vec![OffsetFetchRequestTopic::default().with_name(topic).with_partition_indexes(partitions)]
    });
    let request = OffsetFetchRequest::default().with_group_id(group(name)).with_topics(topics);
    let response = client.call(version, &request);
    assert_eq!(response.error_code, 0);
    let topic = response.topics.first()?;
    let found = topic.partitions.iter().find(|found| found.partition_index == 1).unwrap();
    Some(told(found.committed_offset, found.metadata.clone()))
}

#[test]
fn offsets_are_committed_and_fetched_in_every_version_and_outlive_a_restart() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 2);
    for version in client.versions(ApiKey::OffsetCommit) {
        let name = format!("group-{version}");
        assert_eq!(commit(&mut client, version, &name, "night", 7), 0, "v{version}");
        assert_eq!(commit(&mut client, version, &name, "night", 40 + i64::from(version)), 0);
        let unknown = ResponseError::UnknownTopicOrPartition.code();
        assert_eq!(commit(&mut client, version, &name, "nigth", 7), unknown);
    }
    let broker = broker.restart();
    let mut client = broker.client();
    for version in client.versions(ApiKey::OffsetFetch) {
        let expected = Some((42, "a note".to_owned()));
        assert_eq!(committed(&mut client, version, "group-2", false), expected, "v{version}");
        assert_eq!(committed(&mut client, version, "unread", false), Some((-1, String::new())));
        if version >= 2 {
            assert_eq!(committed(&mut client, version, "group-2", true), expected, "v{version}");
            assert_eq!(committed(&mut client, version, "unread", true), None);
        }
    }
}

#[test]
fn only_members_of_now_commit_while_a_group_has_members() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 2);
    let member = join(&mut client, 5, "readers");
    sync(&mut client, 3, "readers", &member);
    assert_eq!(commit(&mut client, 8, "readers", "night", 5), ResponseError::UnknownMemberId.code());
    let partition = OffsetCommitRequestPartition::default().with_partition_index(1).with_committed_offset(5);
    let topic =
        OffsetCommitRequestTopic::default().with_name(topic_name("night")).with_partitions(vec![partition]);
    let mut request = OffsetCommitRequest::default()
        .with_group_id(group("readers"))
        .with_member_id(member.0)
        .with_generation_id_or_member_epoch(member.1)
        .with_topics(vec![topic]);
    let mut code = |request: &OffsetCommitRequest| client.call(8, request).topics[0].partitions[0].error_code;
    assert_eq!(code(&request), 0);
    request.generation_id_or_member_epoch += 1;
    assert_eq!(code(&request), ResponseError::IllegalGeneration.code());
}

#[test]
fn groups_are_listed_described_and_deleted_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 2);
    commit(&mut client, 8, "idle", "night", 1);
    let member = join(&mut client, 5, "busy");
    sync(&mut client, 3, "busy", &member);
    for version in client.versions(ApiKey::ListGroups) {
        let response = client.call(version, &ListGroupsRequest::default());
        let names: Vec<_> = response.groups.iter().map(|listed| listed.group_id.to_string()).collect();
        assert_eq!(names, ["busy", "idle"], "v{version}");
        if version >= 4 {
            let stable = ListGroupsRequest::default().with_states_filter(vec![text("Stable")]);
            assert_eq!(client.call(version, &stable).groups.len(), 1);
        }
    }
    for version in client.versions(ApiKey::DescribeGroups) {
        let groups = ["busy", "idle", "none", "busy"].map(group).to_vec();
        let response = client.call(version, &DescribeGroupsRequest::default().with_groups(groups));
        let told = response.groups.iter().map(|told| (told.group_state.to_string(), told.members.len()));
        let expected =
            [("Stable", 1), ("Empty", 0), ("Dead", 0)].map(|(state, members)| (state.to_owned(), members));
        assert_eq!(told.collect::<Vec<_>>(), expected, "v{version}");
        let described = &response.groups[0].members[0];
        assert_eq!((described.client_id.as_str(), described.client_host.as_str()), ("test", "/127.0.0.1"));
        assert_eq!(described.member_assignment, "partitions");
    }
    for version in client.versions(ApiKey::DeleteGroups) {
        commit(&mut client, 8, "idle", "night", 1);
        let groups = ["busy", "idle", "none"].map(group).to_vec();
        let response = client.call(version, &DeleteGroupsRequest::default().with_groups_names(groups));
        let codes: Vec<_> = response.results.iter().map(|deleted| deleted.error_code).collect();
        let expected = [ResponseError::NonEmptyGroup.code(), 0, ResponseError::GroupIdNotFound.code()];
        assert_eq!(codes, expected, "v{version}");
        assert_eq!(committed(&mut client, 8, "idle", true), None);
    }
}

#[test]
fn a_deleted_topic_takes_its_committed_offsets_along() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 2);
    commit(&mut client, 8, "readers", "night", 5);
    let request = kafka_protocol::messages::DeleteTopicsRequest::default();
    client.call(5, &request.with_topic_names(vec![topic_name("night")]));
    let broker = broker.restart();
    let mut client = broker.client();
    client.create("night", 2);
    assert_eq!(committed(&mut client, 8, "readers", true), None);
}
