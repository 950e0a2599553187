//! Decodes, calls `transfer`, encodes.

use function::{Created, Sent};
use job::Caller;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use transfer::Service;

/// An object that appeared in the bucket, `{"tend": true}` from the schedule, or an errand of the function that makes jobs.
pub async fn handle(service: &Service, event: LambdaEvent<Value>) -> Result<Value, Error> {
    if event.payload.get("tend").is_some() {
        let tended = service.tend().await?;
        return Ok(json!({"expired": tended.expired, "woken": tended.woken}));
    }
    if event.payload.get("errand").is_some() {
        let Sent { errand } = serde_json::from_value(event.payload)?;
        return Ok(serde_json::to_value(service.run_errand(&errand).await)?);
    }
    let event: Created = serde_json::from_value(event.payload)?;
    for record in event.records {
        let object = record.s3.object;
        let version = format!("{}\n{}", object.etag, object.sequencer);
        let caller = Caller::new(record.user.principal.unwrap_or_else(|| "bucket".into()));
        service.manifest_created(&object.path(), &version, &caller).await?;
    }
    Ok(Value::Null)
}
