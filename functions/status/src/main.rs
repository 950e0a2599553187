//! Tells of jobs, cancels and retries them.

use function::Environment;
use lambda_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?, cloud::from_environment().await);
    function::serve(api::status_router(function::ledger(&environment, &aws)?)).await
}
