//! The page. Static files and nothing else: it needs no right to anything.

use axum::{
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use lambda_http::request::RequestContext;
use lambda_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".into());
    telemetry::init(telemetry::Format::Json, &level);
    lambda_http::run(page::router().layer(middleware::from_fn(add_slash))).await
}

/// Leads from `…/live` to `…/live/`: API Gateway takes both for the stage's root, but the page names its files
/// relative to its address, so without the slash a browser would look for them beside the stage.
async fn add_slash(request: Request, next: Next) -> Response {
    let context = request.extensions().get::<RequestContext>();
    match context.and_then(root).and_then(with_slash) {
        Some(there) => Redirect::temporary(&there).into_response(),
        None => next.run(request).await,
    }
}

/// The path of a request for the stage's root, as the browser knows it.
fn root(context: &RequestContext) -> Option<&str> {
    let RequestContext::ApiGatewayV1(context) = context else { return None };
    context.path.as_deref().filter(|_| context.resource_path.as_deref() == Some("/"))
}

/// Where a path leads once it ends with a slash, relative to itself: what precedes it may not be known here.
fn with_slash(path: &str) -> Option<String> {
    let last = path.rsplit('/').next().filter(|last| !last.is_empty())?;
    Some(format!("./{last}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_is_added_where_it_is_missing() {
        assert_eq!(with_slash("/live").as_deref(), Some("./live/"));
        assert_eq!(with_slash("/alerts/ferry").as_deref(), Some("./ferry/"));
        for complete in ["/live/", "/", ""] {
            assert_eq!(with_slash(complete), None, "{complete}");
        }
    }
}
