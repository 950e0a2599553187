//! A topic as a reader names it: by its name, or by the job that fills it. What the API knows of it, if there is one.

use crate::{
    args::Api,
    client::{Client, ClientError},
    exit::CommandError,
    show,
};
use job::{JobId, TopicName};
use std::{collections::BTreeMap, time::Duration};
use transfer::{JobDocument, Receipt};

/// How long the API may take to say whether it knows a topic: a topic can be read without one.
const PATIENCE: Duration = Duration::from_secs(3);

/// The job that fills the topic; `None` where no API answers, or it knows no such topic: both are said.
pub(super) async fn find(api: &Api, name: &str, without: &str) -> Result<Option<JobDocument>, CommandError> {
    let client = Client::new(api).with_patience(PATIENCE);
    if name.parse::<JobId>().is_ok() {
        return Ok(Some(client.job(name).await?));
    }
    let topic: TopicName = name.parse()?;
    match client.topic(&topic).await {
        Ok(job) => Ok(Some(job)),
        Err(ClientError::Refused(problem)) if problem.status == 404 => {
            show::remark(&format!("no job known at {} fills this topic; {without}", api.api));
            Ok(None)
        }
        Err(ClientError::Unreachable { .. } | ClientError::Foreign { .. }) => {
            show::remark(&format!("no job known at {}, as no API answers there; {without}", api.api));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The receipt of a job that has ended; `None` if it ended without one, or is at it again.
pub(super) async fn receipt(client: &Client, id: JobId) -> Result<Option<Receipt>, ClientError> {
    match client.receipt(&id.to_string()).await {
        Ok(receipt) => Ok(Some(receipt)),
        Err(ClientError::Refused(problem)) if matches!(problem.status, 404 | 409) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One past the last offset of each partition, as a receipt has them.
pub(super) fn ends(receipt: &Receipt) -> BTreeMap<i32, i64> {
    receipt.partitions.iter().map(|span| (span.partition, span.end)).collect()
}
