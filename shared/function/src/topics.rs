//! Makes topics by asking the function that fans out, so that one that makes jobs links no client of Kafka, needs no
//! secret of it, and no way to it.

use crate::ask::Asker;
use async_trait::async_trait;
use cloud::OtherFunction;
use job::TopicName;
use serde::{Deserialize, Serialize};
use transfer::{Errand, ErrandEnd, Topics, TransferError};

/// What the function that fans out is called with, beside the bucket's events.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sent {
    /// What it is to do.
    pub errand: Errand,
}

/// The function that fans out, as whoever makes jobs asks it.
pub(crate) struct TopicsByFunction(Asker);

impl TopicsByFunction {
    pub fn new(function: OtherFunction) -> Self {
        Self(Asker { function, without: "the topics cannot be looked after" })
    }

    async fn send(&self, errand: Errand) -> Result<(), TransferError> {
        match self.0.ask(&Sent { errand }).await? {
            ErrandEnd::Done => Ok(()),
            ErrandEnd::Refused(refusal) => Err(TransferError::Told(Box::new(refusal))),
        }
    }
}

#[async_trait]
impl Topics for TopicsByFunction {
    async fn create(&self, topic: &TopicName, partitions: i32) -> Result<(), TransferError> {
        self.send(Errand::Create { topic: topic.clone(), partitions }).await
    }

    async fn delete(&self, topic: &TopicName) -> Result<(), TransferError> {
        self.send(Errand::Delete { topic: topic.clone() }).await
    }

    async fn ping(&self) -> Result<(), TransferError> {
        self.send(Errand::Ping).await
    }
}
