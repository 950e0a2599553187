//! ApiVersions: what is served.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::dispatch::Call;
use crate::wire::{SERVED, Served};

/// The requests that are served, with their versions.
pub(crate) fn versions(_: &Call<'_>, _: ApiVersionsRequest) -> ApiVersionsResponse {
    all()
}

fn all() -> ApiVersionsResponse {
    let row = |served: &Served| {
        ApiVersion::default()
            .with_api_key(served.key as i16)
            .with_min_version(served.min_version)
            .with_max_version(served.max_version)
    };
    ApiVersionsResponse::default().with_api_keys(SERVED.iter().map(row).collect())
}

/// The same, for a client that asked in a version of the future: it comes again in one of these.
pub(crate) fn unsupported() -> ApiVersionsResponse {
    all().with_error_code(ResponseError::UnsupportedVersion.code())
}
