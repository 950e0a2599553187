//! Where an earlier attempt of a task left off, by the topic itself.

use crate::{BrokerError, Kafka, MessageKey, topics::blocking};
use job::TopicName;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use std::time::{Duration, Instant};

/// The tail is given up when nothing arrives for this long.
const SILENCE: Duration = Duration::from_secs(30);

impl Kafka {
    /// For each partition, how many of the task's messages it holds. `known` says how many lie before the offsets
    /// `from`; everything after them is read. Only right once the earlier attempt can deliver nothing more.
    pub async fn sequences(
        &self,
        topic: &TopicName,
        task: u32,
        known: Vec<u64>,
        from: Vec<i64>,
    ) -> Result<Vec<u64>, BrokerError> {
        let (kafka, topic) = (self.clone(), topic.to_string());
        blocking(move || kafka.read_tail(&topic, task, known, &from)).await
    }

    fn read_tail(
        &self,
        topic: &str,
        task: u32,
        mut known: Vec<u64>,
        from: &[i64],
    ) -> Result<Vec<u64>, BrokerError> {
        let failed = |source: KafkaError| BrokerError::Topic { topic: topic.to_owned(), source };
        let state = self.read_state(topic)?;
        known.resize(state.offsets.len(), 0);
        let mut assignment = TopicPartitionList::new();
        let mut ends: Vec<Option<i64>> = vec![None; state.offsets.len()];
        for (partition, (first, end)) in state.offsets.iter().enumerate() {
            let start = from.get(partition).copied().unwrap_or(0).max(*first);
            if start < *end {
                assignment
                    .add_partition_offset(topic, partition as i32, Offset::Offset(start))
                    .map_err(failed)?;
                ends[partition] = Some(*end);
            }
        }
        if assignment.count() == 0 {
            return Ok(known);
        }
        let consumer: BaseConsumer = self.consumer().map_err(failed)?;
        consumer.assign(&assignment).map_err(failed)?;
        let mut last_seen = Instant::now();
        while ends.iter().any(Option::is_some) {
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    last_seen = Instant::now();
                    let partition = message.partition() as usize;
                    let key = message.key().and_then(MessageKey::read).filter(|key| key.task == task);
                    if let (Some(key), Some(count)) = (key, known.get_mut(partition)) {
                        if key.sequence > *count {
                            return Err(BrokerError::Gap {
                                topic: topic.to_owned(),
                                partition: message.partition(),
                                task,
                                expected: *count,
                                found: key.sequence,
                            });
                        }
                        *count = (*count).max(key.sequence + 1);
                    }
                    if let Some(slot) = ends.get_mut(partition) {
                        *slot = slot.filter(|end| message.offset() + 1 < *end);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    if let Some(slot) = ends.get_mut(partition as usize) {
                        *slot = None;
                    }
                }
                Some(Err(error)) if error.rdkafka_error_code().is_none() => return Err(failed(error)),
                Some(Err(_)) | None => {}
            }
            if last_seen.elapsed() > SILENCE {
                let reason = format!("nothing arrived for {} s", SILENCE.as_secs());
                return Err(BrokerError::Tail { topic: topic.to_owned(), reason });
            }
        }
        Ok(known)
    }
}
