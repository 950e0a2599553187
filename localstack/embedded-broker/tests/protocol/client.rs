//! A client that says exactly what a test wants said.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, BrokerId, CreateTopicsRequest, ListOffsetsRequest, ProduceRequest,
    RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use tempfile::TempDir;

/// A broker with a folder of its own.
pub struct TestBroker {
    pub broker: EmbeddedBroker,
    pub folder: TempDir,
}

pub fn broker() -> TestBroker {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
    TestBroker { broker, folder }
}

impl TestBroker {
    pub fn client(&self) -> Client {
        Client::connect(self.broker.address())
    }

    /// Stops and starts again.
    pub fn restart(self) -> Self {
        self.broker.shutdown();
        let broker = EmbeddedBroker::start(BrokerConfig::new(self.folder.path())).unwrap();
        Self { broker, folder: self.folder }
    }
}

pub struct Client {
    stream: TcpStream,
    correlation_id: i32,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, correlation_id: 0 }
    }

    /// Sends a request in a version and reads its answer.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request);
        let mut answer =
            self.receive().unwrap_or_else(|error| panic!("{:?} v{version}: {error}", key::<R>()));
        let header_version = R::Response::header_version(version);
        let header = ResponseHeader::decode(&mut answer, header_version).unwrap();
        assert_eq!(header.correlation_id, self.correlation_id);
        let response = R::Response::decode(&mut answer, version)
            .unwrap_or_else(|error| panic!("{:?} v{version}: {error}", key::<R>()));
        assert!(!answer.has_remaining(), "{:?} v{version}: more than an answer", key::<R>());
        response
    }

    pub fn send<R: Request>(&mut self, version: i16, request: &R) {
        self.correlation_id += 1;
        let frame = frame(version, self.correlation_id, request);
        self.send_raw(&frame).unwrap();
    }

    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads a frame without its length.
    pub fn receive(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }

    /// Whether the broker closes the connection without an answer.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0; 64]) {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// The versions of a request the broker says it serves.
    pub fn versions(&mut self, key: ApiKey) -> RangeInclusive<i16> {
        let served = self.call(0, &ApiVersionsRequest::default()).api_keys;
        let served = served.iter().find(|served| served.api_key == key as i16).unwrap();
        served.min_version..=served.max_version
    }

    pub fn create(&mut self, topic: &str, partitions: i32) {
        self.create_with(topic, partitions, &[]);
    }

    pub fn create_with(&mut self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let configs = settings.iter().map(|(name, value)| {
            kafka_protocol::messages::create_topics_request::CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(topic_name(topic))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.collect());
        let response = self.call(5, &CreateTopicsRequest::default().with_topics(vec![topic]));
        assert_eq!(response.topics[0].error_code, 0, "{:?}", response.topics[0].error_message);
    }

    /// Produces a batch, which is to be taken.
    pub fn produce(&mut self, topic: &str, partition: i32, batch: Bytes) -> PartitionProduceResponse {
        let produced = self.try_produce(topic, partition, batch);
        assert_eq!(produced.error_code, 0, "{:?}", produced.error_message);
        produced
    }

    pub fn try_produce(&mut self, topic: &str, partition: i32, batch: Bytes) -> PartitionProduceResponse {
        let mut response = self.call(9, &produce_request(topic, partition, batch));
        response.responses.remove(0).partition_responses.remove(0)
    }

    /// First and next offset of a partition.
    pub fn ends(&mut self, topic: &str, partition: i32) -> (i64, i64) {
        (self.offset_at(topic, partition, -2), self.offset_at(topic, partition, -1))
    }

    pub fn offset_at(&mut self, topic: &str, partition: i32, timestamp: i64) -> i64 {
        let response = self.call(7, &list_offsets_request(topic, partition, timestamp));
        assert_eq!(response.topics[0].partitions[0].error_code, 0);
        response.topics[0].partitions[0].offset
    }
}

pub fn key<R: Request>() -> ApiKey {
    ApiKey::try_from(R::KEY).unwrap()
}

/// A request as it is sent, length first.
pub fn frame<R: Request>(version: i16, correlation_id: i32, request: &R) -> BytesMut {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(text("test")));
    let mut frame = BytesMut::from(&[0; 4][..]);
    header.encode(&mut frame, R::header_version(version)).unwrap();
    request
        .encode(&mut frame, version)
        .unwrap_or_else(|error| panic!("{:?} v{version}: {error}", key::<R>()));
    let length = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

pub fn produce_request(topic: &str, partition: i32, batch: Bytes) -> ProduceRequest {
    let partition = PartitionProduceData::default().with_index(partition).with_records(Some(batch));
    let topic = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![partition]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(1_000).with_topic_data(vec![topic])
}

pub fn list_offsets_request(topic: &str, partition: i32, timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic])
}

/// What an idempotent producer says of a batch: its id, epoch, and the first record's number.
#[derive(Clone, Copy)]
pub struct Sequence(pub i64, pub i16, pub i32);

pub const NOT_IDEMPOTENT: Sequence = Sequence(-1, -1, -1);

/// A batch of records with these values, a millisecond apart from `timestamp` on.
pub fn batch(values: &[&str], sequence: Sequence, timestamp: i64) -> Bytes {
    let records: Vec<_> =
        (0..).zip(values).map(|(at, value)| record(at, value, sequence, timestamp)).collect();
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &records, &options).unwrap();
    bytes.freeze()
}

fn record(at: i32, value: &str, sequence: Sequence, timestamp: i64) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: sequence.0,
        producer_epoch: sequence.1,
        sequence: sequence.2 + at,
        timestamp_type: TimestampType::Creation,
        offset: at.into(),
        timestamp: timestamp + i64::from(at),
        key: None,
        value: Some(Bytes::from(value.to_owned())),
        headers: Default::default(),
    }
}

pub fn plain(values: &[&str]) -> Bytes {
    batch(values, NOT_IDEMPOTENT, now_ms())
}

pub fn now_ms() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// Waits for a condition, for ten seconds at most.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
