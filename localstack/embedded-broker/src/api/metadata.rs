//! Metadata, DescribeCluster and FindCoordinator: which topics there are, and that this node leads all of it.

use std::collections::HashSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeClusterResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, MetadataRequest, MetadataResponse, TopicName,
};
use uuid::Uuid;

use super::{LEADER_EPOCH, NO_AUTHORIZED_OPERATIONS, text};
use crate::broker::NODE_ID;
use crate::dispatch::Call;
use crate::topic::Topic;

/// What a coordinator is sought for: consumer groups. The other kind is transactions.
const GROUPS: i8 = 0;

/// The topics asked for, or all. No topic comes into being by being asked for.
pub(crate) fn metadata(call: &Call<'_>, request: MetadataRequest) -> MetadataResponse {
    let broker = call.broker;
    let all = match &request.topics {
        None => true,
        // Version 0 cannot say "all" otherwise.
        Some(topics) => topics.is_empty() && call.version == 0,
    };
    let topics = if all {
        let names = broker.catalog.names();
        let topics = names.iter().map(|name| name.as_str());
        topics.filter_map(|name| Some(known(call.version, name, &broker.catalog.topic(name)?))).collect()
    } else {
        // Each topic once, however often it is named.
        let mut named = HashSet::new();
        let asked = request.topics.unwrap_or_default().into_iter();
        let asked =
            asked.map(|topic| (topic.name, topic.topic_id)).filter(|topic| named.insert(topic.clone()));
        asked.map(|(name, id)| described(call, name, id)).collect()
    };
    let (host, port) = &broker.advertised;
    let node = MetadataResponseBroker::default()
        .with_node_id(BrokerId(NODE_ID))
        .with_host(text(host))
        .with_port((*port).into());
    let response = MetadataResponse::default()
        .with_brokers(vec![node])
        .with_topics(topics)
        .with_cluster_authorized_operations(NO_AUTHORIZED_OPERATIONS);
    let response = if call.version >= 1 { response.with_controller_id(BrokerId(NODE_ID)) } else { response };
    if call.version >= 2 {
        response.with_cluster_id(Some(text(broker.catalog.cluster_id())))
    } else {
        response
    }
}

fn described(call: &Call<'_>, name: Option<TopicName>, id: Uuid) -> MetadataResponseTopic {
    let catalog = &call.broker.catalog;
    let by_id = name.as_ref().is_none_or(|name| name.is_empty() && !id.is_nil());
    let found = if by_id {
        catalog.name_of(id).map(|name| name.as_str().to_owned())
    } else {
        name.as_ref().map(|name| name.to_string())
    };
    if let Some(name) = found
        && let Some(topic) = catalog.topic(&name)
    {
        return known(call.version, &name, &topic);
    }
    let unknown = MetadataResponseTopic::default().with_topic_authorized_operations(NO_AUTHORIZED_OPERATIONS);
    if by_id {
        let name = (call.version < 12).then(TopicName::default);
        return unknown
            .with_error_code(ResponseError::UnknownTopicId.code())
            .with_topic_id(id)
            .with_name(name);
    }
    unknown.with_error_code(ResponseError::UnknownTopicOrPartition.code()).with_name(name)
}

fn known(version: i16, name: &str, topic: &Topic) -> MetadataResponseTopic {
    let partition = |number| {
        let partition = MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_leader_id(BrokerId(NODE_ID))
            .with_replica_nodes(vec![BrokerId(NODE_ID)])
            .with_isr_nodes(vec![BrokerId(NODE_ID)]);
        if version >= 7 { partition.with_leader_epoch(LEADER_EPOCH) } else { partition }
    };
    let described = MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(name))))
        .with_partitions((0..topic.record.partitions).map(partition).collect())
        .with_topic_authorized_operations(NO_AUTHORIZED_OPERATIONS);
    if version >= 10 { described.with_topic_id(topic.record.id) } else { described }
}

/// A cluster of one.
pub(crate) fn cluster(call: &Call<'_>, _: DescribeClusterRequest) -> DescribeClusterResponse {
    let (host, port) = &call.broker.advertised;
    let node = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(NODE_ID))
        .with_host(text(host))
        .with_port((*port).into());
    DescribeClusterResponse::default()
        .with_cluster_id(text(call.broker.catalog.cluster_id()))
        .with_controller_id(BrokerId(NODE_ID))
        .with_brokers(vec![node])
        .with_cluster_authorized_operations(NO_AUTHORIZED_OPERATIONS)
}

/// This node coordinates every group. For transactions, which are not served, the answer is one that no client takes for
/// a passing trouble.
pub(crate) fn coordinator(call: &Call<'_>, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    let (host, port) = (text(&call.broker.advertised.0), i32::from(call.broker.advertised.1));
    let transactions = request.key_type != GROUPS;
    let error = if transactions { ResponseError::TransactionalIdAuthorizationFailed.code() } else { 0 };
    let why = transactions.then(|| text("transactions are not served"));
    let node = BrokerId(if transactions { -1 } else { NODE_ID });
    if call.version >= 4 {
        let coordinator = |key| {
            Coordinator::default()
                .with_key(key)
                .with_node_id(node)
                .with_host(host.clone())
                .with_port(port)
                .with_error_code(error)
                .with_error_message(why.clone())
        };
        let coordinators = request.coordinator_keys.into_iter().map(coordinator).collect();
        return FindCoordinatorResponse::default().with_coordinators(coordinators);
    }
    let response = FindCoordinatorResponse::default()
        .with_node_id(node)
        .with_host(host)
        .with_port(port)
        .with_error_code(error);
    if call.version >= 1 { response.with_error_message(why) } else { response }
}
