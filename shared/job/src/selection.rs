//! A user's selection of nights: single ones and ranges, by date or counted back from a day.

use crate::{Night, RequestError};
use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// The most nights that one selection may span: a guard against absurd ranges, not a limit on jobs.
const MAX_NIGHTS: i64 = 40_000;

/// One entry of a selection: a night, or a range with both ends included. Written `A` or `A..B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nights {
    first: Day,
    last: Day,
}

/// An end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    Night(Night),
    /// So many days before the day on which the request is taken.
    Ago(u32),
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Night(night) => night.fmt(f),
            Self::Ago(0) => f.write_str("today"),
            Self::Ago(1) => f.write_str("yesterday"),
            Self::Ago(days) => write!(f, "{days} days ago"),
        }
    }
}

impl FromStr for Day {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "today" | "tonight" => return Ok(Self::Ago(0)),
            "yesterday" | "last night" => return Ok(Self::Ago(1)),
            other => {
                let count = other.strip_suffix("ago").and_then(|rest| {
                    let rest = rest.trim_end();
                    let units = ["days", "day", "nights", "night"];
                    units.iter().find_map(|unit| rest.strip_suffix(unit))
                });
                if let Some(days) = count.and_then(|count| count.trim().parse().ok()) {
                    return Ok(Self::Ago(days));
                }
            }
        }
        Ok(Self::Night(text.parse()?))
    }
}

impl Day {
    fn on(self, today: NaiveDate) -> Result<Night, RequestError> {
        match self {
            Self::Night(night) => Ok(night),
            Self::Ago(days) => Night::before(today, days)
                .ok_or_else(|| RequestError::new("nights", format!("`{self}` is before the year 1990"))),
        }
    }
}

impl fmt::Display for Nights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { self.first.fmt(f) } else { write!(f, "{}..{}", self.first, self.last) }
    }
}

impl FromStr for Nights {
    type Err = RequestError;

    /// Ranges are written with `..`, `:` or ` to `, whichever the user finds natural.
    fn from_str(text: &str) -> Result<Self, RequestError> {
        let ends = text.split_once("..").or_else(|| text.split_once(':')).or_else(|| text.split_once(" to "));
        let range = match ends {
            Some((first, last)) => Self { first: first.parse()?, last: last.parse()? },
            None => {
                let day = text.parse()?;
                Self { first: day, last: day }
            }
        };
        match range.fixed() {
            Some((first, last)) => Self::between(first, last),
            None => Ok(range),
        }
    }
}

impl Nights {
    fn between(first: Night, last: Night) -> Result<Self, RequestError> {
        if last < first {
            return Err(RequestError::new(
                "nights",
                format!("the range {first}..{last} ends before it begins"),
            )
            .instead(format!("write {last}..{first}")));
        }
        Ok(Self { first: Day::Night(first), last: Day::Night(last) })
    }

    /// First and last night, both included; none while they are counted from a day that is not known.
    fn fixed(&self) -> Option<(Night, Night)> {
        match (self.first, self.last) {
            (Day::Night(first), Day::Night(last)) => Some((first, last)),
            _ => None,
        }
    }

    fn on(&self, today: NaiveDate) -> Result<Self, RequestError> {
        Self::between(self.first.on(today)?, self.last.on(today)?)
    }
}

impl Serialize for Nights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The nights that a user chose: single nights and ranges, in any order, overlapping or not. Ends may be counted back from
/// the day on which the request is taken: `today`, `yesterday` (or `last night`), `3 days ago`. Nights are named by their
/// date in UTC, and so are those days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct NightSelection(Vec<Nights>);

impl NightSelection {
    /// A selection from its entries; at least one, and at most 40,000 nights in all.
    fn new(entries: Vec<Nights>) -> Result<Self, RequestError> {
        if entries.is_empty() {
            return Err(RequestError::new("nights", "no night is named")
                .instead("name at least one, such as `nights: [2025-09-01..2025-09-05]`"));
        }
        let span: i64 = entries.iter().filter_map(Nights::fixed).map(|(first, last)| first.span(last)).sum();
        if span > MAX_NIGHTS {
            let reason = format!("the ranges span {span} nights, more than {MAX_NIGHTS}");
            return Err(RequestError::new("nights", reason).instead("choose shorter ranges"));
        }
        Ok(Self(entries))
    }

    /// A selection from texts such as `2025-09-01..2025-09-05`. The error names the entry.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, RequestError> {
        let entry = |(index, text): (usize, &S)| {
            text.as_ref()
                .parse()
                .map_err(|error: RequestError| RequestError { place: format!("nights[{index}]"), ..error })
        };
        Self::new(texts.iter().enumerate().map(entry).collect::<Result<_, _>>()?)
    }

    /// The same with every night by its date, where `today` is the day (UTC) on which the request is taken.
    pub fn on(&self, today: NaiveDate) -> Result<Self, RequestError> {
        let fixed = |(index, entry): (usize, &Nights)| {
            entry.on(today).map_err(|error| RequestError { place: format!("nights[{index}]"), ..error })
        };
        Self::new(self.0.iter().enumerate().map(fixed).collect::<Result<_, _>>()?)
    }

    /// Whether every night is known by its date.
    pub fn is_fixed(&self) -> bool {
        self.0.iter().all(|entry| entry.fixed().is_some())
    }

    /// The entries as the user wrote them.
    pub fn entries(&self) -> &[Nights] {
        &self.0
    }

    /// Every chosen night once, in order of time. Entries that are counted from a day are left out until they are fixed
    /// ([`NightSelection::on`]).
    pub fn iter(&self) -> impl Iterator<Item = Night> + use<> {
        let nights: BTreeSet<Night> = self.0.iter().filter_map(Nights::fixed).flat_map(days).collect();
        nights.into_iter()
    }
}

fn days((first, last): (Night, Night)) -> impl Iterator<Item = Night> + use<> {
    std::iter::successors(Some(first), |night| night.next()).take_while(move |night| *night <= last)
}

impl<'de> Deserialize<'de> for NightSelection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        let texts = match Written::deserialize(deserializer)? {
            Written::One(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            Written::Many(texts) => texts,
        };
        Self::parse(&texts).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nights(texts: &[&str]) -> Vec<String> {
        NightSelection::parse(texts).unwrap().iter().map(|night| night.to_string()).collect()
    }

    #[test]
    fn ranges_include_both_ends_and_overlaps_count_once() {
        assert_eq!(nights(&["2024-02-28..2024-03-01"]), ["2024-02-28", "2024-02-29", "2024-03-01"]);
        assert_eq!(nights(&["2024-03-02", "2024-03-01:2024-03-02"]), ["2024-03-01", "2024-03-02"]);
    }

    #[test]
    fn a_wrong_night_is_named_with_its_place() {
        let error = NightSelection::parse(&["2024-03-02", "2024-02-30"]).unwrap_err().to_string();
        assert!(error.starts_with("nights[1]: `2024-02-30` is not a night"), "{error}");
        let error = NightSelection::parse(&["2024-03-02..2024-03-01"]).unwrap_err().to_string();
        assert!(error.ends_with("write 2024-03-01..2024-03-02"), "{error}");
        assert!(NightSelection::parse(&["1990-01-01..2100-01-01", "2000-01-01"]).is_err());
        assert!(NightSelection::parse::<&str>(&[]).is_err());
        for wrong in ["-1 days ago", "days ago", "4294967296 days ago", "two days ago", "tomorrow", "ago"] {
            assert!(NightSelection::parse(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn days_are_counted_back_from_the_day_on_which_the_request_is_taken() {
        let today = "2024-03-01".parse().unwrap();
        let on = |texts: &[&str]| NightSelection::parse(texts).unwrap().on(today);
        let written = |texts: &[&str]| serde_json::to_string(&on(texts).unwrap()).unwrap();
        assert_eq!(written(&["last night"]), r#"["2024-02-29"]"#);
        assert_eq!(
            written(&["Today", "2 days ago..yesterday"]),
            r#"["2024-03-01","2024-02-28..2024-02-29"]"#
        );
        assert_eq!(written(&["2024-02-01 to 1 night ago"]), r#"["2024-02-01..2024-02-29"]"#);
        let relative = NightSelection::parse(&["7 days ago..yesterday"]).unwrap();
        assert!(!relative.is_fixed() && relative.iter().next().is_none());
        assert_eq!(serde_json::to_string(&relative).unwrap(), r#"["7 days ago..yesterday"]"#);
        assert!(on(&["today..yesterday"]).unwrap_err().to_string().contains("nights[0]"));
        assert!(on(&["4000000000 days ago"]).unwrap_err().to_string().contains("1990"));
        assert!(on(&["1990-01-01..today", "1991-01-01..2090-01-01"]).is_err(), "too many");
    }

    #[test]
    fn a_selection_reads_back_as_it_was_written() {
        let selection: NightSelection =
            serde_json::from_str(r#"["2024-03-02", "2024-01-01..2024-01-09"]"#).unwrap();
        assert_eq!(serde_json::to_string(&selection).unwrap(), r#"["2024-03-02","2024-01-01..2024-01-09"]"#);
    }
}
