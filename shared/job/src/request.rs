//! The document with which a user asks for alerts: YAML or JSON, by hand, from the page or from a program.

use crate::{Content, NightSelection, Pace, RequestError, Survey};
use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};

/// The largest document that is looked at, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// The number of alerts of a test job that names no limit.
pub const DEFAULT_TEST_ALERTS: u64 = 10;
/// CONTRACT §5: a client that restarts from the beginning indexes a list of ten.
const MAX_PARTITIONS: i32 = 10;

/// What a user asks for. The same document is taken by the API, returned by it (with `id` and `status`, which a new
/// submit ignores), and read from a job file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// The telescope.
    #[serde(default)]
    pub survey: Survey,
    /// Nights `YYYY-MM-DD` and ranges `YYYY-MM-DD..YYYY-MM-DD`, both ends included; `today`, `yesterday` (or `last night`)
    /// and `3 days ago` count from the day (UTC) on which the request is taken.
    #[schema(value_type = Vec<String>, example = json!(["2025-09-01..2025-09-05", "2026-03-22"]))]
    pub nights: NightSelection,
    /// Classes, ORed: `SN candidate` (finkclass), `(SIMBAD) RRLyr`, `(TNS) SN Ia`; `!X` or `not X` leaves X out.
    /// None means all.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["SN candidate", "!(TNS) AGN"]))]
    pub classes: Vec<String>,
    /// Conditions in Spark's SQL, one each, separated by `;`, ANDed. A list of conditions is joined.
    #[serde(default, alias = "where", deserialize_with = "joined", skip_serializing_if = "String::is_empty")]
    #[schema(example = "candidate.magpsf > 19.5; candidate.distnr > 2;")]
    pub conditions: String,
    /// `Light packet`, `Cutouts`, `Medium packet`, `Full packet`, or a list of fields.
    #[serde(default)]
    #[schema(value_type = String, example = "Light packet")]
    pub content: Content,
    /// The most alerts to send, first nights first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// A test job: ten alerts unless `limit` says otherwise, and few partitions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// Partitions of the topic, 1 to 10; 10 unless the job is small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<i32>,
    /// How fast it may go; as fast as it goes unless said otherwise.
    #[serde(default, skip_serializing_if = "Pace::is_free")]
    pub pace: Pace,
    /// A name of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Present in a document that the API returned.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    id: IgnoredPart,
    /// Present in a document that the API returned.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    status: IgnoredPart,
}

/// A part of a returned document that a new submit does not look at.
#[derive(Clone, Debug, Default, PartialEq)]
struct IgnoredPart;

impl<'de> Deserialize<'de> for IgnoredPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JobRequest {
    /// A request for all alerts of `nights`, as light packets.
    pub fn new(nights: NightSelection) -> Self {
        Self {
            survey: Survey::default(),
            nights,
            classes: Vec::new(),
            conditions: String::new(),
            content: Content::default(),
            limit: None,
            test: false,
            partitions: None,
            pace: Pace::default(),
            name: None,
            id: IgnoredPart,
            status: IgnoredPart,
        }
    }

    /// Reads a document, YAML or JSON, and checks what can be checked without the archive.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        if text.len() > MAX_DOCUMENT_BYTES {
            let reason = format!("{} bytes, more than {MAX_DOCUMENT_BYTES}", text.len());
            return Err(RequestError::new("document", reason));
        }
        let request: Self = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| unreadable(&error))?
        } else {
            serde_saphyr::from_str(text).map_err(|error| unreadable(&error.without_snippet()))?
        };
        request.check()?;
        Ok(request)
    }

    /// Checks what can be checked without the archive.
    pub fn check(&self) -> Result<(), RequestError> {
        if let Some(partitions) = self.partitions.filter(|n| !(1..=MAX_PARTITIONS).contains(n)) {
            return Err(RequestError::new(
                "partitions",
                format!("{partitions} is not from 1 to {MAX_PARTITIONS}"),
            )
            .instead("leave it out to get 10"));
        }
        self.pace.check()?;
        if self.limit == Some(0) {
            return Err(RequestError::new("limit", "a limit of 0 would send nothing")
                .instead("leave it out to send every alert that passes"));
        }
        if self
            .name
            .as_ref()
            .is_some_and(|name| name.chars().count() > 100 || name.chars().any(char::is_control))
        {
            return Err(RequestError::new("name", "longer than 100 characters, or with control characters"));
        }
        Ok(())
    }

    /// The same request with every night by its date, taken on the day `today` (UTC).
    pub fn on(self, today: NaiveDate) -> Result<Self, RequestError> {
        Ok(Self { nights: self.nights.on(today)?, ..self })
    }

    /// The most alerts to send, if there is such a limit.
    pub fn alert_limit(&self) -> Option<u64> {
        self.limit.or(self.test.then_some(DEFAULT_TEST_ALERTS))
    }

    /// The number of partitions of the data topic. Each costs a client an idle wait at its end, so small jobs get
    /// fewer (CONTRACT §5).
    pub fn topic_partitions(&self) -> i32 {
        self.partitions.unwrap_or(match self.alert_limit() {
            Some(..=100) => 1,
            Some(..=10_000) => 4,
            _ => MAX_PARTITIONS,
        })
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> RequestError {
    RequestError::new("document", error.to_string()).instead(
        "a request has nights, classes, conditions, content, limit, test, partitions, pace, survey and name",
    )
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Nothing(()) => Vec::new(),
        Written::One(text) => vec![text],
        Written::Many(texts) => texts,
    })
}

fn joined<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Nothing(()) => String::new(),
        Written::One(text) => text,
        Written::Many(texts) => {
            texts.iter().map(|text| text.trim().trim_end_matches(';')).collect::<Vec<_>>().join(";\n")
        }
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Nothing(()),
    One(String),
    Many(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Packet;

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = JobRequest::parse(
            "nights: 2025-09-01..2025-09-03, 2026-03-22\nclasses: SN candidate\nwhere:\n  - candidate.magpsf > 19.5;\n  - candidate.distnr > 2\ncontent: full packet\nlimit: 5\n",
        )
        .unwrap();
        let json = JobRequest::parse(&serde_json::to_string(&yaml).unwrap()).unwrap();
        assert_eq!(yaml, json);
        assert_eq!(yaml.conditions, "candidate.magpsf > 19.5;\ncandidate.distnr > 2");
        assert_eq!(yaml.content, Content::Packet(Packet::Full));
        assert_eq!(yaml.topic_partitions(), 1);
    }

    #[test]
    fn a_returned_document_can_be_submitted_again() {
        let again = JobRequest::parse(
            r#"{"id": "0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11", "nights": ["2026-03-22"], "test": true, "status": {"state": "done", "deep": [1]}}"#,
        )
        .unwrap();
        assert_eq!(again.alert_limit(), Some(DEFAULT_TEST_ALERTS));
    }

    #[test]
    fn wrong_documents_say_what_is_wrong() {
        for (text, expected) in [
            ("nights: [2026-03-22]\nclases: [x]", "clases"),
            ("nights: [2026-03-22]\npartitions: 11", "partitions: 11 is not from 1 to 10"),
            ("nights: [2026-03-22]\nlimit: 0", "limit of 0"),
            ("nights: [2026-03-22]\npace: {alerts_per_second: 0}", "pace.alerts_per_second"),
            ("nights: [2026-03-22]\npace: {speed: 3}", "speed"),
            ("nights: [2026-03-22]\nlimit: -3", "line 2, column 8"),
            ("nights: []", "no night is named"),
            ("content: full", "nights"),
            ("nights: [2026-03-22]\ncontent: [Full packet, objectId]", "cannot be combined"),
            ("[1, 2", "document"),
            ("{\"nights\": [\"2026-03-22\"], \"limit\": \"many\"}", "line 1"),
        ] {
            let error = JobRequest::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(JobRequest::parse(&"#".repeat(MAX_DOCUMENT_BYTES + 1)).is_err());
    }

    #[test]
    fn alias_bombs_and_deep_nests_are_refused() {
        let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
        for (from, to) in ('a'..='h').zip('b'..='i') {
            bomb +=
                &format!("{to}: &{to} [*{from},*{from},*{from},*{from},*{from},*{from},*{from},*{from}]\n");
        }
        assert!(JobRequest::parse(&bomb).is_err());
        assert!(JobRequest::parse(&format!("nights: {}", "[".repeat(30_000))).is_err());
        assert!(JobRequest::parse(&format!("{{\"nights\": {}", "[".repeat(30_000))).is_err());
    }
}
