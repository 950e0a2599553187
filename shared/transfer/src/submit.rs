//! Submit: everything that can be refused is refused here, with its place; then topics, manifest, job row, queue.

use crate::{
    ChosenNights, Estimate, Forecast, Foresight, JobDocument, Ledger, Manifest, Topics, TransferError,
    service::now,
};
use chrono::{DateTime, TimeDelta, Utc};
use job::{Caller, ErrorKind, Job, JobId, JobRequest, Night, TopicName};
use std::{ops::Deref, sync::Arc, time::Duration};
use store::{StoreError, Work};

/// Takes requests: everything that makes a job, for which somebody is needed who makes topics and somebody who looks
/// ahead. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    ledger: Ledger,
    topics: Arc<dyn Topics>,
    foresight: Arc<dyn Foresight>,
    about: Arc<Surroundings>,
}

/// What an intake tells of, and does not reach itself.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The archive's location.
    pub archive: String,
    /// The cluster, as the service reaches it: `host:port,host:port`.
    pub bootstrap: String,
    /// How long alerts stay in a topic.
    pub retention: Duration,
}

impl Deref for Intake {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        &self.ledger
    }
}

impl Intake {
    /// An intake.
    pub fn new(
        ledger: Ledger,
        topics: Arc<dyn Topics>,
        foresight: Arc<dyn Foresight>,
        about: Surroundings,
    ) -> Self {
        Self { ledger, topics, foresight, about: Arc::new(about) }
    }

    /// Where clients poll.
    pub fn bootstrap(&self) -> &str {
        self.settings.readers.as_deref().unwrap_or(&self.about.bootstrap)
    }

    /// Where the archive is.
    pub fn archive(&self) -> &str {
        &self.about.archive
    }

    /// How long alerts stay in a topic.
    pub fn retention(&self) -> Duration {
        self.about.retention
    }

    /// Whether the cluster answers.
    pub async fn ping(&self) -> Result<(), TransferError> {
        self.topics.ping().await
    }

    /// Accepts a job, or refuses it with the reason. When this returns, both topics exist.
    pub async fn submit(&self, request: JobRequest, caller: &Caller) -> Result<JobDocument, TransferError> {
        self.submit_as(JobId::random(), request, caller).await
    }

    /// The same for a job of a given name: submitted again, it is the same job. A submit that was broken off goes on.
    pub async fn submit_as(
        &self,
        id: JobId,
        request: JobRequest,
        caller: &Caller,
    ) -> Result<JobDocument, TransferError> {
        if let Some(job) = self.store.job(id).await? {
            self.announce_again(&job.value).await?;
            return self.document(id).await;
        }
        let request = request.on(now().date_naive())?;
        request.check()?;
        let Forecast { nights, mut notes, estimate } =
            self.foresight.forecast(&request, self.need(&request)).await?;
        let amount = self.within_limits(nights.found.len(), estimate.as_ref(), id, &caller.user).await?;
        self.reserve(id, &caller.user, amount).await?;
        notes.extend(estimate.as_ref().and_then(warning));
        match self.make(id, request, caller, nights, notes).await {
            Ok(()) => self.document(id).await,
            Err(error) => {
                if let Ok(None) = self.store.job(id).await {
                    self.release(id, &caller.user).await;
                }
                Err(error)
            }
        }
    }

    /// Submits the document of a job again: a new job with a new topic.
    pub async fn rerun(&self, id: JobId, caller: &Caller) -> Result<JobDocument, TransferError> {
        let job = self.job(id).await?.value;
        self.submit(job.request, caller).await
    }

    async fn make(
        &self,
        id: JobId,
        request: JobRequest,
        caller: &Caller,
        nights: ChosenNights,
        notes: Vec<String>,
    ) -> Result<(), TransferError> {
        let (created, topic) = self.own_topic(&request, request.topic_partitions()).await?;
        let retention = TimeDelta::from_std(self.retention()).unwrap_or(TimeDelta::MAX);
        let expires = created.checked_add_signed(retention).unwrap_or(created);
        let mut job = Job::new(id, request, caller, topic, created, expires);
        job.empty_nights = nights.lacking;
        job.notes.extend(notes);
        if !job.empty_nights.is_empty() {
            job.notes.push(format!("{} of the chosen nights are not in the archive", job.empty_nights.len()));
        }
        job.note(created, "submitted");
        let kept = self.store.insert_job(&job).await;
        if kept.is_err()
            && let Err(error) = self.topics.delete(&job.topic).await
        {
            tracing::warn!(job = %id, topic = %job.topic, %error, "topics without a job stay");
        }
        match kept {
            // A twin was faster: the job is theirs.
            Err(StoreError::Exists(_)) => return Ok(()),
            other => other?,
        };
        tracing::info!(job = %id, trace = %job.trace, user = job.user, "submitted");
        // After the row: whoever is woken by the manifest finds the job.
        self.announce(&job, nights.found).await
    }

    async fn announce(&self, job: &Job, nights: Vec<Night>) -> Result<(), TransferError> {
        let manifest = Manifest {
            id: job.id,
            request: job.request.clone(),
            topic: job.topic.clone(),
            partitions: job.request.topic_partitions(),
            nights,
        };
        self.write_json(job.id, "manifest.json", &manifest).await?;
        Ok(self.queue.send(&[Work::FanOut(job.id)]).await?)
    }

    /// Writes the manifest of a job that is not fanned out yet, where it is not there or not its own; tells whether it
    /// had to.
    pub(crate) async fn announce_again(&self, job: &Job) -> Result<bool, TransferError> {
        if job.ready || job.state.is_final() {
            return Ok(false);
        }
        match self.read_json::<Manifest>(job.id, "manifest.json").await {
            Ok(manifest) if manifest.check(job).is_ok() => return Ok(false),
            Err(error @ TransferError::Bucket { .. }) if error.kind().is_worth_retrying() => {
                return Err(error);
            }
            _ => {}
        }
        let nights = self.foresight.nights(&job.request).await?;
        self.announce(job, nights.found).await?;
        Ok(true)
    }

    /// Makes both topics under a name that nobody else has: two submits may come in the same microsecond.
    async fn own_topic(
        &self,
        request: &JobRequest,
        partitions: i32,
    ) -> Result<(DateTime<Utc>, TopicName), TransferError> {
        let mut moment = now();
        loop {
            let topic = TopicName::new(request.survey, moment);
            match self.topics.create(&topic, partitions).await {
                Ok(()) => return Ok((moment, topic)),
                Err(error)
                    if error.kind() == ErrorKind::Conflict && now() - moment < TimeDelta::seconds(30) =>
                {
                    moment += TimeDelta::microseconds(1);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a user should know before an empty topic surprises them.
fn warning(estimate: &Estimate) -> Option<String> {
    let all = estimate.alerts_in_nights;
    match estimate {
        Estimate { alerts: 1.., .. } => None,
        Estimate { exact: true, .. } => {
            Some(format!("none of the {all} alerts of these nights passes: the topic will stay empty"))
        }
        Estimate { alerts_tried, alerts_high, .. } => Some(format!(
            "none of {alerts_tried} alerts that were tried passes: of the {all} in these nights at most \
             {alerts_high} do (with 95 % confidence), and the topic may stay empty"
        )),
    }
}
