//! `finkclass`: the class that Fink's own code gives an alert (CONTRACT §2).

use crate::layout::type_of;
use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, StringBuilder, StringViewArray,
    },
    compute::cast,
    datatypes::{DataType, Schema},
};
use job::FieldPath;

/// What the rule looks at.
pub const FINKCLASS_INPUTS: [&str; 13] = [
    "cdsxmatch",
    "roid",
    "mulens",
    "snn_snia_vs_nonia",
    "snn_sn_vs_all",
    "rf_snia_vs_nonia",
    "rf_kn_vs_nonkn",
    "tracklet",
    "candidate.ndethist",
    "candidate.drb",
    "candidate.classtar",
    "candidate.jd",
    "candidate.jdstarthist",
];

/// Labels of SIMBAD (and of failed crossmatches) that may be a galaxy with a transient in it.
const EXTRAGALACTIC: [&str; 34] = [
    "Unknown",
    "Candidate_SN*",
    "SN*_Candidate",
    "SN",
    "Transient",
    "Fail",
    "Fail 504",
    "galaxy",
    "Galaxy",
    "EmG",
    "Seyfert",
    "Seyfert_1",
    "Seyfert_2",
    "BlueCompG",
    "StarburstG",
    "LSB_G",
    "HII_G",
    "High_z_G",
    "GinPair",
    "GinGroup",
    "BClG",
    "GinCl",
    "PartofG",
    "Compact_Gr_G",
    "IG",
    "PairG",
    "GroupG",
    "ClG",
    "SuperClG",
    "Void",
    "LINER",
    "Possible_ClG",
    "Possible_SClG",
    "GravLens_Candidate",
];

/// The inputs of the rule that an archive has in a usable type. An input that is missing, or of another type (old
/// nights hold `mulens` as a struct), counts as "flag does not hold".
pub fn finkclass_inputs(schema: &Schema) -> Vec<FieldPath> {
    let usable = |path: &FieldPath| match (path.leaf(), type_of(schema, path)) {
        ("cdsxmatch" | "tracklet", Some(DataType::Utf8)) => true,
        ("cdsxmatch" | "tracklet", _) => false,
        (_, Some(data_type)) => data_type.is_numeric(),
        (_, None) => false,
    };
    FINKCLASS_INPUTS.iter().map(|name| FieldPath::from(*name)).filter(usable).collect()
}

/// The finkclass of each alert of a batch; never null.
pub fn finkclass(batch: &RecordBatch) -> StringArray {
    let inputs = Inputs::new(batch);
    let mut classes = StringBuilder::with_capacity(batch.num_rows(), batch.num_rows() * 12);
    for row in 0..batch.num_rows() {
        classes.append_value(inputs.class_of(row));
    }
    classes.finish()
}

struct Inputs {
    cdsxmatch: Option<StringViewArray>,
    tracklet: Option<StringViewArray>,
    roid: Number,
    mulens: Number,
    snn_snia: Number,
    snn_sn: Number,
    rf_snia: Number,
    rf_kn: Number,
    ndethist: Number,
    drb: Number,
    classtar: Number,
    jd: Number,
    jdstarthist: Number,
}

impl Inputs {
    fn new(batch: &RecordBatch) -> Self {
        let number = |name: &str| Number(column(batch, name).and_then(|array| as_doubles(&array)));
        let text = |name: &str| column(batch, name).and_then(|array| as_text_views(&array));
        Self {
            cdsxmatch: text("cdsxmatch"),
            tracklet: text("tracklet"),
            roid: number("roid"),
            mulens: number("mulens"),
            snn_snia: number("snn_snia_vs_nonia"),
            snn_sn: number("snn_sn_vs_all"),
            rf_snia: number("rf_snia_vs_nonia"),
            rf_kn: number("rf_kn_vs_nonkn"),
            ndethist: number("candidate.ndethist"),
            drb: number("candidate.drb"),
            classtar: number("candidate.classtar"),
            jd: number("candidate.jd"),
            jdstarthist: number("candidate.jdstarthist"),
        }
    }

    fn class_of(&self, row: usize) -> &str {
        let label =
            self.cdsxmatch.as_ref().and_then(|labels| labels.is_valid(row).then(|| labels.value(row)));
        if let Some(label) = label.filter(|label| is_simbad(label)) {
            return label;
        }
        let is_roid = |number: f64| self.roid.is(row, |roid| roid == number);
        let extragalactic = label.is_some_and(|label| EXTRAGALACTIC.contains(&label));
        let stellar_and_real = self.drb.is(row, |drb| drb > 0.5) && self.classtar.is(row, |star| star > 0.4);
        let age = |limit: &dyn Fn(f64) -> bool| match (self.jd.at(row), self.jdstarthist.at(row)) {
            (Some(now), Some(first)) => limit(now - first),
            _ => false,
        };
        let sn_base = (self.snn_snia.is(row, above_half) || self.snn_sn.is(row, above_half))
            && extragalactic
            && stellar_and_real;
        let supernova = sn_base
            && age(&|days| days <= 90.0)
            && self.ndethist.is(row, |detections| detections > 1.0)
            && !is_roid(3.0);
        let early_ia = sn_base
            && self.ndethist.is(row, |detections| detections <= 20.0)
            && self.rf_snia.is(row, above_half);
        let kilonova = self.rf_kn.is(row, above_half)
            && stellar_and_real
            && age(&|days| days < 5.0)
            && self.ndethist.is(row, |detections| detections < 20.0)
            && !is_roid(3.0)
            && extragalactic;
        let microlensing = self.mulens.is(row, |score| score > 0.0);
        let tracklet = self
            .tracklet
            .as_ref()
            .is_some_and(|names| names.is_valid(row) && names.value(row).starts_with("TRCK_"));

        let claims = [microlensing, supernova, is_roid(2.0), is_roid(3.0)];
        if claims.iter().filter(|claim| **claim).count() > 1 {
            return "Ambiguous";
        }
        // The last assignment wins, so the last one is asked first.
        let assignments = [
            (is_roid(3.0), "Solar System MPC"),
            (tracklet, "Tracklet"),
            (is_roid(2.0), "Solar System candidate"),
            (kilonova, "Kilonova candidate"),
            (early_ia, "Early SN Ia candidate"),
            (supernova, "SN candidate"),
            (microlensing, "Microlensing candidate"),
        ];
        assignments.iter().find(|(holds, _)| *holds).map_or("Unknown", |(_, class)| class)
    }
}

/// A label of SIMBAD, and not one of the crossmatch's own.
fn is_simbad(label: &str) -> bool {
    !matches!(label, "Unknown" | "Transient") && !label.starts_with("Fail") && !label.starts_with("Galaxy")
}

/// NaN is above everything in Spark, but Fink's own rule is evaluated with numpy, where it is above nothing.
fn above_half(score: f64) -> bool {
    score > 0.5
}

/// A numeric input, if the batch has it.
struct Number(Option<Float64Array>);

impl Number {
    fn at(&self, row: usize) -> Option<f64> {
        self.0.as_ref().and_then(|values| values.is_valid(row).then(|| values.value(row)))
    }

    fn is(&self, row: usize, test: impl Fn(f64) -> bool) -> bool {
        self.at(row).is_some_and(test)
    }
}

/// A column or a leaf of a struct, null where a struct above it is null.
pub fn column(batch: &RecordBatch, name: &str) -> Option<ArrayRef> {
    let mut segments = name.split('.');
    let mut array = batch.column_by_name(segments.next()?)?.clone();
    for segment in segments {
        let parent = array.as_struct_opt()?;
        let child = parent.column_by_name(segment)?.clone();
        array = match parent.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => child,
            Some(_) => arrow::compute::nullif(&child, &arrow::compute::is_null(parent).ok()?).ok()?,
        };
    }
    Some(array)
}

/// Texts as views, as what they are or in one piece; none of anything else.
pub fn as_text_views(array: &ArrayRef) -> Option<StringViewArray> {
    if !matches!(array.data_type(), DataType::Utf8 | DataType::Utf8View) {
        return None;
    }
    cast(array, &DataType::Utf8View).ok().map(|views| views.as_string_view().clone())
}

fn as_doubles(array: &ArrayRef) -> Option<Float64Array> {
    if !array.data_type().is_numeric() {
        return None;
    }
    cast(array, &DataType::Float64).ok().map(|doubles| doubles.as_primitive().clone())
}
