//! Decodes, calls `transfer`, encodes.

use api::Origins;
use function::{Asked, Http};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use transfer::Scout;

pub struct Handler {
    scout: Scout,
    http: Http,
}

impl Handler {
    pub fn new(scout: Scout, origins: &Origins) -> Self {
        let http = Http::new(api::estimate_router(scout.clone(), origins));
        Self { scout, http }
    }

    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        // Not a request of the API, whose events have no such key: only who may invoke this function asks so.
        if event.payload.get("question").is_some() {
            let Asked { question } = serde_json::from_value(event.payload)?;
            return Ok(serde_json::to_value(self.scout.answer(&question).await)?);
        }
        self.http.answer(event).await
    }
}
