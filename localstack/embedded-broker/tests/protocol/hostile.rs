//! Input that no client sends: it ends its own connection at worst.

use bytes::BytesMut;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, BrokerId, CreateTopicsRequest, DescribeGroupsRequest, FetchRequest, GroupId,
    JoinGroupRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetFetchRequest,
};

use crate::client::{
    Client, TestBroker, broker, frame, list_offsets_request, plain, produce_request, text, topic_name,
};

/// Numbers that look random and are the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn assert_serves(broker: &TestBroker) {
    let mut client = broker.client();
    assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, 0);
}

/// Resident memory of this process, which the broker is in, in MB.
fn resident_mb() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    (statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096) >> 20
}

#[test]
fn random_bytes_end_their_connection_alone() {
    let broker = broker();
    let mut noise = Noise(0x1234_5678_9abc_def1);
    for _ in 0..500 {
        let mut bytes: Vec<u8> = (0..noise.below(200)).map(|_| noise.next() as u8).collect();
        if noise.below(2) == 0 && bytes.len() > 8 {
            let length = (bytes.len() - 4) as u32;
            bytes[..4].copy_from_slice(&length.to_be_bytes());
        }
        let _ = broker.client().send_raw(&bytes);
    }
    assert_serves(&broker);
}

#[test]
fn impossible_lengths_close_the_connection() {
    let broker = broker();
    for length in [-1, 0, 7, i32::MAX, i32::MIN, (100 << 20) + 1] {
        let mut client = broker.client();
        client.send_raw(&length.to_be_bytes()).unwrap();
        assert!(client.is_closed(), "length {length}");
    }
    assert_serves(&broker);
}

#[test]
fn a_request_larger_than_any_client_sends_is_refused() {
    let broker = broker();
    let groups = (0..300_000).map(|number| GroupId(text(&number.to_string())));
    let many = DescribeGroupsRequest::default().with_groups(groups.collect());
    let large = DescribeGroupsRequest::default().with_groups(vec![GroupId(text(&"x".repeat(5 << 20)))]);
    for request in [many, large] {
        let mut client = broker.client();
        let _ = client.send_raw(&frame(5, 1, &request));
        assert!(client.is_closed());
    }
    assert_serves(&broker);
}

#[test]
fn announced_bytes_that_never_come_take_no_memory() {
    let broker = broker();
    let before = resident_mb();
    let waiting: Vec<_> = (0..200)
        .map(|_| {
            let mut client = broker.client();
            client.send_raw(&(100_i32 << 20).to_be_bytes()).unwrap();
            client.send_raw(&[0; 100]).unwrap();
            client
        })
        .collect();
    assert_serves(&broker);
    assert!(resident_mb() < before + 500, "{} MB before, {} MB now", before, resident_mb());
    drop(waiting);
}

#[test]
fn requests_that_are_not_served_close_the_connection() {
    let broker = broker();
    // Not known; known but not served; served, but neither in that version nor in this one.
    for (key, version) in [(9_999, 0), (-1, 0), (ApiKey::EndTxn as i16, 0), (0, 2), (0, 10), (3, 13), (19, 1)]
    {
        let mut request = frame(0, 1, &ApiVersionsRequest::default());
        request[4..6].copy_from_slice(&i16::to_be_bytes(key));
        request[6..8].copy_from_slice(&i16::to_be_bytes(version));
        let mut client = broker.client();
        client.send_raw(&request).unwrap();
        assert!(client.is_closed(), "request {key} v{version}");
    }
    assert_serves(&broker);
}

#[test]
fn counts_of_what_is_not_there_are_refused() {
    let broker = broker();
    let before = resident_mb();
    let old = |key: ApiKey, version: i16, body: &[u8]| {
        let mut frame = BytesMut::from(&[0; 4][..]);
        frame.extend_from_slice(&(key as i16).to_be_bytes());
        frame.extend_from_slice(&version.to_be_bytes());
        frame.extend_from_slice(&[0, 0, 0, 1, 0xff, 0xff]);
        frame.extend_from_slice(body);
        let length = (frame.len() - 4) as u32;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        frame
    };
    let huge = [0x7f, 0xff, 0xff, 0xff];
    let flexible = [0, 0xff, 0xff, 0xff, 0xff, 0x0f];
    let requests = [
        old(ApiKey::Metadata, 1, &huge),
        old(ApiKey::Metadata, 12, &flexible),
        old(ApiKey::Produce, 3, &[&[0xff, 0xff, 0, 1, 0, 0, 0, 0][..], &huge].concat()),
        old(ApiKey::DescribeGroups, 0, &huge),
        old(ApiKey::DescribeGroups, 5, &flexible),
        old(ApiKey::DeleteGroups, 2, &flexible),
        old(ApiKey::Metadata, 12, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        old(ApiKey::CreateTopics, 2, &[&[0, 0, 0, 1, 0, 1, b'a', 0, 0, 0, 1, 0, 1][..], &huge].concat()),
    ];
    for request in requests {
        let mut client = broker.client();
        client.send_raw(&request).unwrap();
        assert!(client.is_closed());
    }
    assert_serves(&broker);
    assert!(resident_mb() < before + 100);
}

#[test]
fn a_batch_that_lies_about_itself_is_stored_or_refused_but_hurts_nobody() {
    let broker = broker();
    let mut client = broker.client();
    client.create("night", 1);
    let mut noise = Noise(77);
    for _ in 0..2_000 {
        let mut batch = BytesMut::from(&plain(&["a", "b"])[..]);
        for _ in 0..=noise.below(3) {
            let at = noise.below(batch.len());
            batch[at] = noise.next() as u8;
        }
        let checksum = crc32c::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&checksum.to_be_bytes());
        client.try_produce("night", 0, batch.freeze());
        client.call(7, &list_offsets_request("night", 0, noise.next() as i64 >> noise.below(64)));
    }
    let (start, next) = client.ends("night", 0);
    let broker = broker.restart();
    assert_eq!(broker.client().ends("night", 0), (start, next));
}

/// One request of each kind that has something in it to get wrong, in a flexible and an older version.
fn requests() -> Vec<BytesMut> {
    let partition = FetchPartition::default().with_partition_max_bytes(100);
    let topic = FetchTopic::default().with_topic(topic_name("night")).with_partitions(vec![partition]);
    let fetch =
        FetchRequest::default().with_replica_id(BrokerId(-1)).with_max_wait_ms(1).with_topics(vec![topic]);
    let metadata = |version: i16| {
        let topic = MetadataRequestTopic::default().with_name(Some(topic_name("night")));
        frame(version, 1, &MetadataRequest::default().with_topics(Some(vec![topic])))
    };
    let groups = DescribeGroupsRequest::default().with_groups(vec![GroupId(text("readers"))]);
    vec![
        frame(3, 1, &produce_request("night", 0, plain(&["a"]))),
        frame(9, 1, &produce_request("night", 0, plain(&["a"]))),
        frame(4, 1, &fetch),
        frame(12, 1, &fetch),
        frame(1, 1, &list_offsets_request("night", 0, 5)),
        frame(7, 1, &list_offsets_request("night", 0, 5)),
        frame(7, 1, &ListOffsetsRequest::default()),
        metadata(1),
        metadata(12),
        frame(0, 1, &groups),
        frame(5, 1, &groups),
        frame(8, 1, &OffsetCommitRequest::default().with_group_id(GroupId(text("readers")))),
        frame(8, 1, &OffsetFetchRequest::default()),
        frame(9, 1, &JoinGroupRequest::default().with_group_id(GroupId(text("readers")))),
        frame(7, 1, &CreateTopicsRequest::default()),
        frame(3, 1, &ApiVersionsRequest::default()),
    ]
}

#[test]
fn requests_cut_off_anywhere_are_survived() {
    let broker = broker();
    broker.client().create("night", 1);
    for request in requests() {
        for end in 5..request.len() {
            // Once the client goes in the middle of a frame, once the frame itself is short.
            let mut cut = request[..end].to_vec();
            let _ = broker.client().send_raw(&cut);
            let length = (end - 4) as u32;
            cut[..4].copy_from_slice(&length.to_be_bytes());
            let _ = broker.client().send_raw(&cut);
        }
    }
    assert_serves(&broker);
}

#[test]
fn requests_with_bytes_changed_are_survived() {
    let broker = broker();
    broker.client().create("night", 1);
    let before = resident_mb();
    let mut noise = Noise(0xfeed_beef);
    let requests = requests();
    let mut open: Vec<Client> = Vec::new();
    for round in 0..4_000 {
        let mut request = requests[round % requests.len()].clone();
        for _ in 0..=noise.below(4) {
            let at = 4 + noise.below(request.len() - 4);
            request[at] = match noise.below(3) {
                0 => 0xff,
                1 => 0x7f,
                _ => noise.next() as u8,
            };
        }
        let mut client = broker.client();
        let _ = client.send_raw(&request);
        open.push(client);
        if open.len() > 100 {
            open.clear();
        }
    }
    drop(open);
    assert_serves(&broker);
    assert!(resident_mb() < before + 500, "{} MB before, {} MB now", before, resident_mb());
}
