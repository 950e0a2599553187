//! Conditions: parsed against the sample night's schema, bound, evaluated over its alerts.

use super::{
    Verdict,
    night::{Folder, sample},
    refused,
};
use arrow::{
    array::{ArrayRef, Int32Array, RecordBatch, StringArray},
    datatypes::Schema,
};
use fastrand::Rng;
use query::{Conditions, QueryError};
use std::sync::Arc;

/// Sample alerts with the columns that conditions may name.
pub struct Target {
    alerts: RecordBatch,
    schema: Arc<Schema>,
}

impl Target {
    pub fn new() -> Result<Self, String> {
        let bytes = sample()?;
        let stored = Folder::new()?.read(&bytes)?;
        let rows = stored.num_rows();
        let schema = Arc::new(packet::queryable_schema(&stored.schema()));
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|field| match (stored.column_by_name(field.name()), field.name().as_str()) {
                (Some(column), _) => column.clone(),
                (None, "finkclass") => Arc::new(packet::finkclass(&stored)) as ArrayRef,
                (None, "tnsclass") => Arc::new(StringArray::from(vec!["Unknown"; rows])),
                (None, _) => Arc::new(Int32Array::from_value(22, rows)),
            })
            .collect();
        let alerts = RecordBatch::try_new(schema.clone(), columns).map_err(|error| error.to_string())?;
        Ok(Self { alerts, schema })
    }
}

impl super::Target for Target {
    fn try_one(&mut self, input: &[u8]) -> Result<Verdict, String> {
        let text = String::from_utf8_lossy(input);
        let conditions = match Conditions::parse(&text, &self.schema) {
            Ok(conditions) => conditions,
            Err(error) => {
                let length = text.chars().count();
                let misplaced = error.problems().iter().any(|problem| problem.place.offset > length);
                return match misplaced || error.to_string().is_empty() || error.snippet().is_empty() {
                    true => Err(format!("names no place in the text: {error:?}")),
                    false => Ok(refused(&error)),
                };
            }
        };
        let predicate = conditions.bind(&self.schema).map_err(|error| format!("does not bind: {error}"))?;
        match predicate.evaluate(&self.alerts) {
            Ok(verdict) => {
                let dropped: u64 = verdict.dropped.iter().sum();
                let kept = verdict.keep.true_count() as u64;
                match kept + dropped == self.alerts.num_rows() as u64 {
                    true => Ok(Verdict::Accepted),
                    false => Err(format!("{kept} kept and {dropped} dropped of {}", self.alerts.num_rows())),
                }
            }
            Err(error) if error.kind() == job::ErrorKind::Invalid => Ok(refused(&error)),
            Err(QueryError::Evaluation(error)) => Err(format!("cannot be evaluated: {error}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

pub const WORDS: &[&str] = &[
    "candidate.magpsf",
    "candidate.",
    "`",
    "objectId",
    "cdsxmatch",
    "prv_candidates",
    "lc_features_g.mean",
    "d:rf",
    "finkclass",
    "tnsclass",
    "year",
    "mangrove",
    "cutoutScience",
    "cutoutScience.stampData",
    "timestamp",
    " AND ",
    " OR ",
    " NOT ",
    " IS NULL",
    " IS NOT DISTINCT FROM ",
    " IN (",
    " BETWEEN ",
    " LIKE '%",
    " RLIKE '(a*)*b'",
    "CASE WHEN ",
    " THEN ",
    " ELSE ",
    " END",
    "CAST(",
    " AS DECIMAL(38,38))",
    "::INT",
    "[0]",
    "(",
    ")",
    ",",
    ";",
    "--",
    "/*",
    "*/",
    "'",
    "\"",
    "\\",
    "\u{0}",
    "é",
    "💥",
    "1e308",
    "-9223372036854775808",
    "0x7fffffff",
    "1L",
    "1BD",
    "NaN",
    "INTERVAL 1 DAY",
    "DATE '9999-12-31'",
    "TIMESTAMP '1582-10-04'",
    "repeat(",
    "rpad(",
    "regexp_replace(",
    "concat(",
    "exists(",
    "filter(",
    "transform(",
    "x -> ",
    "size(",
    "element_at(",
    "split(",
    "<=>",
    ">>>",
    "DIV",
    "%",
    "~",
    "||",
];

/// Conditions by the grammar, mostly with types that go together.
pub fn generate(chance: &mut Rng) -> String {
    let mut text = String::new();
    for _ in 0..1 + chance.usize(..3) {
        condition(chance, 4, &mut text);
        text.push_str(one_of(chance, &[";", ";\n", "; -- a comment\n"]));
    }
    text
}

fn one_of<'a>(chance: &mut Rng, words: &[&'a str]) -> &'a str {
    words[chance.usize(..words.len())]
}

const TRUTHS: &[&str] = &[
    "isnan(candidate.magpsf)",
    "isnull(cdsxmatch)",
    "TRUE",
    "startswith(objectId, 'ZTF')",
    "CAST(NULL AS BOOLEAN)",
];
const NUMBERS: &[&str] = &[
    "candidate.magpsf",
    "candidate.jd",
    "candidate.fid",
    "candid",
    "rf_snia_vs_nonia",
    "candidate.distnr",
    "roid",
    "nalerthist",
    "Plx",
    "lc_features_g.mean",
    "lc_features_r.amplitude",
    "candidate.ssdistnr",
    "candidate.jdstarthist",
    "year",
    "month",
    "size(prv_candidates)",
    "0",
    "1",
    "-1",
    "2147483647",
    "-2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "19.5",
    "1e308",
    "1e-400",
    "0.1BD",
    "1.0F",
    "2L",
    "12345678901234567890123456789012345678",
    "0.00000000000000000001",
    "pi()",
    "CAST('NaN' AS DOUBLE)",
];
const TEXTS: &[&str] = &[
    "objectId",
    "cdsxmatch",
    "candidate.ssnamenr",
    "candidate.isdiffpos",
    "DR3Name",
    "gcvs",
    "vsx",
    "publisher",
    "tracklet",
    "finkclass",
    "tnsclass",
    "mangrove['ang_dist']",
    "mangrove.HyperLEDA_name",
    "'ZTF18'",
    "''",
    "'1e5'",
    "'NaN'",
    "'é💥'",
    "'2026-03-22 25:61:61'",
    "'-9223372036854775808'",
    "'99999999999999999999'",
    "'  1 '",
    "NULL",
];
const TIMES: &[&str] = &[
    "timestamp",
    "DATE '2026-03-22'",
    "TIMESTAMP '2026-03-22 01:02:03'",
    "to_date(objectId)",
    "to_timestamp('9999-12-31')",
    "CAST(candid AS TIMESTAMP)",
    "CAST(1e300 AS TIMESTAMP)",
    "DATE '0001-01-01'",
];

fn condition(chance: &mut Rng, depth: u32, text: &mut String) {
    let Some(depth) = depth.checked_sub(1) else { return text.push_str(one_of(chance, TRUTHS)) };
    let sort = sort(chance);
    match chance.u8(..11) {
        0..=3 => {
            value(chance, sort, depth, text);
            text.push_str(one_of(
                chance,
                &[
                    " < ",
                    " <= ",
                    " > ",
                    " >= ",
                    " = ",
                    " != ",
                    " <=> ",
                    " == ",
                    " <> ",
                    " IS NOT DISTINCT FROM ",
                ],
            ));
            value(chance, sort, depth, text);
        }
        4 => {
            text.push_str(one_of(chance, &["NOT (", "! (", "("]));
            condition(chance, depth, text);
            text.push(')');
        }
        5 | 6 => {
            text.push('(');
            condition(chance, depth, text);
            text.push_str(one_of(chance, &[" AND ", " OR ", " and "]));
            condition(chance, depth, text);
            text.push(')');
        }
        7 => {
            value(chance, sort, depth, text);
            text.push_str(one_of(chance, &[" IS NULL", " IS NOT NULL"]));
        }
        8 => {
            value(chance, sort, depth, text);
            text.push_str(one_of(chance, &[" BETWEEN ", " NOT BETWEEN "]));
            value(chance, sort, depth, text);
            text.push_str(" AND ");
            value(chance, sort, depth, text);
        }
        9 => {
            value(chance, sort, depth, text);
            text.push_str(one_of(chance, &[" IN (", " NOT IN ("]));
            value(chance, sort, depth, text);
            for _ in 0..chance.usize(..4) {
                text.push_str(", ");
                value(chance, sort, depth, text);
            }
            text.push(')');
        }
        _ => {
            value(chance, Sort::Text, depth, text);
            text.push_str(one_of(chance, &[" LIKE ", " NOT LIKE ", " RLIKE ", " ILIKE "]));
            text.push_str(one_of(
                chance,
                &["'ZTF%'", "'%_\\\\%'", "'(a|b)*c'", "'['", "'(?i)x{1000}'", "cdsxmatch", "'^(a+)+$'"],
            ));
        }
    }
}

#[derive(Clone, Copy)]
enum Sort {
    Number,
    Text,
    Time,
}

fn sort(chance: &mut Rng) -> Sort {
    match chance.u8(..8) {
        0..=4 => Sort::Number,
        5 | 6 => Sort::Text,
        _ => Sort::Time,
    }
}

fn call(chance: &mut Rng, name: &str, sorts: &[Sort], depth: u32, text: &mut String) {
    text.push_str(name);
    text.push('(');
    for (at, sort) in sorts.iter().enumerate() {
        text.push_str(if at > 0 { ", " } else { "" });
        value(chance, *sort, depth, text);
    }
    text.push(')');
}

fn value(chance: &mut Rng, sort: Sort, depth: u32, text: &mut String) {
    // Types that do not go together, now and then.
    let sort = if chance.u8(..24) == 0 { self::sort(chance) } else { sort };
    let words = match sort {
        Sort::Number => NUMBERS,
        Sort::Text => TEXTS,
        Sort::Time => TIMES,
    };
    let Some(depth) = depth.checked_sub(1).filter(|_| chance.u8(..3) > 0) else {
        return text.push_str(one_of(chance, words));
    };
    match (chance.u8(..10), sort) {
        (0, _) => {
            text.push_str("CASE WHEN ");
            condition(chance, depth, text);
            text.push_str(" THEN ");
            value(chance, sort, depth, text);
            text.push_str(" ELSE ");
            value(chance, sort, depth, text);
            text.push_str(" END");
        }
        (1, _) => {
            let name = one_of(chance, &["coalesce", "greatest", "least", "nvl", "nullif"]);
            call(chance, name, &[sort, sort], depth, text);
        }
        (2, _) => {
            let from = self::sort(chance);
            text.push_str(one_of(chance, &["CAST(", "TRY_CAST("]));
            value(chance, from, depth, text);
            text.push_str(" AS ");
            text.push_str(match sort {
                Sort::Number => one_of(
                    chance,
                    &[
                        "INT",
                        "BIGINT",
                        "DOUBLE",
                        "FLOAT",
                        "DECIMAL(38,10)",
                        "DECIMAL(5)",
                        "DECIMAL(38,38)",
                        "TINYINT",
                        "SMALLINT",
                    ],
                ),
                Sort::Text => "STRING",
                Sort::Time => one_of(chance, &["DATE", "TIMESTAMP"]),
            });
            text.push(')');
        }
        (3..=6, Sort::Number) => {
            text.push('(');
            value(chance, sort, depth, text);
            text.push_str(one_of(
                chance,
                &[" + ", " - ", " * ", " / ", " % ", " DIV ", " & ", " | ", " ^ ", " << ", " >> ", " >>> "],
            ));
            value(chance, sort, depth, text);
            text.push(')');
        }
        (7, Sort::Number) => {
            let name = one_of(chance, &["pow", "atan2", "hypot", "mod", "pmod", "log", "nanvl"]);
            call(chance, name, &[sort, sort], depth, text);
        }
        (8, Sort::Number) => match chance.u8(..4) {
            0 => call(chance, "length", &[Sort::Text], depth, text),
            1 => call(chance, "instr", &[Sort::Text, Sort::Text], depth, text),
            2 => call(chance, "datediff", &[Sort::Time, Sort::Time], depth, text),
            _ => {
                let name = one_of(
                    chance,
                    &["year", "quarter", "month", "day", "dayofweek", "doy", "hour", "minute", "second"],
                );
                call(chance, name, &[Sort::Time], depth, text);
            }
        },
        (_, Sort::Number) => {
            let name = one_of(
                chance,
                &[
                    "abs", "-", "~", "+", "floor", "ceil", "round", "bround", "sign", "sqrt", "cbrt", "exp",
                    "expm1", "rint", "ln", "log10", "log2", "log1p", "sin", "cot", "asin", "acosh", "sinh",
                    "radians", "degrees", "negative", "double", "bigint",
                ],
            );
            call(chance, name, &[sort], depth, text);
        }
        (3 | 4, Sort::Text) => {
            let name = one_of(chance, &["lower", "upper", "reverse", "trim", "ltrim", "rtrim", "string"]);
            call(chance, name, &[sort], depth, text);
        }
        (5 | 6, Sort::Text) => call(chance, "substring", &[sort, Sort::Number, Sort::Number], depth, text),
        (7, Sort::Text) => call(chance, "replace", &[sort, sort, sort], depth, text),
        (8, Sort::Text) => {
            let name = one_of(chance, &["left", "right"]);
            call(chance, name, &[sort, Sort::Number], depth, text);
        }
        (_, Sort::Text) => {
            let name = one_of(chance, &["concat", "trim"]);
            call(chance, name, &[sort, sort], depth, text);
        }
        (_, Sort::Time) => {
            let name = one_of(chance, &["to_date", "to_timestamp", "date", "timestamp"]);
            call(chance, name, &[Sort::Text], depth, text);
        }
    }
}
