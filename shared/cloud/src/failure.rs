//! What AWS answers, as an error of the store.

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::CancellationReason,
};
use std::error::Error;
use store::StoreError;

/// Too much at once: it passes when the table has grown or the others are done.
const THROTTLED: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "RequestThrottled",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TooManyRequestsException",
    "KmsThrottled",
    "KMS.ThrottlingException",
];
/// Passing faults that come with the status of a wrong request.
const PASSING: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "RequestTimeout",
    "ServiceUnavailable",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// A failed call in the service's own words.
pub(crate) fn told<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or("an error without a code");
            format!("{code}: {}", answer.err().message().unwrap_or("no reason is given"))
        }
        other => chain(other),
    }
}

/// What a failed call means; `call` says what was tried.
pub(crate) fn failed<E>(call: &str, error: &SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let SdkError::ServiceError(answer) = error else {
        return StoreError::Database(format!("{call}: {}", chain(error)));
    };
    let code = answer.err().code().unwrap_or("an error without a code");
    let passing = answer.raw().status().is_server_error();
    refused(call, code, answer.err().message(), passing)
}

/// What an answer with this code means.
pub(crate) fn refused(call: &str, code: &str, message: Option<&str>, passing: bool) -> StoreError {
    let text = match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("{call}: {code}: {message}"),
        None => format!("{call}: {code}"),
    };
    match code {
        _ if THROTTLED.contains(&code) => StoreError::Throttled(text),
        _ if PASSING.contains(&code) || passing => StoreError::Database(text),
        _ => StoreError::Refused(text),
    }
}

/// Why a transaction was given up, step by step; none if it was not given up but failed.
pub(crate) fn reasons(
    error: &SdkError<TransactWriteItemsError, HttpResponse>,
) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(given_up) => {
            Some(given_up.cancellation_reasons())
        }
        _ => None,
    }
}

/// An error and what caused it, without repetition.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use job::ErrorKind;

    #[test]
    fn only_what_can_pass_is_worth_retrying() {
        for (code, passing, kind) in [
            ("ProvisionedThroughputExceededException", false, ErrorKind::Throttled),
            ("ThrottlingException", true, ErrorKind::Throttled),
            ("InternalServerError", true, ErrorKind::Transient),
            ("TransactionConflict", false, ErrorKind::Transient),
            ("SomethingNew", true, ErrorKind::Transient),
            ("ResourceNotFoundException", false, ErrorKind::Permanent),
            ("AccessDeniedException", false, ErrorKind::Permanent),
            ("ValidationException", false, ErrorKind::Permanent),
        ] {
            assert_eq!(refused("read", code, None, passing).kind(), kind, "{code}");
        }
        let text = refused("read a job", "AccessDenied", Some("not you"), false).to_string();
        assert!(text.ends_with("read a job: AccessDenied: not you"), "{text}");
    }
}
