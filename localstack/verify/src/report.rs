//! What a comparison found.

use job::Night;
use serde::Serialize;

/// What a comparison found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Whether all that was compared agrees.
    pub agrees: bool,
    /// Alerts that the job says it sent.
    pub receipt: Option<u64>,
    /// Alerts in the topic.
    pub topic: Option<u64>,
    /// Alerts in the folder.
    pub folder: Option<u64>,
    /// Files in the folder that were read.
    pub files: Option<u64>,
    /// What alerts were told apart by: `candid`, `objectId and jd`, or `counts` only.
    pub compared_by: &'static str,
    /// All nights together.
    #[serde(flatten)]
    pub total: Counted,
    /// By night, in order; alerts of no known night come last.
    pub nights: Vec<NightRow>,
    /// By partition, in order.
    pub partitions: Vec<PartitionRow>,
    /// Each disagreement as a sentence.
    pub differences: Vec<String>,
    /// What the reader should know though it is no disagreement.
    pub notes: Vec<String>,
    /// Some of the alerts concerned.
    pub examples: Vec<Example>,
}

/// How many alerts are not as they should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// In the topic, but not in the folder (or less often).
    pub missing: u64,
    /// In the folder more often than in the topic.
    pub doubled: u64,
    /// In the folder, but not in the topic.
    pub foreign: u64,
    /// In the topic more than once.
    pub repeated: u64,
}

/// A night.
#[derive(Clone, Debug, Serialize)]
pub struct NightRow {
    /// The night; none for foreign alerts that do not tell theirs.
    pub night: Option<Night>,
    /// Alerts that the job says it sent.
    pub receipt: Option<u64>,
    /// Alerts in the topic.
    pub topic: Option<u64>,
    /// Alerts in the folder.
    pub folder: Option<u64>,
    /// What is wrong.
    #[serde(flatten)]
    pub counted: Counted,
}

/// A partition.
#[derive(Clone, Debug, Serialize)]
pub struct PartitionRow {
    /// The partition; none for alerts that are in no partition: the foreign ones.
    pub partition: Option<i32>,
    /// Alerts that the job says it sent.
    pub receipt: Option<u64>,
    /// Alerts in the topic.
    pub topic: Option<u64>,
    /// Alerts in the folder.
    pub folder: Option<u64>,
    /// What is wrong.
    #[serde(flatten)]
    pub counted: Counted,
}

/// What may be wrong with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In the topic, but not in the folder.
    Missing,
    /// In the folder more often than in the topic.
    Doubled,
    /// In the folder, but not in the topic.
    Foreign,
    /// In the topic more than once.
    Repeated,
}

/// An alert that is not as it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    /// What is wrong with it.
    pub kind: Kind,
    /// Its candid, where alerts have one.
    pub candid: Option<i64>,
    /// Its object, where alerts have one.
    pub object_id: Option<String>,
    /// Its night, if known.
    pub night: Option<Night>,
    /// Where it is in the topic.
    pub partition: Option<i32>,
    /// Where it is in the partition.
    pub offset: Option<i64>,
    /// A file that it is in.
    pub file: Option<String>,
}
