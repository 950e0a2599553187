//! OffsetCommit and OffsetFetch: how far consumers came.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse, TopicName,
};

use super::text;
use crate::dispatch::Call;
use crate::group::{Committed, OffsetChange};

/// The longest note a client may leave with an offset, as in Kafka.
const MAX_METADATA_BYTES: usize = 4_096;

/// Keeps what a member, or a client in no group, has read.
pub(crate) fn commit(call: &Call<'_>, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let coordinator = &call.broker.coordinator;
    let instance = request.group_instance_id.as_ref();
    let generation = request.generation_id_or_member_epoch;
    let allowed = coordinator.may_commit(&request.group_id, &request.member_id, instance, generation);
    let mut changes = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let metadata = partition.committed_metadata.map(|note| note.to_string()).unwrap_or_default();
            let refused = if let Err(error) = allowed {
                Some(error)
            } else if call.broker.catalog.partition(&topic.name, partition.partition_index).is_none() {
                Some(ResponseError::UnknownTopicOrPartition)
            } else if metadata.len() > MAX_METADATA_BYTES {
                Some(ResponseError::OffsetMetadataTooLarge)
            } else {
                changes.push(OffsetChange {
                    topic: topic.name.to_string(),
                    partition: partition.partition_index,
                    committed: Some(Committed {
                        offset: partition.committed_offset,
                        leader_epoch: partition.committed_leader_epoch,
                        metadata,
                    }),
                });
                None
            };
            partitions.push((partition.partition_index, refused));
        }
        topics.push((topic.name, partitions));
    }
    let failed = coordinator.commit(&request.group_id, changes).err().map(|error| {
        tracing::error!(%error, group = %request.group_id.as_str(), "offsets could not be committed");
        ResponseError::CoordinatorNotAvailable
    });
    told_commit(topics, failed)
}

/// A partition's number, and why nothing was committed for it.
type Refusable = (i32, Option<ResponseError>);

fn told_commit(
    topics: Vec<(TopicName, Vec<Refusable>)>,
    failed: Option<ResponseError>,
) -> OffsetCommitResponse {
    let told = |(partition, refused): Refusable| {
        let error = refused.or(failed).map_or(0, |error| error.code());
        OffsetCommitResponsePartition::default().with_partition_index(partition).with_error_code(error)
    };
    let topics = topics.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(told).collect();
        OffsetCommitResponseTopic::default().with_name(name).with_partitions(partitions)
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

/// Topics and the partitions asked for in them.
type Asked = Vec<(TopicName, Vec<i32>)>;

/// How far groups came: in the partitions asked for, or in all they have read.
pub(crate) fn fetch(call: &Call<'_>, request: OffsetFetchRequest) -> OffsetFetchResponse {
    if call.version >= 8 {
        let groups = request.groups.into_iter().map(|group| {
            let asked = group.topics.map(|topics| {
                topics.into_iter().map(|topic| (topic.name, topic.partition_indexes)).collect()
            });
            let topics = fetch_group(call, &group.group_id, asked);
            OffsetFetchResponseGroup::default().with_group_id(group.group_id).with_topics(topics)
        });
        return OffsetFetchResponse::default().with_groups(groups.collect());
    }
    let asked = request
        .topics
        .map(|topics| topics.into_iter().map(|topic| (topic.name, topic.partition_indexes)).collect());
    let topics = fetch_group(call, &request.group_id, asked).into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| before_groups(call.version, partition));
        OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}

fn fetch_group(call: &Call<'_>, group: &str, asked: Option<Asked>) -> Vec<OffsetFetchResponseTopics> {
    let coordinator = &call.broker.coordinator;
    let asked = asked.unwrap_or_else(|| {
        let mut topics = BTreeMap::<String, Vec<i32>>::new();
        for (topic, partition) in coordinator.committed_partitions(group) {
            topics.entry(topic).or_default().push(partition);
        }
        topics.into_iter().map(|(topic, partitions)| (TopicName(text(topic)), partitions)).collect()
    });
    let topics = asked.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|partition| {
            let nothing = Committed { offset: -1, leader_epoch: -1, metadata: String::new() };
            let committed = coordinator.committed(group, &name, partition).unwrap_or(nothing);
            OffsetFetchResponsePartitions::default()
                .with_partition_index(partition)
                .with_committed_offset(committed.offset)
                .with_committed_leader_epoch(committed.leader_epoch)
                .with_metadata(Some(text(committed.metadata)))
        });
        let partitions = partitions.collect();
        OffsetFetchResponseTopics::default().with_name(name).with_partitions(partitions)
    });
    topics.collect()
}

/// The same as versions before 8 have it, which ask for one group at a time.
fn before_groups(version: i16, partition: OffsetFetchResponsePartitions) -> OffsetFetchResponsePartition {
    let told = OffsetFetchResponsePartition::default()
        .with_partition_index(partition.partition_index)
        .with_committed_offset(partition.committed_offset)
        .with_metadata(partition.metadata);
    if version >= 5 { told.with_committed_leader_epoch(partition.committed_leader_epoch) } else { told }
}
