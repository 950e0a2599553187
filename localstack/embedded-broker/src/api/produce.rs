//! Produce: batches into logs.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::{storage_error, text};
use crate::broker::Broker;
use crate::dispatch::{Call, RequestError};
use crate::locked::locked;
use crate::log::{Appended, IncomingBatch, Refusal};

/// `acks` of a producer that wants the batch on every replica.
const ALL_REPLICAS: i16 = -1;

/// Appends the batches and answers, unless the producer asked for no answer.
pub(crate) fn handle(call: &mut Call<'_>) -> Result<bool, RequestError> {
    let request: ProduceRequest = call.decode()?;
    let acks = request.acks;
    let (broker, version) = (call.broker, call.version);
    let response = tokio::task::block_in_place(|| produce(broker, version, request));
    broker.appended.notify_waiters();
    if acks == 0 {
        return Ok(false);
    }
    call.encode(&response)?;
    Ok(true)
}

fn produce(broker: &Broker, version: i16, request: ProduceRequest) -> ProduceResponse {
    let transactional = request.transactional_id.is_some();
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for partition in topic.partition_data {
            let appended = if transactional {
                Err(Refusal::Protocol(ResponseError::InvalidTxnState, "transactions are not served"))
            } else {
                append(broker, &topic.name, partition.index, request.acks, partition.records)
            };
            partitions.push(told(version, partition.index, appended));
        }
        topics
            .push(TopicProduceResponse::default().with_name(topic.name).with_partition_responses(partitions));
    }
    ProduceResponse::default().with_responses(topics)
}

fn append(
    broker: &Broker,
    topic: &str,
    partition: i32,
    acks: i16,
    records: Option<Bytes>,
) -> Result<(Appended, i64), Refusal> {
    let protocol = |error, why| Refusal::Protocol(error, why);
    let partition = broker
        .catalog
        .partition(topic, partition)
        .ok_or(protocol(ResponseError::UnknownTopicOrPartition, "there is no such partition"))?;
    if !matches!(acks, ALL_REPLICAS..=1) {
        return Err(protocol(ResponseError::InvalidRequiredAcks, "acks is -1, 0 or 1"));
    }
    let records = records.ok_or(protocol(ResponseError::InvalidRecord, "no records"))?;
    let batch = IncomingBatch::check(&records)?;
    let mut log = locked(&partition.log);
    if acks == ALL_REPLICAS && log.settings().min_insync_replicas > 1 {
        return Err(protocol(
            ResponseError::NotEnoughReplicas,
            "there is one replica, min.insync.replicas asks more",
        ));
    }
    let appended = log.append(batch)?;
    Ok((appended, log.start_offset()))
}

fn told(version: i16, index: i32, appended: Result<(Appended, i64), Refusal>) -> PartitionProduceResponse {
    let told = PartitionProduceResponse::default()
        .with_index(index)
        .with_base_offset(-1)
        .with_log_append_time_ms(-1);
    let (error, why) = match appended {
        Ok((appended, start_offset)) => {
            let told =
                told.with_base_offset(appended.base_offset).with_log_append_time_ms(appended.append_time);
            return if version >= 5 { told.with_log_start_offset(start_offset) } else { told };
        }
        Err(Refusal::Protocol(error, why)) => (error, why.to_owned()),
        Err(Refusal::Storage(error)) => (storage_error(&error, "an append failed"), error.to_string()),
    };
    let told = told.with_error_code(error.code());
    if version >= 8 { told.with_error_message(Some(text(why))) } else { told }
}
