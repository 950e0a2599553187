//! Tells of jobs, cancels and retries them; answers for all functions what browsers ask before they ask (`OPTIONS`).

use function::Environment;
use lambda_runtime::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?, cloud::from_environment().await);
    let ledger = function::ledger(&environment, &aws)?;
    function::serve(api::status_router(ledger, &environment.origins)).await
}
