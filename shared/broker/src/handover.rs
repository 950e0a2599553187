//! Messages handed over to librdkafka many at a time and without a copy, which its safe bindings do not offer.
//!
//! A message's bytes lie in a [`Payload`] that it shares with its neighbours. librdkafka is given a pointer into it and,
//! as the message's opaque, one reference to it. The reference comes back with the message's delivery report
//! ([`rdkafka::producer::ProducerContext::delivery`], whose `DeliveryOpaque` is `Arc<Payload>`), and with the last one
//! the buffer goes back to where it came from, to be filled again.
//!
//! Why this is sound, call by call:
//! - librdkafka reads payload and key of each message before its delivery report, and never afterwards: with neither
//!   `F_COPY` nor `F_FREE` the payload stays the caller's and has to outlive the report, which the reference in the opaque
//!   guarantees. Requests point to payloads too (`message.copy.max.bytes`): a message is reported once its request was
//!   answered, has failed or was taken back, and then that request is not sent any more; a retry makes a new one. The bytes
//!   do not move: a `Payload` is never changed, and lies in an `Arc`. Keys are copied by the call.
//! - Every message that is taken is reported exactly once, purged ones too; its reference is taken back there, by
//!   `Arc::from_raw` in rdkafka's own `IntoOpaque` for `Arc`, whose `into_ptr` made it. A message that is refused is
//!   never reported, and its reference is taken back here. Should a client be torn down with reports left unread, their
//!   references are leaked: memory is lost, none is used after it is freed.
//! - The topic's handle is created from a live client and destroyed once, before the client: [`crate::Publisher`] holds
//!   both and drops this first.
//! - The handle may be used from any thread (librdkafka is thread-safe), so it may be sent to one.
#![allow(unsafe_code)]

use rdkafka::{
    ClientContext,
    bindings::{
        rd_kafka_flush, rd_kafka_message_t, rd_kafka_produce_batch, rd_kafka_topic_destroy,
        rd_kafka_topic_new, rd_kafka_topic_t,
    },
    client::Client,
    error::KafkaError,
    types::{RDKafkaErrorCode, RDKafkaRespErr},
    util::IntoOpaque,
};
use std::{
    ffi::CString,
    ops::Range,
    ptr::{NonNull, null_mut},
    sync::{Arc, mpsc},
    time::Duration,
};

/// Bytes of several messages; its memory goes home when the last of them is done with.
#[derive(Debug)]
pub(crate) struct Payload {
    bytes: Vec<u8>,
    home: mpsc::Sender<Vec<u8>>,
}

impl Payload {
    pub fn new(bytes: Vec<u8>, home: mpsc::Sender<Vec<u8>>) -> Arc<Self> {
        Arc::new(Self { bytes, home })
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        // Nobody is at home once the publisher is gone.
        let _ = self.home.send(std::mem::take(&mut self.bytes));
    }
}

/// A message of one partition: where its bytes lie in its payload, and its key.
pub(crate) struct Piece {
    pub bytes: Range<usize>,
    pub key: [u8; 12],
}

/// A topic to hand messages over to.
pub(crate) struct Handover {
    topic: NonNull<rd_kafka_topic_t>,
    messages: Vec<rd_kafka_message_t>,
}

// SAFETY: librdkafka's handles may be used from any thread. `messages` holds pointers only while `hand_over` runs.
unsafe impl Send for Handover {}

impl Handover {
    /// The topic of this name, by a client that outlives this.
    pub fn new<C: ClientContext>(client: &Client<C>, topic: &str) -> Result<Self, KafkaError> {
        let failed = |why: &str| KafkaError::ClientCreation(format!("topic {topic}: {why}"));
        let name = CString::new(topic).map_err(|_| failed("its name holds a zero"))?;
        // SAFETY: the client is alive, the name ends with a zero and is copied, no configuration is the client's own.
        let topic = unsafe { rd_kafka_topic_new(client.native_ptr(), name.as_ptr(), null_mut()) };
        let topic = NonNull::new(topic).ok_or_else(|| failed("librdkafka does not take it"))?;
        Ok(Self { topic, messages: Vec::new() })
    }

    /// Hands over messages of one partition in order, as many as are taken: how many, and why not the next. What was
    /// taken is always a beginning of what was given.
    ///
    /// # Panics
    /// When a piece does not lie in the payload.
    pub fn hand_over(
        &mut self,
        partition: i32,
        payload: &Arc<Payload>,
        pieces: &[Piece],
    ) -> (usize, Option<RDKafkaErrorCode>) {
        self.messages.clear();
        for piece in pieces {
            let bytes = &payload.bytes[piece.bytes.clone()];
            self.messages.push(rd_kafka_message_t {
                err: RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR,
                rkt: null_mut(),
                partition,
                payload: bytes.as_ptr().cast_mut().cast(),
                len: bytes.len(),
                key: piece.key.as_ptr().cast_mut().cast(),
                key_len: piece.key.len(),
                offset: 0,
                _private: Arc::clone(payload).into_ptr(),
            });
        }
        let count = i32::try_from(self.messages.len()).unwrap_or(i32::MAX);
        // SAFETY: see the module: payloads live until their reports, keys and the array as long as the call.
        unsafe {
            rd_kafka_produce_batch(self.topic.as_ptr(), partition, 0, self.messages.as_mut_ptr(), count)
        };
        let (mut taken, mut refused) = (0, None);
        for message in &self.messages {
            match message.err {
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => taken += 1,
                error => {
                    // SAFETY: the reference made above, which librdkafka did not take.
                    drop(unsafe { Arc::<Payload>::from_ptr(message._private) });
                    refused.get_or_insert(RDKafkaErrorCode::from(error));
                }
            }
        }
        self.messages.clear();
        (taken, refused)
    }
}

/// Sends what waits for company, and waits until all messages of the client are reported, at most so long. rdkafka's own
/// `flush` takes back its wish to hurry before librdkafka's threads have heard of it, so that the last messages of a task
/// waited for `linger.ms` all the same.
pub(crate) fn send_lingering<C: ClientContext>(client: &Client<C>, most: Duration) {
    let most = i32::try_from(most.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client is alive. What is left when the time is over is told by its reports.
    unsafe { rd_kafka_flush(client.native_ptr(), most) };
}

impl Drop for Handover {
    fn drop(&mut self) {
        // SAFETY: created once in `new`, used by nobody else, and the client is alive.
        unsafe { rd_kafka_topic_destroy(self.topic.as_ptr()) };
    }
}
