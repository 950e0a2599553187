//! Submit: everything that can be refused is refused here, with its place; then topics, manifest, job row, queue.

use crate::{
    Estimate, JobDocument, Manifest, Service, TransferError, content_plan::ContentPlan, estimate::Known,
    service::now,
};
use broker::Existing;
use chrono::{DateTime, TimeDelta, Utc};
use job::{Caller, ErrorKind, Job, JobId, JobRequest, Night, TopicName};
use std::{collections::BTreeSet, sync::Arc};
use store::{StoreError, Work};

impl Service {
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
        let (nights, empty_nights) = self.chosen_nights(&request).await?;
        let mut known = self.known(self.catalogue().await, &nights).await?;
        let plan = match ContentPlan::over_nights(&request, &known.schema) {
            // A night may have been replaced by one of other columns that is not indexed yet.
            Err(TransferError::Query(_) | TransferError::Packet(_)) if !known.indexed.is_empty() => {
                known = self.known(Arc::default(), &nights).await?;
                ContentPlan::over_nights(&request, &known.schema)?
            }
            plan => plan?,
        };

        let (amount, estimate) = self.within_limits(&request, &known, id, &caller.user).await?;
        let estimate = match estimate {
            None if known.others.is_empty() => self.foretold(&request, &known).await,
            estimate => estimate,
        };
        self.reserve(id, &caller.user, amount).await?;
        let mut notes = unknown_classes(&plan, &known);
        notes.extend(estimate.as_ref().and_then(warning));
        match self.make(id, request, caller, nights, empty_nights, notes).await {
            Ok(()) => self.document(id).await,
            Err(error) => {
                if let Ok(None) = self.store.job(id).await {
                    self.release(id, &caller.user).await;
                }
                Err(error)
            }
        }
    }

    /// What would come of it, where that is quickly known. A submit does not fail of it.
    async fn foretold(&self, request: &JobRequest, known: &Known) -> Option<Estimate> {
        let estimate = self.estimate_known(request, known, Vec::new()).await;
        estimate.inspect_err(|error| tracing::warn!(%error, "submitted without an estimate")).ok()
    }

    async fn make(
        &self,
        id: JobId,
        request: JobRequest,
        caller: &Caller,
        nights: Vec<Night>,
        empty_nights: Vec<Night>,
        notes: Vec<String>,
    ) -> Result<(), TransferError> {
        let (created, topic) = self.own_topic(&request, request.topic_partitions()).await?;
        let retention = TimeDelta::from_std(self.kafka.config().retention).unwrap_or(TimeDelta::MAX);
        let expires = created.checked_add_signed(retention).unwrap_or(created);
        let mut job = Job::new(id, request, caller, topic, created, expires);
        job.empty_nights = empty_nights;
        job.notes.extend(notes);
        if !job.empty_nights.is_empty() {
            job.notes.push(format!("{} of the chosen nights are not in the archive", job.empty_nights.len()));
        }
        job.note(created, "submitted");
        let kept = self.store.insert_job(&job).await;
        if kept.is_err()
            && let Err(error) = self.kafka.delete_topics(&job.topic).await
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
        self.announce(&job, nights).await
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
        let (nights, _) = self.chosen_nights(&job.request).await?;
        self.announce(job, nights).await?;
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
            match self.kafka.create_topics(&topic, partitions, Existing::Refuse).await {
                Ok(()) => return Ok((moment, topic)),
                Err(error)
                    if error.kind() == ErrorKind::Conflict && now() - moment < TimeDelta::seconds(30) =>
                {
                    moment += TimeDelta::microseconds(1);
                }
                Err(error) => return Err(error.into()),
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
