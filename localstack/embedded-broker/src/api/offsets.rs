//! ListOffsets and OffsetForLeaderEpoch: where a log starts, ends, and was at a time.

use std::io;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};

use super::{LEADER_EPOCH, storage_error};
use crate::dispatch::Call;
use crate::locked::locked;
use crate::log::{OpenFiles, TimePlan, TimedOffset};
use crate::topic::Partition;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const LATEST_TIME: i64 = -3;

/// Offsets by time, and those of the ends.
pub(crate) fn list(call: &Call<'_>, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let answer = ListOffsetsPartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_timestamp(-1)
                .with_offset(-1);
            let found = match call.broker.catalog.partition(&topic.name, asked.partition_index) {
                None => Err(ResponseError::UnknownTopicOrPartition),
                Some(partition) => find(&partition, asked.timestamp, call.broker.catalog.files())
                    .map_err(|error| storage_error(&error, "looking for a time failed")),
            };
            partitions.push(match found {
                Err(error) => answer.with_error_code(error.code()),
                Ok(None) => answer,
                Ok(Some(found)) => {
                    let answer = answer.with_offset(found.offset).with_timestamp(found.timestamp);
                    if call.version >= 4 { answer.with_leader_epoch(LEADER_EPOCH) } else { answer }
                }
            });
        }
        topics.push(ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions));
    }
    ListOffsetsResponse::default().with_topics(topics)
}

fn find(partition: &Partition, timestamp: i64, files: &OpenFiles) -> io::Result<Option<TimedOffset>> {
    let end = |offset| Ok(Some(TimedOffset { offset, timestamp: -1 }));
    let plan: Option<TimePlan> = {
        let log = locked(&partition.log);
        match timestamp {
            LATEST => return end(log.next_offset()),
            EARLIEST => return end(log.start_offset()),
            LATEST_TIME => log.plan_latest(),
            timestamp => Some(log.plan_time(timestamp)),
        }
    };
    plan.map_or(Ok(None), |plan| plan.look(files))
}

/// Where an epoch ended: there is one epoch, and it ends where the log does.
pub(crate) fn for_leader_epoch(
    call: &Call<'_>,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let answer = EpochEndOffset::default().with_partition(asked.partition);
            partitions.push(match call.broker.catalog.partition(&topic.topic, asked.partition) {
                None => answer.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                Some(_) if asked.leader_epoch > LEADER_EPOCH => answer,
                Some(partition) => {
                    let end = locked(&partition.log).next_offset();
                    answer.with_leader_epoch(LEADER_EPOCH).with_end_offset(end)
                }
            });
        }
        topics
            .push(OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(partitions));
    }
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}
