//! What estimates need of all nights, in one piece.

use crate::entry::{NightEntry, Object, Sizes, Stratum};
use archive::{ArchiveError, from_description};
use arrow::datatypes::SchemaRef;
use job::{FieldPath, Night};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// All nights of an index. It follows from the nights' entries and is made anew with them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Catalogue {
    /// The different schemas, by their marks.
    pub schemas: BTreeMap<String, CataloguedSchema>,
    /// The nights.
    pub nights: BTreeMap<Night, CataloguedNight>,
    /// Samples side by side.
    pub bundles: Vec<Bundle>,
    /// Samples and bundles that nothing names any more, and since when (seconds since 1970): they may still be in use.
    #[serde(default)]
    pub retired: BTreeMap<String, u64>,
    /// The nights that are in a bundle, by the bundle's place in the list.
    #[serde(skip)]
    pub(crate) bundled: BTreeMap<Night, usize>,
    /// The schemas, ready for use.
    #[serde(skip)]
    pub(crate) ready: HashMap<String, SchemaRef>,
}

/// A schema that nights share, and the order of the leaves in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CataloguedSchema {
    /// [`archive::describe`].
    pub columns: Value,
    /// The leaves of the files, in order.
    pub leaves: Vec<FieldPath>,
    /// The fields that may be chosen, in order.
    pub fields: Vec<FieldPath>,
}

/// A night in the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CataloguedNight {
    /// The version of its entry, as the store tells.
    pub version: String,
    /// A mark of its files.
    pub mark: String,
    /// How many files.
    pub files: usize,
    /// How many of them cannot be read.
    pub unreadable: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Alerts.
    pub alerts: u64,
    /// The mark of its schema.
    pub schema: String,
    /// Why the night has neither strata nor a sample, if that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// The bytes of each leaf in the files, in the order of the schema's leaves.
    pub leaf_bytes: Vec<u64>,
    /// Alerts by class.
    pub strata: Vec<Stratum>,
    /// Alerts by `candidate.fid`.
    pub bands: BTreeMap<i64, u64>,
    /// The least and greatest `candidate.jd`.
    pub jd: Option<(f64, f64)>,
    /// What the three images of an alert weigh, in the mean.
    pub images: f64,
    /// What every message of chosen fields carries.
    pub base: f32,
    /// What each field weighs, in the order of the schema's fields.
    pub field_bytes: Vec<f32>,
    /// A mark of the TNS table by which tnsclass was told.
    pub tns: String,
    /// The sample.
    pub sample: Object,
}

/// The samples of some nights of one month and one schema; light curves and other lists in the first slices only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// The file.
    pub object: Object,
    /// The nights, in order.
    pub nights: Vec<Night>,
}

impl Catalogue {
    /// The columns of a night.
    pub fn schema_of(&self, night: &CataloguedNight) -> Option<&SchemaRef> {
        self.ready.get(&night.schema)
    }

    /// The bundle that has a night's sample.
    pub fn bundle_of(&self, night: Night) -> Option<&Bundle> {
        self.bundled.get(&night).and_then(|place| self.bundles.get(*place))
    }

    /// Puts a night's entry in.
    pub(crate) fn insert(&mut self, entry: NightEntry, version: String) -> Result<(), ArchiveError> {
        let bytes = entry.bytes();
        let leaves: Vec<FieldPath> = entry.columns.iter().map(|column| column.field.clone()).collect();
        let mut mark = crate::mark::Mark::new();
        mark.add(&entry.schema.to_string());
        let Sizes { images, base, fields } = entry.sizes;
        let (fields, field_bytes): (Vec<FieldPath>, Vec<f32>) = fields.into_iter().unzip();
        for leaf in leaves.iter().chain(&fields) {
            mark.add(&leaf.to_string());
        }
        let schema = mark.finish();
        if !self.schemas.contains_key(&schema) {
            self.ready.insert(schema.clone(), from_description(&entry.schema)?);
            self.schemas
                .insert(schema.clone(), CataloguedSchema { columns: entry.schema.clone(), leaves, fields });
        }
        let night = CataloguedNight {
            version,
            files: entry.files.len(),
            unreadable: entry.unreadable.len(),
            bytes,
            alerts: entry.alerts,
            schema,
            leaf_bytes: entry.columns.iter().map(|column| column.bytes).collect(),
            mark: entry.mark,
            trouble: entry.trouble,
            strata: entry.strata,
            bands: entry.bands,
            jd: entry.jd,
            images,
            base,
            field_bytes,
            tns: entry.tns,
            sample: entry.sample,
        };
        self.nights.insert(entry.night, night);
        Ok(())
    }

    /// Forgets schemas that no night has, and makes the rest ready for use.
    pub(crate) fn settle(&mut self) -> Result<(), ArchiveError> {
        let used: std::collections::HashSet<&String> =
            self.nights.values().map(|night| &night.schema).collect();
        self.schemas.retain(|mark, _| used.contains(mark));
        self.ready.retain(|mark, _| self.schemas.contains_key(mark));
        for (mark, schema) in &self.schemas {
            if !self.ready.contains_key(mark) {
                self.ready.insert(mark.clone(), from_description(&schema.columns)?);
            }
        }
        self.bundled = BTreeMap::new();
        for (place, bundle) in self.bundles.iter().enumerate().filter(|(_, bundle)| bundle.object.is_sliced())
        {
            self.bundled.extend(bundle.nights.iter().map(|night| (*night, place)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_an_earlier_version_made_is_not_looked_at() {
        let night: Night = "2026-03-22".parse().unwrap();
        let bundle = |slices: usize| Bundle {
            object: Object {
                path: "bundles/2026-03.parquet".into(),
                size: 1,
                rows: 9,
                slices: vec![1; slices],
            },
            nights: vec![night],
        };
        for (slices, found) in [(5, false), (crate::SLICES, true)] {
            let mut catalogue = Catalogue { bundles: vec![bundle(slices)], ..Catalogue::default() };
            catalogue.settle().unwrap();
            assert_eq!(catalogue.bundle_of(night).is_some(), found, "{slices} slices");
        }
    }
}
