//! Says what a request would come to, conditions included, and what the archive holds: to the API, and to the function
//! that makes jobs.

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
    let handler = handler::Handler::new(scout, &environment.origins);
    lambda_runtime::run(service_fn(|event| handler.handle(event))).await
}
