//! The bare loop that the engine is held against: one process, one loop, no framework.
//!
//! It polls, does the work of all hops on the spot and sends a signal, at least once: now and then it waits until what
//! it sent has arrived, and commits. It runs as a child process (this benchmark again, with hidden arguments), so that
//! its CPU seconds can be told from the benchmark's.

use std::io::{BufRead as _, Write as _};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use signalmill::bare::Bare;
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::flow::Record;
use signalmill::kafka::{ARTICLES_RAW, SIGNALS};
use signalmill::model::{Signal, Timestamp};

use crate::child::Child;

/// The hidden first argument.
const ARGUMENT: &str = "--as-bare-loop";
/// Records after which offsets are committed: about once a second.
const COMMIT_RECORDS: u64 = 5_000;
const POLL: Duration = Duration::from_millis(50);

/// Starts it on `count` articles and returns when it has the first one.
///
/// # Errors
/// When it cannot start, or ends without a record.
pub fn start(kafka: &config::Kafka, count: u64) -> anyhow::Result<Child> {
    Child::start(&[ARGUMENT, &kafka.brokers, &kafka.topic_prefix, &count.to_string()])
}

/// Runs the loop where this process was started for it; says whether it was.
///
/// # Errors
/// What Kafka refuses, or a record that is no article.
pub fn run_if_asked() -> anyhow::Result<bool> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [argument, brokers, prefix, count] = words.as_slice() else { return Ok(false) };
    if argument != ARGUMENT {
        return Ok(false);
    }
    run(brokers, prefix, count.parse()?)?;
    // The parent reads our CPU seconds and then closes the pipe.
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(true)
}

fn run(brokers: &str, prefix: &str, count: u64) -> anyhow::Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", format!("{prefix}bare"))
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("message.max.bytes", "33619968")
        .set("queued.max.messages.kbytes", "65536")
        .create()?;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("queue.buffering.max.kbytes", "65536")
        .create()?;
    consumer.subscribe(&[&format!("{prefix}{ARTICLES_RAW}")])?;
    let bare = Bare::new(Clock::system())?;
    let signals = format!("{prefix}{SIGNALS}");
    let mut done = 0;
    let mut bytes = Vec::new();
    while done < count {
        let Some(message) = consumer.poll(POLL) else { continue };
        if done == 0 {
            println!("first");
            std::io::stdout().flush()?;
        }
        if let Some(signal) = work(&bare, &message?)? {
            bytes.clear();
            bare.encode(&signal, &mut bytes)?;
            send(&producer, BaseRecord::to(&signals).key(signal.subject.as_bytes()).payload(&bytes))?;
        }
        done += 1;
        if done % COMMIT_RECORDS == 0 || done == count {
            drain(&producer);
            consumer.commit_consumer_state(CommitMode::Async)?;
        }
    }
    Ok(())
}

fn work(bare: &Bare, message: &BorrowedMessage<'_>) -> anyhow::Result<Option<Signal>> {
    let raw = bare.decode(message.payload().unwrap_or_default())?;
    let place = Record {
        topic: ARTICLES_RAW.into(),
        partition: message.partition(),
        offset: message.offset(),
        epoch: 0,
        timestamp: Timestamp(message.timestamp().to_millis().unwrap_or(0)),
        key: None,
        value: None,
        headers: Vec::new(),
        hold: None,
    };
    let article = bare.clean(raw, &place);
    Ok(bare.analyze(article).and_then(|analysis| bare.score(analysis)))
}

fn send(producer: &BaseProducer, record: BaseRecord<'_, [u8], Vec<u8>>) -> anyhow::Result<()> {
    let mut record = record;
    loop {
        match producer.send(record) {
            Ok(()) => break,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(POLL);
                record = back;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
    producer.poll(Duration::ZERO);
    Ok(())
}

fn drain(producer: &BaseProducer) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while producer.in_flight_count() > 0 && Instant::now() < deadline {
        producer.poll(Duration::from_millis(1));
    }
}
