//! What alerts weigh as messages, measured by encoding them.

use crate::{
    IndexError,
    entry::{PacketBytes, Sizes},
    night::is_image,
};
use archive::ColumnFootprint;
use arrow::{
    array::{RecordBatch, StringArray},
    datatypes::{DataType, FieldRef, Schema},
};
use job::{Content, FieldPath, Night, Packet};
use packet::{Encoder, Layout, Messages};
use std::collections::BTreeMap;

/// Alerts that each single field is measured on.
const MEASURED: usize = 256;

/// A batch of alerts without images, with both classes.
pub(crate) struct Alerts<'a> {
    pub night: Night,
    pub batch: &'a RecordBatch,
    pub finkclass: &'a StringArray,
    pub tnsclass: &'a StringArray,
}

impl Alerts<'_> {
    /// Bytes of each alert as a light packet, a medium one, and a cutouts packet but for the images.
    pub(crate) fn packets(&self) -> Result<[Vec<i32>; 3], IndexError> {
        let sizes = |packet| self.sizes(&Content::Packet(packet));
        Ok([sizes(Packet::Light)?, sizes(Packet::Medium)?, sizes(Packet::Cutouts)?])
    }

    /// The mean of each field that may be chosen, and of what comes with any choice.
    pub(crate) fn fields(&self) -> Result<Sizes, IndexError> {
        let rows = self.batch.num_rows().min(MEASURED);
        let some = Alerts {
            batch: &self.batch.slice(0, rows),
            finkclass: &self.finkclass.slice(0, rows),
            tnsclass: &self.tnsclass.slice(0, rows),
            ..*self
        };
        let mean = |sizes: Vec<i32>| {
            sizes.iter().map(|size| f64::from(*size)).sum::<f64>() / sizes.len().max(1) as f64
        };
        let jd = "candidate.jd".to_owned();
        let Ok(with_jd) = some.sizes(&Content::Fields(vec![jd.clone()])) else {
            // A night without jd: no fields can be chosen of it either.
            return Ok(Sizes::default());
        };
        let with_jd = mean(with_jd);
        // A double that is there: the branch of its union, and eight bytes.
        let mut fields = BTreeMap::from([(FieldPath::from(jd.as_str()), 9.0)]);
        for field in choosable(self.batch.schema_ref()) {
            if let Ok(sizes) = some.sizes(&Content::Fields(vec![field.to_string()])) {
                fields.entry(field).or_insert((mean(sizes) - with_jd) as f32);
            }
        }
        Ok(Sizes { images: 0.0, base: (with_jd - 9.0) as f32, fields })
    }

    fn sizes(&self, content: &Content) -> Result<Vec<i32>, IndexError> {
        let encoder = Encoder::new(Layout::new(content, self.batch.schema_ref())?);
        let mut messages = Messages::default();
        encoder.encode(self.batch, self.night, self.finkclass, self.tnsclass, &mut messages)?;
        let size = |index| i32::try_from(messages.span(index).len()).unwrap_or(i32::MAX);
        Ok((0..messages.len()).map(size).collect())
    }
}

/// The roots, and what lies in structs.
fn choosable(schema: &Schema) -> Vec<FieldPath> {
    let mut fields = Vec::new();
    schema.fields().iter().for_each(|root| below(root, &[], &mut fields));
    fields
}

fn below(field: &FieldRef, above: &[&str], fields: &mut Vec<FieldPath>) {
    let path = [above, &[field.name().as_str()]].concat();
    fields.push(FieldPath::new(path.iter().copied()));
    if let DataType::Struct(leaves) = field.data_type() {
        leaves.iter().for_each(|leaf| below(leaf, &path, fields));
    }
}

/// The mean of `sizes` over the rows of each stratum.
pub(crate) fn means(strata: &[i32], sizes: &[Vec<i32>; 3], count: usize) -> Vec<PacketBytes> {
    let mut sums = vec![[0.0_f64; 4]; count];
    for (row, stratum) in strata.iter().enumerate() {
        let Some(sum) = usize::try_from(*stratum).ok().and_then(|stratum| sums.get_mut(stratum)) else {
            continue;
        };
        sum[3] += 1.0;
        for (total, sizes) in sum.iter_mut().zip(sizes) {
            *total += sizes.get(row).copied().map_or(0.0, f64::from);
        }
    }
    let mean = |[light, medium, cutouts, rows]: [f64; 4]| {
        let of = |sum: f64| if rows > 0.0 { (sum / rows) as f32 } else { 0.0 };
        PacketBytes { light: of(light), medium: of(medium), cutouts: of(cutouts) }
    };
    sums.into_iter().map(mean).collect()
}

/// What the images of an alert weigh, by the footers: Parquet keeps each value with four bytes of length, Avro with two or
/// three and one for its union. Adds each field, and tells the sum.
pub(crate) fn add_images(sizes: &mut Sizes, columns: &[ColumnFootprint], alerts: u64) {
    for column in columns.iter().filter(|column| is_image(column.field.root())) {
        let bytes = column.raw_bytes as f64 / alerts.max(1) as f64;
        sizes.images += bytes;
        *sizes.fields.entry(FieldPath::new([column.field.root()])).or_default() += bytes as f32;
        sizes.fields.insert(column.field.clone(), bytes as f32);
    }
}
