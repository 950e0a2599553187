//! Nights: the archive's partitions, and a user's selection of them.

use crate::RequestError;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// One night of the archive: the partition path `year=YYYY/month=MM/day=DD`, never a date computed from an alert
/// (CONTRACT §1). Written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Night(NaiveDate);

/// Nights before this are not accepted: no survey that we serve is older.
const FIRST_YEAR: i32 = 1990;
/// Nor nights after this.
const LAST_YEAR: i32 = 2100;
/// The most nights that one selection may span: a guard against absurd ranges, not a limit on jobs.
const MAX_NIGHTS: i64 = 40_000;

impl Night {
    /// The night of a partition path. `None` when there is no such day, or it lies outside 1990 to 2100.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
            return None;
        }
        NaiveDate::from_ymd_opt(year, month, day).map(Self)
    }

    /// The year of the partition.
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// The month of the partition, 1 to 12.
    pub fn month(self) -> u32 {
        self.0.month()
    }

    /// The day of the partition, 1 to 31.
    pub fn day(self) -> u32 {
        self.0.day()
    }

    fn next(self) -> Option<Self> {
        self.0.succ_opt().map(Self)
    }
}

impl fmt::Display for Night {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%d").fmt(f)
    }
}

impl FromStr for Night {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let text = text.trim();
        let wrong = || {
            RequestError::new("nights", format!("`{}` is not a night", shorten(text)))
                .instead("write a night as YYYY-MM-DD, such as 2025-09-01")
        };
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else { return Err(wrong()) };
        if year.len() != 4 || month.len() > 2 || day.len() > 2 {
            return Err(wrong());
        }
        match (year.parse(), month.parse(), day.parse()) {
            (Ok(year), Ok(month), Ok(day)) => Self::from_ymd(year, month, day).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }
}

impl Serialize for Night {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Night {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// One entry of a selection: a night, or a range with both ends included. Written `A` or `A..B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nights {
    /// The first night.
    pub first: Night,
    /// The last night, included.
    pub last: Night,
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
        let (first, last) = match ends {
            Some((first, last)) => (first.parse()?, last.parse()?),
            None => {
                let night: Night = text.parse()?;
                (night, night)
            }
        };
        if last < first {
            return Err(RequestError::new(
                "nights",
                format!("the range {first}..{last} ends before it begins"),
            )
            .instead(format!("write {last}..{first}")));
        }
        Ok(Self { first, last })
    }
}

impl Serialize for Nights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The nights that a user chose: single nights and ranges, in any order, overlapping or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct NightSelection(Vec<Nights>);

impl NightSelection {
    /// A selection from its entries; at least one, and at most 40,000 nights in all.
    pub fn new(entries: Vec<Nights>) -> Result<Self, RequestError> {
        if entries.is_empty() {
            return Err(RequestError::new("nights", "no night is named")
                .instead("name at least one, such as `nights: [2025-09-01..2025-09-05]`"));
        }
        let span: i64 = entries.iter().map(|range| (range.last.0 - range.first.0).num_days() + 1).sum();
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

    /// The entries as the user wrote them.
    pub fn entries(&self) -> &[Nights] {
        &self.0
    }

    /// Every chosen night once, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = Night> + use<> {
        let nights: BTreeSet<Night> = self.0.iter().flat_map(days).collect();
        nights.into_iter()
    }
}

fn days(range: &Nights) -> impl Iterator<Item = Night> + use<> {
    let last = range.last;
    std::iter::successors(Some(range.first), |night| night.next()).take_while(move |night| *night <= last)
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

/// At most 40 characters of a user's text, for an error message.
fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(39).chain(['…']).collect() }
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
    }

    #[test]
    fn a_selection_reads_back_as_it_was_written() {
        let selection: NightSelection =
            serde_json::from_str(r#"["2024-03-02", "2024-01-01..2024-01-09"]"#).unwrap();
        assert_eq!(serde_json::to_string(&selection).unwrap(), r#"["2024-03-02","2024-01-01..2024-01-09"]"#);
    }
}
