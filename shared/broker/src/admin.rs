//! The client that makes and deletes topics.

use crate::{BrokerError, KafkaConfig, Token, link::Link};
use rdkafka::{admin::AdminClient, error::KafkaError};
use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) struct Administrator {
    client: AdminClient<Link>,
    /// From when on a new token is needed.
    renew: Mutex<SystemTime>,
}

impl Administrator {
    pub(crate) fn new(config: &KafkaConfig) -> Result<Self, KafkaError> {
        let client = config.client().create_with_context(config.link())?;
        Ok(Self { client, renew: Mutex::new(UNIX_EPOCH) })
    }

    pub(crate) fn client(&self) -> &AdminClient<Link> {
        &self.client
    }

    /// Sees to it that the client's token, if it needs one, has half of its life before it. May block.
    ///
    /// The other clients are asked for their tokens by librdkafka. This one would be too, but rdkafka never looks at the
    /// queue of an `AdminClient` in which the question lies.
    pub(crate) fn renew_token(&self) -> Result<(), BrokerError> {
        let mut renew = self.renew.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        if now < *renew {
            return Ok(());
        }
        if let Some(token) = self.client.inner().context().token() {
            let token = token?;
            native::set_token(self.client.inner(), &token)?;
            *renew = now + token.expires.duration_since(now).unwrap_or_default() / 2;
        }
        Ok(())
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
