//! Who asks. Behind a gateway that is for its authorizer to say; on a laptop whoever asks says it.

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use job::Caller;
use std::convert::Infallible;

/// The header in which a caller of the one-process stack names themselves.
const HEADER: &str = "x-nightferry-user";
/// Where a caller or a gateway tells the mark of a request; the first counts.
const TRACE_HEADERS: [&str; 2] = ["traceparent", "x-amzn-trace-id"];
/// No honest name is longer.
const LONGEST: usize = 100;

/// Who asks. A gateway's function puts it into the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(pub String);

/// Who asks, and the mark of the request: the one in `traceparent` or `x-amzn-trace-id`, or a new one.
pub struct Asking(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut caller = match parts.extensions.get::<User>() {
            Some(User(name)) => Caller::new(name),
            None => Caller::default(),
        };
        let marks =
            TRACE_HEADERS.iter().filter_map(|name| parts.headers.get(*name)?.to_str().ok()?.parse().ok());
        if let Some(trace) = marks.into_iter().next() {
            caller.trace = trace;
        }
        Ok(Self(caller))
    }
}

/// Believes the name in the header `x-nightferry-user`: for a stack that only its own user reaches.
pub async fn believe_header(mut request: Request, next: Next) -> Response {
    let named = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
    if let Some(name) = named.map(str::trim).filter(|name| !name.is_empty() && name.len() <= LONGEST) {
        let user = User(name.to_owned());
        request.extensions_mut().insert(user);
    }
    next.run(request).await
}
