//! Alerts into the columns of a schema.

use crate::{
    alert::Alert,
    leaves::{self, Value},
    spreads,
    stamps::{Image, Stamps},
};
use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, BooleanBuilder, Float32Builder, Float64Builder, Int32Builder,
        Int64Builder, ListArray, MapArray, RecordBatch, StringArray, StringBuilder, StructArray,
        TimestampMicrosecondArray, new_null_array,
    },
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::{DataType, FieldRef, Fields, SchemaRef},
    error::ArrowError,
};
use std::sync::Arc;

/// The Julian date of 1970-01-01, 0 h.
const JD_OF_1970: f64 = 2_440_587.5;

/// A batch of alerts. Without `stamps` the images are null.
pub fn batch(
    schema: &SchemaRef,
    alerts: &[Alert],
    stamps: Option<&Stamps>,
) -> Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().map(|field| column(field, alerts, stamps));
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)
}

fn column(field: &FieldRef, alerts: &[Alert], stamps: Option<&Stamps>) -> Result<ArrayRef, ArrowError> {
    let name = field.name().as_str();
    match (name, field.data_type()) {
        ("candidate", DataType::Struct(fields)) => structure(fields, alerts.len(), |leaf, data_type| {
            leaf_array(data_type, alerts.iter().map(|alert| leaves::candidate(leaf, alert)))
        }),
        ("prv_candidates", DataType::List(item)) => history(item, alerts),
        (_, DataType::Struct(fields)) if name.starts_with("cutout") => {
            let image = match name {
                "cutoutTemplate" => Image::Template,
                "cutoutDifference" => Image::Difference,
                _ => Image::Science,
            };
            structure(fields, alerts.len(), |leaf, data_type| {
                Ok(match leaf {
                    "stampData" => images(image, alerts, stamps),
                    _ => leaf_array(
                        data_type,
                        alerts.iter().map(|alert| Value::Text(file_name(image, alert))),
                    )?,
                })
            })
        }
        (_, DataType::Struct(fields)) => structure(fields, alerts.len(), |leaf, data_type| {
            let band = 1 + i64::from(name.ends_with("_r"));
            leaf_array(data_type, alerts.iter().map(|alert| feature(leaf, band, alert)))
        }),
        (_, DataType::Map(entries, _)) => map(name, entries, alerts),
        (_, DataType::Timestamp(_, _)) => Ok(Arc::new(moments(name, alerts))),
        (_, data_type) => leaf_array(data_type, alerts.iter().map(|alert| leaves::root(name, alert))),
    }
}

fn structure(
    fields: &Fields,
    rows: usize,
    leaf: impl Fn(&str, &DataType) -> Result<ArrayRef, ArrowError>,
) -> Result<ArrayRef, ArrowError> {
    let columns =
        fields.iter().map(|field| leaf(field.name(), field.data_type())).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, rows)?))
}

fn history(item: &FieldRef, alerts: &[Alert]) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(fields) = item.data_type() else {
        return Err(ArrowError::SchemaError("prv_candidates is not a list of structs".into()));
    };
    let visits =
        || alerts.iter().flat_map(|alert| alert.history.iter().flatten().map(move |visit| (alert, visit)));
    let values = structure(fields, visits().count(), |leaf, data_type| {
        leaf_array(data_type, visits().map(|(alert, visit)| leaves::visit(leaf, alert, visit)))
    })?;
    let lengths = alerts.iter().map(|alert| alert.history.as_ref().map_or(0, Vec::len));
    let nulls = NullBuffer::from_iter(alerts.iter().map(|alert| alert.history.is_some()));
    Ok(Arc::new(ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), values, Some(nulls))?))
}

fn images(image: Image, alerts: &[Alert], stamps: Option<&Stamps>) -> ArrayRef {
    let Some(stamps) = stamps else { return new_null_array(&DataType::BinaryView, alerts.len()) };
    let mut builder = BinaryViewBuilder::new();
    for alert in alerts {
        builder.append_value(stamps.of(alert.chance, image));
    }
    Arc::new(builder.finish())
}

fn file_name(image: Image, alert: &Alert) -> String {
    match image {
        Image::Science => format!("candid{}_pid{}_targ_sci.fits.gz", alert.candid, alert.pid),
        Image::Template => format!("candid{}_ref.fits.gz", alert.candid),
        Image::Difference => format!("candid{}_pid{}_targ_scimref.fits.gz", alert.candid, alert.pid),
    }
}

/// A feature of the light curve in a band; NaN where there are too few points, as in the real ones.
fn feature(name: &str, band: i64, alert: &Alert) -> Value {
    let visits = alert.history.iter().flatten().filter(|visit| visit.band == band);
    let points: Vec<f64> = visits.filter_map(|visit| visit.magnitude).collect();
    if points.is_empty() {
        return Value::Number(f64::NAN);
    }
    let mean = points.iter().sum::<f64>() / points.len() as f64;
    match name {
        "mean" | "weighted_mean" | "median" => Value::Number(mean),
        "amplitude" => {
            let (low, high) =
                points.iter().fold((f64::MAX, f64::MIN), |(low, high), mag| (low.min(*mag), high.max(*mag)));
            Value::Number((high - low) / 2.0)
        }
        _ if points.len() < points_for(name) => Value::Number(f64::NAN),
        _ => match spreads::of_light_curve(name) {
            Some(spread) => spread.draw(name, alert.chance.at(band as u64)),
            None => Value::Null,
        },
    }
}

/// The points that a feature wants at least.
fn points_for(name: &str) -> usize {
    match name {
        "inter_percentile_range_10" | "median_absolute_deviation" | "percent_amplitude" => 1,
        "median_buffer_range_percentage_10" => 1,
        "anderson_darling_normal" | "kurtosis" => 4,
        "skew" => 3,
        _ if name.starts_with("linear_") => 3,
        _ => 2,
    }
}

fn map(name: &str, entries: &FieldRef, alerts: &[Alert]) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(pair) = entries.data_type() else {
        return Err(ArrowError::SchemaError(format!("{name} is not a map")));
    };
    let keys: &[&str] = match name {
        "mangrove" => &["HyperLEDA_name", "2MASS_name", "lum_dist", "ang_dist"],
        _ => &["m0", "m1", "m2"],
    };
    let values = alerts.iter().flat_map(|alert| {
        keys.iter().map(move |key| match name {
            "mangrove" if alert.object.of("mangrove").unit() < 0.1 => match *key {
                "HyperLEDA_name" => Value::Text(format!("{}", alert.object.of(key).below(5_000_000))),
                "2MASS_name" => Value::Text(format!(
                    "{:08}+{:07}",
                    alert.object.of(key).below(24_000_000),
                    alert.object.below(9_000_000)
                )),
                _ => Value::Text(format!("{}", alert.object.of("distance").between(10.0, 400.0))),
            },
            "mangrove" => Value::Text("None".into()),
            _ => Value::Number(-1.0),
        })
    });
    let [_, value_field] = &pair[..] else {
        return Err(ArrowError::SchemaError(format!("{name} is not a map")));
    };
    let values = leaf_array(value_field.data_type(), values)?;
    let names: StringArray = alerts.iter().flat_map(|_| keys).map(Some).collect();
    let pairs = StructArray::try_new(pair.clone(), vec![Arc::new(names), values], None)?;
    let offsets = OffsetBuffer::from_lengths(alerts.iter().map(|_| keys.len()));
    Ok(Arc::new(MapArray::try_new(entries.clone(), offsets, pairs, None, false)?))
}

/// When the camera, the broker's intake and its two ends saw the alert.
fn moments(name: &str, alerts: &[Alert]) -> TimestampMicrosecondArray {
    let delay = match name {
        "brokerIngestTimestamp" => 620.0,
        "brokerStartProcessTimestamp" => 790.0,
        "brokerEndProcessTimestamp" => 930.0,
        _ => 0.0,
    };
    let micros = alerts.iter().map(|alert| {
        let seconds =
            (alert.now.jd - JD_OF_1970) * 86_400.0 + delay + alert.chance.of(name).between(0.0, 60.0);
        (seconds * 1e6) as i64
    });
    TimestampMicrosecondArray::from_iter_values(micros)
}

macro_rules! primitive {
    ($builder:ty, $values:expr, $whole:expr, $number:expr) => {{
        let mut builder = <$builder>::new();
        for value in $values {
            match value {
                Value::Whole(whole) => builder.append_value($whole(whole)),
                Value::Number(number) => builder.append_value($number(number)),
                Value::Null | Value::Text(_) => builder.append_null(),
            }
        }
        Arc::new(builder.finish()) as ArrayRef
    }};
}

fn leaf_array(data_type: &DataType, values: impl Iterator<Item = Value>) -> Result<ArrayRef, ArrowError> {
    Ok(match data_type {
        DataType::Float32 => {
            primitive!(Float32Builder, values, |whole: i64| whole as f32, |number: f64| number as f32)
        }
        DataType::Float64 => {
            primitive!(Float64Builder, values, |whole: i64| whole as f64, |number: f64| number)
        }
        DataType::Int32 => {
            primitive!(Int32Builder, values, |whole: i64| whole as i32, |number: f64| number as i32)
        }
        DataType::Int64 => primitive!(Int64Builder, values, |whole: i64| whole, |number: f64| number as i64),
        DataType::Boolean => {
            primitive!(BooleanBuilder, values, |whole: i64| whole != 0, |number: f64| number != 0.0)
        }
        DataType::Utf8 => {
            let mut builder = StringBuilder::new();
            for value in values {
                match value {
                    Value::Text(text) => builder.append_value(text),
                    Value::Null | Value::Whole(_) | Value::Number(_) => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        other => return Err(ArrowError::SchemaError(format!("no sample values of type {other}"))),
    })
}
