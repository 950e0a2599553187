//! How the values of fields are spread in real nights, for fields that need not agree with what an alert is. The file is made
//! by `learn`, which says what its entries mean.

use crate::{chance::Chance, leaves::Value};
use serde::Deserialize;
use std::{collections::HashMap, sync::LazyLock};

static SPREADS: LazyLock<Spreads> =
    LazyLock::new(|| serde_json::from_str(include_str!("../values.json")).unwrap_or_default());

/// Fields that are absent or plain together: each draws from the same chance whether it is.
const TOGETHER: [(&str, &[&str]); 6] = [
    ("anomaly_score", &["anomaly_score"]),
    ("rate", &["delta_time", "lower_rate", "mag_rate", "sigma_rate", "upper_rate"]),
    ("gaiabright", &["maggaiabright", "neargaiabright"]),
    ("1", &["sgmag1", "srmag1", "simag1", "szmag1"]),
    ("2", &["sgmag2", "srmag2", "simag2", "szmag2"]),
    ("3", &["sgmag3", "srmag3", "simag3", "szmag3"]),
];

#[derive(Debug, Default, Deserialize)]
struct Spreads {
    alert: HashMap<String, Spread>,
    candidate: HashMap<String, Spread>,
    lc_features: HashMap<String, Spread>,
}

/// How a field's values are spread.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Spread {
    often: Vec<(serde_json::Value, f64)>,
    steps: Vec<f64>,
    decimals: Option<i32>,
    /// Whether all alerts of an object have the same value.
    pub object: bool,
}

/// A root column's.
pub fn of_alert(name: &str) -> Option<&'static Spread> {
    SPREADS.alert.get(name)
}

/// A leaf's of a candidate, now or in the history.
pub fn of_candidate(name: &str) -> Option<&'static Spread> {
    SPREADS.candidate.get(name)
}

/// A feature's of a light curve, in either band.
pub fn of_light_curve(name: &str) -> Option<&'static Spread> {
    SPREADS.lc_features.get(name)
}

impl Spread {
    /// A value for the field of this name, of the chance of an alert, an object or a visit.
    pub fn draw(&self, name: &str, chance: Chance) -> Value {
        let together = TOGETHER.iter().find(|(_, names)| names.iter().any(|begin| name.starts_with(begin)));
        let word = together.map_or(name, |(word, _)| word);
        let mut left = chance.of(word).unit();
        for (value, share) in &self.often {
            if left < *share {
                return told(value);
            }
            left -= share;
        }
        // Models of which one is as good as the other give the same score.
        let place = chance.of(if word == "anomaly_score" { word } else { name }).of("place").unit();
        self.between_steps(place)
    }

    fn between_steps(&self, unit: f64) -> Value {
        let (Some(last), Some(gaps)) = (self.steps.last(), self.steps.len().checked_sub(1)) else {
            // What is often is all there is, and its shares are rounded.
            return self.often.first().map_or(Value::Null, |(value, _)| told(value));
        };
        let place = unit * gaps as f64;
        let (step, part) = (place as usize, place.fract());
        let at = |step: usize| self.steps.get(step).unwrap_or(last);
        let value = at(step) + (at(step + 1) - at(step)) * part;
        Value::Number(match self.decimals {
            None => value,
            Some(decimals) => {
                let scale = 10_f64.powi(decimals);
                (value * scale).round() / scale
            }
        })
    }
}

fn told(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Whole(whole),
            None => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) if text == "NaN" => Value::Number(f64::NAN),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(spread: &Spread, name: &str) -> Vec<Option<f64>> {
        let draw = |number| match spread.draw(name, Chance::new(5).at(number)) {
            Value::Whole(whole) => Some(whole as f64),
            Value::Number(number) => Some(number),
            Value::Null | Value::Text(_) => None,
        };
        (0..20_000).map(draw).collect()
    }

    #[test]
    fn the_learned_values_can_be_read() {
        assert!(serde_json::from_str::<Spreads>(include_str!("../values.json")).is_ok());
    }

    #[test]
    fn values_come_as_often_as_they_are_said_to() {
        let text = r#"{"often": [[null, 0.2], [-999.0, 0.3]], "steps": [0.0, 1.0, 10.0], "decimals": 1}"#;
        let drawn = numbers(&serde_json::from_str(text).unwrap(), "some");
        let share = |wanted: &dyn Fn(Option<f64>) -> bool| {
            drawn.iter().filter(|value| wanted(**value)).count() as f64 / drawn.len() as f64
        };
        for (expected, found) in [
            (0.2, share(&|value| value.is_none())),
            (0.3, share(&|value| value == Some(-999.0))),
            (0.25, share(&|value| value.is_some_and(|value| (0.0..1.0).contains(&value)))),
            (0.25, share(&|value| value.is_some_and(|value| (1.0..=10.0).contains(&value)))),
        ] {
            // Rounding to one decimal moves a fortieth over the step.
            assert!((expected - found).abs() < 0.03, "{expected} expected, {found} found");
        }
        assert!(drawn.iter().flatten().all(|value| (value * 10.0 - (value * 10.0).round()).abs() < 1e-9));
    }

    #[test]
    fn a_field_of_one_value_has_that_whatever_is_drawn() {
        let drawn = numbers(of_candidate("tooflag").unwrap(), "tooflag");
        assert!(drawn.iter().all(|value| *value == Some(0.0)));
    }
}
