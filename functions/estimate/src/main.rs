//! Says what a request would come to, conditions included.

use function::Environment;
use lambda_runtime::Error;
use std::sync::Arc;
use store::ManifestStarts;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?.without_kafka(), cloud::from_environment().await);
    let service = function::service(&environment, &aws, Arc::new(ManifestStarts)).await?;
    function::serve(api::estimate_router(service)).await
}
