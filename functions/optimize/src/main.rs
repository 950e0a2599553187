//! Rewrites nights of the archive into another one, in which jobs are fast: as many a call as end in time.

mod handler;

use function::Environment;
use lambda_runtime::{Error, service_fn};

/// Columns are allocated and freed all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let environment = Environment::read()?.without_kafka();
    let handler = handler::Handler::new(&environment)?;
    lambda_runtime::run(service_fn(|event| handler.handle(event))).await
}
