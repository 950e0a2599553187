//! Fetch, ListOffsets and OffsetForLeaderEpoch.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{ApiKey, BrokerId, FetchRequest, OffsetForLeaderEpochRequest};
use kafka_protocol::records::RecordBatchDecoder;

use crate::client::{
    Client, NOT_IDEMPOTENT, batch, broker, eventually, list_offsets_request, now_ms, plain, text, topic_name,
};

fn fetch_request(topic: &str, partition: i32, offset: i64) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default().with_topic(topic_name(topic)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![topic])
}

fn fetch(client: &mut Client, version: i16, request: &FetchRequest) -> PartitionData {
    let mut response = client.call(version, request);
    assert_eq!((response.error_code, response.session_id), (0, 0));
    response.responses.remove(0).partitions.remove(0)
}

/// Offset and value of every record.
fn records(bytes: Option<Bytes>) -> Vec<(i64, String)> {
    let batches = RecordBatchDecoder::decode_all(&mut bytes.unwrap()).unwrap();
    let records = batches.into_iter().flat_map(|batch| batch.records);
    records
        .map(|record| (record.offset, String::from_utf8(record.value.unwrap().to_vec()).unwrap()))
        .collect()
}

#[test]
fn what_was_produced_is_fetched_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 3);
    client.produce("night", 2, plain(&["a", "b"]));
    client.produce("night", 2, plain(&["c"]));
    for version in client.versions(ApiKey::Fetch) {
        let request = fetch_request("night", 2, 0);
        let request = if version >= 11 { request.with_rack_id(text("rack")) } else { request };
        let data = fetch(&mut client, version, &request);
        assert_eq!((data.error_code, data.high_watermark, data.last_stable_offset), (0, 3, 3), "v{version}");
        let expected = [(0, "a"), (1, "b"), (2, "c")].map(|(offset, value)| (offset, value.to_owned()));
        assert_eq!(records(data.records), expected, "v{version}");
        let data = fetch(&mut client, version, &fetch_request("night", 2, 1));
        assert_eq!(records(data.records).len(), 3, "the whole batch that holds the offset");
        let data = fetch(&mut client, version, &fetch_request("night", 2, 2));
        assert_eq!(records(data.records), [(2, "c".to_owned())]);
        let data = fetch(&mut client, version, &fetch_request("night", 2, 3));
        assert_eq!((data.error_code, data.records.unwrap().len()), (0, 0));
        for (topic, partition, offset, error) in [
            ("night", 2, 4, ResponseError::OffsetOutOfRange),
            ("night", 2, -1, ResponseError::OffsetOutOfRange),
            ("night", 3, 0, ResponseError::UnknownTopicOrPartition),
            ("nigth", 0, 0, ResponseError::UnknownTopicOrPartition),
        ] {
            let data = fetch(&mut client, version, &fetch_request(topic, partition, offset));
            assert_eq!(data.error_code, error.code(), "v{version}");
        }
    }
}

#[test]
fn a_fetch_waits_for_records_and_no_longer() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    let empty = fetch_request("night", 0, 0).with_max_wait_ms(150);
    let start = Instant::now();
    assert!(fetch(&mut client, 12, &empty).records.unwrap().is_empty());
    assert!(start.elapsed() >= Duration::from_millis(150));

    let patient = fetch_request("night", 0, 0).with_max_wait_ms(15_000);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fetch(&mut client, 12, &patient));
        std::thread::sleep(Duration::from_millis(50));
        broker.client().produce("night", 0, plain(&["a"]));
        assert_eq!(records(waiting.join().unwrap().records).len(), 1);
    });
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_fetch_keeps_to_its_limits_but_always_brings_something() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 2);
    let large = "x".repeat(10_000);
    for partition in [0, 1] {
        for _ in 0..5 {
            client.produce("night", partition, plain(&[&large]));
        }
    }
    let mut request = fetch_request("night", 0, 0).with_max_bytes(25_000);
    let second = request.topics[0].partitions[0].clone().with_partition(1);
    request.topics[0].partitions.push(second);
    let response = client.call(12, &request);
    let counts = response.responses[0].partitions.iter().map(|data| records(data.records.clone()).len());
    assert_eq!(counts.collect::<Vec<_>>(), [2, 0]);

    request.max_bytes = 10;
    request.topics[0].partitions[0].partition_max_bytes = 10;
    let response = client.call(12, &request);
    let counts = response.responses[0].partitions.iter().map(|data| data.records.as_ref().unwrap().len());
    assert!(counts.zip([10_000.., 0..]).all(|(bytes, bounds)| bounds.contains(&bytes) && bytes < 10_200));
}

#[test]
fn offsets_are_listed_by_time_and_end_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 2);
    let start = now_ms() - 10_000;
    for at in 0..10 {
        client.produce("night", 1, batch(&["a", "b", "c"], NOT_IDEMPOTENT, start + at * 100));
    }
    for version in client.versions(ApiKey::ListOffsets) {
        let mut listed = |topic, partition, timestamp| {
            let response = client.call(version, &list_offsets_request(topic, partition, timestamp));
            let listed = &response.topics[0].partitions[0];
            (listed.error_code, listed.offset, listed.timestamp)
        };
        assert_eq!(listed("night", 1, -2), (0, 0, -1), "v{version}");
        assert_eq!(listed("night", 1, -1), (0, 30, -1), "v{version}");
        assert_eq!(listed("night", 1, 0), (0, 0, start), "v{version}");
        assert_eq!(listed("night", 1, start + 101), (0, 4, start + 101), "v{version}");
        assert_eq!(listed("night", 1, start + 103), (0, 6, start + 200), "v{version}");
        assert_eq!(listed("night", 1, start + 903), (0, -1, -1), "v{version}");
        assert_eq!(listed("night", 0, 0), (0, -1, -1), "v{version}");
        if version >= 7 {
            assert_eq!(listed("night", 1, -3), (0, 29, start + 902));
            assert_eq!(listed("night", 0, -3), (0, -1, -1));
        }
        let unknown = ResponseError::UnknownTopicOrPartition.code();
        assert_eq!(listed("nigth", 0, -1), (unknown, -1, -1), "v{version}");
    }
}

#[test]
fn the_one_epoch_ends_where_the_log_does_in_every_version() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    client.produce("night", 0, plain(&["a", "b"]));
    for version in client.versions(ApiKey::OffsetForLeaderEpoch) {
        let mut end = |topic, epoch| {
            let partition = OffsetForLeaderPartition::default().with_partition(0).with_leader_epoch(epoch);
            let topic = OffsetForLeaderTopic::default()
                .with_topic(topic_name(topic))
                .with_partitions(vec![partition]);
            let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
            let response = client.call(version, &request);
            let end = &response.topics[0].partitions[0];
            (end.error_code, end.leader_epoch, end.end_offset)
        };
        assert_eq!(end("night", 0), (0, 0, 2), "v{version}");
        assert_eq!(end("night", 5), (0, -1, -1), "v{version}");
        assert_eq!(end("nigth", 0).0, ResponseError::UnknownTopicOrPartition.code());
    }
}

#[test]
fn expired_records_go_and_offsets_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = embedded_broker::BrokerConfig::new(folder.path());
    config.upkeep_interval = Duration::from_millis(20);
    let broker = embedded_broker::EmbeddedBroker::start(config).unwrap();
    let mut client = Client::connect(broker.address());
    client.create_with("night", 1, &[("retention.ms", "60000"), ("segment.bytes", "2000")]);
    let value = "x".repeat(1_000);
    for age_ms in [90_000, 80_000, 0, 0] {
        client.produce("night", 0, batch(&[&value], NOT_IDEMPOTENT, now_ms() - age_ms));
    }
    eventually("the two old segments go", || client.ends("night", 0) == (2, 4));
    let data = fetch(&mut client, 12, &fetch_request("night", 0, 0));
    assert_eq!(data.error_code, ResponseError::OffsetOutOfRange.code());
    let data = fetch(&mut client, 12, &fetch_request("night", 0, 2));
    assert_eq!(data.log_start_offset, 2);
    assert_eq!(records(data.records).len(), 1);
}
