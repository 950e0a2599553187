//! Takes requests: from the API, and from the schedule.

mod handler;

use function::Environment;
use lambda_runtime::{Error, service_fn};
use std::sync::Arc;
use store::ManifestStarts;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?, cloud::from_environment().await);
    let service = function::service(&environment, &aws, Arc::new(ManifestStarts)).await?;
    let handler = handler::Handler::new(service);
    lambda_runtime::run(service_fn(|event| handler.handle(event))).await
}
