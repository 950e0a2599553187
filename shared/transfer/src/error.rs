//! What can go wrong, in the user's words.

use crate::{OverLimit, Refusal};
use archive::ArchiveError;
use broker::BrokerError;
use job::{ErrorKind, Night, RequestError};
use night_index::IndexError;
use packet::PacketError;
use query::QueryError;
use store::StoreError;

/// An error of a use-case.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The request cannot be taken.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A condition or a class cannot be taken.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The content cannot be built.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The broker failed.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bucket of manifests and receipts failed.
    #[error("cannot reach {path} in the bucket: {source}")]
    Bucket {
        /// The object.
        path: String,
        /// The store's own words.
        source: object_store::Error,
    },
    /// A manifest or plan is not what was written.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The request is over a limit.
    #[error("{0}")]
    OverLimit(Box<OverLimit>),
    /// The archive has none of the chosen nights.
    #[error("the archive has none of the chosen nights; {hint}")]
    NoNights {
        /// What it has instead.
        hint: String,
    },
    /// There is no such job.
    #[error("there is no job {0}")]
    NoSuchJob(job::JobId),
    /// No job fills a topic of this name.
    #[error("no job here fills a topic `{0}`")]
    NoSuchTopic(String),
    /// The job's state forbids it.
    #[error("{0}")]
    NotNow(String),
    /// Another attempt took over.
    #[error("another attempt has taken over this task")]
    Fenced,
    /// The user stopped the job.
    #[error("the job was cancelled")]
    Cancelled,
    /// The time of the worker is up.
    #[error("the worker's time is up; another goes on")]
    OutOfTime,
    /// The books of a job do not add up: never told as done.
    #[error("the books do not add up: {0}")]
    Books(String),
    /// Another process says so, in these words.
    #[error("{}", .0.message)]
    Told(Box<Refusal>),
    /// A worker broke off.
    #[error("the worker broke off: {0}")]
    Worker(String),
}

impl TransferError {
    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Request(error) => error.kind(),
            Self::Query(error) => error.kind(),
            Self::Packet(error) => error.kind(),
            Self::Archive(ArchiveError::Consumer(inner)) => match inner.downcast_ref::<Self>() {
                Some(error) => error.kind(),
                None => ErrorKind::Permanent,
            },
            Self::Archive(error) => error.kind(),
            Self::Index(error) => error.kind(),
            Self::Broker(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::OverLimit(over) if over.is_daily => ErrorKind::Throttled,
            Self::OverLimit(_) => ErrorKind::Invalid,
            Self::Bucket { source: object_store::Error::NotFound { .. }, .. } => ErrorKind::NotFound,
            Self::Bucket { .. } => ErrorKind::Transient,
            Self::Damaged { .. } => ErrorKind::Permanent,
            Self::NoNights { .. } | Self::NoSuchJob(_) | Self::NoSuchTopic(_) => ErrorKind::NotFound,
            Self::NotNow(_) | Self::Fenced | Self::Cancelled | Self::OutOfTime => ErrorKind::Conflict,
            Self::Told(refusal) => refusal.kind,
            Self::Books(_) | Self::Worker(_) => ErrorKind::Bug,
        }
    }

    /// Whether it ends an attempt at once: the task is another's now, or nobody's.
    pub(crate) fn ends_attempt(&self) -> bool {
        matches!(self, Self::Fenced | Self::Cancelled | Self::OutOfTime)
    }

    /// The single complaints, each with its place in the user's text, where there are such.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Request(error) => vec![Problem {
                place: error.place.clone(),
                reason: error.reason.clone(),
                instead: error.instead.clone(),
                meaning: None,
                snippet: None,
            }],
            Self::Query(error) => error.problems().iter().map(Problem::from).collect(),
            Self::OverLimit(over) => vec![over.problem()],
            Self::Told(refusal) => refusal.problems.clone(),
            _ => Vec::new(),
        }
    }

    /// None of the chosen nights are among those that the archive has.
    pub(crate) fn no_nights(known: &[Night]) -> Self {
        let hint = match (known.first(), known.last()) {
            (Some(first), Some(last)) => format!("it has {} nights from {first} to {last}", known.len()),
            _ => "it has no nights at all".to_owned(),
        };
        Self::NoNights { hint }
    }

    /// Unwraps an error that travelled through the scan.
    pub(crate) fn from_scan(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Consumer(inner) => match inner.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => Self::Archive(ArchiveError::Consumer(other)),
            },
            other => Self::Archive(other),
        }
    }
}

/// One complaint about a request.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// The part of the document, such as `conditions`, with line and column where there are such.
    pub place: String,
    /// What is wrong.
    pub reason: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// What that field means, and in which unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// The user's line with a mark under the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

/// What a field means, as a remark beside it.
fn meaning(field: &str) -> Option<String> {
    let note = packet::field_note(field)?;
    Some(match note.unit {
        "" => note.description.to_owned(),
        unit => format!("{} ({unit})", note.description),
    })
}

impl From<&query::ConditionProblem> for Problem {
    fn from(problem: &query::ConditionProblem) -> Self {
        Self {
            place: format!("conditions, line {}, column {}", problem.place.line, problem.place.column),
            reason: problem.what.clone(),
            instead: problem.suggestion.clone(),
            meaning: problem.suggestion.as_deref().and_then(meaning),
            snippet: Some(problem.snippet()),
        }
    }
}
