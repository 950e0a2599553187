//! What a job shows of the alerts that have arrived.

use crate::harness::{Python, Stack, get, number, sample_archive, text};
use serde_json::Value;

/// Whether a value of a sample is what the field's own library read. Many readers of JSON have no whole
/// numbers beyond 2⁵³.
fn is_same(sample: &Value, read: &Value) -> bool {
    match (sample, read) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        (Value::Number(left), Value::Number(right)) => {
            let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) else { return false };
            // Single precision is written by its shortest decimals here, and as a double there.
            left == right || left as f32 == right as f32
        }
        (Value::String(left), Value::Number(right)) => *left == right.to_string(),
        (left, right) => left == right,
    }
}

#[test]
fn a_sample_is_what_the_topic_holds() {
    let folder = tempfile::tempdir().unwrap();
    let nights = ["2020-08-02", "2026-03-21", "2026-03-22"];
    let archive = sample_archive(&folder.path().join("archive"), &nights, 100, true);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    for content in ["Full packet", "Light packet", "Cutouts"] {
        let job = stack.ferry_well(&["--nights", "2020-08-02..2026-03-22", "--content", content]);
        let (status, _, sample) = get(&format!("{}/v1/jobs/{}/sample", stack.api, text(&job, "/id")));
        assert_eq!(status, 200, "{sample}");
        let alerts = sample["alerts"].as_array().unwrap();
        let of_night = |night: &str| alerts.iter().filter(|alert| alert["night"] == night).count();
        assert_eq!(nights.map(of_night), [3, 3, 3]);
        let dump = Python::ready().topic(&stack.bootstrap, text(&job, "/status/topic"));
        for alert in alerts.iter().map(|shown| &shown["alert"]) {
            let read = dump.alerts.iter().find(|read| is_same(&alert["candid"], &read["candid"])).unwrap();
            assert!(is_same(alert, read), "{content}: {alert:#}\n{read:#}");
        }
        if content != "Light packet" {
            let stamp = text(&alerts[0]["alert"], "/cutoutScience/stampData");
            assert!(stamp.starts_with("H4sI"), "a stamp is gzip: {stamp}");
        }
    }
}

#[test]
fn there_is_no_sample_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2026-03-22"], 100, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2026-03-22", "--where", "candidate.magpsf < 0"]);
    assert_eq!(number(&job, "/status/counts/sent"), 0);
    let (status, _, sample) = get(&format!("{}/v1/jobs/{}/sample", stack.api, text(&job, "/id")));
    assert_eq!((status, sample["alerts"].as_array().map(Vec::len)), (200, Some(0)));
    let unknown = "0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11";
    assert_eq!(get(&format!("{}/v1/jobs/{unknown}/sample", stack.api)).0, 404);
}
