//! Which alerts, and which columns of them.

use crate::harness::{Python, Stack, number, sample_archive, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const NIGHTS: [&str; 2] = ["2020-08-02", "2026-03-22"];

fn stack(cutouts: bool) -> (tempfile::TempDir, Stack) {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &NIGHTS, 300, cutouts);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    (folder, stack)
}

fn topic(job: &Value) -> &str {
    text(job, "/status/topic")
}

#[test]
fn one_schema_serves_nights_whose_columns_differ() {
    let (_folder, stack) = stack(false);
    let job = stack.ferry_well(&["--nights", "2020-08-02..2026-03-22"]);
    assert_eq!(number(&job, "/status/counts/sent"), 600);
    assert!(text(&job, "/status/notes/1").contains("null in the night 2020-08-02"), "{job:#}");
    let dump = Python::ready().topic(&stack.bootstrap, topic(&job));
    assert!(dump.is_dense());
    assert!(dump.candids().values().all(|count| *count == 1));
    let mut by_year: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
    for alert in &dump.alerts {
        let counts = by_year.entry(number(alert, "/year")).or_default();
        counts.0 += 1;
        counts.1 += usize::from(alert["slsn_score"].is_null());
    }
    assert_eq!(by_year, BTreeMap::from([(2020, (300, 300)), (2026, (300, 0))]));
}

#[test]
fn classes_are_chosen_and_left_out() {
    let (_folder, stack) = stack(false);
    let all = stack.ferry_well(&["--nights", "2026-03-22"]);
    let classes = all["status"]["counts"]["classes"].as_object().unwrap();
    let count = |class: &str| classes.get(class).and_then(Value::as_u64).unwrap_or(0);
    assert!(count("Unknown") > 0 && count("RRLyr") > 0 && count("Solar System MPC") > 0, "{classes:?}");

    let some = stack.ferry_well(&[
        "--nights",
        "2026-03-22",
        "--class",
        "(SIMBAD) RRLyr",
        "--class",
        "Solar System MPC",
    ]);
    assert_eq!(number(&some, "/status/counts/sent"), count("RRLyr") + count("Solar System MPC"));
    let most = stack.ferry_well(&["--nights", "2026-03-22", "--class", "!Unknown", "--class", "not RRLyr"]);
    assert_eq!(number(&most, "/status/counts/sent"), 300 - count("Unknown") - count("RRLyr"));
    let dropped = number(&most, "/status/counts/dropped_by_class");
    assert_eq!(dropped, count("Unknown") + count("RRLyr"));

    let derived =
        stack.ferry_well(&["--nights", "2026-03-22", "--where", "finkclass = 'RRLyr' AND year = 2026"]);
    assert_eq!(number(&derived, "/status/counts/sent"), count("RRLyr"));
}

/// Of a light curve only the fields in question are read; what passes is what the field's own library finds in the alerts.
#[test]
fn conditions_on_light_curves_choose_what_they_say() {
    let (_folder, stack) = stack(false);
    let nights = "2020-08-02..2026-03-22";
    let all = stack.ferry_well(&["--nights", nights, "--content", "Medium packet"]);
    let dump = Python::ready().topic(&stack.bootstrap, topic(&all));
    let past = |alert: &Value| alert["prv_candidates"].as_array().cloned().unwrap_or_default();
    let brightest = |alert: &Value| {
        past(alert).iter().filter_map(|point| point["magpsf"].as_f64()).fold(f64::INFINITY, f64::min)
    };
    type Passes<'a> = &'a dyn Fn(&Value) -> bool;
    let that_pass = |passes: Passes<'_>| -> BTreeSet<i64> {
        let passing = dump.alerts.iter().filter(|alert| passes(alert));
        passing.map(|alert| alert["candid"].as_i64().unwrap()).collect()
    };
    let cases: [(&str, Passes<'_>); 4] = [
        ("size(prv_candidates) > 5", &|alert| past(alert).len() > 5),
        ("array_min(prv_candidates.magpsf) < 18.5", &|alert| brightest(alert) < 18.5),
        ("prv_candidates[0].fid = 1 AND size(prv_candidates.jd) < 9", &|alert| {
            let past = past(alert);
            past.first().is_some_and(|point| point["fid"] == 1) && past.len() < 9
        }),
        ("element_at(prv_candidates.isdiffpos, -1) = 't'", &|alert| {
            past(alert).last().is_some_and(|point| point["isdiffpos"] == "t")
        }),
    ];
    for (condition, passes) in cases {
        for content in ["Light packet", "Medium packet"] {
            let job = stack.ferry_well(&["--nights", nights, "--where", condition, "--content", content]);
            let chosen = Python::ready().topic(&stack.bootstrap, topic(&job));
            let chosen: BTreeSet<i64> = chosen.candids().into_keys().collect();
            assert!(!chosen.is_empty() && chosen.len() < 600, "{condition}: {} of 600", chosen.len());
            assert_eq!(chosen, that_pass(passes), "{condition} as {content}");
        }
    }
}

#[test]
fn an_estimate_counts_the_conditions() {
    let (_folder, stack) = stack(false);
    let asked =
        ["--nights", "2020-08-02..2026-03-22", "--class", "!Unknown", "--where", "candidate.magpsf < 19"];
    let estimate = stack.json(&[&["estimate"], &asked[..]].concat());
    let job = stack.ferry_well(&asked);
    let sent = number(&job, "/status/counts/sent");
    assert!(sent > 0 && sent < 600);
    assert_eq!(estimate["exact"], true);
    assert_eq!(number(&estimate, "/alerts"), sent);
    assert_eq!(number(&estimate, "/alerts_in_nights"), 600);
    let (bytes, measured) = (number(&estimate, "/bytes"), number(&job, "/status/counts/bytes_sent"));
    assert!(bytes.abs_diff(measured) * 10 < measured, "{bytes} is not within a tenth of {measured}");
    let none = stack.json(&["estimate", "--nights", "2026-03-22", "--where", "candidate.magpsf < 0"]);
    assert_eq!((number(&none, "/alerts"), none["bytes"].is_null()), (0, true));
}

#[test]
fn an_empty_result_is_told_and_has_both_topics() {
    let (_folder, stack) = stack(false);
    let job = stack.ferry_well(&["--nights", "2026-03-22", "--where", "candidate.magpsf < 0"]);
    assert_eq!(number(&job, "/status/counts/sent"), 0);
    assert_eq!(number(&job, "/status/counts/dropped_by_condition/0"), 300);
    assert!(job["status"]["log"].to_string().contains("the topic is empty"), "{job:#}");
    let dump = Python::ready().topic(&stack.bootstrap, topic(&job));
    assert_eq!((dump.alerts.len(), dump.schema_copies()), (0, 1000));
}

#[test]
fn a_test_job_sends_ten_alerts_into_one_partition() {
    let (_folder, stack) = stack(false);
    let job = stack.ferry_well(&[
        "--nights",
        "2020-08-02..2026-03-22",
        "--test",
        "--where",
        "candidate.magpsf > 15",
    ]);
    assert_eq!(number(&job, "/status/counts/sent"), 10);
    assert_eq!(number(&job, "/status/partitions"), 1);
    let dump = Python::ready().topic(&stack.bootstrap, topic(&job));
    assert_eq!(dump.alerts.len(), 10);
    assert!(dump.alerts.iter().all(|alert| number(alert, "/year") == 2020), "the first night comes first");
}

#[test]
fn a_limit_spans_nights_and_is_kept_exactly() {
    let (_folder, stack) = stack(false);
    let job = stack.ferry_well(&["--nights", "2020-08-02..2026-03-22", "--limit", "450"]);
    assert_eq!(number(&job, "/status/counts/sent"), 450);
    assert_eq!(number(&job, "/status/nights/0/counts/sent"), 300);
    assert_eq!(number(&job, "/status/nights/1/counts/sent"), 150);
    let dump = Python::ready().topic(&stack.bootstrap, topic(&job));
    assert_eq!(dump.candids().len(), 450);
}

#[test]
fn fields_are_flattened_and_kept_in_order() {
    let (_folder, stack) = stack(true);
    let job = stack.ferry_well(&[
        "--nights",
        "2026-03-22",
        "--content",
        "objectId,candidate.MAGPSF,cutoutScience,lc_features_g",
    ]);
    let dump = Python::ready().topic(&stack.bootstrap, topic(&job));
    assert_eq!(dump.alerts.len(), 300);
    assert_eq!(
        dump.fields(),
        [
            "objectId",
            "magpsf",
            "cutoutScience",
            "lc_features_g",
            "jd",
            "year",
            "month",
            "day",
            "finkclass",
            "tnsclass"
        ]
    );
    let stamp = text(&dump.alerts[0], "/cutoutScience/stampData");
    assert!(stamp.starts_with("H4sI"), "the base64 of a gzip header, not {stamp:.10}");
}

#[test]
fn every_content_arrives_whole_and_in_the_order_of_its_object() {
    let (_folder, stack) = stack(true);
    for content in ["Light packet", "Medium packet", "Cutouts", "Full packet"] {
        let job = stack.ferry_well(&["--nights", "2026-03-22", "--content", content]);
        let dump = Python::ready().topic(&stack.bootstrap, topic(&job));
        assert_eq!(dump.candids().len(), 300, "{content}");
        assert!(dump.is_dense(), "{content}");
        let receipt = stack.json(&["receipt", text(&job, "/id")]);
        let offsets: u64 =
            receipt["partitions"].as_array().unwrap().iter().map(|span| number(span, "/end")).sum();
        assert_eq!(offsets, 300, "{content}");
    }
}
