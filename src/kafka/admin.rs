//! Topics: created with sensible settings where they are missing, checked where they are present.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Context as _, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;

use super::client::{self, Calm, REQUEST_TIMEOUT};
use super::topics::{TOPICS, Topic};
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
            match unlike_its_owner(&present, &kafka.topic_prefix, topic) {
                Some(why) => Found::Wrong(why),
                None => inspect(&admin, &options, &name, topic, *partitions).await?,
            }
        } else if create {
            created.push(name.clone());
            let owner = topic.owner.and_then(|owner| present.get(&format!("{}{owner}", kafka.topic_prefix)));
            let partitions = owner.and_then(|owner| i32::try_from(*owner).ok()).unwrap_or(kafka.partitions);
            self::create(&admin, &options, kafka, &name, topic, partitions).await?
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

/// Deletes those of `topics` that are there.
///
/// # Errors
/// When the cluster cannot be reached or refuses.
pub async fn delete(kafka: &config::Kafka, topics: &[Topic]) -> anyhow::Result<()> {
    let admin: AdminClient<Calm> =
        client::base(kafka, "signalmill-admin").create_with_context(Calm).context("creating the admin client")?;
    let present = present(kafka).await?;
    let names = topics.iter().map(|topic| format!("{}{}", kafka.topic_prefix, topic.name));
    let names: Vec<String> = names.filter(|name| present.contains_key(name)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
    for result in admin.delete_topics(&names, &options).await.context("deleting topics")? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((name, code)) => bail!("deleting topic {name}: {code}"),
        }
    }
    Ok(())
}

/// Holds that topics of one owner have as many partitions as its own: whoever owns one would own none of the other.
///
/// # Errors
/// Where they differ, with what to do; when the cluster cannot be reached.
pub async fn check_owners(kafka: &config::Kafka) -> anyhow::Result<()> {
    let present = present(kafka).await?;
    for topic in TOPICS {
        if let Some(why) = unlike_its_owner(&present, &kafka.topic_prefix, topic) {
            bail!("topic {}{}: {why}", kafka.topic_prefix, topic.name);
        }
    }
    Ok(())
}

/// How many partitions a topic (with its prefix) has.
///
/// # Errors
/// When it does not exist, or the cluster cannot be reached.
pub async fn partitions(kafka: &config::Kafka, topic: &str) -> anyhow::Result<usize> {
    let present = present(kafka).await?;
    present.get(topic).copied().with_context(|| format!("topic {topic} does not exist"))
}

/// Whether somebody runs `hop`: its consumer group has members. One that died is a member until its session is over.
///
/// # Errors
/// When the cluster does not answer.
pub async fn has_members(kafka: &config::Kafka, hop: &'static str) -> anyhow::Result<bool> {
    let kafka = kafka.clone();
    let asked = tokio::task::spawn_blocking(move || -> anyhow::Result<bool> {
        let consumer: BaseConsumer<Calm> =
            client::base(&kafka, "signalmill-admin").create_with_context(Calm).context("creating a consumer")?;
        let groups = consumer.fetch_group_list(Some(&client::group_name(&kafka, hop)), REQUEST_TIMEOUT);
        let groups = groups.with_context(|| format!("asking who runs {hop}"))?;
        Ok(groups.groups().iter().any(|group| !group.members().is_empty()))
    });
    asked.await.context("asking for members panicked")?
}

/// What is wrong where a topic and its owner are both there and differ in the number of their partitions.
fn unlike_its_owner(present: &HashMap<String, usize>, prefix: &str, topic: &Topic) -> Option<String> {
    let (name, owner) = (format!("{prefix}{}", topic.name), format!("{prefix}{}", topic.owner?));
    let (own, owners) = (*present.get(&name)?, *present.get(&owner)?);
    let (smaller, more) = if own < owners { (&name, owners) } else { (&owner, own) };
    (own != owners).then(|| {
        format!(
            "it has {own} partitions and {owner} has {owners}, which must be as many: kafka-topics.sh --alter \
             --topic {smaller} --partitions {more}, at a time when no budget and no quota is in use, as accounts move to \
             other partitions, and what they have spent or used does not"
        )
    })
}

/// The partitions of every topic of the cluster.
async fn present(kafka: &config::Kafka) -> anyhow::Result<HashMap<String, usize>> {
    let client = client::base(kafka, "signalmill-admin");
    let brokers = kafka.brokers.clone();
    let look = move || -> anyhow::Result<HashMap<String, usize>> {
        let consumer: BaseConsumer<Calm> = client.create_with_context(Calm).context("creating a client")?;
        let metadata = consumer
            .fetch_metadata(None, REQUEST_TIMEOUT)
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
    partitions: i32,
) -> anyhow::Result<Found> {
    let settings = topic.settings();
    let mut new = NewTopic::new(name, partitions, TopicReplication::Fixed(kafka.replication));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_one_owner_have_as_many_partitions() {
        for (batches, deferred, ledger, expected) in [
            (Some(4), Some(4), Some(4), None),
            (Some(4), None, None, None),
            (None, Some(2), Some(3), None),
            (Some(12), Some(12), Some(4), Some("--topic p.spend.ledger --partitions 12")),
            (Some(4), Some(12), Some(4), Some("--topic p.articles.batches --partitions 12")),
        ] {
            let counts =
                [("p.articles.batches", batches), ("p.articles.deferred", deferred), ("p.spend.ledger", ledger)];
            let present = counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?))).collect();
            let found: Vec<String> =
                TOPICS.iter().filter_map(|topic| unlike_its_owner(&present, "p.", topic)).collect();
            assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
            assert!(expected.is_none_or(|part| found[0].contains(part)), "{found:?}");
        }
    }
}
