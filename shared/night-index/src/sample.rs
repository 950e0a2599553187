//! How a sample is drawn and what its files hold.

use arrow::{
    array::{ArrayRef, Int32Array, StructArray},
    datatypes::{DataType, Field, FieldRef, Fields},
};
use job::Night;
use std::sync::{Arc, OnceLock};

/// Alerts in a night's sample; a night of fewer is in it whole.
pub const SAMPLE_ROWS: usize = 4_000;
/// The struct column that the index adds to the archive's own: `night` (20260322), `stratum` (its number in the
/// entry), and the bytes of the alert as messages, images aside: `light`, `medium`, `cutouts`.
pub const SAMPLE_COLUMN: &str = "_nightferry";
/// Of each class at least this many, as far as there are.
const LEAST: u64 = 16;
/// Between 1, which serves conditions over all classes best, and ½, which serves each class best.
const POWER: f64 = 0.7;

/// Samples lie in slices of 1/64, 1/64, 1/32, 1/16, 1/8, 1/4 and 1/2, each with its part of every class: where many nights are asked
/// for, the first slices of each are enough.
pub const SLICES: usize = 7;
/// The slices, together 1/16, of which bundles hold light curves and other lists as well.
pub const SLICES_WITH_LISTS: usize = 3;
/// The ranks that come round again.
const CYCLE: u64 = 64;

/// The slice of the alert of this rank in its class.
pub(crate) fn slice_of(rank: u64) -> usize {
    match rank % CYCLE {
        0 => 0,
        // The number of zeros at the end: the half of the ranks has none, a quarter one, and so on.
        rank => SLICES - 1 - rank.trailing_zeros() as usize,
    }
}

/// How many of `sampled` alerts of a class lie in the first `slices`.
pub fn sampled_in(sampled: u64, slices: usize) -> u64 {
    let counted = |rank: u64| (sampled + CYCLE - 1 - rank) / CYCLE;
    (0..CYCLE).filter(|rank| slice_of(*rank) < slices).map(counted).sum()
}

/// How many alerts of each class are drawn, if all together are to be about `rows`.
pub(crate) fn allocate(totals: &[u64], rows: usize) -> Vec<u64> {
    let all: u64 = totals.iter().sum();
    if all <= rows as u64 {
        return totals.to_vec();
    }
    let share = |total: u64, factor: f64| {
        let wanted = (factor * (total as f64).powf(POWER)).round() as u64;
        wanted.max(LEAST).min(total)
    };
    // The largest factor with which they come to no more than `rows`.
    let (mut low, mut high) = (0.0, (all as f64).max(1.0));
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        let sum: u64 = totals.iter().map(|total| share(*total, middle)).sum();
        if sum <= rows as u64 {
            low = middle;
        } else {
            high = middle;
        }
    }
    totals.iter().map(|total| share(*total, low)).collect()
}

/// The field of [`SAMPLE_COLUMN`].
pub fn sample_field() -> FieldRef {
    static FIELD: OnceLock<FieldRef> = OnceLock::new();
    FIELD.get_or_init(|| Arc::new(Field::new(SAMPLE_COLUMN, DataType::Struct(parts()), true))).clone()
}

fn parts() -> Fields {
    ["night", "stratum", "light", "medium", "cutouts"]
        .map(|name| Field::new(name, DataType::Int32, true))
        .to_vec()
        .into()
}

/// A night as the number that samples hold: 20260322.
pub fn night_number(night: Night) -> i32 {
    night.year() * 10_000 + night.month() as i32 * 100 + night.day() as i32
}

/// The column of the index for rows of one night.
pub(crate) fn sample_column(night: Night, strata: Vec<i32>, sizes: [Vec<i32>; 3]) -> ArrayRef {
    let nights = Int32Array::from_value(night_number(night), strata.len());
    let mut columns: Vec<ArrayRef> = vec![Arc::new(nights), Arc::new(Int32Array::from(strata))];
    columns.extend(sizes.map(|sizes| Arc::new(Int32Array::from(sizes)) as ArrayRef));
    Arc::new(StructArray::new(parts(), columns, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_hold_their_parts_of_every_class() {
        for sampled in [0_u64, 1, 7, 16, 17, 100, 3999] {
            for slices in 0..=SLICES {
                let counted = (0..sampled).filter(|rank| slice_of(*rank) < slices).count() as u64;
                assert_eq!(sampled_in(sampled, slices), counted, "{sampled} in {slices}");
            }
            assert_eq!(sampled_in(sampled, SLICES), sampled);
        }
    }

    #[test]
    fn small_nights_are_drawn_whole_and_rare_classes_too() {
        assert_eq!(allocate(&[10, 3000, 1], 4000), [10, 3000, 1]);
        let shares = allocate(&[200_000, 40_000, 9_000, 900, 12, 1], 4000);
        let sum: u64 = shares.iter().sum();
        assert!((3990..=4000).contains(&sum), "{shares:?}");
        assert_eq!(shares[4..], [12, 1]);
        assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
        assert_eq!(allocate(&[], 4000), Vec::<u64>::new());
        // More classes than alerts wanted: each is still represented.
        assert!(allocate(&vec![100; 1000], 4000).iter().all(|share| *share == LEAST));
    }
}
