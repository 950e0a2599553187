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
use transfer::{IndexUpdated, Scout};

/// No night is begun when less time is left: a large one takes about a minute.
const FOR_A_NIGHT: Duration = Duration::from_secs(180);

/// Messages of the queue on which S3 tells of the archive's files, or `{"whole": true}` from the schedule.
pub async fn handle(scout: &Scout, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let left = event.context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
    let until = Instant::now() + left.saturating_sub(FOR_A_NIGHT.min(left / 2));
    if event.payload["whole"] == true {
        let updated = scout.update_index(None, Some(until)).await?;
        return Ok(
            json!({"indexed": updated.indexed.len(), "failed": updated.failed, "left": updated.left.len()}),
        );
    }
    let event: SqsEvent = serde_json::from_value(event.payload)?;
    let told: Vec<(Option<String>, Option<BTreeSet<Night>>)> = event
        .records
        .into_iter()
        .map(|message| (message.message_id, nights_in(message.body.as_deref().unwrap_or_default())))
        .collect();
    // The files of a night come one by one: it is indexed once for all of them.
    let nights: BTreeSet<Night> = told.iter().flat_map(|(_, nights)| nights).flatten().copied().collect();
    let updated = match nights.is_empty() {
        true => Ok(IndexUpdated::default()),
        false => scout.update_index(Some(&nights), Some(until)).await,
    };
    if let Err(error) = &updated {
        tracing::warn!(%error, "the messages come again");
    }
    let mut response = SqsBatchResponse::default();
    for (id, nights) in told {
        let done = nights.is_some_and(|nights| {
            nights.is_empty()
                || updated.as_ref().is_ok_and(|updated| {
                    nights
                        .iter()
                        .all(|night| !updated.left.contains(night) && !updated.failed.contains_key(night))
                })
        });
        if !done {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(serde_json::to_value(response)?)
}

/// The nights whose files a message tells of: no night in what S3 sends to try a queue, and none where it is not a message of
/// S3 at all.
fn nights_in(body: &str) -> Option<BTreeSet<Night>> {
    if serde_json::from_str::<Value>(body).is_ok_and(|body| body["Event"] == "s3:TestEvent") {
        return Some(BTreeSet::new());
    }
    let created: Created = serde_json::from_str(body)
        .inspect_err(|error| tracing::warn!(%error, "a message that is none of S3"))
        .ok()?;
    let paths = created.records.iter().map(|record| record.s3.object.path());
    Some(paths.filter_map(|path| archive::night_of_file(&path)).collect())
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
        let nights: Vec<String> = nights_in(body).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(nights, ["2026-03-21", "2026-03-22"]);
        let trial = nights_in(r#"{"Service": "Amazon S3", "Event": "s3:TestEvent"}"#);
        assert_eq!(trial, Some(BTreeSet::new()));
        assert_eq!(nights_in(r#"{"detail-type": "Object Created"}"#), None);
    }
}
