//! The page: static files over the public API, served by the function `portal` and by the one-process stack.
//!
//! The files are made by `npm run build` in `web/`, before the program is compiled, and lie in it. A program that was
//! compiled without them says how to get them instead.

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// Paths from the page's root, and what is there.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// Shown in place of a page that was not built.
const NOT_BUILT: &[u8] = include_bytes!("not_built.html");

/// The page may run its own scripts and ask the service that it came from, and nothing else: whatever a job or an archive
/// holds, none of it can be run or sent anywhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /` and the files that it names, all of them below `/assets/`.
pub fn router() -> Router {
    let in_assets = |Path(file): Path<String>| async move { answer(&format!("assets/{file}")) };
    Router::new().route("/", get(|| async { answer("index.html") })).route("/assets/{*file}", get(in_assets))
}

/// Whether the program has the page in it.
pub fn is_built() -> bool {
    !FILES.is_empty()
}

fn answer(path: &str) -> Response {
    let found = FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes);
    match found {
        Some(bytes) => file(path, bytes),
        None if path == "index.html" => file(path, NOT_BUILT),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn file(path: &str, bytes: &'static [u8]) -> Response {
    let keep = match path {
        _ if is_named_by_contents(path) => "public, max-age=31536000, immutable",
        // Browsers ask for the picture of a page anew whenever the address changes.
        "assets/favicon.svg" => "public, max-age=86400",
        _ => "no-cache",
    };
    let headers: [(HeaderName, &'static str); 7] = [
        (header::CONTENT_TYPE, media_type(path)),
        (header::CACHE_CONTROL, keep),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    let mut response = bytes.into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the file's name holds a mark of its contents, as in `index-Dbu2GYst.css`: then it never changes.
fn is_named_by_contents(path: &str) -> bool {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    // The mark itself may have such a sign in it.
    stem.len().checked_sub(9).is_some_and(|place| stem.as_bytes().get(place) == Some(&b'-'))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    async fn get(path: &str) -> Response {
        router().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_page_comes_with_a_policy_and_everything_else_is_missing() {
        let page = get("/").await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(
            page.headers()[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .starts_with("default-src 'none'")
        );
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
        assert!(
            is_named_by_contents("assets/index-Dbu2GYst.css") && !is_named_by_contents("assets/theme.js")
        );
        assert!(is_named_by_contents("assets/SampleCard-CHe-A_1O.css"));
        for missing in
            ["/assets/none.js", "/assets/../index.html", "/assets/%2e%2e/index.html", "/Cargo.toml"]
        {
            assert_eq!(get(missing).await.status(), StatusCode::NOT_FOUND, "{missing}");
        }
    }

    #[tokio::test]
    async fn every_file_that_was_built_is_served() {
        for (path, bytes) in FILES.iter().filter(|(path, _)| *path != "index.html") {
            let file = get(&format!("/{path}")).await;
            assert_eq!(file.status(), StatusCode::OK, "{path}");
            assert_ne!(file.headers()[header::CONTENT_TYPE], "application/octet-stream", "{path}");
            assert_eq!(axum::body::to_bytes(file.into_body(), usize::MAX).await.unwrap(), *bytes);
        }
    }
}
