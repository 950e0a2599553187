//! The API, from outside: the same calls whether it runs here or on AWS.

use crate::{
    args::{Api, Sign},
    sign::{SignError, Signer},
};
use api::ProblemDocument;
use job::{JobRequest, TopicName};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::{fmt::Write, sync::Arc, time::Duration};
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
    /// The gateway in front of the API does not let this caller in.
    #[error("{url} {}", not_let_in(*.as_whom, *.status, .reason))]
    Unknown {
        /// The address.
        url: String,
        /// The HTTP status.
        status: StatusCode,
        /// As whom it was asked.
        as_whom: Whom,
        /// The gateway's own words, if it has any.
        reason: String,
    },
    /// A request cannot be signed.
    #[error("the request to {url} cannot be signed: {source}")]
    Unsigned {
        /// The address.
        url: String,
        /// Why not.
        source: SignError,
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

/// As whom the API is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Nobody in particular.
    Anyone,
    /// The bearer of a token.
    Bearer,
    /// Who holds AWS credentials.
    Signer,
}

/// What API Gateway says of a request that it does not let through.
#[derive(Default, Deserialize)]
struct GatewayAnswer {
    #[serde(default, alias = "Message")]
    message: String,
}

/// A client of one API.
#[derive(Clone)]
pub struct Client {
    base: String,
    signer: Option<Arc<Signer>>,
    http: reqwest::Client,
    patience: Duration,
}

impl Client {
    /// A client of the API that the arguments name, signing as they say.
    pub fn new(api: &Api) -> Self {
        let signer = (api.sign == Sign::Iam).then(Arc::default);
        Self { signer, ..Self::at(&api.api) }
    }

    /// A client of the API at `base`, without a signature.
    pub fn at(base: &str) -> Self {
        Self {
            signer: None,
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
        let token = std::env::var("NIGHTFERRY_TOKEN").ok().filter(|token| !token.is_empty());
        // A signature takes the token's place: both are told in the same header.
        let (request, as_whom) = match (&self.signer, token) {
            (Some(_), _) => (request, Whom::Signer),
            (None, Some(token)) => (request.header(reqwest::header::AUTHORIZATION, token), Whom::Bearer),
            (None, None) => (request, Whom::Anyone),
        };
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let mut request = request.build().map_err(unreachable)?;
        if let Some(signer) = &self.signer {
            let unsigned = |source| ClientError::Unsigned { url: url.clone(), source };
            signer.sign(&mut request).await.map_err(unsigned)?;
        }
        let response = self.http.execute(request).await.map_err(unreachable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unreachable)?;
        let foreign = |_| ClientError::Foreign { url: url.clone(), status };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(foreign);
        }
        let problem: ProblemDocument = serde_json::from_slice(&bytes).map_err(|error| match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let reason = serde_json::from_slice::<GatewayAnswer>(&bytes).unwrap_or_default().message;
                ClientError::Unknown { url: url.clone(), status, as_whom, reason }
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
    // A signature knows spaces by this name alone.
    format!("?{}", encoded.replace('+', "%20"))
}

/// What the gateway says to a caller whom it does not let in, and what helps.
fn not_let_in(whom: Whom, status: StatusCode, reason: &str) -> String {
    let says = if reason.is_empty() { status.to_string() } else { format!("{status}: {reason}") };
    match whom {
        Whom::Anyone => format!(
            "asks who calls ({says}): sign with AWS credentials by --sign (or NIGHTFERRY_SIGN=iam), or give a token of its \
             user pool in NIGHTFERRY_TOKEN, whichever it takes"
        ),
        Whom::Bearer => format!(
            "does not take the token in NIGHTFERRY_TOKEN ({says}): get a new one of its user pool, or, if it takes \
             signatures by AWS credentials, --sign"
        ),
        Whom::Signer => format!(
            "does not let these AWS credentials in ({says}): they need the right to execute-api:Invoke on this API, and its \
             region; if it takes tokens of a user pool, give one in NIGHTFERRY_TOKEN, without --sign"
        ),
    }
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
