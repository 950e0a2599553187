//! DescribeConfigs and IncrementalAlterConfigs: the settings of topics.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{
    DescribeConfigsRequest, DescribeConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::text;
use crate::broker::NODE_ID;
use crate::catalog::Refused;
use crate::dispatch::Call;
use crate::settings::{SETTINGS, TopicSettings};

/// Kinds of things that have settings.
const TOPIC: i8 = 2;
const NODE: i8 = 4;

/// What an alteration does.
const SET: i8 = 0;
const RESET: i8 = 1;

/// What clients ask of brokers: read, never changed.
const NODE_SETTINGS: [(&str, &str, i8); 3] = [
    ("auto.create.topics.enable", "false", 1),
    ("default.replication.factor", "1", 3),
    ("min.insync.replicas", "1", 3),
];

/// Kafka's number for where a value comes from.
pub(super) fn source(given: bool) -> i8 {
    if given { 1 } else { 5 }
}

/// The settings of topics, and the few of this node.
pub(crate) fn describe(call: &Call<'_>, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match describe_one(call, &resource) {
            Ok(configs) => result.with_configs(configs),
            Err(Refused(error, why)) => {
                result.with_error_code(error.code()).with_error_message(Some(text(why)))
            }
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn describe_one(
    call: &Call<'_>,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, Refused> {
    let asked = |name: &str| {
        resource.configuration_keys.as_ref().is_none_or(|keys| keys.iter().any(|key| key.as_str() == name))
    };
    let described = |name: &str, value: &str, given, kind| {
        let described = DescribeConfigsResourceResult::default()
            .with_name(text(name))
            .with_value(Some(text(value)))
            .with_read_only(resource.resource_type == NODE)
            .with_config_source(source(given));
        if call.version >= 3 { described.with_config_type(kind) } else { described }
    };
    match resource.resource_type {
        TOPIC => {
            let topic = topic_settings(call, &resource.resource_name)?;
            let settings = SETTINGS.iter().filter(|setting| asked(setting.name));
            Ok(settings
                .map(|setting| {
                    let (value, given) = topic.value(setting);
                    described(setting.name, value, given, setting.kind)
                })
                .collect())
        }
        NODE if is_this_node(&resource.resource_name) => {
            let settings = NODE_SETTINGS.iter().filter(|(name, ..)| asked(name));
            Ok(settings.map(|(name, value, kind)| described(name, value, false, *kind)).collect())
        }
        _ => Err(no_settings(&resource.resource_name)),
    }
}

/// Changes the settings of topics.
pub(crate) fn alter(
    call: &Call<'_>,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let responses = request.resources.into_iter().map(|resource| {
        let response = AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match alter_one(call, &resource, request.validate_only) {
            Ok(()) => response,
            Err(Refused(error, why)) => {
                response.with_error_code(error.code()).with_error_message(Some(text(why)))
            }
        }
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

fn alter_one(call: &Call<'_>, resource: &AlterConfigsResource, only_check: bool) -> Result<(), Refused> {
    match resource.resource_type {
        TOPIC => call.broker.catalog.configure(&resource.resource_name, only_check, |settings| {
            resource.configs.iter().try_for_each(|config| apply(settings, config))
        }),
        NODE if is_this_node(&resource.resource_name) => {
            let why = "the broker's own settings are given at its start".to_owned();
            Err(Refused(ResponseError::InvalidConfig, why))
        }
        _ => Err(no_settings(&resource.resource_name)),
    }
}

fn apply(settings: &mut TopicSettings, config: &AlterableConfig) -> Result<(), Refused> {
    let changed = match (config.config_operation, &config.value) {
        (SET, Some(value)) => settings.set(&config.name, value),
        (RESET, _) => settings.reset(&config.name),
        _ => Err(format!("{} is no list and has a value: it can be set and reset", config.name)),
    };
    changed.map_err(|why| Refused(ResponseError::InvalidConfig, why))
}

fn topic_settings(call: &Call<'_>, name: &str) -> Result<TopicSettings, Refused> {
    let unknown = || Refused(ResponseError::UnknownTopicOrPartition, format!("there is no topic {name:?}"));
    Ok(call.broker.catalog.topic(name).ok_or_else(unknown)?.record.settings)
}

fn is_this_node(name: &str) -> bool {
    name.parse() == Ok(NODE_ID)
}

fn no_settings(name: &StrBytes) -> Refused {
    Refused(
        ResponseError::InvalidRequest,
        format!("only topics and node {NODE_ID} have settings, not {name:?}"),
    )
}
