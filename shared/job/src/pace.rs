//! How fast a job may go.

use crate::RequestError;
use serde::{Deserialize, Serialize};

/// A job's budget. Nights that run at once share its rates in equal parts; a job with a rate runs one night at a time
/// unless it says otherwise, so that a replay keeps the order of the nights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Nights (or parts of large ones) that run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nights_at_once: Option<u64>,
    /// Alerts sent a second, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts_per_second: Option<u64>,
    /// Bytes of Avro sent a second, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
}

impl Pace {
    /// Whether nothing is bounded.
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }

    /// A budget of nothing would never end.
    pub fn check(&self) -> Result<(), RequestError> {
        let budgets = [
            ("nights_at_once", self.nights_at_once),
            ("alerts_per_second", self.alerts_per_second),
            ("bytes_per_second", self.bytes_per_second),
        ];
        match budgets.iter().find(|(_, budget)| *budget == Some(0)) {
            None => Ok(()),
            Some((name, _)) => {
                let error =
                    RequestError::new(format!("pace.{name}"), "at a pace of 0 nothing would ever arrive");
                Err(error.instead("leave it out to go as fast as it goes"))
            }
        }
    }
}
