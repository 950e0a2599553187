//! finkclass and tnsclass of every real alert, as Spark derives them from the rule.

use crate::harness::{Python, Stack, number, shared, text};
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn the_derived_classes_are_those_of_spark() {
    let golden = include_str!("../../golden/spark/answers.json");
    let golden: Value = serde_json::from_str(golden).unwrap();
    let alerts = golden["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 336);
    // Two files of a night may hold an alert twice: counted, not keyed alone.
    let mut expected: BTreeMap<(String, i64, String, String), usize> = BTreeMap::new();
    for alert in alerts {
        let key = (
            text(alert, "/night").to_owned(),
            alert["candid"].as_i64().unwrap(),
            text(alert, "/finkclass").to_owned(),
            text(alert, "/tnsclass").to_owned(),
        );
        *expected.entry(key).or_default() += 1;
    }

    let folder = tempfile::tempdir().unwrap();
    let tns = shared("catalogs/tns.parquet");
    let stack =
        Stack::start(&shared("archive/ztf"), &folder.path().join("data"), &["--tns", tns.to_str().unwrap()]);
    let job = stack.ferry_well(&["--nights", "2020-01-01..2026-12-31"]);
    let dump = Python::ready().topic(&stack.bootstrap, text(&job, "/status/topic"));
    let mut found: BTreeMap<(String, i64, String, String), usize> = BTreeMap::new();
    for alert in &dump.alerts {
        let (year, month, day) = (number(alert, "/year"), number(alert, "/month"), number(alert, "/day"));
        let key = (
            format!("{year:04}-{month:02}-{day:02}"),
            alert["candid"].as_i64().unwrap(),
            text(alert, "/finkclass").to_owned(),
            text(alert, "/tnsclass").to_owned(),
        );
        *found.entry(key).or_default() += 1;
    }
    let wrong: Vec<_> = found.iter().filter(|(key, count)| expected.get(key) != Some(count)).collect();
    assert!(wrong.is_empty(), "{} of {} differ: {wrong:?}", wrong.len(), found.len());
    assert_eq!(found.len(), expected.len());
}
