//! What is known of a night.

use crate::sample::SLICES;
use archive::{ColumnFootprint, OpenFile};
use job::{FieldPath, Night};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, ops::Range};

/// No night has more alerts; sums of them fit anywhere.
const MAX_ALERTS: u64 = 1 << 40;

/// What is known of a night: `index/nights/<night>.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NightEntry {
    /// The night.
    pub night: Night,
    /// A mark of the files and of the way of indexing.
    pub mark: String,
    /// The night's files, in order of their paths.
    pub files: Vec<EntryFile>,
    /// Files that cannot be read, with the reason: their alerts are not counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreadable: BTreeMap<String, String>,
    /// Alerts.
    pub alerts: u64,
    /// The columns and their types ([`archive::describe`]).
    pub schema: Value,
    /// Why the night has neither strata nor a sample, if that is so: estimates look into its files instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Bytes and bounds of each leaf.
    pub columns: Vec<ColumnFootprint>,
    /// Alerts by class, and how many of them are in the sample. A sample's rows name them by their number.
    pub strata: Vec<Stratum>,
    /// Alerts by `candidate.fid`.
    pub bands: BTreeMap<i64, u64>,
    /// The least and greatest `candidate.jd`.
    pub jd: Option<(f64, f64)>,
    /// What alerts weigh as messages.
    pub sizes: Sizes,
    /// A mark of the TNS table by which tnsclass was told.
    pub tns: String,
    /// The sample.
    pub sample: Object,
}

/// A file of the archive as it was indexed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryFile {
    /// Where it is in the store.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Its version, where the store knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Alerts; none where it cannot be read.
    pub alerts: u64,
}

/// A Parquet file of the index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Object {
    /// Where it is, below the index.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
    /// The row groups of each slice.
    pub slices: Vec<usize>,
}

impl Object {
    /// Whether its slices are those that are told apart now: files of an earlier version lie otherwise.
    pub fn is_sliced(&self) -> bool {
        self.rows == 0 || self.slices.len() == SLICES
    }

    /// The row groups of some slices, as far as the file has them.
    pub fn row_groups(&self, slices: Range<usize>, file: &OpenFile) -> Range<usize> {
        let before = |slices: usize| {
            let sum = self.slices.iter().take(slices).fold(0_usize, |sum, slice| sum.saturating_add(*slice));
            sum.min(file.row_groups())
        };
        before(slices.start)..before(slices.end)
    }
}

/// The alerts of a night that share both classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stratum {
    /// Their finkclass.
    pub finkclass: String,
    /// Their tnsclass.
    #[serde(default = "unknown", skip_serializing_if = "is_unknown")]
    pub tnsclass: String,
    /// How many there are.
    pub alerts: u64,
    /// How many are in the sample.
    pub sampled: u64,
    /// What one of them weighs, in the mean of the sample.
    pub bytes: PacketBytes,
}

fn unknown() -> String {
    "Unknown".to_owned()
}

fn is_unknown(class: &str) -> bool {
    class == "Unknown"
}

/// Bytes of Avro of an alert, without images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PacketBytes {
    /// As a light packet.
    pub light: f32,
    /// As a medium packet; with the images it is a full one.
    pub medium: f32,
    /// As a cutouts packet but for the images.
    pub cutouts: f32,
}

/// What alerts weigh as messages, in the mean of the night.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sizes {
    /// The three images, by the footers.
    pub images: f64,
    /// What every message of chosen fields carries: the night and the classes.
    pub base: f32,
    /// Each field that may be chosen.
    pub fields: BTreeMap<FieldPath, f32>,
}

impl NightEntry {
    /// Whether the entry is of this night and its counts agree with each other: who can write into the bucket is trusted
    /// no more than anybody else.
    pub(crate) fn is_sound(&self, night: Night) -> bool {
        let sum = |of: fn(&Stratum) -> u64| {
            self.strata.iter().try_fold(0_u64, |sum, stratum| sum.checked_add(of(stratum)))
        };
        let counted = self.trouble.is_some() || sum(|stratum| stratum.alerts) == Some(self.alerts);
        let sampled = self.strata.iter().all(|stratum| stratum.sampled <= stratum.alerts);
        self.night == night
            && counted
            && sampled
            && sum(|stratum| stratum.sampled) == Some(self.sample.rows)
            && self.alerts <= MAX_ALERTS
            && self.files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.size)).is_some()
    }

    /// Bytes of the night's files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}
