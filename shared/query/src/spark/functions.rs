//! What a function is, and how one is found.

use super::call::Typed;
use super::function_list::FUNCTIONS;
use arrow::datatypes::DataType;
use std::ops::RangeInclusive;

/// What came of applying a function: the call, or `None` if it does not take such types.
pub(super) type Built = Result<Option<Typed>, String>;

/// A function of the list.
pub(crate) struct Function {
    /// Its name and its other names, in lower case.
    pub names: &'static [&'static str],
    /// How it is written.
    pub usage: &'static str,
    /// How many arguments it takes.
    pub arity: RangeInclusive<usize>,
    /// Whether it takes dates or times.
    pub of_time: bool,
    /// Applies it. The number of arguments is right.
    pub build: fn(Arguments) -> Built,
}

/// The arguments of a call, taken one by one.
pub(crate) struct Arguments(std::vec::IntoIter<Typed>);

impl Arguments {
    pub(crate) fn new(values: Vec<Typed>) -> Self {
        Self(values.into_iter())
    }

    pub(super) fn next(&mut self) -> Typed {
        self.0.next().unwrap_or_else(|| Typed::null(DataType::Null))
    }

    pub(super) fn optional(&mut self) -> Option<Typed> {
        self.0.next()
    }

    pub(super) fn all(self) -> Vec<Typed> {
        self.0.collect()
    }
}

/// The function of that name, in any case.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let name = name.to_ascii_lowercase();
    FUNCTIONS.iter().find(|function| function.names.contains(&name.as_str()))
}

/// All names, for suggestions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().flat_map(|function| function.names.iter().copied())
}

/// Spark's functions that a condition must not have, and why.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    const AGGREGATES: &[&str] = &[
        "sum",
        "avg",
        "mean",
        "count",
        "min",
        "max",
        "first",
        "last",
        "stddev",
        "variance",
        "collect_list",
        "collect_set",
        "any_value",
        "median",
        "percentile",
        "approx_count_distinct",
        "max_by",
        "min_by",
        "row_number",
        "rank",
        "dense_rank",
        "lag",
        "lead",
        "ntile",
        "explode",
        "count_if",
        "mode",
    ];
    const CHANGING: &[&str] = &[
        "rand",
        "random",
        "randn",
        "uuid",
        "now",
        "current_date",
        "current_timestamp",
        "curdate",
        "shuffle",
        "monotonically_increasing_id",
        "current_time",
        "localtimestamp",
        "unix_timestamp",
    ];
    let name = name.to_ascii_lowercase();
    if AGGREGATES.contains(&name.as_str()) {
        Some("looks at many alerts, but a condition looks at one alert at a time")
    } else if CHANGING.contains(&name.as_str()) {
        Some("changes from run to run, so the same request would choose other alerts")
    } else {
        None
    }
}
