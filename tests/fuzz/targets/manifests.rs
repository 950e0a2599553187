//! Manifests and plans from the bucket, which anybody may have written.

use super::Verdict;
use archive::LeafSet;
use job::{Caller, FieldPath, Job};
use transfer::{Manifest, Plan};

/// The job that a manifest must be of.
pub struct Target {
    job: Job,
}

impl Target {
    /// The job of the seed `manifest.json`.
    pub fn new(seeds: &[(String, Vec<u8>)]) -> Result<Self, String> {
        let seed = seeds.iter().find(|(name, _)| name == "manifest.json");
        let (_, seed) = seed.ok_or("the corpus lacks manifests/manifest.json")?;
        let manifest: Manifest = serde_json::from_slice(seed).map_err(|error| error.to_string())?;
        let moment = "2026-03-23T00:00:00Z".parse().unwrap_or_default();
        let job = Job::new(manifest.id, manifest.request, &Caller::default(), manifest.topic, moment, moment);
        Ok(Self { job })
    }
}

impl super::Target for Target {
    fn try_one(&mut self, input: &[u8]) -> Result<Verdict, String> {
        let mut verdict = Verdict::Refused;
        if let Ok(manifest) = serde_json::from_slice::<Manifest>(input)
            && manifest.check(&self.job).is_ok()
        {
            let chosen: Vec<_> = self.job.request.nights.iter().collect();
            if manifest.nights.iter().any(|night| !chosen.contains(night)) {
                return Err("is taken with nights that were not asked for".into());
            }
            if !manifest.nights.is_sorted_by(|a, b| a < b) {
                return Err("is taken with a night twice".into());
            }
            verdict = Verdict::Accepted;
        }
        if let Ok(plan) = serde_json::from_slice::<Plan>(input)
            && let Ok(schema) = archive::from_description(&plan.columns)
        {
            let roots: Vec<FieldPath> =
                schema.fields().iter().map(|field| FieldPath::new([field.name()])).collect();
            let leaves = LeafSet::new(&schema, roots);
            if let Ok(again) = archive::from_description(&archive::describe(leaves.schema()))
                && again != *leaves.schema()
            {
                return Err("reads back as another schema".into());
            }
            verdict = Verdict::Accepted;
        }
        Ok(verdict)
    }
}

pub const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "\"nights\":",
    "\"request\":",
    "\"topic\":",
    "\"partitions\":",
    "\"columns\":",
    "\"2026-03-22\"",
    "\"2026-03-21\",",
    "{\"array\":",
    "{\"struct\":[",
    "{\"map\":",
    "\"type\":",
    "\"name\":",
    "\"int\"",
    "\"void\"",
    "[[[[[[[[[[[[[[[[",
    "\\u0000",
    "\\ud800",
    "ftransfer_",
];
