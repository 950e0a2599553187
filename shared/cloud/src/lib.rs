//! Jobs, tasks and waiting work on AWS: [`DynamoStore`] is a [`store::Store`], [`SqsQueue`] a [`store::Queue`]. And what
//! AWS knows of the cluster: [`msk_brokers`], [`login`], [`msk_tokens`]. And other functions: [`OtherFunction`].
//!
//! What they guarantee is what their traits say; [`store::conformance`] is run against both here and there. Beyond that,
//! a request whose answer was lost is repeated, and whoever repeats it learns what the first one did: a row carries the
//! mark of its last writer, so that a conditional write that fails on its own success counts as one.
//!
//! What they leave to others: the table and the queues exist (`infra/template.yaml`), and region, endpoint and
//! credentials come from the environment ([`from_environment`]).
//!
//! # The table
//!
//! One table, partition key `pk`, sort key `sk`, both strings; no index beside it.
//!
//! | row | `pk` | `sk` | holds |
//! |---|---|---|---|
//! | a job | `job#<id>` | `job` | the job |
//! | a task | `job#<id>` | `task#<number, ten digits>` | the task; a query gives a job's tasks in order |
//! | a topic | `topic#<name>` | `topic` | `job`: the id of the job that fills it |
//! | a job in the list | `jobs#<YYYY-MM>` | `<moment of submission>#<id>` | `job`: its id |
//! | a month in the list | `months` | `<YYYY-MM>` | nothing: that month has jobs |
//! | usage | `usage#<user>` | `<YYYY-MM-DD>` | what the user asked for that day |
//!
//! The list is kept by months: one partition for all would grow and be written by every submit for ever, and one a day
//! would cost a query for every day without jobs. Which months there are is kept too, so that nobody guesses how far
//! back to look; reading the newest jobs is a query of `months`, one of the newest month and one batch of jobs. A job's
//! row, its topic and its place in the list are written in one transaction; none of the last two changes afterwards.
//!
//! A row of a job, task or usage is its JSON in `body`, so that the domain's types may grow without a change of the
//! table, and what someone with a console wants to see beside it: `state`, `night`, `attempt`, `user`, `created`. A body
//! over 4 KB is compressed (`packed`, zstd): writes are paid by the kilobyte, a running task is written twice a second,
//! and no row may have more than 400 KB. What exceeds that nevertheless is refused before anything is written.
//!
//! `version` (a number) grows with every change and is the condition of each; `writer` is the mark told of above. Every
//! row has `expires_at`, in seconds: DynamoDB deletes it some time after a job's topic has expired.
//!
//! Reads are consistent. A job's tasks share a partition with it; DynamoDB takes 1,000 KB of writes a second there, 200
//! workers' worth of 2 KB rows written twice a second.
//!
//! ```no_run
//! # async fn example() {
//! let aws = cloud::from_environment().await;
//! let store = cloud::DynamoStore::new(&aws, "jobs", std::time::Duration::from_secs(90 * 86400));
//! let queue = cloud::SqsQueue::new(&aws, "http://127.0.0.1:4566/000000000000/tasks");
//! # }
//! ```

mod dynamo;
mod environment;
mod failure;
mod function;
mod kafka;
mod key;
mod list;
mod row;
mod sqs;

pub use dynamo::DynamoStore;
pub use environment::{configured, from_environment};
pub use function::{NoAnswer, OtherFunction};
pub use kafka::{CloudError, Login, MskAccess, MskTokens, login, msk_brokers, msk_tokens};
pub use sqs::{LONGEST_DELAY, SqsQueue, work_of};
