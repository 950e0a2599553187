//! The queue.

use crate::{dynamo::wait, failure::failed};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client,
    types::{QueueAttributeName, SendMessageBatchRequestEntry},
};
use futures::{StreamExt, TryStreamExt};
use std::time::Duration;
use store::{DeadLetter, Queue, StoreError, Work};

/// The longest that SQS holds a message back.
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// The longest that SQS keeps a message from others, in seconds.
const LONGEST_HOLD: i32 = 43_200;
/// Messages that wait, are held back, and are being worked on.
const COUNTS: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
];
/// Messages that SQS takes at once.
const BATCH: usize = 10;
/// Batches under way at once.
const BATCHES: usize = 8;
/// How often the messages are sent that a batch leaves over.
const ATTEMPTS: u32 = 6;
/// A body that is longer is not looked at: work takes a hundred bytes.
const LONGEST_BODY: usize = 1024;

/// Work in a standard queue of SQS, each piece a message with its JSON. A message's group is its job: SQS lets a small job
/// pass the many tasks of a large one.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
    dead_letters: Option<String>,
}

impl SqsQueue {
    /// The queue of this URL.
    pub fn new(config: &SdkConfig, url: impl Into<String>) -> Self {
        Self { client: Client::new(config), url: url.into(), dead_letters: None }
    }

    /// The same, with a queue for tasks that ended in failure.
    pub fn with_dead_letters(self, url: impl Into<String>) -> Self {
        Self { dead_letters: Some(url.into()), ..self }
    }

    /// Keeps a message that is being worked on from others for this long, from now on. Zero hands it out again at once.
    pub async fn hold(&self, receipt: &str, time: Duration) -> Result<(), StoreError> {
        let seconds = i32::try_from(time.as_secs()).unwrap_or(i32::MAX).min(LONGEST_HOLD);
        let call = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        let answer = call.visibility_timeout(seconds).send().await;
        answer.map(drop).map_err(|error| failed("hold a message", &error))
    }

    /// Hands out the work when this time has passed, [`LONGEST_DELAY`] at most.
    pub async fn send_after(&self, work: &[Work], delay: Duration) -> Result<(), StoreError> {
        let seconds = i32::try_from(delay.min(LONGEST_DELAY).as_millis().div_ceil(1000)).unwrap_or_default();
        let batches: Vec<Vec<Work>> = work.chunks(BATCH).map(<[Work]>::to_vec).collect();
        let sent = futures::stream::iter(batches).map(|batch| self.send_batch(batch, seconds));
        sent.buffer_unordered(BATCHES).try_collect().await
    }

    /// Sends at most [`BATCH`] pieces, and again those that are left over.
    async fn send_batch(&self, work: Vec<Work>, delay: i32) -> Result<(), StoreError> {
        let mut left = Vec::with_capacity(work.len());
        for (place, piece) in work.iter().enumerate() {
            left.push(message(place, piece, delay)?);
        }
        let mut tried = 0;
        loop {
            tried += 1;
            let call = self.client.send_message_batch().queue_url(&self.url);
            let answer = call.set_entries(Some(left.clone())).send().await;
            let answer = answer.map_err(|error| failed("send work", &error))?;
            let Some(first) = answer.failed().first() else { return Ok(()) };
            let why =
                format!("send work: {}: {}", first.code(), first.message().unwrap_or("no reason is given"));
            if answer.failed().iter().any(|failure| failure.sender_fault()) {
                return Err(StoreError::Refused(why));
            }
            if tried >= ATTEMPTS {
                return Err(StoreError::Database(why));
            }
            left.retain(|message| answer.failed().iter().any(|failure| failure.id() == message.id()));
            tokio::time::sleep(wait(tried)).await;
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, work: &[Work]) -> Result<(), StoreError> {
        self.send_after(work, Duration::ZERO).await
    }

    async fn bury(&self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        let Some(url) = &self.dead_letters else { return Ok(()) };
        for letter in letters {
            let body = serde_json::to_string(letter)?;
            let answer = self.client.send_message().queue_url(url).message_body(body).send().await;
            answer.map_err(|error| failed("send a dead letter", &error))?;
        }
        Ok(())
    }

    /// The numbers are those of a moment ago, and so is the answer.
    async fn is_idle(&self) -> Result<bool, StoreError> {
        let call = self.client.get_queue_attributes().queue_url(&self.url);
        let call = COUNTS.into_iter().fold(call, |call, count| call.attribute_names(count));
        let answer = call.send().await.map_err(|error| failed("count the queue", &error))?;
        let counts =
            answer.attributes().ok_or_else(|| StoreError::Database("the queue has no counts".into()))?;
        Ok(COUNTS.iter().all(|count| counts.get(count).is_some_and(|count| count == "0")))
    }
}

fn message(place: usize, work: &Work, delay: i32) -> Result<SendMessageBatchRequestEntry, StoreError> {
    let delay = (delay > 0).then_some(delay);
    SendMessageBatchRequestEntry::builder()
        .id(place.to_string())
        .message_body(serde_json::to_string(work)?)
        .message_group_id(work.job().to_string())
        .set_delay_seconds(delay)
        .build()
        .map_err(|error| StoreError::Refused(error.to_string()))
}

/// The work that a received message asks for. Anybody may have sent it: it names a job or a task by a valid id, or it is
/// refused with [`StoreError::NoWork`]. Whether there is such a job is not looked up.
///
/// ```
/// let id = "0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11";
/// let work = cloud::work_of(&format!(r#"{{"Task":{{"job":"{id}","index":7}}}}"#)).unwrap();
/// assert!(matches!(work, store::Work::Task(task) if task.index == 7));
/// assert!(cloud::work_of(r#"{"Task":{"job":"../..","index":7}}"#).is_err());
/// ```
pub fn work_of(body: &str) -> Result<Work, StoreError> {
    if body.len() > LONGEST_BODY {
        return Err(StoreError::NoWork(format!("it has {} bytes", body.len())));
    }
    serde_json::from_str(body).map_err(|error| StoreError::NoWork(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use job::{JobId, TaskId};

    #[test]
    fn work_is_read_as_it_was_sent_and_nothing_else_is() {
        let job = JobId::random();
        for work in [Work::FanOut(job), Work::Finish(job), Work::Task(TaskId { job, index: u32::MAX })] {
            let sent = message(0, &work, 0).unwrap();
            assert_eq!(work_of(sent.message_body()).unwrap(), work);
        }
        let long = format!("\"{}\"", "x".repeat(2_000));
        let nested = "[".repeat(1_000);
        let hostile = [
            "",
            "null",
            "{}",
            r#"{"FanOut":7}"#,
            r#"{"FanOut":"not an id"}"#,
            r#"{"Task":{"job":"0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11","index":-1}}"#,
            r#"{"Task":{"job":"0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11","index":4294967296}}"#,
            r#"{"Delete":"0f0e3c1e-5d1b-4a52-9a4c-1f6f2f0f5e11"}"#,
            &long,
            &nested,
        ];
        for body in hostile {
            let error = work_of(body).unwrap_err();
            assert_eq!(error.kind(), job::ErrorKind::Invalid, "{body}");
        }
    }
}
