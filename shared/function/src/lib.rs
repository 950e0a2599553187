//! What the functions on AWS share: the environment is read once, the parts are built once, and every event goes through
//! `transfer`.
//!
//! | module | is for |
//! |---|---|
//! | [`Environment`] | the variables that `infra/template.yaml` sets, checked |
//! | [`ledger`], [`scout`], [`intake`], [`service`] | the use-cases over DynamoDB, SQS, S3 and Kafka |
//! | [`Asked`], [`Sent`] | what who makes jobs asks who estimates, and has done by who fans out |
//! | [`serve`], [`Http`] | requests of API Gateway, with the caller that its authorizer names |
//! | [`Created`] | what S3 tells of objects that appeared |
//! | [`meter`] | metrics of each attempt, in CloudWatch's embedded format |
//!
//! A variable that is missing or wrong ends a function at its start, with its name and what to write instead. Nothing of
//! the environment is logged; what comes from Secrets Manager is kept in memory only.
//!
//! What it leaves to others: which events there are (each function), and what becomes of them (`transfer`).

mod ask;
mod created;
mod environment;
mod error;
mod foresight;
mod http;
mod kafka;
mod metrics;
mod parts;
mod topics;

pub use created::{Created, Entity, Identity, Object, Record};
pub use environment::{Access, Environment};
pub use error::FunctionError;
pub use foresight::Asked;
pub use http::{Http, serve};
pub use metrics::meter;
pub use parts::{intake, ledger, queue, scout, service};
pub use topics::Sent;

use telemetry::Format;

/// Starts the logs of a function: one JSON object a line, at the level of `LOG_LEVEL`.
pub fn start_logs() {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".into());
    telemetry::init(Format::Json, &level);
}
