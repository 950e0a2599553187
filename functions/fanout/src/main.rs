//! Splits the jobs whose manifests appear in the bucket, makes their topics for the function that takes requests, and tends
//! to all of them from time to time.

mod handler;

use function::Environment;
use lambda_runtime::{Error, service_fn};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?, cloud::from_environment().await);
    let queue = Arc::new(function::queue(&environment, &aws));
    let service = function::service(&environment, &aws, queue).await?;
    lambda_runtime::run(service_fn(|event| handler::handle(&service, event))).await
}
