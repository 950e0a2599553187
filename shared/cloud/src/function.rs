//! Another function, asked and waited for.

use crate::failure::told;
use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_lambda::{Client, config::Builder, primitives::Blob, types::InvocationType};
use job::ErrorKind;
use std::time::Duration;

/// A function of Lambda that answers JSON with JSON.
#[derive(Clone, Debug)]
pub struct OtherFunction {
    client: Client,
    name: String,
}

/// Why a function gave no answer. It may do so later: always worth a retry, unless it may not be asked at all.
#[derive(Debug, thiserror::Error)]
#[error("the function {name}: {reason}")]
pub struct NoAnswer {
    name: String,
    reason: String,
    kind: ErrorKind,
}

impl NoAnswer {
    /// How it is to be treated.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl OtherFunction {
    /// The function of this name, which is waited for as long as `time`, retries included.
    pub fn new(config: &SdkConfig, name: impl Into<String>, time: Duration) -> Self {
        let times = TimeoutConfig::builder().operation_timeout(time).operation_attempt_timeout(time).build();
        let config = Builder::from(config).timeout_config(times).build();
        Self { client: Client::from_conf(config), name: name.into() }
    }

    /// What it answers.
    ///
    /// # Errors
    /// When it cannot be asked, or ends without an answer.
    pub async fn ask(&self, question: Vec<u8>) -> Result<Vec<u8>, NoAnswer> {
        let failed = |reason, kind| NoAnswer { name: self.name.clone(), reason, kind };
        let call = self.client.invoke().function_name(&self.name);
        let call = call.invocation_type(InvocationType::RequestResponse).payload(Blob::new(question));
        let answer = call.send().await.map_err(|error| {
            let status = error.raw_response().map(|answer| answer.status().as_u16());
            let kind = match status {
                Some(429) => ErrorKind::Throttled,
                // It is not there, or may not be asked.
                Some(403 | 404) => ErrorKind::Permanent,
                _ => ErrorKind::Transient,
            };
            failed(told(&error), kind)
        })?;
        let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
        match answer.function_error {
            None => Ok(payload),
            Some(how) => {
                let why: String = String::from_utf8_lossy(&payload).chars().take(300).collect();
                Err(failed(format!("it ended without an answer ({how}): {why}"), ErrorKind::Transient))
            }
        }
    }
}
