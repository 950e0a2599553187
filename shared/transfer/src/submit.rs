//! Submit: everything that can be refused is refused here, with its place; then topics, manifest, job row, queue.

use crate::{JobDocument, Manifest, Service, TransferError, content_plan::ContentPlan, service::now};
use archive::{JobSchema, NightSchema, distinct, unify};
use broker::Existing;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use job::{ErrorKind, Job, JobId, JobRequest, Night, TopicName};
use store::Work;

/// Footers that are read at once.
const FOOTERS: usize = 16;

impl Service {
    /// Accepts a job, or refuses it with the reason. When this returns, both topics exist.
    pub async fn submit(&self, request: JobRequest, user: &str) -> Result<JobDocument, TransferError> {
        request.check()?;
        let (nights, empty_nights) = self.chosen_nights(&request).await?;
        let schema = self.first_look(&nights).await?;
        ContentPlan::over_nights(&request, &schema)?;

        let amount = self.within_limits(&request, nights.len(), user).await?;
        let id = JobId::random();
        self.reserve(id, user, amount).await?;
        let made = self.make(id, request, user, nights, empty_nights).await;
        if made.is_err() {
            self.release(id, user).await;
        }
        made
    }

    async fn make(
        &self,
        id: JobId,
        request: JobRequest,
        user: &str,
        nights: Vec<Night>,
        empty_nights: Vec<Night>,
    ) -> Result<JobDocument, TransferError> {
        let partitions = request.topic_partitions();
        let (created, topic) = self.own_topic(&request, partitions).await?;
        let retention = TimeDelta::from_std(self.kafka.config().retention).unwrap_or(TimeDelta::MAX);
        let expires = created.checked_add_signed(retention).unwrap_or(created);
        let mut job = Job::new(id, request.clone(), user, topic.clone(), created, expires);
        job.empty_nights = empty_nights;
        let unknown = query::ClassSelection::parse(&request.classes)?.unknown_classes();
        job.notes.extend(unknown.into_iter().map(|(class, nearest)| match nearest {
            Some(nearest) => format!(
                "`{class}` is none of Fink's own classes and is looked for among SIMBAD's labels; or did you mean `{nearest}`?"
            ),
            None => format!("`{class}` is none of Fink's own classes and is looked for among SIMBAD's labels"),
        }));
        if !job.empty_nights.is_empty() {
            job.notes.push(format!("{} of the chosen nights are not in the archive", job.empty_nights.len()));
        }
        job.note(created, "submitted");
        self.write_json(id, "manifest.json", &Manifest { id, request, topic, partitions, nights }).await?;
        self.store.insert_job(&job).await?;
        self.queue.send(&[Work::FanOut(id)]).await?;
        tracing::info!(job = %id, "submitted");
        self.document(id).await
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
