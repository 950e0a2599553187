//! What has to be known of a request before a job is made of it: whether it can be taken, the nights it means, and what
//! would come of it.
//!
//! That takes the archive, its index and the engine of conditions. Whoever makes jobs asks through [`Foresight`], so
//! that a function which does so links none of them: in one process a [`Scout`] answers, on AWS the function that
//! estimates does, and what it says travels as JSON ([`Question`], [`Told`]).

use crate::{Estimate, Problem, Scout, TransferError, content_plan::ContentPlan, estimate::Known};
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use job::{ErrorKind, JobRequest, Night};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// Nights whose footers are read at once.
const NIGHTS: usize = 8;

/// Looks ahead for whoever makes jobs. Requests have absolute nights and are checked by themselves
/// ([`JobRequest::check`]).
#[async_trait]
pub trait Foresight: Send + Sync {
    /// The nights that a request means.
    async fn nights(&self, request: &JobRequest) -> Result<ChosenNights, TransferError>;

    /// The same, and everything else: refused is what no job can be made of, with its place.
    async fn forecast(&self, request: &JobRequest, need: Need) -> Result<Forecast, TransferError>;
}

/// When an estimate has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Need {
    /// It is nice to have: made where the index has all nights, and left out when that fails.
    IfQuick,
    /// So too where the nights hold no more alerts than this, as the index and the footers say; needed otherwise.
    Above(u64),
    /// Always.
    Always,
}

/// The nights that a request means.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChosenNights {
    /// Those that the archive has, at least one, in order.
    pub found: Vec<Night>,
    /// Those that it lacks.
    pub lacking: Vec<Night>,
}

/// What would come of a request that can be taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Forecast {
    /// Its nights.
    pub nights: ChosenNights,
    /// What its user should be told.
    pub notes: Vec<String>,
    /// What it would come to.
    pub estimate: Option<Estimate>,
}

/// What one process asks another that can look ahead.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    /// The request.
    pub request: JobRequest,
    /// With an estimate; without this, only the nights are asked for.
    pub need: Option<Need>,
}

/// What the other says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Told {
    /// The nights alone.
    Nights(ChosenNights),
    /// All.
    Forecast(Box<Forecast>),
    /// It cannot be taken, or could not be looked at.
    Refused(Refusal),
}

/// An error of a use-case, as another process tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// How it is to be treated.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
    /// The single complaints.
    pub problems: Vec<Problem>,
}

impl From<&TransferError> for Refusal {
    fn from(error: &TransferError) -> Self {
        Self { kind: error.kind(), message: error.to_string(), problems: error.problems() }
    }
}

impl Scout {
    /// Answers a question that came from another process, whose request is checked anew.
    pub async fn answer(&self, question: &Question) -> Told {
        let told = async {
            question.request.check()?;
            Ok::<_, TransferError>(match question.need {
                None => Told::Nights(self.nights_of(&question.request).await?),
                Some(need) => Told::Forecast(Box::new(self.forecast(&question.request, need).await?)),
            })
        };
        told.await.unwrap_or_else(|error| Told::Refused(Refusal::from(&error)))
    }

    /// The chosen nights that the archive has, and those that it lacks.
    async fn nights_of(&self, request: &JobRequest) -> Result<ChosenNights, TransferError> {
        let known = self.archive.nights().await?;
        let (found, lacking): (Vec<Night>, Vec<Night>) =
            request.nights.iter().partition(|night| known.binary_search(night).is_ok());
        if found.is_empty() {
            return Err(TransferError::no_nights(&known));
        }
        Ok(ChosenNights { found, lacking })
    }

    /// Whether an estimate has to be there. Where all alerts of the nights would fit, by the index or their footers
    /// alone, no condition need be tried, which for many nights takes longer than a gateway waits.
    async fn needs_estimate(&self, need: Need, known: &Known) -> Result<bool, TransferError> {
        let most = match need {
            Need::IfQuick => return Ok(false),
            Need::Always => return Ok(true),
            Need::Above(most) => most,
        };
        let counts = futures::stream::iter(known.others.iter().copied())
            .map(|night| async move {
                match self.night_files(night).await {
                    Ok(files) => Ok(files.iter().map(|file| file.rows).sum()),
                    Err(error) if error.kind().is_worth_retrying() => Err(error),
                    // What cannot be read is not sent.
                    Err(_) => Ok(0_u64),
                }
            })
            .buffer_unordered(NIGHTS);
        let alerts: Vec<u64> = counts.try_collect().await?;
        let counted = known.indexed.iter().filter_map(|night| known.catalogue.nights.get(night));
        let counted: u64 = counted.map(|night| night.alerts).sum();
        Ok(counted + alerts.iter().sum::<u64>() > most)
    }
}

#[async_trait]
impl Foresight for Scout {
    async fn nights(&self, request: &JobRequest) -> Result<ChosenNights, TransferError> {
        self.nights_of(request).await
    }

    async fn forecast(&self, request: &JobRequest, need: Need) -> Result<Forecast, TransferError> {
        let nights = self.nights_of(request).await?;
        let mut known = self.known(self.catalogue().await, &nights.found).await?;
        let plan = match ContentPlan::over_nights(request, &known.schema) {
            // A night may have been replaced by one of other columns that is not indexed yet.
            Err(TransferError::Query(_) | TransferError::Packet(_)) if !known.indexed.is_empty() => {
                known = self.known(Arc::default(), &nights.found).await?;
                ContentPlan::over_nights(request, &known.schema)?
            }
            plan => plan?,
        };
        let estimate = match self.needs_estimate(need, &known).await? {
            true => Some(self.estimate_known(request, &known, Vec::new()).await?),
            false if known.others.is_empty() => {
                let estimate = self.estimate_known(request, &known, Vec::new()).await;
                estimate.inspect_err(|error| tracing::warn!(%error, "taken without an estimate")).ok()
            }
            false => None,
        };
        Ok(Forecast { nights, notes: unknown_classes(&plan, &known), estimate })
    }
}

/// A note for each class that neither Fink's code gives nor, as far as they are indexed, the nights have.
fn unknown_classes(plan: &ContentPlan, known: &Known) -> Vec<String> {
    let nights = known.indexed.iter().filter_map(|night| known.catalogue.nights.get(night));
    let labels: BTreeSet<&str> =
        nights.flat_map(|night| &night.strata).map(|stratum| stratum.finkclass.as_str()).collect();
    let note = |(class, nearest): (String, Option<String>)| {
        let told = match known.others.is_empty() {
            true => format!("`{class}` is none of Fink's own classes, and no alert of these nights is of it"),
            false => {
                format!("`{class}` is none of Fink's own classes and is looked for among SIMBAD's labels")
            }
        };
        match nearest {
            Some(nearest) => format!("{told}; or did you mean `{nearest}`?"),
            None => told,
        }
    };
    plan.classes.unknown_classes(&labels).into_iter().map(note).collect()
}
