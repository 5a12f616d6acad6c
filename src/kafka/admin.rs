//! Topics: created with sensible settings where they are missing, checked where they are present.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Context as _, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;

use super::client::{self, Calm, REQUEST_TIMEOUT};
use super::topics::Topic;
use crate::config;

/// What a look at one topic found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// As it should be, with this many partitions.
    Good(usize),
    /// It was missing and is there now.
    Created,
    /// It does not exist.
    Missing,
    /// It exists, and this is not right about it.
    Wrong(String),
}

/// Creates the topics that are missing where that is allowed, and looks at the others.
///
/// # Errors
/// When the cluster cannot be reached or refuses to create a topic.
pub async fn ensure(kafka: &config::Kafka, topics: &[Topic], create: bool) -> anyhow::Result<Vec<(String, Found)>> {
    let admin: AdminClient<Calm> =
        client::base(kafka, "signalmill-admin").create_with_context(Calm).context("creating the admin client")?;
    let present = present(kafka).await?;
    let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
    let mut found = Vec::with_capacity(topics.len());
    let mut created = Vec::new();
    for topic in topics {
        let name = format!("{}{}", kafka.topic_prefix, topic.name);
        let state = if let Some(partitions) = present.get(&name) {
            inspect(&admin, &options, &name, topic, *partitions).await?
        } else if create {
            created.push(name.clone());
            self::create(&admin, &options, kafka, &name, topic).await?
        } else {
            Found::Missing
        };
        found.push((name, state));
    }
    // A consumer that subscribes before the brokers have heard of a topic finds it only at its next look.
    let deadline = Instant::now() + REQUEST_TIMEOUT;
    while !created.is_empty() && Instant::now() < deadline {
        let present = self::present(kafka).await?;
        created.retain(|name| !present.contains_key(name));
    }
    Ok(found)
}

/// The partitions of every topic of the cluster.
async fn present(kafka: &config::Kafka) -> anyhow::Result<HashMap<String, usize>> {
    let client = client::base(kafka, "signalmill-admin");
    let brokers = kafka.brokers.clone();
    let look = move || -> anyhow::Result<HashMap<String, usize>> {
        let consumer: rdkafka::consumer::BaseConsumer<Calm> =
            client.create_with_context(Calm).context("creating a client")?;
        let metadata = rdkafka::consumer::Consumer::fetch_metadata(&consumer, None, REQUEST_TIMEOUT)
            .with_context(|| format!("asking {brokers} for its topics: is Kafka running there?"))?;
        let topics = metadata.topics().iter();
        Ok(topics.map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect())
    };
    tokio::task::spawn_blocking(look).await.context("the look-up panicked")?
}

async fn create(
    admin: &AdminClient<Calm>,
    options: &AdminOptions,
    kafka: &config::Kafka,
    name: &str,
    topic: &Topic,
) -> anyhow::Result<Found> {
    let settings = topic.settings();
    let mut new = NewTopic::new(name, kafka.partitions, TopicReplication::Fixed(kafka.replication));
    for (key, value) in &settings {
        new = new.set(key, value);
    }
    let results = admin.create_topics([&new], options).await.with_context(|| format!("creating {name}"))?;
    for result in results {
        match result {
            // Another worker that starts at the same moment was faster.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => bail!("creating topic {name}: {code}"),
        }
    }
    Ok(Found::Created)
}

async fn inspect(
    admin: &AdminClient<Calm>,
    options: &AdminOptions,
    name: &str,
    topic: &Topic,
    partitions: usize,
) -> anyhow::Result<Found> {
    let resource = ResourceSpecifier::Topic(name);
    let described = admin.describe_configs([&resource], options).await.with_context(|| format!("describing {name}"))?;
    for result in described {
        let config = match result {
            Ok(config) => config,
            Err(code) => return Ok(Found::Wrong(format!("its settings cannot be read: {code}"))),
        };
        let largest = config.get("max.message.bytes").and_then(|entry| entry.value.as_deref()?.parse::<u64>().ok());
        let wanted = topic.message_bytes_max;
        if largest.is_some_and(|largest| largest < wanted) {
            return Ok(Found::Wrong(format!(
                "max.message.bytes is {}, records up to {wanted} bytes must fit: \
                 kafka-configs.sh --alter --topic {name} --add-config max.message.bytes={wanted}",
                largest.unwrap_or_default()
            )));
        }
    }
    Ok(Found::Good(partitions))
}
