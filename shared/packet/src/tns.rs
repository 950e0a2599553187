//! `tnsclass`: the nearest source of a TNS table within 1.5 arcsec (CONTRACT §2).

use crate::derived::column;
use arrow::{
    array::{Array, AsArray, Float64Array, RecordBatch, StringArray, StringBuilder},
    compute::cast,
    datatypes::DataType,
};
use std::hash::Hasher;

/// How near a source must be, in arcseconds.
pub const TNS_RADIUS_ARCSEC: f64 = 1.5;
const RADIUS_DEGREES: f64 = TNS_RADIUS_ARCSEC / 3600.0;
const PREFIX: &str = "(TNS) ";

/// A classified transient.
#[derive(Clone, Debug, PartialEq)]
pub struct TnsSource {
    /// Right ascension in degrees.
    pub ra: f64,
    /// Declination in degrees.
    pub dec: f64,
    /// Its type, with or without the prefix `(TNS) `.
    pub kind: String,
}

/// A TNS table, ordered so that a position is looked up in a narrow band of declination.
#[derive(Clone, Debug, Default)]
pub struct TnsCatalogue {
    by_declination: Vec<TnsSource>,
}

impl TnsCatalogue {
    /// A catalogue of `sources`; those without a position are left out.
    pub fn new(sources: impl IntoIterator<Item = TnsSource>) -> Self {
        let placed = |source: &TnsSource| source.ra.is_finite() && source.dec.is_finite();
        let mut by_declination: Vec<TnsSource> = sources.into_iter().filter(placed).collect();
        for source in &mut by_declination {
            if !source.kind.starts_with(PREFIX) {
                source.kind = format!("{PREFIX}{}", source.kind);
            }
        }
        by_declination.sort_by(|a, b| a.dec.total_cmp(&b.dec));
        Self { by_declination }
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.by_declination.is_empty()
    }

    /// A short mark by which two tables are told apart.
    pub fn fingerprint(&self) -> String {
        let mut hasher = twox_hash::XxHash64::with_seed(0);
        for source in &self.by_declination {
            hasher.write(&source.ra.to_le_bytes());
            hasher.write(&source.dec.to_le_bytes());
            hasher.write(source.kind.as_bytes());
        }
        format!("{:016x}", hasher.finish())
    }

    /// `(TNS) <type>` of the nearest source of a position in degrees, or `Unknown`.
    pub fn class_of(&self, ra: f64, dec: f64) -> &str {
        let first = self.by_declination.partition_point(|source| source.dec < dec - RADIUS_DEGREES);
        let mut best: Option<(f64, &str)> = None;
        for source in
            self.by_declination.iter().skip(first).take_while(|source| source.dec <= dec + RADIUS_DEGREES)
        {
            let distance = separation(ra, dec, source.ra, source.dec);
            if distance <= RADIUS_DEGREES && best.is_none_or(|(nearest, _)| distance < nearest) {
                best = Some((distance, &source.kind));
            }
        }
        best.map_or("Unknown", |(_, kind)| kind)
    }

    /// The tnsclass of each alert; never null. Positions in degrees, none where the archive lacks them.
    pub fn classes(&self, ra: Option<&Float64Array>, dec: Option<&Float64Array>, rows: usize) -> StringArray {
        let mut classes = StringBuilder::with_capacity(rows, rows * 8);
        for row in 0..rows {
            let position = |values: Option<&Float64Array>| {
                values.filter(|values| values.is_valid(row)).map(|values| values.value(row))
            };
            match (position(ra), position(dec)) {
                (Some(ra), Some(dec)) if !self.is_empty() => classes.append_value(self.class_of(ra, dec)),
                _ => classes.append_value("Unknown"),
            }
        }
        classes.finish()
    }
}

/// The tnsclass of each alert of a batch that has its position.
pub fn tnsclass(batch: &RecordBatch, tns: &TnsCatalogue) -> StringArray {
    let position = |leaf: &str| -> Option<Float64Array> {
        let doubles = cast(&column(batch, leaf)?, &DataType::Float64).ok()?;
        Some(doubles.as_primitive().clone())
    };
    tns.classes(position("candidate.ra").as_ref(), position("candidate.dec").as_ref(), batch.num_rows())
}

/// The angle between two positions, all in degrees (haversine: exact at small angles).
fn separation(ra1: f64, dec1: f64, ra2: f64, dec2: f64) -> f64 {
    let half = |angle: f64| (angle.to_radians() / 2.0).sin().powi(2);
    let chord = half(dec2 - dec1) + dec1.to_radians().cos() * dec2.to_radians().cos() * half(ra2 - ra1);
    (2.0 * chord.sqrt().min(1.0).asin()).to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(ra: f64, dec: f64, kind: &str) -> TnsSource {
        TnsSource { ra, dec, kind: kind.into() }
    }

    #[test]
    fn the_nearest_source_within_the_radius_counts() {
        let arcsec = 1.0 / 3600.0;
        let tns = TnsCatalogue::new([
            source(100.0, 60.0 + 1.2 * arcsec, "SN II"),
            source(100.0, 60.0 - 1.0 * arcsec, "(TNS) SN Ia"),
            source(0.0001, -10.0, "AGN"),
            source(f64::NAN, 0.0, "lost"),
        ]);
        assert_eq!(tns.class_of(100.0, 60.0), "(TNS) SN Ia");
        assert_eq!(tns.class_of(100.0, 60.0 + 1.0 * arcsec), "(TNS) SN II");
        // At declination 60, two arcseconds of right ascension are one arcsecond of sky.
        assert_eq!(tns.class_of(100.0 + 2.0 * arcsec, 60.0 - 1.0 * arcsec), "(TNS) SN Ia");
        assert_eq!(tns.class_of(100.0 + 4.0 * arcsec, 60.0 - 1.0 * arcsec), "Unknown");
        // Across the meridian of right ascension 0.
        assert_eq!(tns.class_of(359.9998, -10.0), "(TNS) AGN");
        assert_eq!(tns.class_of(f64::NAN, -10.0), "Unknown");
    }
}
