//! CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords.

use std::collections::HashSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteRecordsRequest, DeleteRecordsResponse, DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use uuid::Uuid;

use super::{configs, storage_error, text};
use crate::broker::NODE_ID;
use crate::catalog::Refused;
use crate::dispatch::Call;
use crate::locked::locked;
use crate::settings::{SETTINGS, TopicSettings};
use crate::topic::{Partition, TopicRecord};

/// Partitions of a topic whose creator leaves it to the broker.
const DEFAULT_PARTITIONS: i32 = 1;

/// Creates topics.
pub(crate) fn create(call: &Call<'_>, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let mut named = HashSet::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let created = if named.insert(topic.name.clone()) {
            create_one(call, &topic, request.validate_only)
        } else {
            Err(Refused(ResponseError::InvalidRequest, "the topic is named twice".to_owned()))
        };
        topics.push(told_created(call.version, topic.name, created));
    }
    CreateTopicsResponse::default().with_topics(topics)
}

fn create_one(call: &Call<'_>, topic: &CreatableTopic, only_check: bool) -> Result<TopicRecord, Refused> {
    let partitions = match (topic.assignments.len(), topic.num_partitions) {
        (0, -1) => DEFAULT_PARTITIONS,
        (0, partitions) => partitions,
        (assigned, _) => i32::try_from(assigned).unwrap_or(i32::MAX),
    };
    check_assignments(topic)?;
    if topic.replication_factor > 1 {
        let why = "there is one broker: the replication factor is 1, or -1 for the default".to_owned();
        return Err(Refused(ResponseError::InvalidReplicationFactor, why));
    }
    let mut settings = TopicSettings::default();
    for config in &topic.configs {
        let Some(value) = &config.value else { continue };
        settings.set(&config.name, value).map_err(|why| Refused(ResponseError::InvalidConfig, why))?;
    }
    call.broker.catalog.create(&topic.name, partitions, settings, only_check)
}

/// Replicas assigned by hand must be partitions 0, 1, 2…, each on this node.
fn check_assignments(topic: &CreatableTopic) -> Result<(), Refused> {
    let numbers: HashSet<_> = topic.assignments.iter().map(|assigned| assigned.partition_index).collect();
    let numbered = (0..).take(topic.assignments.len()).all(|number| numbers.contains(&number));
    let here = topic.assignments.iter().all(|assigned| assigned.broker_ids == [BrokerId(NODE_ID)]);
    if numbered && here {
        return Ok(());
    }
    let why = format!("partitions are numbered from 0, each on node {NODE_ID}");
    Err(Refused(ResponseError::InvalidReplicaAssignment, why))
}

fn told_created(
    version: i16,
    name: TopicName,
    created: Result<TopicRecord, Refused>,
) -> CreatableTopicResult {
    let told = CreatableTopicResult::default().with_name(name);
    let record = match created {
        Err(Refused(error, why)) => {
            return told.with_error_code(error.code()).with_error_message(Some(text(why)));
        }
        Ok(_) if version < 5 => return told,
        Ok(record) => record,
    };
    let config = |setting| {
        let (value, given) = record.settings.value(setting);
        CreatableTopicConfigs::default()
            .with_name(text(setting.name))
            .with_value(Some(text(value)))
            .with_config_source(configs::source(given))
    };
    let told = told
        .with_num_partitions(record.partitions)
        .with_replication_factor(1)
        .with_configs(Some(SETTINGS.iter().map(config).collect()));
    if version >= 7 { told.with_topic_id(record.id) } else { told }
}

/// Deletes topics, and what groups committed in them.
pub(crate) fn delete(call: &Call<'_>, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let by_name = request.topic_names.into_iter().map(|name| (Some(name), Uuid::nil()));
    let by_either = request.topics.into_iter().map(|topic| (topic.name, topic.topic_id));
    let deleted = by_name.chain(by_either).map(|(name, id)| {
        let found = name.clone().or_else(|| Some(TopicName(text(call.broker.catalog.name_of(id)?.as_str()))));
        let told = DeletableTopicResult::default().with_name(found.clone()).with_topic_id(id);
        let refused = match found {
            Some(name) => delete_one(call, &name),
            None => Err(Refused(ResponseError::UnknownTopicId, "no topic has this id".to_owned())),
        };
        match refused {
            Ok(()) => told,
            Err(Refused(error, why)) => {
                let told = told.with_error_code(error.code());
                if call.version >= 5 { told.with_error_message(Some(text(why))) } else { told }
            }
        }
    });
    DeleteTopicsResponse::default().with_responses(deleted.collect())
}

fn delete_one(call: &Call<'_>, name: &str) -> Result<(), Refused> {
    call.broker.catalog.delete(name)?;
    call.broker.coordinator.forget_topic(name)?;
    // Whoever waits for records of this topic is to hear that there will be none.
    call.broker.appended.notify_waiters();
    Ok(())
}

/// Gives topics more partitions.
pub(crate) fn create_partitions(
    call: &Call<'_>,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let told = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
        results.push(match call.broker.catalog.grow(&topic.name, topic.count, request.validate_only) {
            Ok(()) => told,
            Err(Refused(error, why)) => {
                told.with_error_code(error.code()).with_error_message(Some(text(why)))
            }
        });
    }
    CreatePartitionsResponse::default().with_results(results)
}

/// Forgets the first records of partitions.
pub(crate) fn delete_records(call: &Call<'_>, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let told = DeleteRecordsPartitionResult::default()
                .with_partition_index(asked.partition_index)
                .with_low_watermark(-1);
            let deleted = match call.broker.catalog.partition(&topic.name, asked.partition_index) {
                None => Err(ResponseError::UnknownTopicOrPartition),
                Some(partition) => delete_before(&partition, asked.offset),
            };
            partitions.push(match deleted {
                Ok(start) => told.with_low_watermark(start),
                Err(error) => told.with_error_code(error.code()),
            });
        }
        topics.push(DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions));
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

fn delete_before(partition: &Partition, offset: i64) -> Result<i64, ResponseError> {
    match locked(&partition.log).delete_records(offset) {
        Ok(deleted) => deleted.map_err(|_| ResponseError::OffsetOutOfRange),
        Err(error) => Err(storage_error(&error, "records could not be deleted")),
    }
}
