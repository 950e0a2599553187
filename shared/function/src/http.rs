//! Requests of API Gateway.

use api::User;
use axum::{Router, extract::Request, middleware::Next, response::Response};
use lambda_http::{
    Adapter, LambdaEvent, Service,
    request::{LambdaRequest, RequestContext},
};
use lambda_runtime::Error;
use serde_json::Value;
use std::future::poll_fn;

/// Answers requests until the function ends.
pub async fn serve(router: Router) -> Result<(), Error> {
    lambda_http::run(router.layer(axum::middleware::from_fn(name_caller))).await
}

/// Answers single requests, for a function that has other events as well.
#[derive(Clone)]
pub struct Http(Router);

impl Http {
    /// By this router.
    pub fn new(router: Router) -> Self {
        Self(router.layer(axum::middleware::from_fn(name_caller)))
    }

    /// The answer to an event of API Gateway.
    ///
    /// # Errors
    /// When it is no such event.
    pub async fn answer(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let (payload, context) = event.into_parts();
        let request: LambdaRequest = serde_json::from_value(payload)?;
        let mut adapter = Adapter::from(self.0.clone());
        poll_fn(|waker| Service::<LambdaEvent<LambdaRequest>>::poll_ready(&mut adapter, waker)).await?;
        let answer = adapter.call(LambdaEvent::new(request, context)).await?;
        Ok(serde_json::to_value(answer)?)
    }
}

/// Believes what the gateway's authorizer says of the caller, and nothing that the caller says of themselves.
async fn name_caller(mut request: Request, next: Next) -> Response {
    if let Some(name) = request.extensions().get::<RequestContext>().and_then(caller) {
        request.extensions_mut().insert(User(name));
    }
    next.run(request).await
}

/// The subject of a token, or the ARN of who signed the request.
fn caller(context: &RequestContext) -> Option<String> {
    let RequestContext::ApiGatewayV1(context) = context else { return None };
    let claims = context.authorizer.fields.get("claims");
    let of_token =
        ["cognito:username", "sub"].iter().find_map(|claim| claims?.get(claim)?.as_str()).map(str::to_owned);
    of_token.or_else(|| context.identity.user_arn.as_deref().map(role)).filter(|name| !name.is_empty())
}

/// An ARN without the name of a session, which whoever assumes a role chooses anew each time.
fn role(arn: &str) -> String {
    let is_session = arn.contains(":assumed-role/");
    arn.rsplit_once('/').filter(|_| is_session).map_or(arn, |(role, _)| role).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_one_user_whatever_its_sessions_are_called() {
        let session = "arn:aws:sts::1234:assumed-role/astronomers/today";
        assert_eq!(role(session), "arn:aws:sts::1234:assumed-role/astronomers");
        assert_eq!(role("arn:aws:iam::1234:user/fink/ferry"), "arn:aws:iam::1234:user/fink/ferry");
    }
}
