//! Dates and timestamps: reading, writing and taking apart. The session's zone is UTC.

use super::call::{Typed, build, call};
use super::cast::cast;
use super::types::TIMESTAMP;
use arrow::datatypes::{DataType, Date32Type, Int32Type, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate, Timelike};

pub(super) const MICROS: i64 = 1_000_000;
pub(super) const MICROS_A_DAY: i64 = 86_400 * MICROS;

fn date(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(days)
}

/// A date as Spark writes it.
pub(super) fn date_text(days: i32) -> Option<String> {
    Some(date(days)?.format("%Y-%m-%d").to_string())
}

/// A timestamp as Spark writes it: no fraction if there is none, no trailing zeros.
pub(super) fn timestamp_text(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    let whole = time.format("%Y-%m-%d %H:%M:%S").to_string();
    let fraction = micros.rem_euclid(MICROS);
    if fraction == 0 {
        return Some(whole);
    }
    Some(format!("{whole}.{}", format!("{fraction:06}").trim_end_matches('0')))
}

/// Reads `yyyy[-m[m][-d[d]]]`; answers the days since 1970 and what follows.
fn read_date(text: &str) -> Option<(i32, &str)> {
    let (year, rest) = digits(text, 4..=7)?;
    let mut parts = [1, 1];
    let mut rest = rest;
    for part in &mut parts {
        let Some(after) = rest.strip_prefix('-') else { break };
        (*part, rest) = digits(after, 1..=2)?;
    }
    let [month, day] = parts;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some((date.to_epoch_days(), rest))
}

fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> Option<(u32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    if !count.contains(&length) {
        return None;
    }
    Some((text.get(..length)?.parse().ok()?, text.get(length..)?))
}

/// A string read as a date; a time after the day is ignored.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let text = super::java::trimmed(text);
    let (days, rest) = read_date(text)?;
    let day_given = text.matches('-').count() >= 2;
    (rest.is_empty() || (day_given && rest.starts_with([' ', 'T']))).then_some(days)
}

/// A string read as a timestamp, with or without a zone; zones are offsets, `Z` or `UTC`.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let (days, rest) = read_date(super::java::trimmed(text))?;
    let midnight = i64::from(days).checked_mul(MICROS_A_DAY)?;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix([' ', 'T'])?;
    let (hour, rest) = digits(rest, 1..=2)?;
    let (minute, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 1..=2)?,
        None => (0, rest),
    };
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 1..=2)?,
        None => (0, rest),
    };
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => fraction(rest)?,
        None => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second) - zone(rest.trim())?;
    midnight.checked_add(seconds * MICROS + fraction)
}

/// Microseconds from the digits of a fraction; further digits are dropped.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let kept: String = text.get(..length)?.chars().chain("000000".chars()).take(6).collect();
    Some((kept.parse().ok()?, text.get(length..)?))
}

/// Whether Spark reads the text as a time that depends on when it is read; `epoch` is one of its kind.
pub(crate) fn is_moving(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    matches!(word.as_str(), "epoch" | "now" | "today" | "tomorrow" | "yesterday")
}

/// Seconds east of UTC.
fn zone(text: &str) -> Option<i64> {
    let text = ["UTC", "GMT", "UT"].iter().find_map(|name| text.strip_prefix(name)).unwrap_or(text);
    if text.is_empty() || text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, rest) = digits(rest, 1..=2)?;
    let (minutes, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 1..=2)?,
        None => (0, rest),
    };
    (rest.is_empty() && hours <= 18 && minutes <= 59).then_some(sign * i64::from(hours * 3600 + minutes * 60))
}

/// A part of a date or a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Year,
    Quarter,
    Month,
    Day,
    DayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

/// The part of a date or timestamp as INT.
pub(super) fn part(part: Part, value: Typed) -> Option<Typed> {
    if matches!(part, Part::Hour | Part::Minute | Part::Second) {
        let value = super::types::is_implicit(&value.ty, &TIMESTAMP).then(|| cast(value, &TIMESTAMP))?;
        return Some(call(&format!("{part:?}"), DataType::Int32, vec![value], move |args| {
            let Some(arg) = args.first() else { return datafusion_common::internal_err!("no time") };
            let times = arg.primitives::<TimestampMicrosecondType>()?;
            build::<Int32Type>(arg.array.len(), |row| {
                let time = DateTime::from_timestamp_micros(times.get(row)?)?;
                i32::try_from(match part {
                    Part::Hour => time.hour(),
                    Part::Minute => time.minute(),
                    _ => time.second(),
                })
                .ok()
            })
        }));
    }
    let value =
        super::types::is_implicit(&value.ty, &DataType::Date32).then(|| cast(value, &DataType::Date32))?;
    Some(call(&format!("{part:?}"), DataType::Int32, vec![value], move |args| {
        let Some(arg) = args.first() else { return datafusion_common::internal_err!("no date") };
        let days = arg.primitives::<Date32Type>()?;
        build::<Int32Type>(arg.array.len(), |row| {
            let date = date(days.get(row)?)?;
            i32::try_from(match part {
                Part::Year => return Some(date.year()),
                Part::Quarter => date.month0() / 3 + 1,
                Part::Month => date.month(),
                Part::DayOfWeek => date.weekday().num_days_from_sunday() + 1,
                Part::DayOfYear => date.ordinal(),
                _ => date.day(),
            })
            .ok()
        })
    }))
}

/// The days from the second date to the first.
pub(super) fn days_between(end: Typed, start: Typed) -> Option<Typed> {
    let as_date = |value: Typed| {
        super::types::is_implicit(&value.ty, &DataType::Date32).then(|| cast(value, &DataType::Date32))
    };
    let args = vec![as_date(end)?, as_date(start)?];
    Some(call("datediff", DataType::Int32, args, |args| {
        let [end, start] = args else {
            return datafusion_common::internal_err!("datediff takes two dates");
        };
        let (ends, starts) = (end.primitives::<Date32Type>()?, start.primitives::<Date32Type>()?);
        build::<Int32Type>(super::rows(args), |row| Some(ends.get(row)?.wrapping_sub(starts.get(row)?)))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_read_and_print() {
        let at = parse_timestamp("2024-1-2T1:2:3.5Z").unwrap();
        assert_eq!(timestamp_text(at).unwrap(), "2024-01-02 01:02:03.5");
        assert_eq!(
            timestamp_text(parse_timestamp("2024-01-02 01:02:03+02:00").unwrap()).unwrap(),
            "2024-01-01 23:02:03"
        );
        assert_eq!(parse_timestamp("2024-13-02"), None);
        assert_eq!(parse_date("2024-01-02 10:00:00"), parse_date("2024-01-02"));
        assert_eq!(date_text(parse_date("1969-12-31").unwrap()).unwrap(), "1969-12-31");
        assert_eq!(parse_date("01/02/2024"), None);
    }
}
