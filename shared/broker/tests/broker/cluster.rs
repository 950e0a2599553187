//! A cluster, as the service, the readers and the test itself reach it.

#[cfg(feature = "ssl")]
use broker::Security;
use broker::{Kafka, KafkaConfig};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use job::TopicName;
use kafka::{Access, ApacheKafka};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    producer::{DefaultProducerContext, ThreadedProducer},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

const FOLDERS: &str = env!("CARGO_TARGET_TMPDIR");
static OPEN: LazyLock<ApacheKafka> =
    LazyLock::new(|| ApacheKafka::start_among(Path::new(FOLDERS), Access::Open));

#[cfg(feature = "ssl")]
mod users {
    use super::*;

    /// As the service's own user, with this password.
    pub fn scram(password: &str, tls: bool) -> Security {
        Security::Scram { username: FERRY.0.into(), password: password.into(), tls }
    }

    /// The service's own user.
    pub const FERRY: (&str, &str) = ("ferry", "s3cret+/=");
    pub static USERS: LazyLock<ApacheKafka> =
        LazyLock::new(|| ApacheKafka::start_among(Path::new(FOLDERS), Access::Users(&[FERRY])));
}
#[cfg(feature = "ssl")]
pub use users::{FERRY, USERS, scram};

pub struct Cluster {
    /// As the service reaches it.
    pub config: KafkaConfig,
    /// As the test reaches it, with the service's rights: settings written here, not taken from the code under test.
    own: ClientConfig,
    /// As readers reach it.
    readers: ClientConfig,
    folder: PathBuf,
    _embedded: Option<(EmbeddedBroker, tempfile::TempDir)>,
}

pub struct Read {
    pub key: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Cluster {
    pub fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
        let mut cluster = Self::plaintext(&broker.bootstrap(), folder.path());
        cluster._embedded = Some((broker, folder));
        cluster
    }

    /// Apache Kafka without access rules.
    pub fn open() -> Self {
        Self::plaintext(&OPEN.bootstrap(), OPEN.folder())
    }

    pub fn plaintext(bootstrap: &str, folder: &Path) -> Self {
        Self {
            config: KafkaConfig {
                delivery_timeout: Duration::from_secs(60),
                ..KafkaConfig::plaintext(bootstrap)
            },
            own: client(bootstrap),
            readers: client(bootstrap),
            folder: folder.to_owned(),
            _embedded: None,
        }
    }

    /// The same, encrypted for the service.
    #[cfg(feature = "ssl")]
    pub fn by_tls() -> Self {
        let mut cluster = Self::open();
        cluster.config.bootstrap = OPEN.bootstrap_for_tls();
        cluster.config.security = Security::Tls;
        cluster.config.authorities = Some(OPEN.authority());
        cluster
    }

    /// Apache Kafka with access rules: the service by name and password, readers without.
    #[cfg(feature = "ssl")]
    pub fn by_scram() -> Self {
        Self::with_users(&USERS.bootstrap_for_scram(), scram(FERRY.1, false))
    }

    /// The same, encrypted for the service.
    #[cfg(feature = "ssl")]
    pub fn by_scram_and_tls() -> Self {
        let mut cluster = Self::with_users(&USERS.bootstrap_for_scram_and_tls(), scram(FERRY.1, true));
        cluster.config.authorities = Some(USERS.authority());
        cluster
    }

    #[cfg(feature = "ssl")]
    pub fn with_users(bootstrap: &str, security: Security) -> Self {
        let mut cluster = Self::plaintext(&USERS.bootstrap(), USERS.folder());
        cluster.config = KafkaConfig { bootstrap: bootstrap.to_owned(), security, ..cluster.config };
        cluster.own = client(&USERS.bootstrap_for_scram());
        cluster.own.set("security.protocol", "sasl_plaintext").set("sasl.mechanism", "SCRAM-SHA-512");
        cluster.own.set("sasl.username", FERRY.0).set("sasl.password", FERRY.1);
        cluster
    }

    pub fn kafka(&self) -> Kafka {
        Kafka::new(self.config.clone()).unwrap()
    }

    /// A name that no other case has.
    pub fn topic(&self) -> TopicName {
        static NEXT: AtomicU32 = AtomicU32::new(10_000);
        format!("ftransfer_ztf_2026-03-23_{}", NEXT.fetch_add(1, Ordering::Relaxed)).parse().unwrap()
    }

    /// A producer of the test's own.
    pub fn producer(&self) -> ThreadedProducer<DefaultProducerContext> {
        self.own.create().unwrap()
    }

    /// The settings of a topic, as the cluster tells them.
    pub async fn settings(&self, topic: &str) -> HashMap<String, String> {
        let admin: AdminClient<DefaultClientContext> = self.own.create().unwrap();
        let described =
            admin.describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()).await.unwrap();
        let entries = described.into_iter().flat_map(|resource| resource.unwrap().entries);
        entries.filter_map(|entry| Some((entry.name, entry.value?))).collect()
    }

    /// How many copies there are of each partition.
    pub fn copies(&self, topic: &str) -> Vec<usize> {
        let consumer = self.reader();
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).unwrap();
        let partitions = metadata.topics()[0].partitions();
        partitions.iter().map(|partition| partition.replicas().len()).collect()
    }

    /// All messages of a topic by partition, as readers see them. Checks that their offsets are dense and begin at 0.
    pub fn read(&self, topic: &str) -> Vec<Vec<Read>> {
        let consumer = self.reader();
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).unwrap();
        let mut ends = Vec::new();
        let mut all = TopicPartitionList::new();
        for partition in 0..metadata.topics()[0].partitions().len() as i32 {
            let (first, end) = consumer.fetch_watermarks(topic, partition, Duration::from_secs(10)).unwrap();
            assert_eq!(first, 0);
            ends.push(end as usize);
            all.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&all).unwrap();
        let mut found: Vec<Vec<Read>> = ends.iter().map(|_| Vec::new()).collect();
        let deadline = Instant::now() + Duration::from_secs(60);
        while found.iter().map(Vec::len).ne(ends.iter().copied()) {
            assert!(Instant::now() < deadline, "messages of {topic} do not come");
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            let message = message.unwrap();
            let partition = &mut found[message.partition() as usize];
            assert_eq!(message.offset(), partition.len() as i64, "offsets are dense");
            partition.push(Read {
                key: message.key().unwrap_or_default().to_vec(),
                payload: message.payload().unwrap_or_default().to_vec(),
            });
        }
        found
    }

    /// Bytes of a topic's messages on the broker's disk.
    pub fn bytes_on_disk(&self, topic: &str) -> u64 {
        fn walk(folder: &Path, topic: &str) -> u64 {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { walk(&path, topic) } else { messages(&path, topic) }).sum()
        }
        fn messages(path: &Path, topic: &str) -> u64 {
            let of_topic =
                path.to_string_lossy().contains(topic) && path.extension().is_some_and(|end| end == "log");
            if of_topic { path.metadata().unwrap().len() } else { 0 }
        }
        walk(&self.folder, topic)
    }

    fn reader(&self) -> BaseConsumer {
        self.readers.clone().set("group.id", "reader").set("enable.auto.commit", "false").create().unwrap()
    }
}

fn client(bootstrap: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", bootstrap);
    client
}
