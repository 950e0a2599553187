//! Plain HTTP.

use serde_json::Value;

/// Status, content type and body of an answer.
pub type Answer = (u16, String, Value);

/// GET
pub fn get(url: &str) -> Answer {
    send("GET", url, "")
}

/// Any method with a body.
pub fn send(method: &str, url: &str, body: &str) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = reqwest::Client::new().request(method, url).header("origin", "http://example.org");
        let response = request.body(body.to_owned()).send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["access-control-allow-origin"], "*", "{url} lacks CORS");
        let kind =
            response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let text = response.text().await.unwrap();
        (status, kind, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    })
}
