//! Sending single records and waiting for each, from async code: what requests put into topics.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

use super::client::{self, Calm};
use crate::config;
use crate::wire::headers::Headers;

/// How long a record may wait for its broker: somebody waits for the answer.
const DELIVERY_MAX: Duration = Duration::from_secs(10);

/// Sends records and knows when they have arrived. Clones share its connections.
#[derive(Clone)]
pub struct Post {
    producer: FutureProducer<Calm>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Post")
    }
}

impl Post {
    /// For these brokers, which need not be up yet.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(kafka: &config::Kafka) -> anyhow::Result<Self> {
        let mut client = client::base(kafka, "signalmill-api");
        client
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", "0")
            .set("message.timeout.ms", DELIVERY_MAX.as_millis().to_string())
            .set("queue.buffering.max.kbytes", "65536");
        let producer = client.create_with_context(Calm).context("creating the producer")?;
        Ok(Self { producer })
    }

    /// Sends one record to `topic` (with its prefix); returns when all replicas have it, with its partition and offset.
    ///
    /// # Errors
    /// It did not arrive within ten seconds, or cannot; it may have arrived all the same.
    pub async fn send(&self, topic: &str, key: &[u8], value: &[u8], headers: &Headers) -> anyhow::Result<(i32, i64)> {
        let headers = headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |owned, (name, value)| {
            owned.insert(Header { key: name, value: Some(value.as_ref()) })
        });
        let record = FutureRecord::to(topic).key(key).payload(value).headers(headers);
        let delivery = self.producer.send(record, DELIVERY_MAX).await;
        let delivery = delivery.map_err(|(error, _)| error).with_context(|| format!("writing to {topic}"))?;
        Ok((delivery.partition, delivery.offset))
    }
}
