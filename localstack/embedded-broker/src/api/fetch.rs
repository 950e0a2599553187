//! Fetch: batches out of logs, waiting for them if there are none yet.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use tokio::time::Instant;

use super::storage_error;
use crate::broker::Broker;
use crate::dispatch::{Call, RequestError};
use crate::locked::locked;
use crate::log::{ReadPlan, read_batches};

/// An answer holds no more than this, whatever the client would take.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// No client waits longer.
const MAX_WAIT_MS: u32 = 5 * 60 * 1_000;

/// What is to be said of one partition.
struct Found {
    data: PartitionData,
    plan: Option<ReadPlan>,
    max_bytes: usize,
}

/// Waits until there is enough to read, or long enough, and answers with it.
pub(crate) async fn handle(call: &mut Call<'_>) -> Result<bool, RequestError> {
    let request: FetchRequest = call.decode()?;
    let (broker, version) = (call.broker, call.version);
    let patience = u32::try_from(request.max_wait_ms).unwrap_or(0).min(MAX_WAIT_MS);
    let deadline = Instant::now() + Duration::from_millis(patience.into());
    let min_bytes = u64::try_from(request.min_bytes).unwrap_or(0);
    let found = loop {
        let mut appended = std::pin::pin!(broker.appended.notified());
        // From here on nothing appended goes unheard.
        appended.as_mut().enable();
        let found = look(broker, version, &request.topics);
        if is_enough(&found, min_bytes) || Instant::now() >= deadline {
            break found;
        }
        let _ = tokio::time::timeout_at(deadline, appended).await;
    };
    let max_bytes = usize::try_from(request.max_bytes).unwrap_or(0).min(MAX_ANSWER_BYTES);
    let topics = tokio::task::block_in_place(|| read(broker, request.topics, found, max_bytes));
    call.encode(&FetchResponse::default().with_responses(topics))?;
    Ok(true)
}

/// Where there is something to read. No disk is touched, so waiting costs little.
fn look(broker: &Broker, version: i16, topics: &[FetchTopic]) -> Vec<Vec<Found>> {
    let look_at = |topic: &FetchTopic| {
        topic.partitions.iter().map(|partition| look_at(broker, version, &topic.topic, partition)).collect()
    };
    topics.iter().map(look_at).collect()
}

fn look_at(broker: &Broker, version: i16, topic: &str, asked: &FetchPartition) -> Found {
    let data = PartitionData::default()
        .with_partition_index(asked.partition)
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_aborted_transactions(None)
        .with_records(Some(Bytes::new()));
    let max_bytes = usize::try_from(asked.partition_max_bytes).unwrap_or(0);
    let Some(partition) = broker.catalog.partition(topic, asked.partition) else {
        let error = ResponseError::UnknownTopicOrPartition.code();
        return Found { data: data.with_error_code(error), plan: None, max_bytes };
    };
    let log = locked(&partition.log);
    let data = data.with_high_watermark(log.next_offset()).with_last_stable_offset(log.next_offset());
    let data = if version >= 5 { data.with_log_start_offset(log.start_offset()) } else { data };
    match log.plan_read(asked.fetch_offset) {
        Ok(plan) => Found { data, plan, max_bytes },
        Err(_) => {
            let error = ResponseError::OffsetOutOfRange.code();
            Found { data: data.with_error_code(error), plan: None, max_bytes }
        }
    }
}

fn is_enough(found: &[Vec<Found>], min_bytes: u64) -> bool {
    let mut bytes = 0;
    for found in found.iter().flatten() {
        if found.data.error_code != 0 {
            return true;
        }
        bytes += found.plan.as_ref().map_or(0, |plan| plan.bytes().min(found.max_bytes as u64));
    }
    bytes >= min_bytes || found.is_empty()
}

fn read(
    broker: &Broker,
    topics: Vec<FetchTopic>,
    found: Vec<Vec<Found>>,
    max_bytes: usize,
) -> Vec<FetchableTopicResponse> {
    let mut left = max_bytes;
    let mut nothing_yet = true;
    let mut answers = Vec::with_capacity(topics.len());
    for (topic, found) in topics.into_iter().zip(found) {
        let mut partitions = Vec::with_capacity(found.len());
        for mut found in found {
            // A first batch larger than all limits comes all the same, or its reader would wait for ever.
            if let Some(plan) = found.plan.filter(|_| left > 0 || nothing_yet) {
                match read_batches(broker.catalog.files(), &plan, found.max_bytes.min(left), nothing_yet) {
                    Ok(batches) => {
                        nothing_yet &= batches.is_empty();
                        left = left.saturating_sub(batches.len());
                        found.data.records = Some(batches);
                    }
                    Err(error) => found.data.error_code = failed(&error).code(),
                }
            }
            partitions.push(found.data);
        }
        answers.push(FetchableTopicResponse::default().with_topic(topic.topic).with_partitions(partitions));
    }
    answers
}

/// A segment that went away since it was found has been deleted: the client is to look where the log starts now.
fn failed(error: &std::io::Error) -> ResponseError {
    match error.kind() {
        std::io::ErrorKind::NotFound => ResponseError::OffsetOutOfRange,
        _ => storage_error(error, "a read failed"),
    }
}
