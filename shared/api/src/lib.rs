//! The HTTP API: the same router behind API Gateway and in the one-process stack.
//!
//! | path | does |
//! |---|---|
//! | `POST /v1/jobs` | submits a document (JSON or YAML), answers 201 with the job |
//! | `GET /v1/jobs` | the newest jobs; `?mine=true` those of who asks |
//! | `GET /v1/jobs/{id}` | the document with its status |
//! | `DELETE /v1/jobs/{id}` | cancels |
//! | `POST /v1/jobs/{id}/retry` | runs failed nights again, into the same topic |
//! | `POST /v1/jobs/{id}/rerun` | submits the job's document again: a new job, a new topic |
//! | `GET /v1/jobs/{id}/receipt` | what was read, dropped, kept and sent, once the job has ended |
//! | `GET /v1/jobs/{id}/sample` | a few of the alerts that have arrived, as JSON |
//! | `GET /v1/topics/{topic}` | the document of the job that fills a topic |
//! | `POST /v1/estimates` | counts and bytes of a document, conditions included; nothing is made |
//! | `GET /v1/nights` | the nights of the archive, with what the index knows of them; `?nights=2025-09-01..2025-09-05,2026-03-22` |
//! | `GET /v1/classes` | the classes with their alerts; `?nights=…` |
//! | `GET /v1/schema` | the fields with type, unit and meaning, and which nights lack them; `?night=2026-03-22` adds bounds |
//! | `GET /v1/functions` | the functions that conditions may call |
//! | `GET /v1/service` | where the data can be polled, for how long, and the limits of a job and of a user's day |
//! | `GET /v1/health` | whether archive and broker answer |
//! | `GET /v1/openapi.json` | this, for programs |
//!
//! `OPTIONS` of any path is answered for browsers alone: which pages of other origins may ask is in [`Origins`].
//!
//! Handlers decide nothing: they decode, call `transfer`, encode. Every error is `application/problem+json`
//! ([`ProblemDocument`]).

mod handlers;
mod openapi;
mod origins;
mod problem;
mod user;

pub use openapi::openapi;
pub use origins::Origins;
pub use problem::ProblemDocument;
pub use user::{Asking, User, believe_header};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use transfer::{Intake, Ledger, Scout, Service};

/// All paths, as the one-process stack serves them.
pub fn router(service: Service, origins: &Origins) -> Router {
    let (scout, ledger): (Scout, Ledger) = ((*service).clone(), (**service).clone());
    let paths = submit_paths(service.intake().clone()).merge(scout_paths(scout)).merge(status_paths(ledger));
    finished(paths, origins)
}

/// What a function that submits serves: the paths that make a job or ask the broker.
pub fn submit_router(intake: Intake, origins: &Origins) -> Router {
    finished(submit_paths(intake), origins)
}

/// What a function that estimates serves: it needs no broker.
pub fn estimate_router(scout: Scout, origins: &Origins) -> Router {
    finished(scout_paths(scout), origins)
}

/// What a function that tells of jobs serves: it needs neither archive nor broker.
pub fn status_router(ledger: Ledger, origins: &Origins) -> Router {
    finished(status_paths(ledger), origins)
}

fn submit_paths(intake: Intake) -> Router {
    Router::new()
        .route("/v1/jobs", post(handlers::submit))
        .route("/v1/jobs/{id}/rerun", post(handlers::rerun))
        .route("/v1/health", get(handlers::health))
        .route("/v1/service", get(handlers::service))
        .with_state(intake)
}

fn scout_paths(scout: Scout) -> Router {
    Router::new()
        .route("/v1/estimates", post(handlers::estimate))
        .route("/v1/nights", get(handlers::nights))
        .route("/v1/classes", get(handlers::classes))
        .route("/v1/schema", get(handlers::schema))
        .route("/v1/functions", get(handlers::functions))
        .with_state(scout)
}

fn status_paths(ledger: Ledger) -> Router {
    Router::new()
        .route("/v1/jobs", get(handlers::list))
        .route("/v1/jobs/{id}", get(handlers::status).delete(handlers::cancel))
        .route("/v1/jobs/{id}/retry", post(handlers::retry))
        .route("/v1/jobs/{id}/receipt", get(handlers::receipt))
        .route("/v1/jobs/{id}/sample", get(handlers::sample))
        .route("/v1/topics/{topic}", get(handlers::topic))
        .route("/v1/openapi.json", get(handlers::openapi_document))
        .with_state(ledger)
}

fn finished(router: Router, origins: &Origins) -> Router {
    router
        .fallback(handlers::no_such_path)
        .method_not_allowed_fallback(handlers::no_such_method)
        .layer(DefaultBodyLimit::max(job::MAX_DOCUMENT_BYTES))
        .layer(origins.layer())
}
