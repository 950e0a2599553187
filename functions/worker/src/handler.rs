//! Decodes, calls `transfer`, encodes: what failed is reported message by message, so that only that comes again.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::SqsQueue;
use lambda_runtime::{Error, LambdaEvent};
use std::{convert::Infallible, time::Duration};
use store::StoreError;
use transfer::{Outcome, Service, TransferError};

/// A worker hands over so long before its time is up: what is under way to the broker is waited for.
const HANDOVER: TimeDelta = TimeDelta::seconds(20);
/// A message is kept from others for this long at a time, so that the task of a worker that died is soon given to another.
const HOLD: Duration = Duration::from_secs(30);
const HOLD_AGAIN: Duration = Duration::from_secs(10);
/// The wait before work that met a passing fault is handed out again; it doubles with each time.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

pub struct Handler {
    pub service: Service,
    pub queue: SqsQueue,
}

impl Handler {
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let deadline = DateTime::<Utc>::from(event.context.deadline());
        let mut response = SqsBatchResponse::default();
        for message in event.payload.records {
            if self.message(&message, deadline).await.is_err() {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        Ok(response)
    }

    /// Sees a message through; an error leaves it on the queue.
    async fn message(&self, message: &SqsMessage, deadline: DateTime<Utc>) -> Result<(), TransferError> {
        let worked = tokio::select! {
            worked = self.work(message, deadline) => worked,
            never = self.hold(message) => match never {},
        };
        if let Err(error) = &worked {
            tracing::warn!(message = message.message_id, %error, "the message comes again");
            self.pause(message).await;
        }
        worked
    }

    async fn work(&self, message: &SqsMessage, deadline: DateTime<Utc>) -> Result<(), TransferError> {
        let work = cloud::work_of(message.body.as_deref().unwrap_or_default())?;
        let left = deadline - Utc::now();
        let until = deadline - HANDOVER.min(left / 3);
        match self.service.work(work, Some(until)).await? {
            Outcome::Ended => Ok(()),
            // A new message: the old one's count of deliveries is for those that nobody could work on.
            Outcome::Again { wait } | Outcome::Busy { wait } => {
                Ok(self.queue.send_after(&[work], wait).await?)
            }
        }
    }

    /// Keeps a message from others while it is worked on.
    async fn hold(&self, message: &SqsMessage) -> Infallible {
        loop {
            self.hold_for(message, HOLD).await;
            tokio::time::sleep(HOLD_AGAIN).await;
        }
    }

    async fn pause(&self, message: &SqsMessage) {
        let received =
            message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse::<u32>().ok());
        let doubled = PAUSE * 2_u32.saturating_pow(received.unwrap_or(1).saturating_sub(1).min(8));
        self.hold_for(message, doubled.min(LONGEST_PAUSE)).await;
    }

    /// Where it fails, the queue's own time holds.
    async fn hold_for(&self, message: &SqsMessage, time: Duration) {
        let held: Result<(), StoreError> = match &message.receipt_handle {
            Some(receipt) => self.queue.hold(receipt, time).await,
            None => Ok(()),
        };
        if let Err(error) = held {
            tracing::warn!(%error, "a message could not be held");
        }
    }
}
