//! The API, from outside: the same calls whether it runs here or on AWS.

use api::ProblemDocument;
use job::{JobRequest, TopicName};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use std::{fmt::Write, time::Duration};
use transfer::{ArchiveClass, ArchiveNight, ArchiveSchema, Estimate, JobDocument, JobSummary, Receipt};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers.
    #[error(
        "{url} does not answer ({reason}); start the stack with `nightferry up`, or name another with --api"
    )]
    Unreachable {
        /// The address.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The request is at fault.
    #[error("{}", told(.0))]
    Refused(ProblemDocument),
    /// The service is at fault.
    #[error("{}", told(.0))]
    Failed(ProblemDocument),
    /// The gateway in front of the API asks who calls.
    #[error("{url} asks who calls ({status}): give a token of its user pool in NIGHTFERRY_TOKEN")]
    Unknown {
        /// The address.
        url: String,
        /// The HTTP status.
        status: StatusCode,
    },
    /// The answer is not what the API promises.
    #[error("{url} answered {status} with something that is not nightferry's: is it the right address?")]
    Foreign {
        /// The address.
        url: String,
        /// The HTTP status.
        status: StatusCode,
    },
}

/// A client of one API.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    patience: Duration,
}

impl Client {
    /// A client of the API at `base`.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            http: reqwest::Client::new(),
            patience: Duration::from_secs(60),
        }
    }

    /// The same that waits so long for an answer.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Submits a document.
    pub async fn submit(&self, request: &JobRequest) -> Result<JobDocument, ClientError> {
        self.call(Method::POST, "/v1/jobs", Some(request)).await
    }

    /// Estimates a document.
    pub async fn estimate(&self, request: &JobRequest) -> Result<Estimate, ClientError> {
        self.call(Method::POST, "/v1/estimates", Some(request)).await
    }

    /// A job.
    pub async fn job(&self, id: &str) -> Result<JobDocument, ClientError> {
        self.call(Method::GET, &format!("/v1/jobs/{id}"), None).await
    }

    /// The job that fills a topic.
    pub async fn topic(&self, topic: &TopicName) -> Result<JobDocument, ClientError> {
        self.call(Method::GET, &format!("/v1/topics/{topic}"), None).await
    }

    /// The newest jobs.
    pub async fn jobs(&self) -> Result<Vec<JobSummary>, ClientError> {
        self.call(Method::GET, "/v1/jobs", None).await
    }

    /// Cancels a job.
    pub async fn cancel(&self, id: &str) -> Result<JobDocument, ClientError> {
        self.call(Method::DELETE, &format!("/v1/jobs/{id}"), None).await
    }

    /// Runs failed nights again.
    pub async fn retry(&self, id: &str) -> Result<JobDocument, ClientError> {
        self.call(Method::POST, &format!("/v1/jobs/{id}/retry"), None).await
    }

    /// Submits the document of a job again.
    pub async fn rerun(&self, id: &str) -> Result<JobDocument, ClientError> {
        self.call(Method::POST, &format!("/v1/jobs/{id}/rerun"), None).await
    }

    /// The receipt of a job.
    pub async fn receipt(&self, id: &str) -> Result<Receipt, ClientError> {
        self.call(Method::GET, &format!("/v1/jobs/{id}/receipt"), None).await
    }

    /// The nights of the archive.
    pub async fn nights(&self, chosen: &[String]) -> Result<Vec<ArchiveNight>, ClientError> {
        self.call(Method::GET, &format!("/v1/nights{}", query("nights", chosen)), None).await
    }

    /// The classes of the archive.
    pub async fn classes(&self, chosen: &[String]) -> Result<Vec<ArchiveClass>, ClientError> {
        self.call(Method::GET, &format!("/v1/classes{}", query("nights", chosen)), None).await
    }

    /// The fields of a night, or of all nights.
    pub async fn schema(&self, night: Option<&String>) -> Result<ArchiveSchema, ClientError> {
        self.call(Method::GET, &format!("/v1/schema{}", query("night", night)), None).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&JobRequest>,
    ) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.base);
        let unreachable = |error: reqwest::Error| ClientError::Unreachable {
            url: url.clone(),
            reason: if error.is_connect() { "connection refused".into() } else { error.to_string() },
        };
        let request = self.http.request(method, &url).timeout(self.patience);
        let request = match std::env::var("NIGHTFERRY_USER") {
            Ok(user) => request.header("x-nightferry-user", user),
            Err(_) => request,
        };
        let request = match std::env::var("NIGHTFERRY_TOKEN") {
            Ok(token) => request.header(reqwest::header::AUTHORIZATION, token),
            Err(_) => request,
        };
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unreachable)?;
        let foreign = |_| ClientError::Foreign { url: url.clone(), status };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(foreign);
        }
        let problem: ProblemDocument = serde_json::from_slice(&bytes).map_err(|error| match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                ClientError::Unknown { url: url.clone(), status }
            }
            _ => foreign(error),
        })?;
        Err(if status.is_client_error() {
            ClientError::Refused(problem)
        } else {
            ClientError::Failed(problem)
        })
    }
}

/// The query of a URL; empty where there is nothing to ask.
fn query<'a>(name: &str, values: impl IntoIterator<Item = &'a String>) -> String {
    let values: Vec<&str> = values.into_iter().map(String::as_str).collect();
    if values.is_empty() {
        return String::new();
    }
    let encoded =
        url::form_urlencoded::Serializer::new(String::new()).append_pair(name, &values.join(",")).finish();
    format!("?{encoded}")
}

/// A problem as people read it: each complaint with the user's line and a mark under the place.
fn told(problem: &ProblemDocument) -> String {
    if problem.problems.is_empty() {
        return problem.detail.clone();
    }
    let mut text = problem.title.clone();
    for complaint in &problem.problems {
        let _ = write!(text, "\n  {}: {}", complaint.place, complaint.reason);
        if let Some(instead) = &complaint.instead {
            let _ = write!(text, "; instead: {instead}");
        }
        if let Some(meaning) = &complaint.meaning {
            let _ = write!(text, ", {meaning}");
        }
        for line in complaint.snippet.iter().flat_map(|snippet| snippet.lines()) {
            let _ = write!(text, "\n    {line}");
        }
    }
    text
}
