//! Submit: everything that can be refused is refused here, with its place; then topics, manifest, job row, queue.

use crate::{JobDocument, Manifest, Service, TransferError, content_plan::ContentPlan, service::now};
use archive::{JobSchema, NightSchema, distinct, unify};
use broker::Existing;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use job::{Caller, ErrorKind, Job, JobId, JobRequest, Night, TopicName};
use store::{StoreError, Work};

/// Footers that are read at once.
const FOOTERS: usize = 16;

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
        let schema = self.first_look(&nights).await?;
        ContentPlan::over_nights(&request, &schema)?;

        let amount = self.within_limits(&request, &nights, id, &caller.user).await?;
        self.reserve(id, &caller.user, amount).await?;
        match self.make(id, request, caller, nights, empty_nights).await {
            Ok(()) => self.document(id).await,
            Err(error) => {
                if let Ok(None) = self.store.job(id).await {
                    self.release(id, &caller.user).await;
                }
                Err(error)
            }
        }
    }

    async fn make(
        &self,
        id: JobId,
        request: JobRequest,
        caller: &Caller,
        nights: Vec<Night>,
        empty_nights: Vec<Night>,
    ) -> Result<(), TransferError> {
        let (created, topic) = self.own_topic(&request, request.topic_partitions()).await?;
        let retention = TimeDelta::from_std(self.kafka.config().retention).unwrap_or(TimeDelta::MAX);
        let expires = created.checked_add_signed(retention).unwrap_or(created);
        let mut job = Job::new(id, request, caller, topic, created, expires);
        job.empty_nights = empty_nights;
        job.notes.extend(unknown_classes(&job.request)?);
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

    /// The chosen nights that the archive has, and those that it lacks.
    pub(crate) async fn chosen_nights(
        &self,
        request: &JobRequest,
    ) -> Result<(Vec<Night>, Vec<Night>), TransferError> {
        let known = self.archive.nights().await?;
        let (found, lacking): (Vec<Night>, Vec<Night>) =
            request.nights.iter().partition(|night| known.binary_search(night).is_ok());
        if found.is_empty() {
            let hint = match (known.first(), known.last()) {
                (Some(first), Some(last)) => format!("it has {} nights from {first} to {last}", known.len()),
                _ => "it has no nights at all".to_owned(),
            };
            return Err(TransferError::NoNights { hint });
        }
        Ok((found, lacking))
    }

    /// The schema by one sound file a night: enough to check a request. Fan-out looks at every file.
    pub(crate) async fn first_look(&self, nights: &[Night]) -> Result<JobSchema, TransferError> {
        let schemas: Vec<Option<NightSchema>> = futures::stream::iter(nights.iter().copied())
            .map(|night| self.clone().first_schema(night))
            .buffered(FOOTERS)
            .try_collect()
            .await?;
        Ok(unify(&distinct(schemas.into_iter().flatten())))
    }

    async fn first_schema(self, night: Night) -> Result<Option<NightSchema>, TransferError> {
        for file in self.archive.files(night).await? {
            match self.archive.open_file(&file).await {
                Ok(opened) => return Ok(Some(NightSchema { night, schema: opened.schema().clone() })),
                Err(error) if error.kind().is_worth_retrying() => return Err(error.into()),
                // A damaged or vanished file is a matter of its night, told when the night is run.
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// A note for each class that is none of Fink's own.
fn unknown_classes(request: &JobRequest) -> Result<Vec<String>, TransferError> {
    let unknown = query::ClassSelection::parse(&request.classes)?.unknown_classes();
    let note = |(class, nearest): (String, Option<String>)| {
        let told = format!("`{class}` is none of Fink's own classes and is looked for among SIMBAD's labels");
        match nearest {
            Some(nearest) => format!("{told}; or did you mean `{nearest}`?"),
            None => told,
        }
    };
    Ok(unknown.into_iter().map(note).collect())
}
