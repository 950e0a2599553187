//! A manifest that somebody put into the bucket, by hand or by another system: a job like any other.
//!
//! `jobs/<name>/manifest.json` (or `.yaml`) holds a request as `POST /v1/jobs` takes it, or the manifest of an earlier
//! job, of which only the request counts. Where the name is a job id, that becomes the job's; otherwise the id follows
//! from name and version of the object, so that every drop is one job, however often it is told of. What became of it
//! is written beside it, as `jobs/<name>/answer.json`.

use crate::{Problem, Service, TransferError};
use job::{Caller, ErrorKind, JobId, JobRequest, RequestError};
use object_store::{ObjectStoreExt, path::Path};
use serde::Serialize;
use serde_json::Value;

/// The manifest of 40,000 nights is smaller.
const MAX_BYTES: u64 = 1024 * 1024;

/// What became of a manifest that was put into the bucket.
#[derive(Clone, Debug, Serialize)]
pub struct DropAnswer {
    /// The job that was made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Why none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The single complaints, each with its place and what to write instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

impl Service {
    /// Goes on from a manifest that has appeared at `path`: fans out the job that it belongs to, or makes one of it.
    /// `version` tells one object at that path from another. Safe when it runs twice, late, or at once with its twin.
    ///
    /// # Errors
    /// Passing faults only. A manifest that cannot be taken is answered beside it.
    pub async fn manifest_created(
        &self,
        path: &str,
        version: &str,
        caller: &Caller,
    ) -> Result<(), TransferError> {
        let Some(name) = name_in(path) else {
            tracing::warn!(path, "no manifest is looked for there");
            return Ok(());
        };
        let named: Option<JobId> = name.parse().ok();
        if let Some(id) = named
            && let Some(job) = self.store.job(id).await?
        {
            return match self.intake().announce_again(&job.value).await {
                // One that had to be written again calls again.
                Ok(true) => Ok(()),
                Ok(false) => self.fan_out(id).await,
                Err(error) if is_passing(&error) => Err(error),
                Err(error) => self.fail_job(id, &error).await,
            };
        }
        let id = named.unwrap_or_else(|| JobId::derived(&format!("{path}\n{version}")));
        let taken = match self.dropped_request(path).await {
            Ok(request) => self.intake().submit_as(id, request, caller).await.map(drop),
            Err(error) => Err(error),
        };
        let answer = match taken {
            Ok(()) => DropAnswer { job: Some(id), error: None, problems: Vec::new() },
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(path, %error, "the manifest cannot be taken");
                DropAnswer { job: None, error: Some(error.to_string()), problems: error.problems() }
            }
        };
        let beside = format!("jobs/{name}/answer.json");
        let beside = Path::parse(&beside).unwrap_or_else(|_| Path::from_iter(["jobs", name, "answer.json"]));
        self.write_object(&beside, &answer).await
    }

    async fn dropped_request(&self, path: &str) -> Result<JobRequest, TransferError> {
        let failed = |source| TransferError::Bucket { path: path.to_owned(), source };
        let place = Path::parse(path).map_err(|error| RequestError::new("document", error.to_string()))?;
        let found = self.bucket.get(&place).await.map_err(failed)?;
        if found.meta.size > MAX_BYTES {
            let reason = format!("{} bytes, more than {MAX_BYTES}", found.meta.size);
            return Err(RequestError::new("document", reason).into());
        }
        let bytes = found.bytes().await.map_err(failed)?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| RequestError::new("document", "it is not UTF-8 text"))?;
        Ok(request_in(text)?)
    }
}

/// A request, or the request in a manifest.
fn request_in(text: &str) -> Result<JobRequest, RequestError> {
    let manifest: Option<Value> = serde_json::from_str(text).ok();
    match manifest.as_ref().and_then(|manifest| manifest.get("request")) {
        Some(request) => JobRequest::parse(&request.to_string()),
        None => JobRequest::parse(text),
    }
}

/// A user's full day is told, not waited out.
fn is_passing(error: &TransferError) -> bool {
    error.kind().is_worth_retrying() && !matches!(error, TransferError::OverLimit(_))
        || error.kind() == ErrorKind::Bug
}

/// The name in `jobs/<name>/manifest.json`.
fn name_in(path: &str) -> Option<&str> {
    let (name, file) = path.strip_prefix("jobs/")?.split_once('/')?;
    let is_manifest = matches!(file, "manifest.json" | "manifest.yaml");
    (is_manifest && !name.is_empty() && name.len() <= 200).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_has_its_place() {
        assert_eq!(name_in("jobs/nightly/manifest.json"), Some("nightly"));
        assert_eq!(name_in("jobs/nightly/manifest.yaml"), Some("nightly"));
        for other in
            ["jobs//manifest.json", "jobs/a/b/manifest.json", "jobs/a/plan.json", "manifest.json", ""]
        {
            assert_eq!(name_in(other), None, "{other}");
        }
    }

    #[test]
    fn of_an_earlier_manifest_only_the_request_counts() {
        let plain = request_in("nights: [2026-03-22]\nlimit: 5").unwrap();
        let manifest = r#"{"id": "x", "topic": "ftransfer_of_someone_else", "request": {"nights": ["2026-03-22"], "limit": 5}}"#;
        assert_eq!(request_in(manifest).unwrap(), plain);
        assert!(request_in(r#"{"request": {"nights": []}}"#).is_err());
        assert!(request_in(&"[".repeat(100_000)).is_err());
    }
}
