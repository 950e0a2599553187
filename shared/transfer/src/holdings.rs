//! What the archive holds: nights, classes, and fields with their meaning.

use crate::{Scout, TransferError, service::now};
use archive::{Bound, NightSchema, distinct, unify};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use job::{Content, FieldPath, Night, NightSelection, Packet};
use night_index::{Catalogue, CataloguedNight};
use packet::{Layout, field_note, queryable_schema};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Without an index the columns of so many of the newest nights are looked at.
const LOOKED_AT: usize = 32;

/// A night of the archive.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ArchiveNight {
    /// The night.
    #[schema(value_type = String)]
    pub night: Night,
    /// Whether the index knows it; all that follows is told of indexed nights only.
    pub indexed: bool,
    /// Alerts.
    pub alerts: Option<u64>,
    /// Bytes of its files.
    pub bytes: Option<u64>,
    /// Its files.
    pub files: Option<u64>,
    /// How many of them cannot be read.
    pub unreadable: Option<u64>,
    /// Why the night has no counts by class and no sample, if that is so: its files are looked into instead.
    pub trouble: Option<String>,
    /// Root columns.
    pub columns: Option<u64>,
    /// Alerts by filter band (`candidate.fid`: 1 is g, 2 is r, 3 is i).
    pub bands: BTreeMap<String, u64>,
    /// The first and the last `candidate.jd`.
    #[schema(value_type = Option<Vec<f64>>)]
    pub jd: Option<(f64, f64)>,
}

/// A class and how many alerts there are of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ArchiveClass {
    /// The class, as it may be chosen: a label of finkclass, or `(TNS) …`.
    pub class: String,
    /// Alerts.
    pub alerts: u64,
    /// Nights that have some.
    pub nights: u64,
}

/// The fields that nights have.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ArchiveSchema {
    /// How many nights were looked at for this.
    pub nights: u64,
    /// The fields: each root column, followed by what lies in it.
    pub fields: Vec<ArchiveField>,
}

/// A field of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ArchiveField {
    /// Its whole name, as conditions and field lists take it.
    pub field: String,
    /// Its type, in Spark's words.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Its unit; empty for what has none.
    pub unit: String,
    /// What it means; empty where that is not known here.
    pub description: String,
    /// Whether a condition or a list of fields may name it; what lies in lists cannot be named alone.
    pub can_be_named: bool,
    /// The named contents that have it.
    pub contents: Vec<String>,
    /// The nights that lack it, as ranges of the archive's nights.
    pub lacking: Vec<String>,
    /// The least value in the night; told of one night at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub least: Option<Bound>,
    /// The greatest value in the night.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub greatest: Option<Bound>,
}

impl Scout {
    /// The archive's nights, or the chosen ones among them, in order.
    pub async fn nights(&self, chosen: Option<&NightSelection>) -> Result<Vec<ArchiveNight>, TransferError> {
        let catalogue = self.catalogue().await;
        let nights = self.among(chosen).await?;
        Ok(nights.into_iter().map(|night| told(night, &catalogue)).collect())
    }

    /// The classes of the chosen nights, most alerts first, then those of Fink's own that have none. Of indexed nights.
    pub async fn classes(&self, chosen: Option<&NightSelection>) -> Result<Vec<ArchiveClass>, TransferError> {
        let catalogue = self.catalogue().await;
        let chosen = chosen.map(dated).transpose()?;
        // Those of TNS as today's table tells them, not as one did when the night was indexed.
        let table = self.tns.fingerprint();
        let mut classes: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (night, known) in &catalogue.nights {
            if chosen.as_ref().is_some_and(|chosen| !chosen.contains(night)) {
                continue;
            }
            let mut of_night: BTreeMap<&str, u64> = BTreeMap::new();
            for stratum in &known.strata {
                *of_night.entry(&stratum.finkclass).or_default() += stratum.alerts;
                if stratum.tnsclass != "Unknown" && known.tns == table {
                    *of_night.entry(&stratum.tnsclass).or_default() += stratum.alerts;
                }
            }
            for (class, alerts) in of_night {
                let sum = classes.entry(class).or_default();
                *sum = (sum.0 + alerts, sum.1 + 1);
            }
        }
        for class in query::known_classes() {
            classes.entry(class).or_default();
        }
        let told = |(class, (alerts, nights)): (&str, (u64, u64))| ArchiveClass {
            class: class.to_owned(),
            alerts,
            nights,
        };
        let mut classes: Vec<ArchiveClass> = classes.into_iter().map(told).collect();
        classes.sort_by_key(|class| std::cmp::Reverse(class.alerts));
        Ok(classes)
    }

    /// The fields of a night, or of all nights.
    pub async fn schema(&self, night: Option<Night>) -> Result<ArchiveSchema, TransferError> {
        let catalogue = self.catalogue().await;
        let listed = self.archive.nights().await?;
        let wanted: Vec<Night> = match night {
            Some(night) if listed.binary_search(&night).is_ok() => vec![night],
            Some(_) => return Err(TransferError::no_nights(&listed)),
            None => listed,
        };
        let (indexed, others): (Vec<Night>, Vec<Night>) =
            wanted.iter().partition(|night| catalogue.nights.contains_key(night));
        let newest: Vec<Night> = others.into_iter().rev().take(LOOKED_AT).collect();
        let mut schemas: Vec<NightSchema> = indexed
            .iter()
            .filter_map(|night| {
                let schema = catalogue.schema_of(catalogue.nights.get(night)?)?.clone();
                Some(NightSchema { night: *night, schema })
            })
            .collect();
        let count = schemas.len() + newest.len();
        let looked_at = self.first_schemas(&newest).await?;
        let unified = unify(&distinct(schemas.iter().cloned().chain(looked_at.iter().cloned()))).schema;
        schemas.extend(looked_at);
        schemas.sort_by_key(|night| night.night);
        let mut fields = fields_of(&unified, &schemas)?;
        if let Some(night) = night
            && let Some(entry) = self.index.entry(night).await?
        {
            let bounds: HashMap<String, _> =
                entry.columns.iter().map(|column| (column.field.to_string(), column)).collect();
            for field in &mut fields {
                if let Some(column) = bounds.get(&field.field) {
                    (field.least, field.greatest) = (column.least, column.greatest);
                }
            }
        }
        Ok(ArchiveSchema { nights: count as u64, fields })
    }

    async fn among(&self, chosen: Option<&NightSelection>) -> Result<Vec<Night>, TransferError> {
        let nights = self.archive.nights().await?;
        let Some(chosen) = chosen else { return Ok(nights) };
        let chosen = dated(chosen)?;
        Ok(nights.into_iter().filter(|night| chosen.contains(night)).collect())
    }
}

/// Nights by their dates; some may be counted back from today.
fn dated(chosen: &NightSelection) -> Result<BTreeSet<Night>, TransferError> {
    Ok(chosen.on(now().date_naive())?.iter().collect())
}

fn told(night: Night, catalogue: &Catalogue) -> ArchiveNight {
    let known = catalogue.nights.get(&night);
    let number = |of: fn(&CataloguedNight) -> u64| known.map(of);
    let columns = known.and_then(|known| catalogue.schema_of(known));
    ArchiveNight {
        night,
        indexed: known.is_some(),
        alerts: number(|night| night.alerts),
        bytes: number(|night| night.bytes),
        files: number(|night| night.files as u64),
        unreadable: number(|night| night.unreadable as u64),
        trouble: known.and_then(|known| known.trouble.clone()),
        columns: columns.map(|schema| schema.fields().len() as u64),
        bands: known
            .iter()
            .flat_map(|known| &known.bands)
            .map(|(band, count)| (band.to_string(), *count))
            .collect(),
        jd: known.and_then(|known| known.jd),
    }
}

fn fields_of(unified: &Schema, nights: &[NightSchema]) -> Result<Vec<ArchiveField>, TransferError> {
    let mut contents = Vec::new();
    for packet in Packet::ALL {
        contents.push((packet.name(), Layout::new(&Content::Packet(packet), unified)?));
    }
    let mut fields = Vec::new();
    for root in queryable_schema(unified).fields() {
        add(&mut fields, root, &[], true);
    }
    // Nights of one era share a schema: each is looked at once.
    let mut eras: Vec<(&SchemaRef, BTreeSet<String>)> = Vec::new();
    let mut era_of: Vec<usize> = Vec::with_capacity(nights.len());
    for night in nights {
        let known = eras.iter().position(|(schema, _)| **schema == night.schema);
        era_of.push(known.unwrap_or(eras.len()));
        if known.is_none() {
            let mut names = Vec::new();
            for root in queryable_schema(&night.schema).fields() {
                add(&mut names, root, &[], true);
            }
            eras.push((&night.schema, names.into_iter().map(|field| field.field).collect()));
        }
    }
    for field in &mut fields {
        let has: Vec<bool> = eras.iter().map(|(_, names)| names.contains(&field.field)).collect();
        let lacks = era_of.iter().map(|era| !has.get(*era).copied().unwrap_or(true));
        field.lacking = ranges(nights.iter().map(|night| night.night).zip(lacks));
        let path = FieldPath::from(field.field.as_str());
        let holds = |layout: &Layout| {
            let derived = layout
                .columns()
                .iter()
                .any(|column| column.source == packet::Source::Derived && column.name == field.field);
            derived || layout.archive_fields().iter().any(|held| path.segments().starts_with(held.segments()))
        };
        field.contents =
            contents.iter().filter(|(_, layout)| holds(layout)).map(|(name, _)| (*name).to_owned()).collect();
    }
    Ok(fields)
}

/// A field and what lies in it.
fn add(fields: &mut Vec<ArchiveField>, field: &FieldRef, above: &[&str], can_be_named: bool) {
    let path = [above, &[field.name().as_str()]].concat();
    let name = path.join(".");
    let note = field_note(&name);
    fields.push(ArchiveField {
        data_type: type_name(field.data_type()),
        unit: note.map_or("", |note| note.unit).to_owned(),
        description: note.map_or("", |note| note.description).to_owned(),
        can_be_named,
        contents: Vec::new(),
        lacking: Vec::new(),
        least: None,
        greatest: None,
        field: name,
    });
    match field.data_type() {
        DataType::Struct(inner) => inner.iter().for_each(|leaf| add(fields, leaf, &path, can_be_named)),
        DataType::List(item) => {
            if let DataType::Struct(inner) = item.data_type() {
                inner.iter().for_each(|leaf| add(fields, leaf, &path, false));
            }
        }
        _ => {}
    }
}

/// A type in Spark's words, without what lies in it.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(_) => "struct".into(),
        DataType::List(item) => format!("array<{}>", type_name(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!("map<{},{}>", type_name(pair[0].data_type()), type_name(pair[1].data_type()))
            }
            _ => "map".into(),
        },
        plain => {
            let field = arrow::datatypes::Field::new("x", plain.clone(), true);
            let described = archive::describe(&Schema::new(vec![field]));
            described[0]["type"].as_str().unwrap_or("unknown").to_owned()
        }
    }
}

/// The marked nights as ranges over the nights that there are.
fn ranges(nights: impl Iterator<Item = (Night, bool)>) -> Vec<String> {
    let mut ranges: Vec<(Night, Night)> = Vec::new();
    let mut before = false;
    for (night, marked) in nights {
        match ranges.last_mut() {
            Some((_, last)) if marked && before => *last = night,
            _ if marked => ranges.push((night, night)),
            _ => {}
        }
        before = marked;
    }
    let told = |(first, last): (Night, Night)| match first == last {
        true => first.to_string(),
        false => format!("{first}..{last}"),
    };
    ranges.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_that_follow_each_other_in_the_archive_are_a_range() {
        let nights =
            [("2020-08-02", true), ("2020-08-05", true), ("2021-11-22", false), ("2026-03-22", true)];
        let nights = nights.map(|(night, marked)| (night.parse().unwrap(), marked));
        assert_eq!(ranges(nights.into_iter()), ["2020-08-02..2020-08-05", "2026-03-22"]);
    }
}
