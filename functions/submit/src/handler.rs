//! Decodes, calls `transfer`, encodes.

use api::Origins;
use chrono::{DateTime, Utc};
use function::Http;
use job::{Caller, JobId, JobRequest};
use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use transfer::Intake;

/// A call of the schedule (`infra/template.yaml`).
#[derive(Deserialize)]
struct Scheduled {
    scheduled: Value,
    /// When it was due, if the scheduler says so: from there its relative nights count, and called again for the same
    /// moment, it is the same job.
    #[serde(default)]
    time: String,
}

pub struct Handler {
    intake: Intake,
    http: Http,
}

impl Handler {
    pub fn new(intake: Intake, origins: &Origins) -> Self {
        let http = Http::new(api::submit_router(intake.clone(), origins));
        Self { intake, http }
    }

    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        if event.payload.get("scheduled").is_some() {
            return self.scheduled(serde_json::from_value(event.payload)?).await;
        }
        self.http.answer(event).await
    }

    async fn scheduled(&self, call: Scheduled) -> Result<Value, Error> {
        let text = call.scheduled.to_string();
        let due: Option<DateTime<Utc>> = call.time.parse().ok();
        let request = JobRequest::parse(&text)?.on(due.unwrap_or_else(Utc::now).date_naive())?;
        let id = match due {
            Some(due) => JobId::derived(&format!("schedule\n{due}\n{text}")),
            None => JobId::random(),
        };
        let document = self.intake.submit_as(id, request, &Caller::new("schedule")).await?;
        tracing::info!(job = %document.id, "submitted by the schedule");
        Ok(json!({"job": document.id}))
    }
}
