//! A few of the alerts that have arrived, so that a user sees at once whether they are what was wanted.
//!
//! Each task keeps some of its first messages, as they were sent, in `jobs/<id>/sample/<task>.json`; only those that the
//! broker has acknowledged. They are for looking at: no book depends on them.

use crate::{Ledger, Plan, TransferError, manifest::object_path_in, progress::Progress, service::now};
use futures::{StreamExt, TryStreamExt};
use job::{JobId, Night, TaskId};
use object_store::path::Path;
use packet::readable;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// Messages that a task keeps.
pub(crate) const OF_A_TASK: usize = 3;
/// Larger messages are not kept, so that an answer fits through a gateway.
pub(crate) const MAX_BYTES: usize = 256 * 1024;
/// Alerts of an answer.
const OF_A_JOB: usize = 12;
/// Their bytes as messages; as JSON they are about four times as many, and a gateway takes six million.
const ANSWER_BYTES: usize = 1024 * 1024;
/// A store that is slower must not keep a task waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// A few of the alerts that have arrived.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobSample {
    /// The alerts, by night; none while none has arrived.
    pub alerts: Vec<SampledAlert>,
}

/// An alert as it was sent.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SampledAlert {
    /// Its night.
    #[schema(value_type = String)]
    pub night: Night,
    /// The message as JSON: bytes in base64; as strings NaN, infinities and whole numbers beyond 2⁵³.
    #[schema(value_type = Object)]
    pub alert: Value,
}

/// What a task keeps.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    night: Night,
    /// Each message in base64.
    messages: Vec<String>,
}

/// The first messages of an attempt, until they have arrived.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    night: Option<Night>,
    messages: Vec<Sent>,
    written: usize,
}

#[derive(Debug)]
struct Sent {
    partition: usize,
    /// Messages of the task in that partition, once this one is there.
    sequence: u64,
    message: Vec<u8>,
}

impl Sampler {
    /// Of a task of this night.
    pub(crate) fn of(night: Night) -> Self {
        Self { night: Some(night), ..Self::default() }
    }

    /// Keeps a message that was handed over as the `sequence`th of its task in the partition.
    pub(crate) fn keep(&mut self, partition: usize, sequence: u64, message: &[u8]) {
        self.messages.push(Sent { partition, sequence, message: message.to_vec() });
    }

    /// What has arrived, if that is more than was written before.
    fn news(&self, acknowledged: &[u64]) -> Option<Kept> {
        let night = self.night?;
        let messages: Vec<String> = self
            .messages
            .iter()
            .filter(|sent| acknowledged.get(sent.partition).is_some_and(|count| *count >= sent.sequence))
            .map(|sent| packet::base64(&sent.message))
            .collect();
        (messages.len() > self.written).then_some(Kept { night, messages })
    }
}

impl Ledger {
    /// Writes what has arrived of a task's sample. What fails here fails nothing else.
    pub(crate) async fn keep_sample(&self, id: TaskId, progress: &Progress) {
        let Some(acknowledged) = progress.acknowledged() else { return };
        let Some(kept) = progress.with(|tidings| tidings.sample.news(&acknowledged.sequences)) else {
            return;
        };
        let path = object_path_in(id.job, "sample", &format!("{:06}.json", id.index));
        match tokio::time::timeout(PATIENCE, self.write_object(&path, &kept)).await {
            Ok(Ok(())) => progress.with(|tidings| tidings.sample.written = kept.messages.len()),
            Ok(Err(error)) => tracing::warn!(%error, "a sample of the alerts could not be kept"),
            Err(_) => tracing::warn!("a sample of the alerts took too long to write"),
        }
    }

    /// A few of the alerts that have arrived, from nights all over the job; none once they have expired.
    pub async fn sample(&self, id: JobId) -> Result<JobSample, TransferError> {
        let job = self.job(id).await?.value;
        if job.removed || self.is_expired(&job, now()) || !job.ready {
            return Ok(JobSample { alerts: Vec::new() });
        }
        let folder = object_path_in(id, "sample", "");
        let failed = |source| TransferError::Bucket { path: folder.to_string(), source };
        let listed = self.bucket.list(Some(&folder)).try_filter_map(|found| async move {
            // No task keeps more.
            let honest = found.size <= (2 * OF_A_TASK * MAX_BYTES) as u64;
            Ok(honest.then_some(found.location))
        });
        let mut paths: Vec<Path> = listed.try_collect().await.map_err(failed)?;
        paths.sort_unstable();
        let chosen: Vec<Path> = spread(&paths, OF_A_JOB).cloned().collect();
        let kept: Vec<Kept> = futures::stream::iter(chosen)
            .map(|path: Path| async move { self.read_kept(&path).await })
            .buffered(OF_A_JOB)
            .try_filter_map(|kept| async move { Ok(kept) })
            .try_collect()
            .await?;
        if kept.is_empty() {
            return Ok(JobSample { alerts: Vec::new() });
        }
        let plan: Plan = self.read_json(id, "plan.json").await?;
        let damaged = |path: String, reason: String| TransferError::Damaged { path, reason };
        let schema: Value = serde_json::from_str(&plan.avro_schema)
            .map_err(|error| damaged(format!("jobs/{id}/plan.json"), error.to_string()))?;
        let mut alerts: BTreeMap<(Night, usize), Value> = BTreeMap::new();
        let mut room = ANSWER_BYTES;
        // The first of each night, then the second: a job of many nights shows one of each.
        for round in 0..OF_A_TASK {
            for (task, kept) in kept.iter().enumerate() {
                let Some(message) = kept.messages.get(round) else { continue };
                let bytes = packet::from_base64(message);
                let read = bytes.and_then(|bytes| Ok((bytes.len(), readable(&schema, &bytes)?)));
                match read {
                    Ok((bytes, alert)) if bytes <= room && alerts.len() < OF_A_JOB => {
                        room -= bytes;
                        alerts.insert((kept.night, task * OF_A_TASK + round), alert);
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(job = %id, %error, "a sampled alert cannot be shown"),
                }
            }
        }
        let alerts = alerts.into_iter().map(|((night, _), alert)| SampledAlert { night, alert });
        Ok(JobSample { alerts: alerts.collect() })
    }
}

impl Ledger {
    /// What a task kept; none where it is damaged: the others are shown.
    async fn read_kept(&self, path: &Path) -> Result<Option<Kept>, TransferError> {
        match self.read_object(path).await {
            Err(error @ TransferError::Damaged { .. }) => {
                tracing::warn!(%error, "a sample cannot be shown");
                Ok(None)
            }
            read => read.map(Some),
        }
    }
}

/// At most so many of them, from first to last in even steps.
fn spread<T>(all: &[T], at_most: usize) -> impl Iterator<Item = &T> {
    let count = all.len().min(at_most);
    (0..count).filter_map(move |number| all.get(number * all.len() / count.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_arrived_is_kept_and_only_once() {
        let night: Night = "2026-03-22".parse().unwrap();
        let mut sampler = Sampler::of(night);
        let kept = |messages: &[&str]| {
            Some(Kept { night, messages: messages.iter().map(|text| String::from(*text)).collect() })
        };
        sampler.keep(0, 5, b"a");
        sampler.keep(1, 1, b"b");
        sampler.keep(0, 6, b"c");
        assert_eq!(sampler.news(&[4, 0]), None);
        assert_eq!(sampler.news(&[5, 0]), kept(&["YQ=="]));
        sampler.written = 1;
        assert_eq!(sampler.news(&[5, 0]), None);
        assert_eq!(sampler.news(&[9, 9]), kept(&["YQ==", "Yg==", "Yw=="]));
    }

    #[test]
    fn a_few_are_taken_from_all_over() {
        let all: Vec<u32> = (0..100).collect();
        assert_eq!(spread(&all, 4).copied().collect::<Vec<_>>(), [0, 25, 50, 75]);
        assert_eq!(spread(&all[..3], 12).copied().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread::<u32>(&[], 12).count(), 0);
    }
}
