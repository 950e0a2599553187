//! What can be wrong with a request, and how any error of nightferry is to be treated.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How an error is to be treated. Only this decides a retry or an HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The request cannot be right, however often it is repeated.
    Invalid,
    /// What was named does not exist.
    NotFound,
    /// Somebody else changed it first, or its state forbids the change.
    Conflict,
    /// Too much at once: later it may pass.
    Throttled,
    /// A passing fault of something we depend on.
    Transient,
    /// A lasting fault of something we depend on: damaged file, full disk.
    Permanent,
    /// A fault of our own.
    Bug,
}

impl ErrorKind {
    /// Whether trying the same again can help.
    pub fn is_worth_retrying(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient | Self::Conflict)
    }
}

/// A request that cannot be taken: where in the document, what is wrong, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// The part of the document, such as `nights[2]`.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
    /// What to write instead, if known.
    pub instead: Option<String>,
}

impl RequestError {
    /// An error at `place`, because of `reason`.
    pub fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into(), instead: None }
    }

    /// Adds what to write instead.
    pub fn instead(mut self, hint: impl Into<String>) -> Self {
        self.instead = Some(hint.into());
        self
    }

    /// A request error is always [`ErrorKind::Invalid`].
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)?;
        match &self.instead {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RequestError {}
