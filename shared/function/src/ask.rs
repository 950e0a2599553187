//! JSON to another function and back.

use cloud::OtherFunction;
use job::ErrorKind;
use serde::{Serialize, de::DeserializeOwned};
use transfer::{Refusal, TransferError};

/// Another function, and what cannot be done when it gives no answer.
pub(crate) struct Asker {
    pub function: OtherFunction,
    pub without: &'static str,
}

impl Asker {
    /// What it answers.
    pub async fn ask<T: DeserializeOwned>(&self, question: &impl Serialize) -> Result<T, TransferError> {
        let question = serde_json::to_vec(question).map_err(|error| self.refusal(ErrorKind::Bug, error))?;
        let answer = self.function.ask(question).await;
        let answer = answer.map_err(|error| self.refusal(error.kind(), error))?;
        serde_json::from_slice(&answer)
            .map_err(|error| self.refusal(ErrorKind::Bug, format!("its answer is not understood: {error}")))
    }

    pub fn refusal(&self, kind: ErrorKind, reason: impl std::fmt::Display) -> TransferError {
        let message = format!("{}: {reason}", self.without);
        TransferError::Told(Box::new(Refusal { kind, message, problems: Vec::new() }))
    }
}
