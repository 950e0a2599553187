//! A cluster, topics in it, and what is on disk after a download.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use download::{DownloadError, Format, Layout, Limits, Options, Summary};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use kafka::{Access, ApacheKafka};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// `id`, the time, both classes and a text, in the style of a transfer.
pub const SCHEMA: &str = r#"{"type":"record","name":"topLevelRecord.value","fields":[
    {"name":"id","type":["long","null"]},
    {"name":"jd","type":["double","null"]},
    {"name":"finkclass","type":["string","null"]},
    {"name":"tnsclass","type":["string","null"]},
    {"name":"year","type":["int","null"]},
    {"name":"month","type":["int","null"]},
    {"name":"day","type":["int","null"]},
    {"name":"empty","type":["float","null"]},
    {"name":"stamp","type":["bytes","null"]}]}"#;

/// Partition, key and value of a message.
pub type Sent = (i32, Option<Vec<u8>>, Vec<u8>);

/// Which cluster a case runs against.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// In this process.
    Embedded,
    /// One process for all cases. Built with `ssl` it has access rules: who fills it comes with a password, and the
    /// downloader, as readers do, without a name.
    ApacheKafka,
}

static APACHE_KAFKA: LazyLock<ApacheKafka> = LazyLock::new(|| {
    let access = if cfg!(feature = "ssl") { Access::Users(&[FERRY]) } else { Access::Open };
    ApacheKafka::start_among(Path::new(env!("CARGO_TARGET_TMPDIR")), access)
});
const FERRY: (&str, &str) = ("ferry", "s3cret+/=");

/// Makes a test of each case and kind of cluster.
macro_rules! on_every_cluster {
    ($($case:ident,)+) => {
        mod embedded_broker {$(
            #[test]
            fn $case() {
                super::$case(crate::cluster::Kind::Embedded);
            }
        )+}
        mod apache_kafka {$(
            #[test]
            fn $case() {
                super::$case(crate::cluster::Kind::ApacheKafka);
            }
        )+}
    };
}
pub(crate) use on_every_cluster;

pub struct Cluster {
    /// For readers.
    pub bootstrap: String,
    /// The data topic, which no other case has.
    pub topic: String,
    pub outdir: TempDir,
    /// For who fills it.
    filler: ClientConfig,
    _embedded: Option<(EmbeddedBroker, TempDir)>,
}

/// A name that no other case has.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(10_000);
    format!("{prefix}_ztf_2026-03-23_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Cluster {
    /// Without topics.
    pub fn empty(kind: Kind) -> Self {
        let mut filler = ClientConfig::new();
        let (bootstrap, embedded) = match kind {
            Kind::Embedded => {
                let folder = tempfile::tempdir().unwrap();
                let broker = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
                filler.set("bootstrap.servers", broker.bootstrap());
                (broker.bootstrap(), Some((broker, folder)))
            }
            Kind::ApacheKafka => {
                filler.set("bootstrap.servers", APACHE_KAFKA.bootstrap());
                if cfg!(feature = "ssl") {
                    filler.set("bootstrap.servers", APACHE_KAFKA.bootstrap_for_scram());
                    filler.set("security.protocol", "sasl_plaintext").set("sasl.mechanism", "SCRAM-SHA-512");
                    filler.set("sasl.username", FERRY.0).set("sasl.password", FERRY.1);
                }
                (APACHE_KAFKA.bootstrap(), None)
            }
        };
        filler.set("enable.idempotence", "true");
        let outdir = tempfile::tempdir().unwrap();
        Self { bootstrap, topic: unique("ftransfer"), outdir, filler, _embedded: embedded }
    }

    /// With the two topics of a transfer, and the schema in place.
    pub fn with_schema(kind: Kind, schema: &str, partitions: i32) -> Self {
        let cluster = Self::empty(kind);
        let schema_topic = format!("{}_schema", cluster.topic);
        cluster.create(&cluster.topic, partitions);
        cluster.create(&schema_topic, 2);
        cluster.send(&schema_topic, &[(1, Some(schema.as_bytes().to_vec()), b"ignored".to_vec())]);
        cluster
    }

    pub fn create(&self, topic: &str, partitions: i32) {
        use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
        let admin: AdminClient<_> = self.filler.create().unwrap();
        let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcomes = runtime.block_on(admin.create_topics([&topic], &AdminOptions::new())).unwrap();
        outcomes.into_iter().for_each(|outcome| drop(outcome.unwrap()));
    }

    /// Deletes the data topic and makes it again, empty.
    pub fn make_again(&self, partitions: i32) {
        use rdkafka::admin::{AdminClient, AdminOptions};
        let admin: AdminClient<_> = self.filler.create().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcomes = runtime.block_on(admin.delete_topics(&[&self.topic], &AdminOptions::new())).unwrap();
        outcomes.into_iter().for_each(|outcome| drop(outcome.unwrap()));
        self.create(&self.topic, partitions);
    }

    /// Deletes what is before `offset`, as the end of the retention does.
    pub fn expire(&self, partition: i32, offset: i64) {
        use rdkafka::admin::{AdminClient, AdminOptions};
        use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
        let admin: AdminClient<_> = self.filler.create().unwrap();
        let mut before = TopicPartitionList::new();
        before.add_partition_offset(&self.topic, partition, Offset::Offset(offset)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(admin.delete_records(&before, &AdminOptions::new())).unwrap();
    }

    pub fn send(&self, topic: &str, messages: &[Sent]) {
        let mut config = self.filler.clone();
        config
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("queue.buffering.max.messages", "1000000");
        let producer: ThreadedProducer<_> = config.create().unwrap();
        for (partition, key, value) in messages {
            let mut record = BaseRecord::to(topic).partition(*partition).payload(value);
            if let Some(key) = key {
                record = record.key(key);
            }
            producer.send(record).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    /// Sends alerts of consecutive ids, over all partitions.
    pub fn send_alerts(&self, ids: std::ops::Range<i64>, partitions: i32) {
        let messages: Vec<_> =
            ids.map(|id| ((id % i64::from(partitions)) as i32, None, Alert::new(id).encode())).collect();
        self.send(&self.topic, &messages);
    }

    pub fn options(&self, layout: Layout) -> Options {
        Options {
            bootstrap: self.bootstrap.clone(),
            topic: self.topic.parse().unwrap(),
            outdir: self.outdir.path().to_owned(),
            layout,
            format: Format::Parquet,
        }
    }

    pub fn download(&self, layout: Layout) -> Result<Summary, DownloadError> {
        download::run_within(&self.options(layout), &impatient(), &|_| {})
    }
}

/// The defaults, but for a wait that suits a test.
pub fn impatient() -> Limits {
    Limits { patience: Duration::from_secs(5), threads: 2.try_into().unwrap(), ..Limits::default() }
}

/// An alert of [`SCHEMA`].
pub struct Alert {
    pub id: i64,
    pub jd: Option<f64>,
    pub finkclass: Option<&'static str>,
    pub tnsclass: Option<&'static str>,
}

impl Alert {
    pub fn new(id: i64) -> Self {
        let finkclass = ["Unknown", "SN candidate", "a/b (c)"][id as usize / 5 % 3];
        let jd = 2_461_122.25 + (id % 4) as f64 * 0.125;
        Self { id, jd: Some(jd), finkclass: Some(finkclass), tnsclass: Some("(TNS) SN Ia") }
    }

    /// In Avro, each union's branch before its value.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0];
        write_long(self.id, &mut out);
        match self.jd {
            Some(jd) => {
                out.push(0);
                out.extend(jd.to_le_bytes());
            }
            None => out.push(2),
        }
        for class in [self.finkclass, self.tnsclass] {
            match class {
                Some(class) => {
                    out.push(0);
                    write_long(class.len() as i64, &mut out);
                    out.extend(class.bytes());
                }
                None => out.push(2),
            }
        }
        for number in [2026, 3, 22] {
            out.push(0);
            write_long(number, &mut out);
        }
        // no float, three bytes
        out.extend([2, 0, 6, 0x1f, 0x8b, 0x00]);
        out
    }
}

pub fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = if value < 0 { -2 * i128::from(value) - 1 } else { 2 * i128::from(value) };
    while rest >= 128 {
        out.push((rest % 128 + 128) as u8);
        rest /= 128;
    }
    out.push(rest as u8);
}

/// The Parquet files that readers of the data set see, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()))
        } else {
            files.push(entry.path())
        }
    }
    files
}

/// The rows of a file.
pub fn read(path: &Path) -> Vec<RecordBatch> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

/// The ids in all files, sorted.
pub fn ids(folder: &Path) -> Vec<i64> {
    let batches = files(folder).into_iter().flat_map(|file| read(&file));
    let mut ids: Vec<i64> =
        batches.flat_map(|batch| batch["id"].as_primitive::<Int64Type>().values().to_vec()).collect();
    ids.sort_unstable();
    ids
}

/// The folders that hold files, relative to the data set.
pub fn folders(outdir: &Path) -> Vec<String> {
    let mut folders: Vec<_> = files(outdir)
        .iter()
        .map(|file| file.parent().unwrap().strip_prefix(outdir).unwrap().to_string_lossy().into_owned())
        .collect();
    folders.dedup();
    folders
}
