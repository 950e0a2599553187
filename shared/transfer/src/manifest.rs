//! What the bucket keeps of a job: `jobs/<id>/manifest.json` (as submitted), `plan.json` and `tasks.json` (as fanned
//! out), `receipt.json`, and a few of its messages
//! ([`crate::JobSample`]).

use crate::{Ledger, TransferError};
use job::{Job, JobId, JobRequest, Night, TopicName};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload, path::Path};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeSet;

/// No honest manifest, plan, list of tasks or receipt is larger.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A job as it was submitted. Whoever drops one into the bucket is trusted no more than one who posts it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The job.
    pub id: JobId,
    /// What was asked for.
    pub request: JobRequest,
    /// The data topic.
    pub topic: TopicName,
    /// Its partitions.
    pub partitions: i32,
    /// The chosen nights that the archive has.
    pub nights: Vec<Night>,
}

/// What fan-out fixed for all tasks of a job: one job, one schema.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The columns that the job reads, in their common types ([`archive::describe`]).
    pub columns: Value,
    /// The schema of the topic, as published.
    pub avro_schema: String,
    /// A short mark of it.
    pub fingerprint: String,
    /// A short mark of the TNS table: with another, a resumed task would choose other alerts.
    pub tns: String,
}

impl Manifest {
    /// Checks that this is what `job` was submitted as: a manifest from the bucket is trusted no more than a request
    /// from the network.
    ///
    /// # Errors
    /// [`TransferError::Request`] or [`TransferError::Damaged`] when it is not.
    pub fn check(&self, job: &Job) -> Result<(), TransferError> {
        self.request.check()?;
        let chosen: BTreeSet<Night> = job.request.nights.iter().collect();
        let same = self.id == job.id && self.topic == job.topic && self.request == job.request;
        let reason = if !same || self.partitions != job.request.topic_partitions() {
            "it is not the manifest of this job"
        } else if !self.nights.is_sorted_by(|a, b| a < b)
            || self.nights.iter().any(|night| !chosen.contains(night))
        {
            "its nights are not some of those that the job asks for, each once and in order"
        } else {
            return Ok(());
        };
        let path = format!("jobs/{}/manifest.json", job.id);
        Err(TransferError::Damaged { path, reason: reason.into() })
    }
}

impl Ledger {
    pub(crate) async fn write_json<T: Serialize + Sync>(
        &self,
        job: JobId,
        name: &str,
        value: &T,
    ) -> Result<(), TransferError> {
        self.write_object(&object_path(job, name), value).await
    }

    pub(crate) async fn write_object<T: Serialize + Sync>(
        &self,
        path: &Path,
        value: &T,
    ) -> Result<(), TransferError> {
        let text = serde_json::to_vec_pretty(value)
            .map_err(|error| TransferError::Damaged { path: path.to_string(), reason: error.to_string() })?;
        let put = self.bucket.put(path, PutPayload::from(text)).await;
        put.map(drop).map_err(|source| TransferError::Bucket { path: path.to_string(), source })
    }

    /// Writes an object unless there is one already; that one counts then.
    pub(crate) async fn write_json_once<T: Serialize + DeserializeOwned + Sync>(
        &self,
        job: JobId,
        name: &str,
        value: T,
    ) -> Result<T, TransferError> {
        let path = object_path(job, name);
        let text = serde_json::to_vec_pretty(&value)
            .map_err(|error| TransferError::Damaged { path: path.to_string(), reason: error.to_string() })?;
        match self.bucket.put_opts(&path, PutPayload::from(text), PutMode::Create.into()).await {
            Ok(_) => Ok(value),
            Err(object_store::Error::AlreadyExists { .. }) => match self.read_json(job, name).await {
                // S3 also answers so while another is still writing it.
                Err(TransferError::Bucket { source: object_store::Error::NotFound { .. }, path }) => {
                    Err(TransferError::NotNow(format!("{path} is being written")))
                }
                other => other,
            },
            Err(source) => Err(TransferError::Bucket { path: path.to_string(), source }),
        }
    }

    pub(crate) async fn read_json<T: DeserializeOwned>(
        &self,
        job: JobId,
        name: &str,
    ) -> Result<T, TransferError> {
        self.read_object(&object_path(job, name)).await
    }

    pub(crate) async fn read_object<T: DeserializeOwned>(&self, path: &Path) -> Result<T, TransferError> {
        let failed = |source| TransferError::Bucket { path: path.to_string(), source };
        let damaged = |reason: String| TransferError::Damaged { path: path.to_string(), reason };
        let found = self.bucket.get(path).await.map_err(failed)?;
        if found.meta.size > MAX_BYTES {
            return Err(damaged(format!("it has {} bytes", found.meta.size)));
        }
        let bytes = found.bytes().await.map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))
    }
}

/// An object in a folder of the job's.
pub(crate) fn object_path_in(job: JobId, folder: &str, name: &str) -> Path {
    Path::from_iter(["jobs", &job.to_string(), folder, name].into_iter().filter(|part| !part.is_empty()))
}

fn object_path(job: JobId, name: &str) -> Path {
    Path::from_iter(["jobs", &job.to_string(), name])
}
