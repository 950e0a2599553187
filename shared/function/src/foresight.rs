//! Looks ahead by asking the function that estimates, so that one that makes jobs links neither the archive's reader nor
//! the engine of conditions.

use async_trait::async_trait;
use cloud::OtherFunction;
use job::{ErrorKind, JobRequest};
use serde::{Deserialize, Serialize};
use transfer::{ChosenNights, Forecast, Foresight, Need, Question, Refusal, Told, TransferError};

/// What the function that estimates is called with, beside the API's requests.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The question.
    pub question: Question,
}

/// The function that estimates, as whoever makes jobs asks it.
pub(crate) struct ByFunction(pub OtherFunction);

impl ByFunction {
    async fn ask(&self, request: &JobRequest, need: Option<Need>) -> Result<Told, TransferError> {
        let asked = Asked { question: Question { request: request.clone(), need } };
        let asked = serde_json::to_vec(&asked).map_err(|error| refusal(ErrorKind::Bug, error))?;
        let answer = self.0.ask(asked).await.map_err(|error| refusal(error.kind(), error))?;
        let told: Result<Told, _> = serde_json::from_slice(&answer);
        match told
            .map_err(|error| refusal(ErrorKind::Bug, format!("its answer is not understood: {error}")))?
        {
            Told::Refused(refusal) => Err(TransferError::Told(Box::new(refusal))),
            told => Ok(told),
        }
    }
}

#[async_trait]
impl Foresight for ByFunction {
    async fn nights(&self, request: &JobRequest) -> Result<ChosenNights, TransferError> {
        match self.ask(request, None).await? {
            Told::Nights(nights) => Ok(nights),
            other => Err(unasked(&other)),
        }
    }

    async fn forecast(&self, request: &JobRequest, need: Need) -> Result<Forecast, TransferError> {
        match self.ask(request, Some(need)).await? {
            Told::Forecast(forecast) => Ok(*forecast),
            other => Err(unasked(&other)),
        }
    }
}

fn refusal(kind: ErrorKind, reason: impl std::fmt::Display) -> TransferError {
    let message = format!("nobody can say what the request would come to: {reason}");
    TransferError::Told(Box::new(Refusal { kind, message, problems: Vec::new() }))
}

fn unasked(told: &Told) -> TransferError {
    let kind = match told {
        Told::Nights(_) => "nights",
        Told::Forecast(_) => "a forecast",
        Told::Refused(_) => "a refusal",
    };
    refusal(ErrorKind::Bug, format!("the answer, {kind}, is to another question"))
}
