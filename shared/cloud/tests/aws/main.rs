//! The store and the queue against LocalStack (`localstack/native`), which the first test starts and the end of the
//! process ends. It is installed when it is not there, which takes a minute. Or against what `AWS_ENDPOINT_URL` names.

#![allow(clippy::unwrap_used)]

mod lossy;
mod queue;
mod refusing;
mod server;
mod store;
mod table;
