//! Errors as RFC 9457 documents.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use job::ErrorKind;
use serde::{Deserialize, Serialize};
use transfer::{Estimate, Problem, TransferError};

/// What went wrong, for people and programs.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemDocument {
    /// The kind of problem, such as `urn:nightferry:invalid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here.
    pub detail: String,
    /// The single complaints about a request, each with its place and what to write instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// What the request would come to, where it is over a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Box<Estimate>>,
}

impl ProblemDocument {
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let (status, name, title) = match kind {
            ErrorKind::Invalid => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request cannot be taken")
            }
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            ErrorKind::Conflict => (StatusCode::CONFLICT, "conflict", "Not in this state"),
            ErrorKind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "throttled", "Too much at once"),
            ErrorKind::Transient => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Something does not answer")
            }
            ErrorKind::Permanent => (StatusCode::BAD_GATEWAY, "unusable", "Something cannot be used"),
            ErrorKind::Bug => (StatusCode::INTERNAL_SERVER_ERROR, "fault", "Our own fault"),
        };
        Self {
            kind: format!("urn:nightferry:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            problems: Vec::new(),
            estimate: None,
        }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }
}

impl From<TransferError> for ProblemDocument {
    fn from(error: TransferError) -> Self {
        let kind = error.kind();
        if matches!(kind, ErrorKind::Bug | ErrorKind::Permanent | ErrorKind::Transient) {
            tracing::warn!(%error, ?kind, "request failed");
        }
        let problem = Self { problems: error.problems(), ..Self::new(kind, error.to_string()) };
        match error {
            TransferError::OverLimit(over) => Self { estimate: over.estimate.map(Box::new), ..problem },
            _ => problem,
        }
    }
}

impl IntoResponse for ProblemDocument {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
        response
    }
}
