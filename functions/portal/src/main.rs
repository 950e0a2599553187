//! The page. Static files and nothing else: it needs no right to anything.

use lambda_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".into());
    telemetry::init(telemetry::Format::Json, &level);
    lambda_http::run(page::router()).await
}
