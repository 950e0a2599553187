//! Takes requests: from the API, and from the schedule.

mod handler;

use function::Environment;
use lambda_runtime::{Error, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    function::start_logs();
    let (environment, aws) = (Environment::read()?, cloud::from_environment().await);
    let intake = function::intake(&environment, &aws).await?;
    let handler = handler::Handler::new(intake, &environment.origins);
    lambda_runtime::run(service_fn(|event| handler.handle(event))).await
}
