//! From a frame to its answer: header, version, checks, decoding, the handler, encoding.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};

use crate::api;
use crate::broker::Broker;
use crate::wire::{Malformed, check_header, served};

/// Why a request ends its connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The broker does not serve it. Clients learn by ApiVersions what is served.
    #[error("request {key} in version {version} is not served")]
    NotServed {
        /// The request's number.
        key: i16,
        /// Its version.
        version: i16,
    },
    /// The bytes are not what they say.
    #[error("request {key} in version {version}: {source}")]
    Malformed {
        /// The request's number.
        key: i16,
        /// Its version.
        version: i16,
        /// What is wrong.
        source: Malformed,
    },
    /// The decoder does not take the request, or the encoder not the answer.
    #[error("request {key} in version {version}: {why}")]
    Codec {
        /// The request's number.
        key: i16,
        /// Its version.
        version: i16,
        /// What it said.
        why: String,
    },
}

/// A request's frame, its header read.
pub(crate) struct Call<'a> {
    /// What connections share.
    pub broker: &'a Arc<Broker>,
    /// The version the client chose.
    pub version: i16,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client is.
    pub peer: SocketAddr,
    key: ApiKey,
    correlation_id: i32,
    body: Bytes,
    out: &'a mut BytesMut,
}

/// Answers a frame into `out`. `false` if the client wants no answer.
pub(crate) async fn answer(
    broker: &Arc<Broker>,
    peer: SocketAddr,
    frame: Bytes,
    out: &mut BytesMut,
) -> Result<bool, RequestError> {
    let mut start = frame.clone();
    let (Ok(key), Ok(version), Ok(correlation_id)) =
        (start.try_get_i16(), start.try_get_i16(), start.try_get_i32())
    else {
        return Err(RequestError::Malformed { key: -1, version: -1, source: Malformed::CutOff });
    };
    let served = served(key).ok_or(RequestError::NotServed { key, version })?;
    if !(served.min_version..=served.max_version).contains(&version) {
        // A newer client learns in version 0 which versions it may use.
        if served.key != ApiKey::ApiVersions {
            return Err(RequestError::NotServed { key, version });
        }
        let unsupported = api::versions::unsupported();
        encode::<ApiVersionsResponse>(key, 0, correlation_id, &unsupported, out)?;
        return Ok(true);
    }
    let malformed = |source| RequestError::Malformed { key, version, source };
    let header_version = served.key.request_header_version(version);
    let header_bytes = check_header(&frame, header_version >= 2).map_err(malformed)?;
    let mut body = frame;
    let mut header = body.split_to(header_bytes);
    let header = RequestHeader::decode(&mut header, header_version).map_err(|error| RequestError::Codec {
        key,
        version,
        why: error.to_string(),
    })?;
    body.truncate(served.check(version, &body).map_err(malformed)?);
    let client_id = header.client_id.map(|id| id.to_string()).unwrap_or_default();
    let call = Call { broker, version, client_id, peer, key: served.key, correlation_id, body, out };
    route(call).await
}

async fn route(mut call: Call<'_>) -> Result<bool, RequestError> {
    match call.key {
        ApiKey::Produce => api::produce::handle(&mut call),
        ApiKey::Fetch => api::fetch::handle(&mut call).await,
        ApiKey::JoinGroup => api::groups::join(&mut call).await,
        ApiKey::SyncGroup => api::groups::sync(&mut call).await,
        ApiKey::ListOffsets => call.reply(api::offsets::list),
        ApiKey::OffsetForLeaderEpoch => call.reply(api::offsets::for_leader_epoch),
        ApiKey::Metadata => call.reply(api::metadata::metadata),
        ApiKey::DescribeCluster => call.reply(api::metadata::cluster),
        ApiKey::FindCoordinator => call.reply(api::metadata::coordinator),
        ApiKey::ApiVersions => call.reply(api::versions::versions),
        ApiKey::OffsetCommit => call.reply(api::commits::commit),
        ApiKey::OffsetFetch => call.reply(api::commits::fetch),
        ApiKey::Heartbeat => call.reply(api::groups::heartbeat),
        ApiKey::LeaveGroup => api::groups::leave(&mut call).await,
        ApiKey::DescribeGroups => call.reply(api::groups_admin::describe),
        ApiKey::ListGroups => call.reply(api::groups_admin::list),
        ApiKey::DeleteGroups => call.reply(api::groups_admin::delete),
        ApiKey::CreateTopics => call.reply(api::topics::create),
        ApiKey::DeleteTopics => call.reply(api::topics::delete),
        ApiKey::CreatePartitions => call.reply(api::topics::create_partitions),
        ApiKey::DeleteRecords => call.reply(api::topics::delete_records),
        ApiKey::InitProducerId => call.reply(api::producers::init),
        ApiKey::DescribeConfigs => call.reply(api::configs::describe),
        ApiKey::IncrementalAlterConfigs => call.reply(api::configs::alter),
        other => Err(RequestError::NotServed { key: other as i16, version: call.version }),
    }
}

impl Call<'_> {
    /// Decodes the request, which was found sound, lets `handler` answer it, and encodes the answer. The handler may use
    /// the disk: the other connections' tasks go on meanwhile.
    fn reply<R: Request>(
        &mut self,
        handler: impl FnOnce(&Call<'_>, R) -> R::Response,
    ) -> Result<bool, RequestError> {
        let request = self.decode::<R>()?;
        let response = tokio::task::block_in_place(|| handler(self, request));
        self.encode(&response)?;
        Ok(true)
    }

    /// Decodes the request.
    pub(crate) fn decode<R: Request>(&mut self) -> Result<R, RequestError> {
        let mut body = std::mem::take(&mut self.body);
        let request =
            R::decode(&mut body, self.version).map_err(|error| self.codec_error(&error.to_string()))?;
        if body.has_remaining() {
            // What was walked over is not what was decoded, so the walk vouches for nothing.
            return Err(self.codec_error("the request goes on behind its last field"));
        }
        Ok(request)
    }

    /// Encodes an answer.
    pub(crate) fn encode<A: Encodable + HeaderVersion>(&mut self, response: &A) -> Result<(), RequestError> {
        encode(self.key as i16, self.version, self.correlation_id, response, self.out)
    }

    fn codec_error(&self, why: &str) -> RequestError {
        RequestError::Codec { key: self.key as i16, version: self.version, why: why.to_owned() }
    }
}

fn encode<A: Encodable + HeaderVersion>(
    key: i16,
    version: i16,
    correlation_id: i32,
    response: &A,
    out: &mut BytesMut,
) -> Result<(), RequestError> {
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    let encoded = header.encode(out, A::header_version(version)).and_then(|()| response.encode(out, version));
    encoded.map_err(|error| RequestError::Codec { key, version, why: error.to_string() })
}
