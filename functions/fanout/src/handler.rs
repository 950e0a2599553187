//! Decodes, calls `transfer`, encodes.

use job::Caller;
use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use transfer::Service;
use url::form_urlencoded;

/// What S3 tells of objects that appeared; only what is used, as other stores leave the rest out.
#[derive(Deserialize)]
struct Created {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    s3: Entity,
    #[serde(default, rename = "userIdentity")]
    user: Identity,
}

#[derive(Deserialize)]
struct Entity {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(default, rename = "eTag")]
    etag: String,
    /// Tells one object from the next at the same key.
    #[serde(default)]
    sequencer: String,
}

#[derive(Default, Deserialize)]
struct Identity {
    #[serde(default, rename = "principalId")]
    principal: Option<String>,
}

impl Object {
    /// S3 writes keys as in a form.
    fn path(&self) -> String {
        let pair = format!("key={}", self.key);
        form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, key)| key.into_owned())
    }
}

/// An object that appeared in the bucket, or `{"tend": true}` from the schedule.
pub async fn handle(service: &Service, event: LambdaEvent<Value>) -> Result<Value, Error> {
    if event.payload.get("tend").is_some() {
        let tended = service.tend().await?;
        return Ok(json!({"expired": tended.expired, "woken": tended.woken}));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_before_s3_wrote_it() {
        for (written, meant) in [
            ("jobs/my+supernovae/manifest.json", "jobs/my supernovae/manifest.json"),
            ("jobs/my%20supernovae/manifest.json", "jobs/my supernovae/manifest.json"),
            ("jobs/a%2Bb%3Dc%26%C3%A9/manifest.json", "jobs/a+b=c&é/manifest.json"),
        ] {
            let object = Object { key: written.into(), etag: String::new(), sequencer: String::new() };
            assert_eq!(object.path(), meant);
        }
    }
}
