//! In which order a night's alerts are written: by class, and within a class by place on the sky.

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::Float64Type,
};
use packet::{column, finkclass};
use std::collections::BTreeMap;

/// The classes and places of alerts, in the order in which they are stored.
#[derive(Default)]
pub(crate) struct Keys {
    classes: BTreeMap<String, u32>,
    keys: Vec<(u32, u32)>,
}

impl Keys {
    /// Takes a look at the next alerts.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        let classes = finkclass(batch);
        let degrees = |name: &str| {
            column(batch, name).and_then(|array| array.as_primitive_opt::<Float64Type>().cloned())
        };
        let (ra, dec) = (degrees("candidate.ra"), degrees("candidate.dec"));
        for row in 0..batch.num_rows() {
            let at = |values: &Option<arrow::array::Float64Array>| {
                values.as_ref().filter(|values| values.is_valid(row)).map(|values| values.value(row))
            };
            let cell = at(&ra).zip(at(&dec)).map_or(0, |(ra, dec)| cell(ra, dec));
            let name = classes.value(row);
            let next = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
            let class = match self.classes.get(name) {
                Some(class) => *class,
                None => *self.classes.entry(name.to_owned()).or_insert(next),
            };
            self.keys.push((class, cell));
        }
    }

    /// For each alert, in the order in which they are stored, its place among those that are written: classes by name,
    /// alerts of the same cell as they were.
    pub(crate) fn places(self) -> Vec<u32> {
        let mut by_name = vec![0; self.classes.len()];
        for (rank, number) in (0_u32..).zip(self.classes.values()) {
            if let Some(place) = by_name.get_mut(*number as usize) {
                *place = rank;
            }
        }
        let rank = |class: u32| by_name.get(class as usize).copied().unwrap_or_default();
        let mut order: Vec<(u32, u32, u32)> =
            self.keys.iter().zip(0..).map(|((class, cell), row)| (rank(*class), *cell, row)).collect();
        order.sort_unstable();
        let mut places = vec![0; order.len()];
        for ((_, _, row), place) in order.into_iter().zip(0_u32..) {
            if let Some(slot) = places.get_mut(row as usize) {
                *slot = place;
            }
        }
        places
    }
}

/// A cell of the sky, a third of a minute of arc high: its two halves' bits by turns, so that what is near on the sky is
/// mostly near in order.
fn cell(ra: f64, dec: f64) -> u32 {
    // A cast of what lies outside, or of NaN, stays within bounds.
    let ra = (ra / 360.0 * 65536.0) as u16;
    let dec = ((dec + 90.0) / 180.0 * 65536.0) as u16;
    spread(ra) << 1 | spread(dec)
}

/// A zero between each two bits.
fn spread(half: u16) -> u32 {
    (0..16).fold(0, |bits, place| bits | (u32::from(half) >> place & 1) << (2 * place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, StringArray, StructArray};
    use arrow::datatypes::{DataType, Field};
    use std::sync::Arc;

    #[test]
    fn classes_come_by_name_and_places_by_nearness() {
        let labels = ["Star", "AGN", "Star", "AGN", "Star"];
        let ra = Float64Array::from(vec![Some(200.0), Some(10.0), Some(0.1), None, Some(200.001)]);
        let dec = Float64Array::from(vec![10.0, 10.0, -89.0, 10.0, 10.001]);
        let fields = ["ra", "dec"].map(|name| Arc::new(Field::new(name, DataType::Float64, true)));
        let candidate = StructArray::new(fields.to_vec().into(), vec![Arc::new(ra), Arc::new(dec)], None);
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("cdsxmatch", Arc::new(StringArray::from(labels.to_vec())) as ArrayRef, true),
            ("candidate", Arc::new(candidate), true),
        ])
        .unwrap();
        let mut keys = Keys::default();
        keys.add(&batch.slice(0, 2));
        keys.add(&batch.slice(2, 3));
        assert_eq!(keys.places(), [3, 1, 2, 0, 4]);
    }

    #[test]
    fn a_cell_is_within_bounds_whatever_the_position() {
        assert_eq!(cell(0.0, -90.0), 0);
        assert_eq!(cell(359.9999, 89.9999), u32::MAX);
        assert_eq!(cell(f64::NAN, f64::INFINITY), 0x5555_5555);
        assert_eq!(spread(0b1011), 0b1000101);
    }
}
