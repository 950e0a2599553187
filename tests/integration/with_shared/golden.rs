//! A real transfer of the night 2026-03-22: the same alerts, encoded by us, decode to the same values.

use crate::harness::{Python, Stack, shared, text};
use serde_json::Value;

#[test]
fn our_full_packet_is_the_real_one_to_the_last_value() {
    let folder = tempfile::tempdir().unwrap();
    let tns = shared("catalogs/tns.parquet");
    let stack =
        Stack::start(&shared("archive/ztf"), &folder.path().join("data"), &["--tns", tns.to_str().unwrap()]);
    let job = stack.ferry_well(&["--nights", "2026-03-22", "--content", "Full packet"]);

    let python = Python::ready();
    let ours = folder.path().join("ours.jsonl");
    let dump = python.topic_into(&ours, &stack.bootstrap, text(&job, "/status/topic"));
    let golden = folder.path().join("golden.jsonl");
    let (golden, ours) = (golden.to_str().unwrap(), ours.to_str().unwrap());
    let avro = shared("golden/part-3-305711.avro");
    let real = python.script("golden.py", &[avro.to_str().unwrap(), "--dump", golden]);
    let names = String::from_utf8(real.stdout).unwrap();
    assert_eq!(dump.fields(), names.lines().collect::<Vec<_>>(), "names and order");
    assert!(dump.is_dense());
    assert_eq!(dump.schema_copies(), 1000);
    assert_eq!(dump.told["timestamps"], serde_json::json!({"append": 31}));
    let compared = python.json("compare.py", &[golden, ours]);
    assert_eq!(compared["fields"], serde_json::json!({}), "{compared:#}");
    assert_eq!(compared["compared"], 31, "{compared:#}");
}

#[test]
fn our_schema_is_the_real_one_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&shared("archive/ztf"), &folder.path().join("data"), &[]);
    let job = stack.ferry_well(&["--nights", "2026-03-22", "--content", "Full packet"]);
    let plan = folder.path().join("data/bucket/jobs").join(text(&job, "/id")).join("plan.json");
    let plan: Value = serde_json::from_str(&std::fs::read_to_string(plan).unwrap()).unwrap();
    let ours: Value = serde_json::from_str(text(&plan, "/avro_schema")).unwrap();
    let real =
        std::fs::read_to_string(shared("golden/avro_schema_ftransfer_ztf_2026-03-23_11487.json")).unwrap();
    let real: Value = serde_json::from_str(&real).unwrap();
    assert_eq!(ours["name"], real["name"]);
    let (ours, real) = (ours["fields"].as_array().unwrap(), real["fields"].as_array().unwrap());
    assert_eq!(ours.len(), real.len());
    for (ours, real) in ours.iter().zip(real) {
        assert_eq!(ours, real);
    }
}
