//! ApiVersions, Produce and InitProducerId.

use bytes::BytesMut;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, InitProducerIdRequest, ProduceRequest, TransactionalId,
};
use kafka_protocol::protocol::Decodable;

use crate::client::{NOT_IDEMPOTENT, Sequence, batch, broker, frame, now_ms, plain, produce_request, text};

/// What the design promises, by number: Kafka's own table, not the broker's.
const PROMISED: [(i16, i16, i16); 24] = [
    (0, 3, 9),
    (1, 4, 12),
    (2, 1, 7),
    (3, 0, 12),
    (8, 2, 8),
    (9, 1, 8),
    (10, 0, 4),
    (11, 0, 9),
    (12, 0, 4),
    (13, 0, 5),
    (14, 0, 5),
    (15, 0, 5),
    (16, 0, 4),
    (18, 0, 3),
    (19, 2, 7),
    (20, 1, 6),
    (21, 0, 2),
    (22, 0, 4),
    (23, 2, 4),
    (32, 1, 4),
    (37, 0, 3),
    (42, 0, 2),
    (44, 0, 1),
    (60, 0, 1),
];

#[test]
fn the_versions_served_are_the_ones_promised() {
    let broker = broker();
    for version in 0..=3 {
        let request = ApiVersionsRequest::default();
        let request = if version < 3 {
            request
        } else {
            request.with_client_software_name(text("t")).with_client_software_version(text("1"))
        };
        let response = broker.client().call(version, &request);
        let mut served: Vec<_> =
            response.api_keys.iter().map(|row| (row.api_key, row.min_version, row.max_version)).collect();
        served.sort();
        assert_eq!((response.error_code, served), (0, PROMISED.to_vec()), "v{version}");
    }
}

#[test]
fn a_client_of_the_future_is_told_the_versions_in_version_0() {
    let broker = broker();
    let mut client = broker.client();
    let mut future = frame(3, 77, &ApiVersionsRequest::default());
    future[6..8].copy_from_slice(&9_i16.to_be_bytes());
    client.send_raw(&future).unwrap();
    let mut answer = client.receive().unwrap();
    assert_eq!(i32::from_be_bytes(answer.split_to(4)[..].try_into().unwrap()), 77);
    let response = ApiVersionsResponse::decode(&mut answer, 0).unwrap();
    assert_eq!(response.error_code, ResponseError::UnsupportedVersion.code());
    assert_eq!(response.api_keys.len(), PROMISED.len());
    assert_eq!(client.versions(ApiKey::Produce), 3..=9, "the connection goes on");
}

#[test]
fn batches_are_appended_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 2);
    let mut next = 0;
    for version in client.versions(ApiKey::Produce) {
        let mut response = client.call(version, &produce_request("night", 1, plain(&["a", "b"])));
        let partition = response.responses.remove(0).partition_responses.remove(0);
        assert_eq!(
            (partition.index, partition.error_code, partition.base_offset),
            (1, 0, next),
            "v{version}"
        );
        assert_eq!(partition.log_append_time_ms, -1);
        next += 2;
    }
    assert_eq!(client.ends("night", 1), (0, next));
    assert_eq!(client.ends("night", 0), (0, 0));
}

#[test]
fn refusals_are_told_by_code_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    let mut corrupt = BytesMut::from(&plain(&["a"])[..]);
    corrupt[65] ^= 1;
    for version in client.versions(ApiKey::Produce) {
        let mut refused = |request: ProduceRequest| {
            let response = client.call(version, &request);
            let partition = &response.responses[0].partition_responses[0];
            assert_eq!(partition.base_offset, -1);
            assert_eq!(partition.error_message.is_some(), version >= 8);
            partition.error_code
        };
        let good = plain(&["a"]);
        let code = |error: ResponseError| error.code();
        assert_eq!(
            refused(produce_request("nigth", 0, good.clone())),
            code(ResponseError::UnknownTopicOrPartition)
        );
        assert_eq!(
            refused(produce_request("night", 1, good.clone())),
            code(ResponseError::UnknownTopicOrPartition)
        );
        assert_eq!(
            refused(produce_request("night", -1, good.clone())),
            code(ResponseError::UnknownTopicOrPartition)
        );
        let corrupt = corrupt.clone().freeze();
        assert_eq!(refused(produce_request("night", 0, corrupt)), code(ResponseError::CorruptMessage));
        let acks = produce_request("night", 0, good.clone()).with_acks(2);
        assert_eq!(refused(acks), code(ResponseError::InvalidRequiredAcks));
        let transaction =
            produce_request("night", 0, good).with_transactional_id(Some(TransactionalId(text("t"))));
        assert_eq!(refused(transaction), code(ResponseError::InvalidTxnState));
    }
    assert_eq!(client.ends("night", 0), (0, 0));
}

#[test]
fn a_producer_that_wants_no_answer_gets_none() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    client.send(9, &produce_request("night", 0, plain(&["a"])).with_acks(0));
    assert_eq!(client.ends("night", 0), (0, 1), "the next answer is that of the next request");
}

#[test]
fn a_repeated_batch_counts_once_also_over_a_restart() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    let (id, epoch) = (41, 0);
    let first = batch(&["a", "b", "c"], Sequence(id, epoch, 0), now_ms());
    let second = batch(&["d"], Sequence(id, epoch, 3), now_ms());
    assert_eq!(client.produce("night", 0, first.clone()).base_offset, 0);
    assert_eq!(client.produce("night", 0, second.clone()).base_offset, 3);
    assert_eq!(client.produce("night", 0, first.clone()).base_offset, 0);
    let broker = broker.restart();
    let mut client = broker.client();
    assert_eq!(client.produce("night", 0, first).base_offset, 0);
    assert_eq!(client.produce("night", 0, second).base_offset, 3);
    let gap = client.try_produce("night", 0, batch(&["?"], Sequence(id, epoch, 9), now_ms()));
    assert_eq!(gap.error_code, ResponseError::OutOfOrderSequenceNumber.code());
    let next = client.produce("night", 0, batch(&["e"], Sequence(id, epoch + 1, 0), now_ms()));
    assert_eq!((next.error_code, next.base_offset), (0, 4));
    let fenced = client.try_produce("night", 0, batch(&["?"], Sequence(id, epoch, 4), now_ms()));
    assert_eq!(fenced.error_code, ResponseError::InvalidProducerEpoch.code());
    assert_eq!(client.ends("night", 0), (0, 5));
}

#[test]
fn append_time_topics_get_the_time_of_arrival() {
    let broker = broker();
    let mut client = broker.client();
    client.create_with("night", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let before = now_ms();
    let told = client.produce("night", 0, batch(&["a"], NOT_IDEMPOTENT, 1_000));
    assert!((before..=now_ms()).contains(&told.log_append_time_ms));
    assert_eq!(client.offset_at("night", 0, before), 0);
    assert_eq!(client.offset_at("night", 0, told.log_append_time_ms + 1), -1);
}

fn init_request() -> InitProducerIdRequest {
    InitProducerIdRequest::default().with_transactional_id(None)
}

#[test]
fn producer_ids_differ_and_transactions_are_refused_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    let mut ids = Vec::new();
    for version in client.versions(ApiKey::InitProducerId) {
        let plain = client.call(version, &init_request());
        assert_eq!((plain.error_code, plain.producer_epoch), (0, 0), "v{version}");
        ids.push(plain.producer_id);
        let transactional =
            InitProducerIdRequest::default().with_transactional_id(Some(TransactionalId(text("t"))));
        let refused = client.call(version, &transactional);
        assert_eq!(refused.error_code, ResponseError::TransactionalIdAuthorizationFailed.code());
    }
    let broker = broker.restart();
    ids.push(broker.client().call(0, &init_request()).producer_id);
    let given = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), given);
}
