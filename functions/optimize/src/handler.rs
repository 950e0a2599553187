//! Decodes, calls `optimize`, encodes.

use archive::{Archive, ArchiveError};
use function::Environment;
use job::{Night, NightSelection};
use lambda_runtime::{Error, LambdaEvent};
use optimize::{Optimized, Settings, Watch};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};

/// Everything is over so long before Lambda ends the function: what was under way is taken away, and the answer is given.
const SPARE: Duration = Duration::from_secs(20);
/// Of the 10 GB of scratch (`infra/template.yaml`) so much for the finished file of a night, which has about as many bytes
/// as its files had, ...
const NIGHT_BYTES: u64 = 6_000_000_000;
/// ... and so much for what is laid aside at once. The rest is spare.
const LAID_ASIDE_BYTES: u64 = 3_000_000_000;

/// Of an event that asks for nothing that is known here.
const UNKNOWN: &str = r#"the event does not say what is to be optimised: give {"whole": true}, or {"nights": "2025-09-01..2025-09-30"}"#;
/// Of a template that names no place.
const NO_PLACE: &str = "nothing is optimised here, as the parameter OptimizedBucket of the stack is empty: name the bucket of another archive";

pub struct Handler {
    source: Archive,
    /// None where the template names none.
    target: Option<Archive>,
}

impl Handler {
    pub fn new(environment: &Environment) -> Result<Self, ArchiveError> {
        let target = environment.optimized_archive.as_deref().map(Archive::open).transpose()?;
        Ok(Self { source: Archive::open(&environment.archive)?, target })
    }

    /// `{"whole": true}` from the schedule, or `{"nights": "2025-09-01..2025-09-30"}` (or a list of such texts) by hand. What there
    /// was no time for is told in `left`, and is for the next call.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let until = Instant::now() + left.saturating_sub(SPARE.min(left / 2));
        let target = self.target.as_ref().ok_or(NO_PLACE)?;
        let nights = asked(&event.payload)?;
        let settings = Settings {
            scratch_bytes: LAID_ASIDE_BYTES,
            night_bytes: Some(NIGHT_BYTES),
            until: Some(until),
            ..Settings::default()
        };
        let done =
            optimize::optimize(&self.source, target, nights.as_ref(), &settings, &Watch::default()).await?;
        let mut answer = serde_json::to_value(&done)?;
        if let Some(instead) = instead(&done, self.source.location(), target.location()) {
            tracing::warn!(too_large = %json!(done.too_large), instead, "nights are too large for this function");
            if let Some(answer) = answer.as_object_mut() {
                answer.insert("instead".into(), instead.into());
            }
        }
        Ok(answer)
    }
}

/// The nights that are asked for; none for all of the archive.
fn asked(event: &Value) -> Result<Option<BTreeSet<Night>>, Error> {
    match event.get("nights") {
        Some(nights) => {
            let today = chrono::Utc::now().date_naive();
            Ok(Some(NightSelection::deserialize(nights)?.on(today)?.iter().collect()))
        }
        None if event["whole"] == true => Ok(None),
        None => Err(UNKNOWN.into()),
    }
}

/// What to do with nights that are too large for the function, if there are any.
fn instead(done: &Optimized, source: &str, target: &str) -> Option<String> {
    let nights: Vec<String> = done.too_large.keys().map(ToString::to_string).collect();
    (!nights.is_empty()).then(|| {
        format!(
            "on a machine with disk for a night: nightferry optimize --archive {source} --to {target} --nights {}",
            nights.join(" ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nights(event: Value) -> Result<Option<Vec<String>>, String> {
        let nights = asked(&event).map_err(|error| error.to_string())?;
        Ok(nights.map(|nights| nights.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_person_names_nights_and_the_schedule_means_all() {
        assert_eq!(nights(json!({"whole": true})), Ok(None));
        let some = Some(vec!["2025-09-01".to_owned(), "2025-09-02".into(), "2025-10-11".into()]);
        assert_eq!(nights(json!({"nights": "2025-09-01..2025-09-02, 2025-10-11"})), Ok(some.clone()));
        assert_eq!(nights(json!({"nights": ["2025-10-11", "2025-09-01..2025-09-02"]})), Ok(some));
        assert_eq!(nights(json!({"nights": "last night"})).unwrap().unwrap().len(), 1);
        for (wrong, told) in [
            (json!({}), "does not say"),
            (json!({"whole": false}), "does not say"),
            (json!("2025-09-01"), "does not say"),
            (json!({"nights": []}), "no night is named"),
            (json!({"nights": "someday"}), "someday"),
            (json!({"whole": true, "nights": 5}), ""),
        ] {
            let error = nights(wrong.clone()).unwrap_err();
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_night_that_is_too_large_is_told_with_the_command_that_does_it() {
        assert_eq!(instead(&Optimized::default(), "s3://alerts/", "s3://fast/"), None);
        let large = ["2025-09-02", "2025-09-04"].map(|night| (night.parse().unwrap(), "14.0 GB".to_owned()));
        let done = Optimized { too_large: large.into(), ..Optimized::default() };
        let told = instead(&done, "s3://alerts/", "s3://fast/").unwrap();
        assert!(
            told.ends_with("optimize --archive s3://alerts/ --to s3://fast/ --nights 2025-09-02 2025-09-04")
        );
    }
}
