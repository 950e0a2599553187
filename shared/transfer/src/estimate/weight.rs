//! From alerts to bytes: in the topic by what the index measured on each night's sample, on disk by the bytes that the
//! archive's own files take for the same columns.

use super::is_within;
use crate::TransferError;
use arrow::datatypes::{DataType, FieldRef, Schema};
use job::{Content, FieldPath, JobRequest, Night, Packet};
use night_index::{Catalogue, CataloguedNight, CataloguedSchema};
use packet::{Layout, Source};
use std::collections::HashMap;

/// What the alerts of a night, or of several, would weigh.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Weight {
    /// Bytes in the topic as each of [`Packet::ALL`].
    pub packets: [f64; 4],
    /// Bytes on disk as each of them.
    pub packets_on_disk: [f64; 4],
    /// Bytes in the topic as the chosen content, of the alerts in `weighed`.
    pub chosen: f64,
    /// Bytes on disk as the chosen content.
    pub chosen_on_disk: f64,
    /// Alerts whose bytes are in `chosen`: of a night that is not indexed, some that passed.
    pub weighed: f64,
}

impl Weight {
    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.packets.iter_mut().zip(other.packets) {
            *mine += theirs;
        }
        for (mine, theirs) in self.packets_on_disk.iter_mut().zip(other.packets_on_disk) {
            *mine += theirs;
        }
        self.chosen += other.chosen;
        self.chosen_on_disk += other.chosen_on_disk;
        self.weighed += other.weighed;
    }
}

/// The layouts of the named contents and of the chosen one, over a job's schema.
pub(super) struct Weigher {
    chosen: Content,
    by_schema: HashMap<String, SchemaWeights>,
}

/// Where a kind of night has what the layouts ask for.
struct SchemaWeights {
    /// For each layout, which leaves it reads.
    leaves: [Vec<usize>; 4],
    chosen_leaves: Vec<usize>,
    /// For each layout, the bytes of the nulls for what the night lacks.
    lacking: [usize; 4],
    chosen_lacking: usize,
    /// The places of the chosen fields.
    fields: Vec<usize>,
}

impl Weigher {
    pub(super) fn new(
        request: &JobRequest,
        schema: &Schema,
        catalogue: &Catalogue,
        nights: &[(Night, &CataloguedNight)],
    ) -> Result<Self, TransferError> {
        let layout = |packet| Layout::new(&Content::Packet(packet), schema);
        let [light, cutouts, medium, full] = Packet::ALL;
        let layouts = [layout(light)?, layout(cutouts)?, layout(medium)?, layout(full)?];
        let chosen_layout = Layout::new(&request.content, schema)?;
        let mut by_schema = HashMap::new();
        for (_, night) in nights {
            if by_schema.contains_key(&night.schema) {
                continue;
            }
            let known = catalogue.schemas.get(&night.schema).zip(catalogue.schema_of(night));
            let Some((known, columns)) = known else { continue };
            let weights = SchemaWeights {
                leaves: layouts.each_ref().map(|layout| leaves(layout, known)),
                chosen_leaves: leaves(&chosen_layout, known),
                lacking: layouts.each_ref().map(|layout| lacking(layout, columns)),
                chosen_lacking: lacking(&chosen_layout, columns),
                fields: fields(&chosen_layout, known),
            };
            by_schema.insert(night.schema.clone(), weights);
        }
        Ok(Self { chosen: request.content.clone(), by_schema })
    }

    /// What alerts of an indexed night weigh: for each class how many pass, and their bytes as light, medium and
    /// cutouts packets without images.
    pub(super) fn weigh(&self, night: &CataloguedNight, passed: &[(f64, [f64; 3])]) -> Weight {
        let Some(weights) = self.by_schema.get(&night.schema) else { return Weight::default() };
        let alerts: f64 = passed.iter().map(|(count, _)| count).sum();
        let sum = |which: usize| {
            passed.iter().map(|(_, bytes)| bytes.get(which).copied().unwrap_or(0.0)).sum::<f64>()
        };
        let (light, medium, cutouts, images) = (sum(0), sum(1), sum(2), alerts * night.images);
        let nulls = weights.lacking.map(|count| alerts * count as f64);
        let packets =
            [light + nulls[0], cutouts + images + nulls[1], medium + nulls[2], medium + images + nulls[3]];
        let share = if night.alerts > 0 { alerts / night.alerts as f64 } else { 0.0 };
        let on_disk = |leaves: &[usize]| {
            share * leaves.iter().filter_map(|leaf| night.leaf_bytes.get(*leaf)).sum::<u64>() as f64
        };
        let chosen = match &self.chosen {
            Content::Packet(packet) => Packet::ALL
                .iter()
                .zip(packets)
                .find_map(|(known, bytes)| (known == packet).then_some(bytes))
                .unwrap_or(0.0),
            Content::Fields(_) => {
                let fields = weights.fields.iter().filter_map(|field| night.field_bytes.get(*field));
                let each = f64::from(night.base)
                    + fields.map(|bytes| f64::from(*bytes)).sum::<f64>()
                    + weights.chosen_lacking as f64;
                alerts * each
            }
        };
        Weight {
            packets,
            packets_on_disk: weights.leaves.each_ref().map(|leaves| on_disk(leaves)),
            chosen,
            chosen_on_disk: on_disk(&weights.chosen_leaves),
            weighed: alerts,
        }
    }
}

fn leaves(layout: &Layout, schema: &CataloguedSchema) -> Vec<usize> {
    let reads: Vec<&FieldPath> = layout.archive_fields();
    let read = |leaf: &FieldPath| reads.iter().any(|path| is_within(leaf, path));
    schema.leaves.iter().enumerate().filter(|(_, leaf)| read(leaf)).map(|(place, _)| place).collect()
}

/// Bytes of nulls for what a night lacks of a layout: one for each leaf of it.
fn lacking(layout: &Layout, night: &Schema) -> usize {
    let archived = layout.columns().iter().filter_map(|column| match &column.source {
        Source::Archive(path) => Some((path, &column.data_type)),
        Source::Derived => None,
    });
    archived.map(|(path, wanted)| nulls(wanted, packet::type_of(night, path).as_ref())).sum()
}

fn nulls(wanted: &DataType, found: Option<&DataType>) -> usize {
    match (wanted, found) {
        (DataType::Struct(wanted), found) => {
            let of = |leaf: &FieldRef| match found {
                Some(DataType::Struct(found)) => found.iter().find(|field| field.name() == leaf.name()),
                _ => None,
            };
            wanted.iter().map(|leaf| nulls(leaf.data_type(), of(leaf).map(|field| field.data_type()))).sum()
        }
        (_, found) => usize::from(found.is_none()),
    }
}

fn fields(layout: &Layout, schema: &CataloguedSchema) -> Vec<usize> {
    layout
        .archive_fields()
        .into_iter()
        .filter_map(|path| schema.fields.iter().position(|field| field == path))
        .collect()
}
