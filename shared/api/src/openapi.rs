//! The OpenAPI document, generated from the types.

use crate::handlers;
use utoipa::OpenApi;

/// The document served at `/v1/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "nightferry",
        description = "Ferries a slice of an alert archive into a Kafka topic.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        handlers::submit,
        handlers::estimate,
        handlers::list,
        handlers::status,
        handlers::cancel,
        handlers::retry,
        handlers::rerun,
        handlers::receipt,
        handlers::sample,
        handlers::topic,
        handlers::nights,
        handlers::classes,
        handlers::schema,
        handlers::functions,
        handlers::service,
        handlers::health
    )
)]
struct Document;
