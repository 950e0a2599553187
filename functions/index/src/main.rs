//! Indexes the nights whose files appear in the archive, and from time to time whatever was missed.

mod handler;

use function::Environment;
use lambda_runtime::{Error, service_fn};
use std::sync::Arc;
use store::ManifestStarts;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?.without_kafka(), cloud::from_environment().await);
    let scout = function::scout(&environment, &aws, Arc::new(ManifestStarts)).await?;
    lambda_runtime::run(service_fn(|event| handler::handle(&scout, event))).await
}
