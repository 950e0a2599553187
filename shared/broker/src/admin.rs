//! The client that makes and deletes topics.

use crate::{BrokerError, KafkaConfig, Token, link::Link};
use rdkafka::{admin::AdminClient, error::KafkaError};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) struct Administrator {
    client: AdminClient<Link>,
    /// Until when its token is good for a question.
    until: Option<SystemTime>,
}

impl Administrator {
    /// With a token that it keeps. May block.
    ///
    /// The other clients are asked for their tokens by librdkafka. This one would be too, but rdkafka never looks at the
    /// queue of an `AdminClient` in which the question lies.
    pub(crate) fn new(config: &KafkaConfig) -> Result<Self, BrokerError> {
        let failed = |source: KafkaError| BrokerError::topic("(any)".into(), &source);
        let client: AdminClient<Link> = config.client().create_with_context(config.link()).map_err(failed)?;
        let mut until = None;
        if let Some(token) = client.inner().context().token() {
            let (token, now) = (token?, SystemTime::now());
            native::set_token(client.inner(), &token)?;
            until = Some(now + token.expires.duration_since(now).unwrap_or_default() / 2);
        }
        Ok(Self { client, until })
    }

    pub(crate) fn client(&self) -> &AdminClient<Link> {
        &self.client
    }

    /// Whether half of its token's life is over. A new token would not do: with the old one it may have been refused so
    /// often meanwhile that librdkafka waits for longer than a question may take.
    pub(crate) fn is_stale(&self) -> bool {
        self.until.is_some_and(|until| SystemTime::now() >= until)
    }
}

mod native {
    #![expect(unsafe_code, reason = "rdkafka has no call of its own for it")]

    use super::{BrokerError, Link, Token, UNIX_EPOCH};
    use rdkafka::{bindings, client::Client, error::IsError};
    use std::ffi::{CStr, CString, c_char};

    /// Gives the client its token, as rdkafka does where it is asked for one.
    pub(super) fn set_token(client: &Client<Link>, token: &Token) -> Result<(), BrokerError> {
        let refused = |reason: String| BrokerError::Login { reason, lasting: false };
        let with_null = |_| refused("no token: it holds a null character".into());
        let value = CString::new(token.value.as_str()).map_err(with_null)?;
        let principal = CString::new(token.principal.as_str()).map_err(with_null)?;
        let lifetime = token.expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut reason = [0 as c_char; 512];
        // SAFETY: the client lives as long as the borrow of it; the strings end with a null and live until the call
        // returns, which copies them; there are no extensions; what is written into `reason` is at most its length,
        // with the null at its end.
        let code = unsafe {
            bindings::rd_kafka_oauthbearer_set_token(
                client.native_ptr(),
                value.as_ptr(),
                i64::try_from(lifetime).unwrap_or(i64::MAX),
                principal.as_ptr(),
                std::ptr::null_mut(),
                0,
                reason.as_mut_ptr(),
                reason.len(),
            )
        };
        if code.is_error() {
            // SAFETY: librdkafka ends the reason with a null, and before the call the whole array was nulls.
            let reason = unsafe { CStr::from_ptr(reason.as_ptr()) };
            return Err(refused(format!("no token: {}", reason.to_string_lossy())));
        }
        Ok(())
    }
}
