//! Runs tasks from the queue.

mod handler;

use function::Environment;
use lambda_runtime::{Error, service_fn};
use std::sync::Arc;

/// Columns are allocated and freed all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?, cloud::from_environment().await);
    let queue = function::queue(&environment, &aws);
    let service = function::service(&environment, &aws, Arc::new(queue.clone())).await?;
    service.warm_up();
    let handler = handler::Handler { service, queue };
    lambda_runtime::run(service_fn(|event| handler.handle(event))).await
}
