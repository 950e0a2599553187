//! One function a path.

use crate::{Asking, ProblemDocument};
use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, PathRejection, QueryRejection},
    },
    http::{HeaderName, StatusCode, header},
    response::IntoResponse,
};
use job::{ErrorKind, JobId, JobRequest, Night, NightSelection};
use serde::{Deserialize, Serialize};
use transfer::{
    ArchiveClass, ArchiveNight, ArchiveSchema, Estimate, Intake, JobDocument, JobSample, JobSummary, Ledger,
    Receipt, Scout, TransferError,
};

type Created = (StatusCode, [(HeaderName, String); 1], Json<JobDocument>);
type Answer<T> = Result<Json<T>, ProblemDocument>;

/// Submits a job. The document may be JSON or YAML; one that the API returned can be submitted again.
#[utoipa::path(post, path = "/v1/jobs", request_body = JobRequest,
    responses((status = 201, body = JobDocument), (status = 422, body = ProblemDocument), (status = 404, body = ProblemDocument), (status = 429, body = ProblemDocument)))]
pub(crate) async fn submit(
    State(intake): State<Intake>,
    Asking(caller): Asking,
    body: Result<Bytes, BytesRejection>,
) -> Result<Created, ProblemDocument> {
    let request = request_in(body)?;
    Ok(created(intake.submit(request, &caller).await?))
}

fn created(document: JobDocument) -> Created {
    let location = (header::LOCATION, format!("/v1/jobs/{}", document.id));
    (StatusCode::CREATED, [location], Json(document))
}

/// Estimates a job: alerts with their interval and bytes, conditions included. Nothing is made.
#[utoipa::path(post, path = "/v1/estimates", request_body = JobRequest,
    responses((status = 200, body = Estimate), (status = 422, body = ProblemDocument), (status = 404, body = ProblemDocument)))]
pub(crate) async fn estimate(
    State(scout): State<Scout>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Estimate> {
    Ok(Json(scout.estimate(&request_in(body)?).await?))
}

fn request_in(body: Result<Bytes, BytesRejection>) -> Result<JobRequest, ProblemDocument> {
    let body = body.map_err(|rejection| {
        ProblemDocument::new(ErrorKind::Invalid, rejection.body_text()).with_status(rejection.status())
    })?;
    let text = std::str::from_utf8(&body)
        .map_err(|_| ProblemDocument::new(ErrorKind::Invalid, "the document is not UTF-8 text"))?;
    Ok(JobRequest::parse(text).map_err(TransferError::from)?)
}

/// How many jobs to list.
#[derive(Deserialize, utoipa::IntoParams)]
pub(crate) struct Page {
    /// At most this many, 100 unless said otherwise.
    limit: Option<usize>,
    /// Only those of who asks.
    #[serde(default)]
    mine: bool,
}

/// The newest jobs, newest first.
#[utoipa::path(get, path = "/v1/jobs", params(Page), responses((status = 200, body = Vec<JobSummary>)))]
pub(crate) async fn list(
    State(ledger): State<Ledger>,
    Asking(caller): Asking,
    page: Result<Query<Page>, QueryRejection>,
) -> Answer<Vec<JobSummary>> {
    let page = queried(page)?;
    let of = page.mine.then_some(caller.user.as_str());
    Ok(Json(ledger.list(page.limit.unwrap_or(100).min(1000), of).await?))
}

/// A job: the document as submitted, with its status.
#[utoipa::path(get, path = "/v1/jobs/{id}", params(("id" = String, Path)),
    responses((status = 200, body = JobDocument), (status = 404, body = ProblemDocument)))]
pub(crate) async fn status(State(ledger): State<Ledger>, id: InPath) -> Answer<JobDocument> {
    Ok(Json(ledger.document(job_id(id)?).await?))
}

/// The job that fills a topic.
#[utoipa::path(get, path = "/v1/topics/{topic}", params(("topic" = String, Path)),
    responses((status = 200, body = JobDocument), (status = 404, body = ProblemDocument)))]
pub(crate) async fn topic(State(ledger): State<Ledger>, topic: InPath) -> Answer<JobDocument> {
    let Path(topic) =
        topic.map_err(|rejection| ProblemDocument::new(ErrorKind::NotFound, rejection.body_text()))?;
    Ok(Json(ledger.document_of_topic(&topic).await?))
}

/// Cancels a job; its topic stays readable up to there.
#[utoipa::path(delete, path = "/v1/jobs/{id}", params(("id" = String, Path)),
    responses((status = 200, body = JobDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn cancel(State(ledger): State<Ledger>, id: InPath) -> Answer<JobDocument> {
    Ok(Json(ledger.cancel(job_id(id)?).await?))
}

/// Runs the failed nights of a job again, into the same topic.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", params(("id" = String, Path)),
    responses((status = 200, body = JobDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn retry(State(ledger): State<Ledger>, id: InPath) -> Answer<JobDocument> {
    Ok(Json(ledger.retry(job_id(id)?).await?))
}

/// Submits the document of a job again: a new job with a new topic.
#[utoipa::path(post, path = "/v1/jobs/{id}/rerun", params(("id" = String, Path)),
    responses((status = 201, body = JobDocument), (status = 404, body = ProblemDocument)))]
pub(crate) async fn rerun(
    State(intake): State<Intake>,
    Asking(caller): Asking,
    id: InPath,
) -> Result<Created, ProblemDocument> {
    Ok(created(intake.rerun(job_id(id)?, &caller).await?))
}

/// What was read, dropped, kept and sent.
#[utoipa::path(get, path = "/v1/jobs/{id}/receipt", params(("id" = String, Path)),
    responses((status = 200, body = Receipt), (status = 409, body = ProblemDocument)))]
pub(crate) async fn receipt(State(ledger): State<Ledger>, id: InPath) -> Answer<Receipt> {
    Ok(Json(ledger.receipt(job_id(id)?).await?))
}

/// A few of the alerts that have arrived.
#[utoipa::path(get, path = "/v1/jobs/{id}/sample", params(("id" = String, Path)),
    responses((status = 200, body = JobSample), (status = 404, body = ProblemDocument)))]
pub(crate) async fn sample(State(ledger): State<Ledger>, id: InPath) -> Answer<JobSample> {
    Ok(Json(ledger.sample(job_id(id)?).await?))
}

/// Which nights are meant.
#[derive(Deserialize, utoipa::IntoParams)]
pub(crate) struct ChosenNights {
    /// Nights and ranges, separated by commas, such as `2025-09-01..2025-09-05,2026-03-22`; all unless given.
    nights: Option<String>,
}

impl ChosenNights {
    fn selection(&self) -> Result<Option<NightSelection>, ProblemDocument> {
        let Some(text) = self.nights.as_deref().filter(|text| !text.trim().is_empty()) else {
            return Ok(None);
        };
        let entries: Vec<&str> = text.split(',').collect();
        Ok(Some(NightSelection::parse(&entries).map_err(TransferError::from)?))
    }
}

/// The nights of the archive, with what the index knows of them.
#[utoipa::path(get, path = "/v1/nights", params(ChosenNights),
    responses((status = 200, body = Vec<ArchiveNight>), (status = 422, body = ProblemDocument)))]
pub(crate) async fn nights(
    State(scout): State<Scout>,
    chosen: Result<Query<ChosenNights>, QueryRejection>,
) -> Answer<Vec<ArchiveNight>> {
    Ok(Json(scout.nights(queried(chosen)?.selection()?.as_ref()).await?))
}

/// The classes of the archive, or of some nights, most alerts first.
#[utoipa::path(get, path = "/v1/classes", params(ChosenNights),
    responses((status = 200, body = Vec<ArchiveClass>), (status = 422, body = ProblemDocument)))]
pub(crate) async fn classes(
    State(scout): State<Scout>,
    chosen: Result<Query<ChosenNights>, QueryRejection>,
) -> Answer<Vec<ArchiveClass>> {
    Ok(Json(scout.classes(queried(chosen)?.selection()?.as_ref()).await?))
}

/// Which night is meant.
#[derive(Deserialize, utoipa::IntoParams)]
pub(crate) struct ChosenNight {
    /// A night; all unless given.
    night: Option<String>,
}

/// The fields of the archive, or of one night with their bounds.
#[utoipa::path(get, path = "/v1/schema", params(ChosenNight),
    responses((status = 200, body = ArchiveSchema), (status = 404, body = ProblemDocument), (status = 422, body = ProblemDocument)))]
pub(crate) async fn schema(
    State(scout): State<Scout>,
    chosen: Result<Query<ChosenNight>, QueryRejection>,
) -> Answer<ArchiveSchema> {
    let night = queried(chosen)?.night.map(|night| night.parse::<Night>()).transpose();
    Ok(Json(scout.schema(night.map_err(TransferError::from)?).await?))
}

fn queried<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ProblemDocument> {
    let Query(query) =
        query.map_err(|rejection| ProblemDocument::new(ErrorKind::Invalid, rejection.body_text()))?;
    Ok(query)
}

/// A function that a condition may call.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Function {
    /// Its name, in lower case; it may be written in any case.
    name: &'static str,
    /// Its other names.
    other_names: &'static [&'static str],
    /// How it is written.
    usage: &'static str,
    /// What it is about: number, angle, choice, text, array, type or time.
    kind: &'static str,
    /// What it yields.
    description: &'static str,
}

/// The functions that conditions may call.
#[utoipa::path(get, path = "/v1/functions", responses((status = 200, body = Vec<Function>)))]
pub(crate) async fn functions() -> Json<Vec<Function>> {
    let functions = transfer::function_notes().filter_map(|note| {
        let (name, other_names) = note.names.split_first()?;
        Some(Function {
            name,
            other_names,
            usage: note.usage,
            kind: note.kind,
            description: note.description,
        })
    });
    Json(functions.collect())
}

/// What users of the service should know of it.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct About {
    /// The version of nightferry.
    version: &'static str,
    /// The surveys that jobs may name.
    surveys: Vec<String>,
    /// Where the data can be polled.
    bootstrap: String,
    /// How long alerts stay in a topic.
    retention_seconds: u64,
    /// What a job, and what a user in a day (UTC), may ask for.
    limits: AboutLimits,
}

/// The operator's limits; null where there is none.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct AboutLimits {
    /// Nights of a job.
    job_nights: Option<u64>,
    /// Alerts that a job may be estimated to send.
    job_alerts: Option<u64>,
    /// Bytes that a job may be estimated to send.
    job_bytes: Option<u64>,
    /// Nights of a user's jobs in a day.
    day_nights: Option<u64>,
    /// Alerts of a user in a day.
    day_alerts: Option<u64>,
    /// Bytes of a user in a day.
    day_bytes: Option<u64>,
}

/// Where the data can be polled, for how long, and what may be asked for. Asks nobody else.
#[utoipa::path(get, path = "/v1/service", responses((status = 200, body = About)))]
pub(crate) async fn service(State(intake): State<Intake>) -> Json<About> {
    let job::Limits { job, user_day } = intake.settings.limits;
    Json(About {
        version: env!("CARGO_PKG_VERSION"),
        surveys: vec![job::Survey::default().to_string()],
        bootstrap: intake.bootstrap().to_owned(),
        retention_seconds: intake.retention().as_secs(),
        limits: AboutLimits {
            job_nights: job.nights,
            job_alerts: job.alerts,
            job_bytes: job.bytes,
            day_nights: user_day.nights,
            day_alerts: user_day.alerts,
            day_bytes: user_day.bytes,
        },
    })
}

/// Whether the service can work.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Health {
    /// The version of nightferry.
    version: &'static str,
    /// The archive.
    archive: String,
    /// Where the data can be polled.
    bootstrap: String,
}

/// Whether archive and broker answer.
#[utoipa::path(get, path = "/v1/health", responses((status = 200, body = Health), (status = 503, body = ProblemDocument)))]
pub(crate) async fn health(State(intake): State<Intake>) -> Answer<Health> {
    intake.ping().await?;
    Ok(Json(Health {
        version: env!("CARGO_PKG_VERSION"),
        archive: intake.archive().to_owned(),
        bootstrap: intake.bootstrap().to_owned(),
    }))
}

pub(crate) async fn openapi_document() -> impl IntoResponse {
    Json(crate::openapi())
}

pub(crate) async fn no_such_path() -> ProblemDocument {
    ProblemDocument::new(ErrorKind::NotFound, "there is no such path; GET /v1/openapi.json lists them")
}

pub(crate) async fn no_such_method() -> ProblemDocument {
    ProblemDocument::new(
        ErrorKind::Invalid,
        "this path does not take that method; GET /v1/openapi.json lists them",
    )
    .with_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// The id in a path, which need not be text at all.
type InPath = Result<Path<String>, PathRejection>;

fn job_id(id: InPath) -> Result<JobId, ProblemDocument> {
    let unknown = |reason: String| ProblemDocument::new(ErrorKind::NotFound, reason);
    let Path(text) = id.map_err(|rejection| unknown(rejection.body_text()))?;
    text.parse().map_err(|error: job::RequestError| unknown(error.to_string()))
}
