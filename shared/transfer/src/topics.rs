//! The topics of whoever makes jobs.
//!
//! That takes a client of Kafka, with what its encryption and logins need: the larger half of a program. Whoever makes
//! jobs asks through [`Topics`], so that a function which does so links none of it: in one process the cluster itself
//! answers, on AWS the function that fans out does, and what it says travels as JSON ([`Errand`], [`ErrandEnd`]).

use crate::{Refusal, Service, TransferError};
use async_trait::async_trait;
use broker::{Existing, Kafka};
use job::TopicName;
use serde::{Deserialize, Serialize};

/// Makes topics for whoever makes jobs.
#[async_trait]
pub trait Topics: Send + Sync {
    /// Makes the data topic and the schema topic; both exist when this returns. One that exists already is somebody
    /// else's: a conflict ([`job::ErrorKind::Conflict`]).
    async fn create(&self, topic: &TopicName, partitions: i32) -> Result<(), TransferError>;

    /// Deletes both; those that are gone already are no error.
    async fn delete(&self, topic: &TopicName) -> Result<(), TransferError>;

    /// Whether the cluster answers.
    async fn ping(&self) -> Result<(), TransferError>;
}

#[async_trait]
impl Topics for Kafka {
    async fn create(&self, topic: &TopicName, partitions: i32) -> Result<(), TransferError> {
        Ok(self.create_topics(topic, partitions, Existing::Refuse).await?)
    }

    async fn delete(&self, topic: &TopicName) -> Result<(), TransferError> {
        Ok(self.delete_topics(topic).await?)
    }

    async fn ping(&self) -> Result<(), TransferError> {
        Ok(Self::ping(self).await?)
    }
}

/// What one process has another do that reaches the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Errand {
    /// [`Topics::create`].
    Create {
        /// The data topic.
        topic: TopicName,
        /// Of each of both.
        partitions: i32,
    },
    /// [`Topics::delete`].
    Delete {
        /// The data topic.
        topic: TopicName,
    },
    /// [`Topics::ping`].
    Ping,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ErrandEnd {
    /// It is done.
    Done,
    /// It is not.
    Refused(Refusal),
}

impl Service {
    /// Does what another process asks for.
    pub async fn run_errand(&self, errand: &Errand) -> ErrandEnd {
        let topics: &dyn Topics = &self.kafka;
        let done = match errand {
            Errand::Create { topic, partitions } => topics.create(topic, *partitions).await,
            Errand::Delete { topic } => topics.delete(topic).await,
            Errand::Ping => topics.ping().await,
        };
        match done {
            Ok(()) => ErrandEnd::Done,
            Err(error) => ErrandEnd::Refused(Refusal::from(&error)),
        }
    }
}
