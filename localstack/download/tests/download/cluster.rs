//! A broker, topics in it, and what is on disk after a download.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use download::{DownloadError, Format, Layout, Limits, Options, Summary};
use embedded_broker::{BrokerConfig, EmbeddedBroker};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

pub const TOPIC: &str = "ftransfer_ztf_2026-03-23_11487";

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

pub struct Cluster {
    pub broker: EmbeddedBroker,
    pub outdir: TempDir,
    _folder: TempDir,
}

impl Cluster {
    /// A broker without topics.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = EmbeddedBroker::start(BrokerConfig::new(folder.path())).unwrap();
        Self { broker, outdir: tempfile::tempdir().unwrap(), _folder: folder }
    }

    /// A broker with the two topics of a transfer, and the schema in place.
    pub fn with_schema(schema: &str, partitions: i32) -> Self {
        let cluster = Self::empty();
        cluster.create(TOPIC, partitions);
        cluster.create(&format!("{TOPIC}_schema"), 2);
        cluster
            .send(&format!("{TOPIC}_schema"), &[(1, Some(schema.as_bytes().to_vec()), b"ignored".to_vec())]);
        cluster
    }

    pub fn create(&self, topic: &str, partitions: i32) {
        use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
        let admin: AdminClient<_> = self.config().create().unwrap();
        let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcomes = runtime.block_on(admin.create_topics([&topic], &AdminOptions::new())).unwrap();
        outcomes.into_iter().for_each(|outcome| drop(outcome.unwrap()));
    }

    /// Deletes what is before `offset`, as the end of the retention does.
    pub fn expire(&self, partition: i32, offset: i64) {
        use rdkafka::admin::{AdminClient, AdminOptions};
        use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
        let admin: AdminClient<_> = self.config().create().unwrap();
        let mut before = TopicPartitionList::new();
        before.add_partition_offset(TOPIC, partition, Offset::Offset(offset)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(admin.delete_records(&before, &AdminOptions::new())).unwrap();
    }

    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.broker.bootstrap()).set("enable.idempotence", "true");
        config
    }

    pub fn send(&self, topic: &str, messages: &[Sent]) {
        let mut config = self.config();
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
        self.send(TOPIC, &messages);
    }

    pub fn options(&self, layout: Layout) -> Options {
        Options {
            bootstrap: self.broker.bootstrap().to_string(),
            topic: TOPIC.parse().unwrap(),
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
