//! Names that can only be made valid.

use crate::RequestError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The name of a job: a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// A new, random name.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The name that always follows from the same text: whoever asks twice asks for one job.
    ///
    /// ```
    /// use job::JobId;
    /// assert_eq!(JobId::derived("nightly 2026-03-22"), JobId::derived("nightly 2026-03-22"));
    /// assert_ne!(JobId::derived("nightly 2026-03-22"), JobId::derived("nightly 2026-03-23"));
    /// ```
    pub fn derived(text: &str) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:nightferry:job:{text}").as_bytes()))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        Uuid::parse_str(text.trim()).map(Self).map_err(|_| {
            RequestError::new("job", "that is not the id of a job")
                .instead("ids look like 0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11")
        })
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The telescope whose alerts are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Survey {
    /// Zwicky Transient Facility.
    #[default]
    Ztf,
    /// Legacy Survey of Space and Time.
    Lsst,
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ztf => "ztf",
            Self::Lsst => "lsst",
        })
    }
}

/// The name of a data topic, `ftransfer_<survey>_<YYYY-MM-DD>_<microseconds>`: the field's clients refuse others
/// (CONTRACT §5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TopicName(String);

impl TopicName {
    /// The topic of a job that was submitted at `moment`. Microseconds count from the start of the day, so that two
    /// jobs share a name only when they are submitted within the same microsecond.
    pub fn new(survey: Survey, moment: DateTime<Utc>) -> Self {
        let since_midnight = (moment.time() - chrono::NaiveTime::MIN).num_microseconds().unwrap_or_default();
        Self(format!("ftransfer_{survey}_{}_{since_midnight}", moment.format("%Y-%m-%d")))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the topic that carries the Avro schema: exactly `<data topic>_schema`.
    pub fn schema_topic(&self) -> String {
        format!("{}_schema", self.0)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TopicName {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let prefixed = text.starts_with("ftransfer_") || text.starts_with("fxmatch_");
        if prefixed && text.len() <= 200 && text.chars().all(legal) && !text.ends_with("_schema") {
            return Ok(Self(text.to_owned()));
        }
        Err(RequestError::new("topic", "that is not the name of a data topic")
            .instead("names look like ftransfer_ztf_2026-03-23_11487"))
    }
}

impl<'de> Deserialize<'de> for TopicName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_the_name_that_clients_accept() {
        let moment = "2026-03-23T00:00:00.011487Z".parse().unwrap();
        let topic = TopicName::new(Survey::Ztf, moment);
        assert_eq!(topic.as_str(), "ftransfer_ztf_2026-03-23_11487");
        assert_eq!(topic.schema_topic(), "ftransfer_ztf_2026-03-23_11487_schema");
        assert_eq!(topic.as_str().parse::<TopicName>().unwrap(), topic);
        for wrong in ["alerts", "ftransfer_ztf/..", "ftransfer_ztf_2026-03-23_1_schema", ""] {
            assert!(wrong.parse::<TopicName>().is_err(), "{wrong}");
        }
    }
}
