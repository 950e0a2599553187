//! Who asks, and the mark by which the logs of what follows are found.

use crate::SOMEBODY;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Who asks for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their name, as far as it is known.
    pub user: String,
    /// The mark of their request.
    pub trace: TraceId,
}

impl Caller {
    /// Someone of this name, with a request that bears no mark yet.
    pub fn new(user: impl Into<String>) -> Self {
        Self { user: user.into(), trace: TraceId::random() }
    }
}

impl Default for Caller {
    fn default() -> Self {
        Self::new(SOMEBODY)
    }
}

/// The mark that every log line about a request bears, in whichever function: the 32 hexadecimal digits that W3C's trace
/// context and AWS X-Ray share. Empty where none is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceId(String);

impl TraceId {
    /// A new mark.
    pub fn random() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// There is no trace in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTrace;

impl FromStr for TraceId {
    type Err = NoTrace;

    /// From a header `traceparent` (`00-<32 digits>-<16 digits>-01`) or `x-amzn-trace-id` (`Root=1-<8 digits>-<24 digits>`).
    ///
    /// ```
    /// use job::TraceId;
    /// let w3c: TraceId = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    /// let xray: TraceId = "Self=1-6;Root=1-0af76519-16cd43dd8448eb211c80319c;Sampled=1".parse().unwrap();
    /// assert_eq!(w3c, xray);
    /// assert!("00-<script>-1-1".parse::<TraceId>().is_err());
    /// ```
    fn from_str(header: &str) -> Result<Self, NoTrace> {
        let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root=1-"));
        let digits = match root {
            Some(root) => root.replacen('-', "", 1),
            None => header.split('-').nth(1).unwrap_or_default().to_owned(),
        };
        let is_mark = digits.len() == 32
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
            && digits.bytes().any(|digit| digit != b'0');
        if is_mark { Ok(Self(digits)) } else { Err(NoTrace) }
    }
}
