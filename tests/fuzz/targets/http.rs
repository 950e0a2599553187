//! HTTP requests, from the router down: a document that is taken is estimated over the sample night, which is indexed.

use super::{
    Verdict, conditions,
    night::{Folder, sample},
    refused, requests,
};
use axum::{Router, body::Body, http::Request};
use broker::{Kafka, KafkaConfig};
use fastrand::Rng;
use object_store::memory::InMemory;
use std::{sync::Arc, time::Duration};
use store::{Embedded, InProcessQueue};
use tower::ServiceExt;
use transfer::{Service, ServiceParts, Settings};

/// No answer of ours is longer.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The service over the sample night, without a broker.
pub struct Target {
    folder: Folder,
    router: Router,
}

impl Target {
    pub fn new() -> Result<Self, String> {
        let folder = Folder::new()?;
        folder.write(&sample()?).map_err(|error| error.to_string())?;
        let store = Embedded::in_memory().map_err(|error| error.to_string())?;
        let service = Service::new(ServiceParts {
            store: Arc::new(store),
            queue: Arc::new(InProcessQueue::default()),
            archive: folder.archive.clone(),
            kafka: Kafka::new(KafkaConfig::plaintext("127.0.0.1:1")).map_err(|error| error.to_string())?,
            bucket: Arc::new(InMemory::new()),
            tns: Arc::default(),
            settings: Settings::with_delivery_timeout(Duration::from_secs(10)),
        });
        // Estimates come from the index then, but for conditions on images.
        let updated = folder.runtime.block_on(service.update_index(None, None));
        match updated.map_err(|error| error.to_string())?.indexed.len() {
            1 => Ok(Self { folder, router: api::router(service, &api::Origins::Any) }),
            nights => Err(format!("{nights} nights were indexed")),
        }
    }
}

impl super::Target for Target {
    fn try_one(&mut self, input: &[u8]) -> Result<Verdict, String> {
        let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let (head, body) = input.split_at(end);
        let head = String::from_utf8_lossy(head);
        let (method, path) = head.split_once(' ').unwrap_or(("POST", "/v1/estimates"));
        // There is no broker: what would ask it is estimated instead, or left out.
        let path = if method == "POST" && path.starts_with("/v1/jobs") && !path.contains("/retry") {
            "/v1/estimates"
        } else {
            path
        };
        if path.contains("health") {
            return Ok(Verdict::Refused);
        }
        let body = Body::from(body.get(1..).unwrap_or_default().to_vec());
        let request = match Request::builder().method(method).uri(path).body(body) {
            Ok(request) => request,
            Err(error) => return Ok(refused(&error)),
        };
        let router = self.router.clone();
        let (status, problem, body) = self.folder.runtime.block_on(async {
            let answer = router.oneshot(request).await.map_err(|error| error.to_string())?;
            let kind = answer.headers().get("content-type").map(|kind| kind.as_bytes().to_vec());
            let status = answer.status();
            let body = axum::body::to_bytes(answer.into_body(), MAX_ANSWER_BYTES).await;
            let body = body.map_err(|error| format!("its answer has no end: {error}"))?;
            Ok::<_, String>((status, kind.is_some_and(|kind| kind == b"application/problem+json"), body))
        })?;
        let text = String::from_utf8_lossy(&body);
        if status.is_server_error() {
            return Err(format!("is answered with {status}: {text}"));
        }
        match (status.is_success(), problem) {
            (true, _) => Ok(Verdict::Accepted),
            (false, true) => Ok(refused(&text)),
            (false, false) => Err(format!("is answered with {status} and no problem document: {text}")),
        }
    }
}

pub const WORDS: &[&str] = &[
    "POST ",
    "GET ",
    "DELETE ",
    "PUT ",
    "OPTIONS ",
    "/v1/estimates",
    "/v1/jobs",
    "/v1/nights",
    "/v1/classes",
    "/v1/schema",
    "?nights=2026-03-22..2026-03-30",
    "?night=",
    "cutoutScience IS NULL",
    "/retry",
    "/receipt",
    "?limit=",
    "%00",
    "%ff",
    "/../",
    "//",
    "#",
    "?",
    "&",
    "=",
    "{",
    "}",
    "\"",
    "nights",
    "conditions",
    "content",
    "classes",
    "limit",
    "Full packet",
    "Cutouts",
    "candidate.jd",
    "objectId",
    "2026-03-22",
    "\\u0000",
    "null",
    "[]",
    "{}",
];

const CONTENTS: &[&str] = &[
    "Light packet",
    "Cutouts",
    "Medium packet",
    "Full packet",
    "objectId, candid",
    "prv_candidates, mangrove",
    "nothing",
];
const CLASSES: &[&str] =
    &["SN candidate", "!Unknown", "(TNS) SN Ia", "(SIMBAD) Star", "allclasses", "!", "not (TNS) AGN"];

/// A request by the grammar: mostly an estimate of a document.
pub fn generate(chance: &mut Rng) -> String {
    if chance.u8(..4) == 0 {
        return format!("POST /v1/estimates\n{}", requests::generate(chance));
    }
    let document = serde_json::json!({
        "nights": ["2026-03-22"],
        "conditions": conditions::generate(chance),
        "content": CONTENTS[chance.usize(..CONTENTS.len())],
        "classes": (0..chance.usize(..3)).map(|_| CLASSES[chance.usize(..CLASSES.len())]).collect::<Vec<_>>(),
    });
    format!("POST /v1/estimates\n{document}")
}
