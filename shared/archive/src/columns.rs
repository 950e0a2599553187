//! What a footer tells of each column: its bytes, and the least and greatest value.

use crate::OpenFile;
use job::FieldPath;
use parquet::{
    file::{metadata::ColumnChunkMetaData, statistics::Statistics},
    schema::types::ColumnDescriptor,
};
use serde::{Deserialize, Serialize};

/// A bound of a numeric column: whole numbers stay whole, for an identifier has more digits than a double.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    /// Of a column of whole numbers.
    Whole(i64),
    /// Of a column of floats.
    Real(f64),
}

/// What a file, or several, hold of a leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnFootprint {
    /// The leaf; within lists and maps without the inner names of Parquet (`prv_candidates.jd`).
    pub field: FieldPath,
    /// Bytes in the file.
    pub bytes: u64,
    /// Bytes once decompressed; of texts and binaries those of the values with four bytes of length each, where the
    /// footer tells.
    pub raw_bytes: u64,
    /// The least value, where the column is numeric and every footer tells. NaN is outside all bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Bound>,
    /// The greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greatest: Option<Bound>,
    /// A part of it says nothing about its bounds.
    #[serde(skip)]
    unbounded: bool,
}

impl ColumnFootprint {
    /// This and what another file holds of the same leaf.
    pub fn add(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.raw_bytes = self.raw_bytes.saturating_add(other.raw_bytes);
        self.unbounded |= other.unbounded;
        self.least = nearer(self.least, other.least, |a, b| a <= b);
        self.greatest = nearer(self.greatest, other.greatest, |a, b| a >= b);
        if self.unbounded {
            (self.least, self.greatest) = (None, None);
        }
    }
}

/// The one of two bounds that lies further out; a part without any value has none.
fn nearer(a: Option<Bound>, b: Option<Bound>, first: impl Fn(Bound, Bound) -> bool) -> Option<Bound> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if first(a, b) { a } else { b }),
        (a, b) => a.or(b),
    }
}

impl OpenFile {
    /// Every leaf, in the file's order.
    pub fn columns(&self) -> Vec<ColumnFootprint> {
        let metadata = self.metadata.metadata();
        let leaves = self.metadata.parquet_schema().columns().iter().enumerate();
        let footprint = |(index, column): (usize, &std::sync::Arc<ColumnDescriptor>)| {
            let mut all = ColumnFootprint {
                field: field_of(column),
                bytes: 0,
                raw_bytes: 0,
                least: None,
                greatest: None,
                unbounded: false,
            };
            for group in metadata.row_groups() {
                if let Some(chunk) = group.columns().get(index) {
                    all.add(&footprint_of(chunk, all.field.clone()));
                }
            }
            all
        };
        leaves.map(footprint).collect()
    }
}

fn footprint_of(chunk: &ColumnChunkMetaData, field: FieldPath) -> ColumnFootprint {
    let bounds = bounds_of(chunk);
    let empty = chunk.num_values() == 0
        || chunk.statistics().and_then(Statistics::null_count_opt) == Some(chunk.num_values().unsigned_abs());
    ColumnFootprint {
        field,
        bytes: chunk.compressed_size().unsigned_abs(),
        raw_bytes: raw_bytes(chunk),
        least: bounds.map(|(least, _)| least),
        greatest: bounds.map(|(_, greatest)| greatest),
        unbounded: bounds.is_none() && !empty,
    }
}

/// A dictionary holds a value once that many rows have.
fn raw_bytes(chunk: &ColumnChunkMetaData) -> u64 {
    let values = chunk.unencoded_byte_array_data_bytes().and_then(|bytes| u64::try_from(bytes).ok());
    let lengths = chunk.num_values().unsigned_abs().saturating_mul(4);
    values.map_or(chunk.uncompressed_size().unsigned_abs(), |bytes| bytes.saturating_add(lengths))
}

fn bounds_of(chunk: &ColumnChunkMetaData) -> Option<(Bound, Bound)> {
    let whole = |value: i64| Some(Bound::Whole(value));
    let real = |value: f64| value.is_finite().then_some(Bound::Real(value));
    let (least, greatest) = match chunk.statistics()? {
        Statistics::Int32(of) if is_number(chunk) => {
            (whole((*of.min_opt()?).into()), whole((*of.max_opt()?).into()))
        }
        Statistics::Int64(of) if is_number(chunk) => (whole(*of.min_opt()?), whole(*of.max_opt()?)),
        Statistics::Float(of) => (real((*of.min_opt()?).into()), real((*of.max_opt()?).into())),
        Statistics::Double(of) => (real(*of.min_opt()?), real(*of.max_opt()?)),
        _ => return None,
    };
    least.zip(greatest)
}

/// Moments, decimals and the like are kept as whole numbers too, but are none.
fn is_number(chunk: &ColumnChunkMetaData) -> bool {
    use parquet::basic::{ConvertedType, LogicalType};
    let column = chunk.column_descr();
    let logical = matches!(column.logical_type_ref(), None | Some(LogicalType::Integer(_)));
    let converted = matches!(
        column.converted_type(),
        ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64
    );
    logical && converted
}

/// Parquet's own levels of lists and maps, by any of their usual names, are left out.
fn field_of(column: &ColumnDescriptor) -> FieldPath {
    let inner = |part: &str| {
        matches!(
            part,
            "list" | "element" | "item" | "array" | "bag" | "array_element" | "key_value" | "entries" | "map"
        )
    };
    let parts = column.path().parts();
    let kept = parts.iter().enumerate().filter(|(index, part)| *index == 0 || !inner(part));
    FieldPath::new(kept.map(|(_, part)| part.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(least: Option<Bound>, greatest: Option<Bound>, unbounded: bool) -> ColumnFootprint {
        ColumnFootprint { field: "a.b".into(), bytes: 10, raw_bytes: 20, least, greatest, unbounded }
    }

    #[test]
    fn bounds_widen_and_are_given_up_where_one_part_does_not_tell() {
        let whole = |value| Some(Bound::Whole(value));
        let mut all = part(whole(3), whole(5), false);
        all.add(&part(whole(-1), whole(4), false));
        all.add(&part(None, None, false));
        assert_eq!((all.least, all.greatest, all.bytes), (whole(-1), whole(5), 30));
        all.add(&part(None, None, true));
        all.add(&part(whole(0), whole(9), false));
        assert_eq!((all.least, all.greatest), (None, None));
    }
}
