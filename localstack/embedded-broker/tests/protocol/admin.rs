//! Metadata and the administration of topics and settings.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiKey, BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
    MetadataRequest,
};

use crate::client::{Client, broker, plain, text, topic_name};

const UNKNOWN_TOPIC: ResponseError = ResponseError::UnknownTopicOrPartition;

fn named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(topic_name(name)))
}

#[test]
fn metadata_tells_the_node_and_the_topics_in_every_version() {
    let broker = broker();
    let port = i32::from(broker.broker.address().port());
    let mut client = broker.client();
    client.create("night", 3);
    client.create("other", 1);
    for version in client.versions(ApiKey::Metadata) {
        let all = MetadataRequest::default().with_topics((version == 0).then(Vec::new));
        let response = client.call(version, &all);
        assert_eq!(response.topics.len(), 2, "v{version}");
        let node = &response.brokers[0];
        assert_eq!((node.host.as_str(), node.port), ("127.0.0.1", port));
        assert_eq!(response.cluster_id.is_some(), version >= 2);

        let some = vec![named("night"), named("nigth"), named("night")];
        let response = client.call(version, &MetadataRequest::default().with_topics(Some(some)));
        let told = response.topics.iter().map(|topic| (topic.error_code, topic.partitions.len()));
        assert_eq!(told.collect::<Vec<_>>(), [(0, 3), (UNKNOWN_TOPIC.code(), 0)], "v{version}: each once");
        let partition = &response.topics[0].partitions[2];
        assert_eq!((partition.partition_index, partition.leader_id), (2, node.node_id));
        assert_eq!(partition.isr_nodes, [node.node_id]);
        if version >= 1 {
            let none = client.call(version, &MetadataRequest::default().with_topics(Some(Vec::new())));
            assert!(none.topics.is_empty());
        }
        if version >= 12 {
            let by_id = MetadataRequestTopic::default().with_topic_id(response.topics[0].topic_id);
            let unknown = MetadataRequestTopic::default().with_topic_id(uuid::Uuid::from_u128(7));
            let request = MetadataRequest::default().with_topics(Some(vec![by_id, unknown]));
            let response = client.call(version, &request);
            assert_eq!(response.topics[0].name, Some(topic_name("night")));
            assert_eq!(response.topics[1].error_code, ResponseError::UnknownTopicId.code());
        }
    }
    let all = client.call(12, &MetadataRequest::default().with_topics(None));
    assert_eq!(all.topics.len(), 2, "asking for a topic does not create it");
}

#[test]
fn the_cluster_is_this_node_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    for version in client.versions(ApiKey::DescribeCluster) {
        let response = client.call(version, &DescribeClusterRequest::default());
        assert_eq!((response.error_code, response.brokers.len()), (0, 1), "v{version}");
        assert_eq!(response.brokers[0].broker_id, response.controller_id);
        assert!(!response.cluster_id.is_empty());
    }
}

fn creatable(name: &str, partitions: i32) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(partitions)
        .with_replication_factor(-1)
}

fn setting(name: &str, value: &str) -> CreatableTopicConfig {
    CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
}

#[test]
fn topics_are_created_and_deleted_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    for version in client.versions(ApiKey::CreateTopics) {
        let assigned = (0..2).map(|number| {
            CreatableReplicaAssignment::default()
                .with_partition_index(number)
                .with_broker_ids(vec![BrokerId(1)])
        });
        let elsewhere = CreatableReplicaAssignment::default().with_broker_ids(vec![BrokerId(2)]);
        let topics = vec![
            creatable("night", 10).with_configs(vec![setting("retention.ms", "1000")]),
            creatable("by-default", -1),
            creatable("assigned", -1).with_assignments(assigned.collect()),
            creatable("elsewhere", -1).with_assignments(vec![elsewhere]),
            creatable("twofold", 1).with_replication_factor(2),
            creatable("none", 0),
            creatable("no/name", 1),
            creatable("compacted", 1).with_configs(vec![setting("cleanup.policy", "compact")]),
            creatable("unknown", 1).with_configs(vec![setting("flush.ms", "1")]),
            creatable("night", 10),
        ];
        let names: Vec<_> = topics.iter().map(|topic| topic.name.to_string()).collect();
        let request = CreateTopicsRequest::default().with_topics(topics);
        let response = client.call(version, &request.clone().with_validate_only(true));
        assert_eq!(response.topics[0].error_code, 0, "v{version}");
        let response = client.call(version, &request);
        let codes: Vec<_> = response.topics.iter().map(|topic| topic.error_code).collect();
        let expected = [
            0,
            0,
            0,
            ResponseError::InvalidReplicaAssignment.code(),
            ResponseError::InvalidReplicationFactor.code(),
            ResponseError::InvalidPartitions.code(),
            ResponseError::InvalidTopicException.code(),
            ResponseError::InvalidConfig.code(),
            ResponseError::InvalidConfig.code(),
            ResponseError::InvalidRequest.code(),
        ];
        assert_eq!(codes, expected, "v{version} {names:?}");
        assert!(response.topics[8].error_message.as_ref().unwrap().contains("flush.ms"));
        if version >= 5 {
            assert_eq!(response.topics[0].num_partitions, 10);
            assert_eq!(response.topics[2].num_partitions, 2);
        }
        let again =
            client.call(version, &CreateTopicsRequest::default().with_topics(vec![creatable("night", 1)]));
        assert_eq!(again.topics[0].error_code, ResponseError::TopicAlreadyExists.code());
        for name in ["night", "by-default", "assigned"] {
            assert_eq!(delete(&mut client, 1, name), 0);
        }
    }
    for version in client.versions(ApiKey::DeleteTopics) {
        client.create("night", 2);
        client.produce("night", 0, plain(&["a"]));
        assert_eq!(delete(&mut client, version, "night"), 0, "v{version}");
        assert_eq!(delete(&mut client, version, "night"), UNKNOWN_TOPIC.code(), "v{version}");
        client.create("night", 2);
        assert_eq!(client.ends("night", 0), (0, 0), "a topic of the same name starts empty");
        delete(&mut client, version, "night");
    }
    client.create("night", 1);
    let id = client.call(12, &MetadataRequest::default().with_topics(Some(vec![named("night")]))).topics[0]
        .topic_id;
    let by_id =
        DeleteTopicsRequest::default().with_topics(vec![DeleteTopicState::default().with_topic_id(id)]);
    let response = client.call(6, &by_id);
    assert_eq!(
        (response.responses[0].error_code, &response.responses[0].name),
        (0, &Some(topic_name("night")))
    );
    assert_eq!(client.call(6, &by_id).responses[0].error_code, ResponseError::UnknownTopicId.code());
}

fn delete(client: &mut Client, version: i16, name: &str) -> i16 {
    let request = if version >= 6 {
        let topic = DeleteTopicState::default().with_name(Some(topic_name(name)));
        DeleteTopicsRequest::default().with_topics(vec![topic])
    } else {
        DeleteTopicsRequest::default().with_topic_names(vec![topic_name(name)])
    };
    client.call(version, &request).responses[0].error_code
}

#[test]
fn topics_get_more_partitions_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    let mut partitions = 1;
    for version in client.versions(ApiKey::CreatePartitions) {
        let mut grow = |name: &str, count, only_check| {
            let topic = CreatePartitionsTopic::default()
                .with_name(topic_name(name))
                .with_count(count)
                .with_assignments(None);
            let request =
                CreatePartitionsRequest::default().with_topics(vec![topic]).with_validate_only(only_check);
            client.call(version, &request).results[0].error_code
        };
        assert_eq!(grow("night", partitions + 1, true), 0, "v{version}");
        assert_eq!(grow("night", partitions + 1, false), 0, "v{version}");
        assert_eq!(grow("night", partitions, false), ResponseError::InvalidPartitions.code());
        assert_eq!(grow("nigth", 9, false), UNKNOWN_TOPIC.code());
        partitions += 1;
        assert_eq!(client.produce("night", partitions - 1, plain(&["a"])).error_code, 0);
    }
    let broker = broker.restart();
    assert_eq!(broker.client().ends("night", partitions - 1), (0, 1));
}

#[test]
fn records_are_deleted_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    client.produce("night", 0, plain(&["a"; 30]));
    for version in client.versions(ApiKey::DeleteRecords) {
        let mut delete = |name, offset| {
            let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(offset);
            let topic =
                DeleteRecordsTopic::default().with_name(topic_name(name)).with_partitions(vec![partition]);
            let response = client.call(version, &DeleteRecordsRequest::default().with_topics(vec![topic]));
            let deleted = &response.topics[0].partitions[0];
            (deleted.error_code, deleted.low_watermark)
        };
        let start = 5 * i64::from(version + 1);
        assert_eq!(delete("night", start), (0, start), "v{version}");
        assert_eq!(delete("night", 31), (ResponseError::OffsetOutOfRange.code(), -1));
        assert_eq!(delete("nigth", 0), (UNKNOWN_TOPIC.code(), -1));
        assert_eq!(client.ends("night", 0), (start, 30));
    }
    let broker = broker.restart();
    assert_eq!(broker.client().ends("night", 0), (15, 30));
}

#[test]
fn settings_are_described_and_altered_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create_with("night", 1, &[("retention.bytes", "5000")]);
    for version in client.versions(ApiKey::IncrementalAlterConfigs) {
        let mut alter = |topic: &str, name: &str, operation, value: Option<&str>| {
            let config = AlterableConfig::default()
                .with_name(text(name))
                .with_config_operation(operation)
                .with_value(value.map(text));
            let resource = AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(text(topic))
                .with_configs(vec![config]);
            let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
            client.call(version, &request).responses[0].error_code
        };
        assert_eq!(alter("night", "retention.ms", 0, Some("1000")), 0, "v{version}");
        assert_eq!(alter("night", "retention.bytes", 1, None), 0);
        assert_eq!(alter("night", "retention.bytes", 0, Some("77")), 0);
        let invalid = ResponseError::InvalidConfig.code();
        assert_eq!(alter("night", "retention.ms", 0, Some("soon")), invalid);
        assert_eq!(alter("night", "flush.ms", 0, Some("1")), invalid);
        assert_eq!(alter("night", "retention.ms", 2, Some("1")), invalid);
        assert_eq!(alter("nigth", "retention.ms", 0, Some("1")), UNKNOWN_TOPIC.code());
    }
    let broker = broker.restart();
    let mut client = broker.client();
    for version in client.versions(ApiKey::DescribeConfigs) {
        let mut describe = |kind, name: &str, keys: Option<Vec<&str>>| {
            let resource = DescribeConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(name))
                .with_configuration_keys(keys.map(|keys| keys.into_iter().map(text).collect()));
            let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
            client.call(version, &request).results.remove(0)
        };
        let all = describe(2, "night", None);
        let value = |name: &str| {
            let found = all.configs.iter().find(|config| config.name.as_str() == name).unwrap();
            (found.value.as_ref().unwrap().to_string(), found.config_source)
        };
        assert_eq!(value("retention.ms"), ("1000".to_owned(), 1), "v{version}");
        assert_eq!(value("retention.bytes"), ("77".to_owned(), 1), "v{version}");
        assert_eq!(value("cleanup.policy"), ("delete".to_owned(), 5), "v{version}");
        assert_eq!(describe(2, "night", Some(vec!["retention.ms"])).configs.len(), 1);
        assert_eq!(describe(2, "nigth", None).error_code, UNKNOWN_TOPIC.code());
        assert_eq!(describe(4, "1", None).error_code, 0);
        assert_eq!(describe(4, "2", None).error_code, ResponseError::InvalidRequest.code());
    }
}
