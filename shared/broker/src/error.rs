//! What can go wrong between a broker and us.

use job::ErrorKind;
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};

/// An error of the broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The configuration asks for more than was built.
    #[error("built without TLS and SASL: build with --features ssl")]
    Build,
    /// The cluster does not let us in.
    #[error("the Kafka cluster does not let us in: {reason}")]
    Login {
        /// The cluster's words, or why there was nothing to log in with.
        reason: String,
        /// Whether no repetition helps.
        lasting: bool,
    },
    /// A topic could not be made, described or deleted.
    #[error("topic {topic}: {reason}")]
    Topic {
        /// The topic.
        topic: String,
        /// librdkafka's own words. Its error itself would have whoever names this type link librdkafka.
        reason: String,
        /// How it is to be treated.
        kind: ErrorKind,
    },
    /// A topic could not be made for a reason that the broker gave.
    #[error("topic {topic}: the broker answered {code}")]
    Refused {
        /// The topic.
        topic: String,
        /// The broker's answer.
        code: String,
        /// How it is to be treated.
        kind: ErrorKind,
    },
    /// A topic has another number of partitions than the job planned.
    #[error("topic {topic} has {found} partitions instead of {planned}")]
    Partitions {
        /// The topic.
        topic: String,
        /// What it has.
        found: usize,
        /// What it should have.
        planned: usize,
    },
    /// Messages were not acknowledged.
    #[error("topic {topic}: delivery failed: {reason}")]
    Delivery {
        /// The topic.
        topic: String,
        /// Why.
        reason: String,
        /// Whether no repetition helps.
        lasting: bool,
    },
    /// A message of the task is missing between two others: nothing may be added to such a partition.
    #[error(
        "topic {topic}, partition {partition}: message {expected} of task {task} is missing before message {found}; submit the job again"
    )]
    Gap {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The task.
        task: u32,
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// Reading back a topic failed.
    #[error("topic {topic} cannot be read back: {reason}")]
    Tail {
        /// The topic.
        topic: String,
        /// Why.
        reason: String,
    },
    /// The attempt was told to stop.
    #[error("stopped")]
    Stopped,
}

impl BrokerError {
    /// What librdkafka says of a topic.
    pub(crate) fn topic(topic: String, error: &KafkaError) -> Self {
        Self::Topic { topic, reason: error.to_string(), kind: kind_of(error.rdkafka_error_code()) }
    }

    /// What a broker says of a topic.
    pub(crate) fn refused(topic: String, code: RDKafkaErrorCode) -> Self {
        Self::Refused { topic, code: code.to_string(), kind: kind_of(Some(code)) }
    }

    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Build => ErrorKind::Invalid,
            Self::Login { lasting: true, .. } => ErrorKind::Permanent,
            Self::Login { lasting: false, .. } => ErrorKind::Transient,
            Self::Topic { kind, .. } | Self::Refused { kind, .. } => *kind,
            Self::Partitions { .. } | Self::Gap { .. } => ErrorKind::Permanent,
            Self::Delivery { lasting: true, .. } => ErrorKind::Permanent,
            Self::Delivery { lasting: false, .. } | Self::Tail { .. } => ErrorKind::Transient,
            Self::Stopped => ErrorKind::Conflict,
        }
    }
}

fn kind_of(code: Option<RDKafkaErrorCode>) -> ErrorKind {
    use RDKafkaErrorCode::*;
    match code {
        Some(TopicAlreadyExists) => ErrorKind::Conflict,
        Some(UnknownTopicOrPartition | UnknownTopic) => ErrorKind::NotFound,
        Some(
            InvalidPartitions
            | InvalidReplicationFactor
            | InvalidConfig
            | PolicyViolation
            | InvalidTopic
            | TopicAuthorizationFailed
            | ClusterAuthorizationFailed
            | GroupAuthorizationFailed
            | SaslAuthenticationFailed,
        ) => ErrorKind::Permanent,
        _ => ErrorKind::Transient,
    }
}

/// Failures that no repetition cures.
pub(crate) fn is_lasting(code: Option<RDKafkaErrorCode>) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        code,
        Some(
            MessageSizeTooLarge
                | TopicAuthorizationFailed
                | ClusterAuthorizationFailed
                | InvalidRecord
                | UnknownTopicOrPartition
                | UnknownTopic
                | UnknownPartition
        )
    )
}
