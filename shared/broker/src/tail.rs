//! Where earlier attempts left off, by the topic itself.

use crate::{BrokerError, Kafka, MessageKey, link::Link, topics::blocking};
use job::{Arrived, ErrorKind, TopicName};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The tail is given up when nothing arrives for this long.
const SILENCE: Duration = Duration::from_secs(30);

impl Kafka {
    /// What the topic holds of the given tasks. `tasks` says what is known of each, `from` before which offsets that
    /// lies; everything after them is read. Only right once no attempt at them can deliver anything more.
    pub async fn arrived(
        &self,
        topic: &TopicName,
        tasks: BTreeMap<u32, Arrived>,
        from: Vec<i64>,
    ) -> Result<BTreeMap<u32, Arrived>, BrokerError> {
        let (kafka, topic) = (self.clone(), topic.to_string());
        blocking(move || kafka.read_tail(&topic, tasks, &from)).await
    }

    fn read_tail(
        &self,
        topic: &str,
        mut tasks: BTreeMap<u32, Arrived>,
        from: &[i64],
    ) -> Result<BTreeMap<u32, Arrived>, BrokerError> {
        let failed = |source: KafkaError| BrokerError::topic(topic.to_owned(), &source);
        let state = self.read_state(topic)?;
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
            return Ok(tasks);
        }
        let consumer: BaseConsumer<Link> = self.consumer().map_err(failed)?;
        consumer.assign(&assignment).map_err(failed)?;
        let mut last_seen = Instant::now();
        while ends.iter().any(Option::is_some) {
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    last_seen = Instant::now();
                    let partition = message.partition();
                    let key = message.key().and_then(MessageKey::read);
                    if let Some((key, arrived)) = key.and_then(|key| Some((key, tasks.get_mut(&key.task)?))) {
                        arrived.see(partition as usize, key.sequence).map_err(|missing| {
                            BrokerError::Gap {
                                topic: topic.to_owned(),
                                partition,
                                task: key.task,
                                expected: missing.expected,
                                found: missing.found,
                            }
                        })?;
                    }
                    if let Some(slot) = ends.get_mut(partition as usize) {
                        *slot = slot.filter(|end| message.offset() + 1 < *end);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    if let Some(slot) = ends.get_mut(partition as usize) {
                        *slot = None;
                    }
                }
                Some(Err(error)) if error.rdkafka_error_code().is_none() => return Err(failed(error)),
                Some(Err(error)) => {
                    let failed = failed(error);
                    if failed.kind() == ErrorKind::Permanent {
                        return Err(failed);
                    }
                }
                None => {}
            }
            if last_seen.elapsed() > SILENCE {
                consumer.context().check()?;
                let reason = format!("nothing arrived for {} s", SILENCE.as_secs());
                return Err(consumer
                    .context()
                    .in_vain(BrokerError::Tail { topic: topic.to_owned(), reason }));
            }
        }
        Ok(tasks)
    }
}
