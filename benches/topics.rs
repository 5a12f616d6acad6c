//! Topics at the local Kafka: created as the program creates them, filled with articles.

use signalmill::config;
use signalmill::kafka::{self, ARTICLES_RAW, Producer};

use crate::articles;

/// How to reach the broker; every topic and group begins with `prefix`.
pub fn settings(brokers: &str, prefix: &str) -> config::Kafka {
    config::Kafka { brokers: brokers.to_owned(), topic_prefix: prefix.to_owned(), ..config::Kafka::default() }
}

/// Creates all topics, and puts `count` articles of about `bytes` bytes into the input topic.
///
/// # Errors
/// What Kafka refuses.
pub fn fill(kafka: &config::Kafka, count: u64, bytes: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(kafka::ensure(kafka, kafka::TOPICS, true))?;
    let producer = Producer::new(kafka)?;
    let topic = format!("{}{ARTICLES_RAW}", kafka.topic_prefix);
    for number in 0..count {
        let json = articles::json(number, bytes)?;
        producer.send(&topic, Some(format!("news-{number}").as_bytes()), &json)?;
    }
    producer.finish()?;
    Ok(())
}
