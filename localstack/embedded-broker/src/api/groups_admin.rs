//! ListGroups, DescribeGroups and DeleteGroups: looking at consumer groups from outside.

use std::collections::HashSet;

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, GroupId,
    ListGroupsRequest, ListGroupsResponse,
};

use super::{NO_AUTHORIZED_OPERATIONS, code, text};
use crate::dispatch::Call;
use crate::group::MemberSummary;

/// Every group, or those in the states asked for.
pub(crate) fn list(call: &Call<'_>, request: ListGroupsRequest) -> ListGroupsResponse {
    let coordinator = &call.broker.coordinator;
    let asked = |state: &str| {
        request.states_filter.is_empty()
            || request.states_filter.iter().any(|asked| asked.eq_ignore_ascii_case(state))
    };
    let listed = coordinator.names().into_iter().filter_map(|name| {
        let summary = coordinator.summary(&name).filter(|summary| asked(summary.state))?;
        let listed = ListedGroup::default()
            .with_group_id(GroupId(text(name)))
            .with_protocol_type(summary.protocol_type);
        Some(if call.version >= 4 { listed.with_group_state(text(summary.state)) } else { listed })
    });
    ListGroupsResponse::default().with_groups(listed.collect())
}

/// The groups asked for, each once; one that does not exist is dead.
pub(crate) fn describe(call: &Call<'_>, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let mut named = HashSet::new();
    let asked = request.groups.into_iter().filter(|group| named.insert(group.clone()));
    let groups = asked.map(|group| {
        let summary = call.broker.coordinator.summary(&group);
        let described = DescribedGroup::default()
            .with_group_id(group)
            .with_authorized_operations(NO_AUTHORIZED_OPERATIONS);
        match summary {
            None => described.with_group_state(text("Dead")),
            Some(summary) => {
                let members =
                    summary.members.into_iter().map(|member| described_member(call.version, member));
                described
                    .with_group_state(text(summary.state))
                    .with_protocol_type(summary.protocol_type)
                    .with_protocol_data(summary.protocol)
                    .with_members(members.collect())
            }
        }
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn described_member(version: i16, member: MemberSummary) -> DescribedGroupMember {
    DescribedGroupMember::default()
        .with_member_id(member.member_id)
        .with_group_instance_id(member.instance.filter(|_| version >= 4))
        .with_client_id(text(member.client_id))
        .with_client_host(text(member.client_host))
        .with_member_metadata(member.metadata)
        .with_member_assignment(member.assignment)
}

/// Forgets groups that nobody is in.
pub(crate) fn delete(call: &Call<'_>, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request.groups_names.into_iter().map(|group| {
        let deleted = call.broker.coordinator.delete(&group);
        DeletableGroupResult::default().with_group_id(group).with_error_code(code(deleted))
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}
