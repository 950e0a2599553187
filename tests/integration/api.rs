//! The HTTP API.

use crate::harness::{Stack, get, number, sample_archive, send, text};
use serde_json::json;

fn stack() -> (tempfile::TempDir, Stack) {
    let folder = tempfile::tempdir().unwrap();
    let archive = sample_archive(&folder.path().join("archive"), &["2020-08-02", "2026-03-22"], 100, false);
    let stack = Stack::start(&archive, &folder.path().join("data"), &[]);
    (folder, stack)
}

#[test]
fn a_returned_document_can_be_submitted_again() {
    let (_folder, stack) = stack();
    let jobs = format!("{}/v1/jobs", stack.api);
    let (status, kind, job) = send("POST", &jobs, "nights: [2026-03-22]\nlimit: 20\nname: from YAML");
    assert_eq!((status, kind.as_str()), (201, "application/json"), "{job}");
    let id = text(&job, "/id").to_owned();
    let done = stack.await_state(&id, "done", 30);
    assert_eq!(number(&done, "/status/counts/sent"), 20);
    assert_eq!(done["name"], "from YAML");

    let (status, _, again) = send("POST", &jobs, &done.to_string());
    assert_eq!(status, 201, "{again}");
    assert_ne!(again["id"], done["id"]);
    let again = stack.await_state(text(&again, "/id"), "done", 30);
    assert_ne!(again["status"]["topic"], done["status"]["topic"]);
    assert_eq!(number(&again, "/status/counts/sent"), 20);

    let topic = text(&again, "/status/topic");
    let (status, _, found) = get(&format!("{}/v1/topics/{topic}", stack.api));
    assert_eq!((status, &found["id"]), (200, &again["id"]));
    let (_, _, list) = get(&jobs);
    assert_eq!(list[0]["id"], again["id"], "newest first");
    let (status, _, receipt) = get(&format!("{jobs}/{id}/receipt"));
    assert_eq!(status, 200);
    assert_eq!(number(&receipt, "/total/sent"), 20);
}

#[test]
fn every_error_is_a_problem_document() {
    let (_folder, stack) = stack();
    let jobs = format!("{}/v1/jobs", stack.api);
    let random = "0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11";
    let too_large = format!("nights: [2026-03-22]\nname: '{}'", "x".repeat(70_000));
    for (method, url, body, expected, words) in [
        ("POST", jobs.clone(), "nights: [2026-03-22]\nconditions: jd > 1", 422, "did you mean"),
        ("POST", jobs.clone(), "nights: [2026-03-22]\nconditions: candidate.magpsf >", 422, "line 1"),
        ("POST", jobs.clone(), "nights: [2026-03-22]\ncontent: [objectIdd]", 422, "did you mean `objectId`"),
        ("POST", jobs.clone(), "nights: [tomorrow]", 422, "YYYY-MM-DD"),
        ("POST", jobs.clone(), "nights: [2019-01-01]", 404, "2 nights from 2020-08-02 to 2026-03-22"),
        ("POST", jobs.clone(), "classes: [x]", 422, "nights"),
        ("POST", jobs.clone(), &too_large, 413, ""),
        ("GET", format!("{jobs}/{random}"), "", 404, random),
        ("GET", format!("{jobs}/not-an-id"), "", 404, "not the id of a job"),
        ("DELETE", format!("{jobs}/{random}"), "", 404, random),
        ("GET", format!("{}/v1/topics/ftransfer_ztf_2026-01-01_1", stack.api), "", 404, "ftransfer_ztf"),
        ("GET", format!("{}/v1/topics/alerts", stack.api), "", 404, "alerts"),
        ("GET", format!("{jobs}?limit=many"), "", 422, "limit"),
        ("PUT", jobs.clone(), "", 405, "openapi"),
        ("GET", format!("{}/nothing", stack.api), "", 404, "openapi"),
    ] {
        let (status, kind, problem) = send(method, &url, body);
        assert_eq!(status, expected, "{method} {url}: {problem}");
        assert_eq!(kind, "application/problem+json", "{method} {url}");
        assert_eq!(number(&problem, "/status"), u64::from(status));
        assert!(problem.to_string().contains(words), "{words} is not in {problem}");
    }
}

#[test]
fn a_wrong_condition_is_shown_with_its_place() {
    let (_folder, stack) = stack();
    let body =
        json!({"nights": ["2026-03-22"], "conditions": "candidate.magpsf < 20;\n  candidate.magsf > 19"});
    let (status, _, problem) = send("POST", &format!("{}/v1/jobs", stack.api), &body.to_string());
    assert_eq!(status, 422);
    assert_eq!(problem["problems"][0]["place"], "conditions, line 2, column 3");
    assert_eq!(problem["problems"][0]["snippet"], "  candidate.magsf > 19\n  ^^^^^^^^^^^^^^^");
    assert!(problem["problems"][0]["instead"].as_str().unwrap().contains("candidate.magpsf"));
}

#[test]
fn the_openapi_document_lists_every_path() {
    let (_folder, stack) = stack();
    let (status, _, document) = get(&format!("{}/v1/openapi.json", stack.api));
    assert_eq!(status, 200);
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/v1/classes",
            "/v1/estimates",
            "/v1/functions",
            "/v1/health",
            "/v1/jobs",
            "/v1/jobs/{id}",
            "/v1/jobs/{id}/receipt",
            "/v1/jobs/{id}/rerun",
            "/v1/jobs/{id}/retry",
            "/v1/jobs/{id}/sample",
            "/v1/nights",
            "/v1/schema",
            "/v1/service",
            "/v1/topics/{topic}"
        ]
    );
    assert_eq!(document["components"]["schemas"]["JobRequest"]["properties"]["limit"]["minimum"], 0);
    let (status, _, health) = get(&format!("{}/v1/health", stack.api));
    assert_eq!((status, health["bootstrap"].as_str().unwrap()), (200, stack.bootstrap.as_str()));
}
