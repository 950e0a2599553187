//! What can go wrong between a broker and us.

use job::ErrorKind;
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};
use std::path::PathBuf;

/// An error of the broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The configuration asks for more than was built.
    #[error("built without TLS and SASL: build with --features ssl")]
    Build,
    /// The file or folder of authorities cannot be used.
    #[error("the authorities in {}: {reason}", path.display())]
    Authorities {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A broker's certificate is not to be trusted.
    #[error(
        "the Kafka broker {broker} is not to be trusted: its certificate is for another address, or of no authority in {authorities}"
    )]
    Untrusted {
        /// `host:port`, as it was reached.
        broker: String,
        /// Where the authorities are.
        authorities: String,
    },
    /// No client can be made of the configuration.
    #[error("no client of Kafka can be made: {reason}")]
    Settings {
        /// librdkafka's own words.
        reason: String,
    },
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
        match error {
            KafkaError::ClientCreation(reason) => Self::Settings { reason: reason.clone() },
            _ => Self::Topic { topic, reason: error.to_string(), kind: kind_of(error.rdkafka_error_code()) },
        }
    }

    /// What a broker says of a topic.
    pub(crate) fn refused(topic: String, code: RDKafkaErrorCode) -> Self {
        Self::Refused { topic, code: code.to_string(), kind: kind_of(Some(code)) }
    }

    /// How the error is to be treated.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Build | Self::Authorities { .. } | Self::Settings { .. } => ErrorKind::Invalid,
            Self::Untrusted { .. } => ErrorKind::Permanent,
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
