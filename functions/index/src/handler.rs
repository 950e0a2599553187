//! Decodes, calls `transfer`, encodes: what failed is reported message by message, so that only that comes again.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use function::Created;
use job::Night;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use transfer::Scout;

/// No night is begun when less time is left: a large one takes about a minute.
const FOR_A_NIGHT: Duration = Duration::from_secs(180);

/// Messages of the queue on which S3 tells of the archive's files, or `{"whole": true}` from the schedule.
pub async fn handle(scout: &Scout, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let left = event.context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
    let until = Instant::now() + left.saturating_sub(FOR_A_NIGHT.min(left / 2));
    if event.payload.get("whole").is_some() {
        let updated = scout.update_index(None, Some(until)).await?;
        return Ok(json!({"indexed": updated.indexed.len(), "failed": updated.failed, "left": updated.left}));
    }
    let event: SqsEvent = serde_json::from_value(event.payload)?;
    let told: Vec<(Option<String>, BTreeSet<Night>)> = event
        .records
        .into_iter()
        .map(|message| (message.message_id, nights_in(message.body.as_deref().unwrap_or_default())))
        .collect();
    // The files of a night come one by one: it is indexed once for all of them.
    let nights: BTreeSet<Night> = told.iter().flat_map(|(_, nights)| nights).copied().collect();
    let mut response = SqsBatchResponse::default();
    if nights.is_empty() {
        return Ok(serde_json::to_value(response)?);
    }
    let updated = scout.update_index(Some(&nights), Some(until)).await;
    if let Err(error) = &updated {
        tracing::warn!(%error, "the messages come again");
    }
    for (id, nights) in told {
        let done = updated.as_ref().is_ok_and(|updated| {
            updated.left == 0 && nights.iter().all(|night| !updated.failed.contains_key(night))
        });
        if !done && !nights.is_empty() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(serde_json::to_value(response)?)
}

/// The nights whose files a message tells of: none in what S3 sends to try a queue.
fn nights_in(body: &str) -> BTreeSet<Night> {
    let created: Created = match serde_json::from_str(body) {
        Ok(created) => created,
        Err(error) => {
            tracing::info!(%error, "a message that tells of no file");
            return BTreeSet::new();
        }
    };
    created.records.iter().filter_map(|record| archive::night_of_file(&record.s3.object.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_nights_of_its_files() {
        let body = r#"{"Records": [
            {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "ztf/science/year%3D2026/month%3D03/day%3D22/part-0.c000.snappy.parquet"}}},
            {"eventName": "ObjectRemoved:Delete", "s3": {"object": {"key": "ztf/science/year%3D2026/month%3D3/day%3D21/part-0.parquet"}}},
            {"s3": {"object": {"key": "ztf/science/year%3D2026/month%3D03/day%3D22/_SUCCESS"}}},
            {"s3": {"object": {"key": "readme.txt"}}}
        ]}"#;
        let nights: Vec<String> = nights_in(body).iter().map(ToString::to_string).collect();
        assert_eq!(nights, ["2026-03-21", "2026-03-22"]);
        assert!(nights_in(r#"{"Service": "Amazon S3", "Event": "s3:TestEvent"}"#).is_empty());
    }
}
