//! Real Kafka and the ClickHouse engine for the tests that run the whole program, and raw access to topics.
//!
//! [`Stack::shared`] is started once a test process and left to die with it; every test has topics and a database of its
//! own in it ([`Mill`](crate::mill::Mill)). A test that stops a service has a stack of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::metadata::MetadataPartition;
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use signalmill::embedded::{Services, clickhouse, kafka};

/// Time that a topic may take to be read to its end.
const READ_PATIENCE: Duration = Duration::from_mins(1);
/// The broker's heap: all tests make their topics in it, tens of thousands of partitions.
const HEAP_MB: u32 = 1536;
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Both services and where they are.
pub struct Stack {
    pub services: Services,
    pub brokers: String,
    pub url: String,
    folder: PathBuf,
}

impl Stack {
    /// The one that tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Stack> = LazyLock::new(|| Stack::own("shared", &[]));
        &SHARED
    }

    /// One for a test that stops services, with these lines in Kafka's `server.properties`; ends with the value.
    pub fn own(name: &str, properties: &[(&str, &str)]) -> Self {
        Self::own_at(name, None, properties)
    }

    /// The same with Kafka at this port, for properties that name it.
    pub fn own_at(name: &str, kafka_port: Option<u16>, properties: &[(&str, &str)]) -> Self {
        let stacks = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stacks");
        sweep(&stacks);
        let folder = stacks.join(format!("{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let own = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        let kafka = kafka::Settings {
            port: kafka_port,
            properties: properties.iter().map(own).collect(),
            heap_mb: HEAP_MB,
            ..kafka::Settings::in_folder(folder.join("kafka"))
        };
        let clickhouse = clickhouse::Settings {
            program: Some(env!("CARGO_BIN_EXE_signalmill").into()),
            ..clickhouse::Settings::in_folder(folder.join("clickhouse"))
        };
        let services = Services::start_with(&kafka, &clickhouse).unwrap();
        Self { brokers: services.kafka.brokers(), url: services.clickhouse.url(), services, folder }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let killed = self.services.kafka.kill().and(self.services.clickhouse.kill());
        // The logs of services that a test failed with may say why; the next run sweeps them away.
        if killed.is_ok() && !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A shared stack dies with its process and cannot tidy up: the next process does.
fn sweep(stacks: &Path) {
    for folder in fs::read_dir(stacks).into_iter().flatten().flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let gone = |pid: &str| !Path::new("/proc").join(pid).exists();
        if name.split('-').next().is_some_and(gone) {
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

/// Looks every few milliseconds until there is an answer; what was seen last is in the panic of a wait in vain.
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        match look() {
            Ok(answer) => return answer,
            Err(seen) if started.elapsed() > patience => panic!("{what}: not within {patience:?}; last seen: {seen}"),
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// A record to be produced.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    pub partition: Option<i32>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(&'static str, Vec<u8>)>,
}

/// Sends records, however long the brokers are away.
pub struct Writer {
    producer: FutureProducer,
    topic: String,
    sent: Vec<DeliveryFuture>,
}

impl Writer {
    pub fn new(brokers: &str, topic: &str) -> Self {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("message.max.bytes", "33554432")
            .set("message.timeout.ms", "180000")
            .set("reconnect.backoff.max.ms", "1000")
            .set("linger.ms", "2")
            .create()
            .unwrap();
        Self { producer, topic: topic.to_owned(), sent: Vec::new() }
    }

    pub fn send(&mut self, raw: &Raw) {
        let mut headers = OwnedHeaders::new();
        for (key, value) in &raw.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&self.topic).headers(headers);
        record.partition = raw.partition;
        record.key = raw.key.as_deref();
        record.payload = raw.value.as_deref();
        self.sent.push(self.producer.send_result(record).map_err(|(error, _)| error).unwrap());
    }

    /// Waits until all have arrived; says where: partition and offset.
    pub async fn finish(self) -> Vec<(i32, i64)> {
        let mut places = Vec::with_capacity(self.sent.len());
        for sent in self.sent {
            let delivery = sent.await.unwrap().map_err(|(error, _)| error).unwrap();
            places.push((delivery.partition, delivery.offset));
        }
        places
    }
}

/// A record as it stands in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Seen {
    /// The one header of this name, as text.
    pub fn header(&self, name: &str) -> &str {
        let found: Vec<_> = self.headers.iter().filter(|(key, _)| key == name).collect();
        assert_eq!(found.len(), 1, "header {name} of {self:?}");
        std::str::from_utf8(&found[0].1).unwrap()
    }
}

/// Every committed record of a topic, by partition and offset.
pub fn read(brokers: &str, topic: &str) -> Vec<Seen> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "test-reader")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.message.max.bytes", "33554432")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), READ_PATIENCE).unwrap();
    let mut open: Vec<i32> = metadata.topics()[0].partitions().iter().map(MetadataPartition::id).collect();
    let mut assignment = TopicPartitionList::new();
    for partition in &open {
        assignment.add_partition_offset(topic, *partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assignment).unwrap();
    let mut seen = Vec::new();
    let started = Instant::now();
    while !open.is_empty() {
        assert!(started.elapsed() < READ_PATIENCE, "{topic} has no end: {open:?} are open after {}", seen.len());
        match consumer.poll(LOOK_EVERY) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => open.retain(|id| *id != partition),
            Some(Err(error)) => panic!("reading {topic}: {error}"),
            Some(Ok(message)) => seen.push(Seen {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: message.headers().map_or_else(Vec::new, |headers| {
                    headers
                        .iter()
                        .map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
                        .collect()
                }),
            }),
        }
    }
    seen.sort_by_key(|seen| (seen.partition, seen.offset));
    seen
}
