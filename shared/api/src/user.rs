//! Who asks. Behind a gateway that is for its authorizer to say; on a laptop whoever asks says it.

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
    middleware::Next,
    response::Response,
};
use std::convert::Infallible;

/// The header in which a caller of the one-process stack names themselves.
const HEADER: &str = "x-nightferry-user";
/// No honest name is longer.
const LONGEST: usize = 100;

/// Who asks. A gateway's function puts it into the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(pub String);

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self(job::SOMEBODY.into())))
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
