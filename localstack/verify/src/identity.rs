//! What an alert is known by.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use std::hash::Hasher;

/// What an alert is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Its candid.
    Candid,
    /// A hash of its object and time.
    ObjectAndTime { is_nested: bool },
    /// Nothing: only counts can be compared.
    Unknown,
}

impl Identity {
    /// The best that these columns of the root allow; `candidate.jd` stands for a field of a struct.
    pub(crate) fn of_columns(columns: &[String]) -> Self {
        let has = |name: &str| columns.iter().any(|column| column == name);
        match (has("candid"), has("objectId"), has("jd"), has("candidate.jd")) {
            (true, ..) => Self::Candid,
            (_, true, true, _) => Self::ObjectAndTime { is_nested: false },
            (_, true, false, true) => Self::ObjectAndTime { is_nested: true },
            _ => Self::Unknown,
        }
    }

    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Candid => "candid",
            Self::ObjectAndTime { .. } => "objectId and jd",
            Self::Unknown => "counts",
        }
    }

    /// The columns of the root that tell it.
    pub(crate) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Candid => &["candid"],
            Self::ObjectAndTime { is_nested: false } => &["objectId", "jd"],
            Self::ObjectAndTime { is_nested: true } => &["objectId", "candidate"],
            Self::Unknown => &[],
        }
    }

    /// The marks of a batch's alerts; `None` where it lacks the columns.
    pub(crate) fn marks(self, batch: &RecordBatch) -> Result<Option<Vec<u64>>, ArrowError> {
        Ok(match self {
            Self::Candid => match batch.column_by_name("candid") {
                Some(candids) => Some(marks_of_numbers(candids)?),
                None => None,
            },
            Self::ObjectAndTime { is_nested } => {
                match (batch.column_by_name("objectId"), time(batch, is_nested)) {
                    (Some(objects), Some(times)) => Some(marks_of_objects(objects, &times)?),
                    _ => None,
                }
            }
            Self::Unknown => Some(vec![0; batch.num_rows()]),
        })
    }

    /// The candid that a mark stands for.
    pub(crate) fn candid(self, mark: u64) -> Option<i64> {
        (self == Self::Candid).then_some(mark.cast_signed())
    }
}

fn time(batch: &RecordBatch, is_nested: bool) -> Option<ArrayRef> {
    match is_nested {
        false => batch.column_by_name("jd").cloned(),
        true => batch.column_by_name("candidate")?.as_struct_opt()?.column_by_name("jd").cloned(),
    }
}

fn marks_of_numbers(candids: &ArrayRef) -> Result<Vec<u64>, ArrowError> {
    let candids = cast(candids, &DataType::Int64)?;
    let candids = candids.as_primitive::<Int64Type>();
    Ok(candids.iter().map(|candid| candid.unwrap_or_default().cast_unsigned()).collect())
}

fn marks_of_objects(objects: &ArrayRef, times: &ArrayRef) -> Result<Vec<u64>, ArrowError> {
    let (objects, times) = (cast(objects, &DataType::Utf8)?, cast(times, &DataType::Float64)?);
    let (objects, times) = (objects.as_string::<i32>(), times.as_primitive::<Float64Type>());
    let marks = objects.iter().zip(times.iter()).map(|(object, time)| {
        let mut hasher = twox_hash::XxHash64::with_seed(0);
        hasher.write(object.unwrap_or_default().as_bytes());
        hasher.write_u64(time.map_or(u64::MAX, f64::to_bits));
        hasher.finish()
    });
    Ok(marks.collect())
}

/// Nights as numbers, `YYYYMMDD`, from the columns `year`, `month` and `day`; 0 where they are not known.
pub(crate) fn nights(batch: &RecordBatch) -> Result<Option<Vec<u32>>, ArrowError> {
    let column = |name| match batch.column_by_name(name) {
        Some(column) => cast(column, &DataType::Int32).map(Some),
        None => Ok(None),
    };
    let (Some(years), Some(months), Some(days)) = (column("year")?, column("month")?, column("day")?) else {
        return Ok(None);
    };
    let [years, months, days] = [&years, &months, &days].map(|column| column.as_primitive::<Int32Type>());
    let nights = (0..batch.num_rows()).map(|row| {
        let is_known = years.is_valid(row) && months.is_valid(row) && days.is_valid(row);
        if is_known { night_number(years.value(row), months.value(row), days.value(row)) } else { 0 }
    });
    Ok(Some(nights.collect()))
}

/// A night as a number; 0 if there is no such night.
pub(crate) fn night_number(year: i32, month: i32, day: i32) -> u32 {
    let night = match (u32::try_from(month), u32::try_from(day)) {
        (Ok(month), Ok(day)) => job::Night::from_ymd(year, month, day),
        _ => None,
    };
    night.map_or(0, |night| night.year().unsigned_abs() * 10_000 + night.month() * 100 + night.day())
}

/// The night of a number.
pub(crate) fn night_of(number: u32) -> Option<job::Night> {
    job::Night::from_ymd((number / 10_000).cast_signed(), number / 100 % 100, number % 100)
}
