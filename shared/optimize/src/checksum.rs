//! A checksum over all values of all columns of a night that does not depend on the order of its alerts.

use crate::OptimizeError;
use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::DataType,
    error::ArrowError,
};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

/// What stands for a value that is null.
const NULL: u64 = 0x6e75_6c6c_6e75_6c6c;
/// From which every hash begins.
const SEED: u64 = 0x6e69_6768_7466_6572;

/// Alerts, and two sums over a hash of each: bit for bit, so that a NaN counts by its payload, and -0.0 is not 0.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Alerts.
    pub alerts: u64,
    /// The sum of their hashes.
    pub sum: u64,
    /// The sum of the hashes, hashed again.
    pub second: u64,
}

impl Checksum {
    /// Adds the alerts of a batch.
    ///
    /// # Errors
    /// A column of a type that no archive of alerts has.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), OptimizeError> {
        let mut rows = vec![SEED; batch.num_rows()];
        for column in batch.columns() {
            fold(&mut rows, column)?;
        }
        self.alerts += rows.len() as u64;
        for row in rows {
            self.sum = self.sum.wrapping_add(row);
            self.second = self.second.wrapping_add(mixed(row ^ NULL));
        }
        Ok(())
    }

    /// These alerts and others.
    pub fn join(&mut self, other: &Self) {
        self.alerts += other.alerts;
        self.sum = self.sum.wrapping_add(other.sum);
        self.second = self.second.wrapping_add(other.second);
    }
}

/// Puts a column's values into the hashes of the rows.
fn fold(rows: &mut [u64], column: &ArrayRef) -> Result<(), OptimizeError> {
    for (row, value) in rows.iter_mut().zip(hashes(column)?) {
        *row = mixed(row.rotate_left(9) ^ value);
    }
    Ok(())
}

/// A hash of each value.
fn hashes(array: &ArrayRef) -> Result<Vec<u64>, OptimizeError> {
    let mut hashes = match array.data_type() {
        DataType::Null => vec![NULL; array.len()],
        DataType::Boolean => array.as_boolean().values().iter().map(|value| mixed(value.into())).collect(),
        DataType::Utf8 => texts(array.as_string::<i32>().iter().map(|text| text.map(str::as_bytes))),
        DataType::Binary => texts(array.as_binary::<i32>().iter()),
        DataType::FixedSizeBinary(_) => texts(array.as_fixed_size_binary().iter()),
        DataType::Struct(_) => {
            let mut rows = vec![SEED; array.len()];
            for column in array.as_struct().columns() {
                fold(&mut rows, column)?;
            }
            rows
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            items(list.offsets(), list.values())?
        }
        DataType::Map(..) => {
            let map = array.as_map();
            items(map.offsets(), &(std::sync::Arc::new(map.entries().clone()) as ArrayRef))?
        }
        other => numbers(array)
            .ok_or_else(|| ArrowError::NotYetImplemented(format!("a column of the type {other}")))?,
    };
    // What lies under a null says nothing.
    if let Some(nulls) = array.nulls() {
        hashes.iter_mut().zip(nulls).filter(|(_, valid)| !valid).for_each(|(hash, _)| *hash = NULL);
    }
    Ok(hashes)
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> Vec<u64> {
    values.map(|value| value.map_or(NULL, |bytes| XxHash64::oneshot(SEED, bytes))).collect()
}

/// Numbers, moments and decimals by their bytes.
fn numbers(array: &ArrayRef) -> Option<Vec<u64>> {
    let width = array.data_type().primitive_width()?;
    let data = array.to_data();
    let bytes = data.buffers().first()?.as_slice();
    let bytes = bytes.get(data.offset() * width..(data.offset() + data.len()) * width)?;
    let number = |bytes: &[u8]| {
        let mut hash = SEED;
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            hash = mixed(hash.rotate_left(9) ^ u64::from_le_bytes(word));
        }
        hash
    };
    Some(bytes.chunks_exact(width).map(number).collect())
}

/// Lists by their items and how many there are.
fn items(offsets: &[i32], values: &ArrayRef) -> Result<Vec<u64>, OptimizeError> {
    let first = offsets.first().copied().unwrap_or_default() as usize;
    let last = offsets.last().copied().unwrap_or_default() as usize;
    let values = hashes(&values.slice(first, last - first))?;
    let list = |bounds: &[i32]| {
        let [from, to] = bounds else { return NULL };
        let items = values.get(*from as usize - first..*to as usize - first).unwrap_or_default();
        let start = mixed(SEED ^ items.len() as u64);
        items.iter().fold(start, |hash, item| mixed(hash.rotate_left(9) ^ item))
    };
    Ok(offsets.windows(2).map(list).collect())
}

/// Every bit of the outcome depends on every bit of `x`, and no two `x` have the same.
fn mixed(x: u64) -> u64 {
    let x = (x ^ (x >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::{
        array::{
            BinaryArray, Float64Array, Int32Array, Int32Builder, ListBuilder, StringArray, StructArray,
            UInt32Array,
        },
        compute::take_record_batch,
        datatypes::Field,
    };
    use std::sync::Arc;

    fn night() -> RecordBatch {
        let mut lists = ListBuilder::new(Int32Builder::new());
        for list in [Some(vec![Some(1), None]), None, Some(vec![]), Some(vec![Some(3)])] {
            lists.append_option(list);
        }
        let magnitudes = Float64Array::from(vec![Some(0.0), None, Some(f64::NAN), Some(19.5)]);
        let field = Arc::new(Field::new("magpsf", DataType::Float64, true));
        let candidate = StructArray::new(
            vec![field].into(),
            vec![Arc::new(magnitudes)],
            Some(vec![true, true, true, false].into()),
        );
        RecordBatch::try_from_iter_with_nullable([
            (
                "objectId",
                Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("d")])) as ArrayRef,
                true,
            ),
            ("fid", Arc::new(Int32Array::from(vec![1, 2, 1, 2])), true),
            ("candidate", Arc::new(candidate), true),
            ("images", Arc::new(BinaryArray::from(vec![Some(&b"x"[..]), None, Some(b"y"), Some(b"")])), true),
            ("history", Arc::new(lists.finish()), true),
        ])
        .unwrap()
    }

    fn of(batches: &[RecordBatch]) -> Checksum {
        let mut checksum = Checksum::default();
        batches.iter().for_each(|batch| checksum.add(batch).unwrap());
        checksum
    }

    #[test]
    fn the_order_and_the_batches_do_not_matter() {
        let night = night();
        let turned = take_record_batch(&night, &UInt32Array::from(vec![2, 0, 3, 1])).unwrap();
        assert_eq!(of(&[turned]), of(std::slice::from_ref(&night)));
        assert_eq!(of(&[night.slice(2, 2), night.slice(0, 2)]), of(&[night]));
    }

    #[test]
    fn every_value_matters() {
        let night = night();
        let with = |column: usize, array: ArrayRef| {
            let mut columns = night.columns().to_vec();
            columns[column] = array;
            of(&[RecordBatch::try_new(night.schema(), columns).unwrap()])
        };
        let zero = |x: f64| {
            let field = Arc::new(Field::new("magpsf", DataType::Float64, true));
            let values = Float64Array::from(vec![Some(x), None, Some(f64::NAN), Some(19.5)]);
            let nulls = vec![true, true, true, false].into();
            Arc::new(StructArray::new(vec![field].into(), vec![Arc::new(values)], Some(nulls))) as ArrayRef
        };
        let lists = |first: Vec<Option<i32>>, second: Option<Vec<Option<i32>>>| {
            let mut lists = ListBuilder::new(Int32Builder::new());
            for list in [Some(first), second, Some(vec![]), Some(vec![Some(3)])] {
                lists.append_option(list);
            }
            Arc::new(lists.finish()) as ArrayRef
        };
        let same = of(std::slice::from_ref(&night));
        assert_eq!(with(2, zero(0.0)), same);
        assert_eq!(with(4, lists(vec![Some(1), None], None)), same);
        let others = [
            with(0, Arc::new(StringArray::from(vec![Some("a"), Some(""), None, Some("d")]))),
            with(1, Arc::new(Int32Array::from(vec![1, 2, 2, 1]))),
            with(2, zero(-0.0)),
            with(3, Arc::new(BinaryArray::from(vec![Some(&b"x"[..]), Some(b""), Some(b"y"), None]))),
            with(4, lists(vec![None, Some(1)], None)),
            with(4, lists(vec![Some(1), None], Some(vec![]))),
        ];
        for (place, other) in others.iter().enumerate() {
            assert_ne!(*other, same, "{place}");
        }
    }

    #[test]
    fn a_swap_between_two_alerts_is_seen() {
        let night = night();
        let mut columns = night.columns().to_vec();
        columns[1] = Arc::new(Int32Array::from(vec![2, 1, 1, 2]));
        let swapped = RecordBatch::try_new(night.schema(), columns).unwrap();
        assert_ne!(of(&[swapped]), of(&[night]));
    }
}
