//! Looks ahead by asking the function that estimates, so that one that makes jobs links neither the archive's reader nor
//! the engine of conditions.

use crate::ask::Asker;
use async_trait::async_trait;
use cloud::OtherFunction;
use job::{ErrorKind, JobRequest};
use serde::{Deserialize, Serialize};
use transfer::{ChosenNights, Forecast, Foresight, Need, Question, Told, TransferError};

/// What the function that estimates is called with, beside the API's requests.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The question.
    pub question: Question,
}

/// The function that estimates, as whoever makes jobs asks it.
pub(crate) struct ForesightByFunction(Asker);

impl ForesightByFunction {
    pub fn new(function: OtherFunction) -> Self {
        Self(Asker { function, without: "nobody can say what the request would come to" })
    }

    async fn ask(&self, request: &JobRequest, need: Option<Need>) -> Result<Told, TransferError> {
        match self.0.ask(&Asked { question: Question { request: request.clone(), need } }).await? {
            Told::Refused(refusal) => Err(TransferError::Told(Box::new(refusal))),
            told => Ok(told),
        }
    }

    fn unasked(&self, told: &Told) -> TransferError {
        let kind = match told {
            Told::Nights(_) => "nights",
            Told::Forecast(_) => "a forecast",
            Told::Refused(_) => "a refusal",
        };
        self.0.refusal(ErrorKind::Bug, format!("the answer, {kind}, is to another question"))
    }
}

#[async_trait]
impl Foresight for ForesightByFunction {
    async fn nights(&self, request: &JobRequest) -> Result<ChosenNights, TransferError> {
        match self.ask(request, None).await? {
            Told::Nights(nights) => Ok(nights),
            other => Err(self.unasked(&other)),
        }
    }

    async fn forecast(&self, request: &JobRequest, need: Need) -> Result<Forecast, TransferError> {
        match self.ask(request, Some(need)).await? {
            Told::Forecast(forecast) => Ok(*forecast),
            other => Err(self.unasked(&other)),
        }
    }
}
