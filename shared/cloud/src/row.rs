//! A row's attributes: the JSON of what it holds, its version, and what someone with a console wants to see.

use crate::key::Key;
use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use chrono::{DateTime, Utc};
use job::{Job, Task, Usage};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashMap;
use store::{StoreError, Versioned};

pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// DynamoDB's bound for a row: names and values.
const MOST: usize = 400 * 1024;
/// Left for keys and all attributes but the body: `user` and key of a usage row are the largest.
const BESIDE_THE_BODY: usize = 8 * 1024;
/// DynamoDB's bound for a partition key.
const LONGEST_KEY: usize = 2048;
/// A longer body is compressed. Shorter ones stay legible.
const LEGIBLE: usize = 4 * 1024;
/// A body that claims to be longer than this is no body of ours: a row's worth of JSON compresses twentyfold at most.
const LONGEST_BODY: usize = 32 * 1024 * 1024;

/// What rows hold.
pub(crate) trait Kept: Serialize + DeserializeOwned + Send + Sync {
    /// What to do when it is too large.
    const INSTEAD: &'static str;
    /// Attributes that are told beside the body; reserved words are among them, so they are named by placeholders.
    fn told(&self) -> Vec<(&'static str, String)>;
}

impl Kept for Job {
    const INSTEAD: &'static str = "ask for fewer nights";

    fn told(&self) -> Vec<(&'static str, String)> {
        let user: String = self.user.chars().take(256).collect();
        vec![("state", self.state.to_string()), ("user", user), ("created", self.created.to_rfc3339())]
    }
}

impl Kept for Task {
    const INSTEAD: &'static str = "a smaller size of tasks, so that each has fewer files";

    fn told(&self) -> Vec<(&'static str, String)> {
        let state = format!("{:?}", self.state).to_lowercase();
        vec![("state", state), ("night", self.night.to_string()), ("attempt", self.attempt.to_string())]
    }
}

impl Kept for Usage {
    const INSTEAD: &'static str = "fewer and larger jobs in a day";

    fn told(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// What is written of a value: its body under the name that it has, and what is told beside it.
pub(crate) struct Written {
    pub body: (&'static str, AttributeValue),
    /// The name that the body has not.
    pub absent: &'static str,
    pub told: Vec<(&'static str, String)>,
}

/// Encodes a value; [`StoreError::TooLarge`] if no row can hold it.
pub(crate) fn written<T: Kept>(
    what: impl Fn() -> String,
    key: &Key,
    value: &T,
) -> Result<Written, StoreError> {
    let too_large = |bytes, most| StoreError::TooLarge { what: what(), bytes, most, instead: T::INSTEAD };
    if key.pk.len() > LONGEST_KEY {
        let instead = "a shorter name of the user";
        return Err(StoreError::TooLarge { what: what(), bytes: key.pk.len(), most: LONGEST_KEY, instead });
    }
    let json = serde_json::to_string(value)?;
    if json.len() > LONGEST_BODY {
        return Err(too_large(json.len(), MOST - BESIDE_THE_BODY));
    }
    let told = value.told();
    if json.len() <= LEGIBLE {
        return Ok(Written { body: ("body", AttributeValue::S(json)), absent: "packed", told });
    }
    let packed = zstd::bulk::compress(json.as_bytes(), 3)
        .map_err(|error| StoreError::Refused(format!("{} cannot be compressed: {error}", what())))?;
    if packed.len() > MOST - BESIDE_THE_BODY {
        return Err(too_large(packed.len(), MOST - BESIDE_THE_BODY));
    }
    Ok(Written { body: ("packed", AttributeValue::B(Blob::new(packed))), absent: "body", told })
}

impl Written {
    /// All attributes of a new row.
    pub fn into_new_row(self, key: Key, writer: &str, expires: DateTime<Utc>) -> Attributes {
        let mut row = key.attributes();
        row.insert(self.body.0.into(), self.body.1);
        row.extend(self.told.into_iter().map(|(name, text)| (name.to_owned(), AttributeValue::S(text))));
        row.insert("version".into(), number(1));
        row.insert("writer".into(), AttributeValue::S(writer.into()));
        row.insert("expires_at".into(), number(expires.timestamp()));
        row
    }
}

/// What a row holds.
pub(crate) fn read<T: Kept>(row: &Attributes) -> Result<Versioned<T>, StoreError> {
    let unreadable = |reason: &str| {
        let name =
            |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        StoreError::Refused(format!("the row {} {} {reason}", name("pk"), name("sk")))
    };
    let version = row.get("version").and_then(|version| version.as_n().ok()?.parse().ok());
    let version = version.ok_or_else(|| unreadable("has no version"))?;
    let value = match (row.get("body"), row.get("packed")) {
        (Some(AttributeValue::S(json)), _) => serde_json::from_str(json)?,
        (None, Some(AttributeValue::B(packed))) => {
            let json = zstd::bulk::decompress(packed.as_ref(), LONGEST_BODY)
                .map_err(|error| unreadable(&format!("cannot be decompressed: {error}")))?;
            serde_json::from_slice(&json)?
        }
        _ => return Err(unreadable("has no body")),
    };
    Ok(Versioned { value, version })
}

/// A text of a row.
pub(crate) fn text<'a>(row: &'a Attributes, name: &str) -> Option<&'a str> {
    row.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use job::{JobId, TaskFile, TaskId};

    fn task(files: usize) -> Task {
        let file = |number: usize| TaskFile {
            path: format!("science/year=2026/month=03/day=22/part-{number:05}-bd7894fb.c000.snappy.parquet"),
            size: 500_000_000 + number as u64 * 7919,
            etag: Some(format!("\"{:016x}{:016x}\"", fastrand::u64(..), fastrand::u64(..))),
            rows: 20_000 + number as u64,
            row_groups: 4,
        };
        let id = TaskId { job: JobId::random(), index: 0 };
        Task::new(id, "2026-03-22".parse().unwrap(), 0, (0..files).map(file).collect())
    }

    fn row(task: &Task) -> Result<Attributes, StoreError> {
        let key = Key::task(task.id);
        Ok(written(|| "a task".into(), &key, task)?.into_new_row(key, "me", Utc::now()))
    }

    #[test]
    fn what_is_written_is_read_again_short_and_long() {
        for (files, name) in [(1, "body"), (16, "body"), (1_000, "packed")] {
            let task = task(files);
            let row = row(&task).unwrap();
            assert!(row.contains_key(name), "{files}");
            assert_eq!(read::<Task>(&row).unwrap(), Versioned { value: task, version: 1 });
        }
    }

    #[test]
    fn a_task_of_thousands_of_files_fits_and_one_of_too_many_is_refused() {
        row(&task(7_000)).unwrap();
        let refused = row(&task(20_000)).unwrap_err();
        assert_eq!(refused.kind(), job::ErrorKind::Permanent);
        let text = refused.to_string();
        assert!(text.contains("a row may take 401408; instead: a smaller size of tasks"), "{text}");
    }

    #[test]
    fn a_damaged_row_is_an_error_that_names_it() {
        let mut damaged = row(&task(1_000)).unwrap();
        damaged.insert("packed".into(), AttributeValue::B(Blob::new(b"no zstd".to_vec())));
        let text = read::<Task>(&damaged).unwrap_err().to_string();
        assert!(text.contains("task#0000000000 cannot be decompressed"), "{text}");
        damaged.remove("version");
        assert!(read::<Task>(&damaged).unwrap_err().to_string().contains("has no version"));
    }
}
