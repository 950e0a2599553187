//! Nights: the archive's partitions.

use crate::RequestError;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// One night of the archive: the partition path `year=YYYY/month=MM/day=DD`, never a date computed from an alert
/// (CONTRACT §1). Written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Night(NaiveDate);

/// Nights before this are not accepted: no survey that we serve is older.
const FIRST_YEAR: i32 = 1990;
/// Nor nights after this.
const LAST_YEAR: i32 = 2100;

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

    pub(crate) fn next(self) -> Option<Self> {
        self.0.succ_opt().map(Self)
    }

    /// So many days before `today`; `None` outside 1990 to 2100.
    pub(crate) fn before(today: NaiveDate, days: u32) -> Option<Self> {
        let date = today.checked_sub_days(chrono::Days::new(days.into()))?;
        Self::from_ymd(date.year(), date.month(), date.day())
    }

    /// Nights from this one to `last`, both included; negative where it is later.
    pub(crate) fn span(self, last: Self) -> i64 {
        (last.0 - self.0).num_days() + 1
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

/// At most 40 characters of a user's text, for an error message.
fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(39).chain(['…']).collect() }
}
