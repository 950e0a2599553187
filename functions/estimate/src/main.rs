//! Says what a request would come to, conditions included, and what the archive holds.

use function::Environment;
use lambda_runtime::Error;
use std::sync::Arc;
use store::ManifestStarts;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?.without_kafka(), cloud::from_environment().await);
    let scout = function::scout(&environment, &aws, Arc::new(ManifestStarts)).await?;
    function::serve(api::estimate_router(scout)).await
}
