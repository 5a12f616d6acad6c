//! What every client of ours has in common: brokers, security, names, logs.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{ClientConfig, ClientContext};
use tracing::{debug, warn};

use crate::config;

/// Complaints of librdkafka within this time of one that was logged are only seen at `debug`.
const QUIET: Duration = Duration::from_secs(10);
/// How long one request to a broker may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two questions to a group that nobody coordinates.
const COORDINATOR_WAIT: Duration = Duration::from_millis(50);
/// The largest message a client of ours sends: a topic's `max.message.bytes` and room for the record's frame.
pub(super) const MESSAGE_BYTES_MAX: usize = (32 << 20) + (64 << 10);

/// Takes librdkafka's complaints: what it says of lost connections comes by the hundred while a broker is away, so one
/// line in a while stands for all. What that means for a hop, health and the hop's own log line say.
#[derive(Debug, Default)]
pub(super) struct Calm;

impl Calm {
    /// Whether a line may be said aloud now.
    fn may_speak() -> bool {
        static SPOKEN: Mutex<Option<Instant>> = Mutex::new(None);
        let mut spoken = SPOKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = spoken.is_none_or(|at| at.elapsed() >= QUIET);
        if quiet {
            *spoken = Some(Instant::now());
        }
        quiet
    }
}

impl ClientContext for Calm {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        if level as i32 <= RDKafkaLogLevel::Warning as i32 && Self::may_speak() {
            warn!(facility, "librdkafka: {line}");
        } else {
            debug!(facility, "librdkafka: {line}");
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // Whoever asks to be told of the end of a partition is told by the poll, too.
        if matches!(error, KafkaError::Global(RDKafkaErrorCode::PartitionEOF)) {
            return;
        }
        if Self::may_speak() {
            warn!(%error, reason, "librdkafka reports an error");
        } else {
            debug!(%error, reason, "librdkafka reports an error");
        }
    }
}

impl ConsumerContext for Calm {}

impl ProducerContext for Calm {
    type DeliveryOpaque = ();

    fn delivery(&self, _result: &DeliveryResult<'_>, (): ()) {
        // A record that was not delivered fails its transaction, which says so.
    }
}

/// Asks about a group until somebody is its coordinator: a broker that has just started, or taken a group over, says for a
/// moment that it is none, and librdkafka hands that on.
///
/// # Errors
/// Any other error at once, and this one after [`REQUEST_TIMEOUT`].
pub(super) fn coordinated<T>(ask: impl Fn() -> KafkaResult<T>) -> KafkaResult<T> {
    use RDKafkaErrorCode::{CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator};
    let deadline = Instant::now() + REQUEST_TIMEOUT;
    loop {
        match ask() {
            Err(error)
                if matches!(
                    error.rdkafka_error_code(),
                    Some(NotCoordinator | CoordinatorLoadInProgress | CoordinatorNotAvailable)
                ) && Instant::now() < deadline =>
            {
                debug!(%error, "nobody coordinates the group yet, asking again");
                thread::sleep(COORDINATOR_WAIT);
            }
            answer => return answer,
        }
    }
}

/// The partitions of a topic (with its prefix); none where there is no such topic.
///
/// # Errors
/// When Kafka does not answer.
pub(super) fn partitions<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str) -> anyhow::Result<Range<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT);
    let metadata = metadata.with_context(|| format!("asking for the partitions of {topic}"))?;
    let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    Ok(0..i32::try_from(count).unwrap_or(i32::MAX))
}

/// The partitions of a topic (with its prefix) that has to be there.
///
/// # Errors
/// When Kafka does not answer, or has no such topic.
pub(super) fn partitions_there<C: ConsumerContext>(
    kafka: &config::Kafka,
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> anyhow::Result<Range<i32>> {
    let brokers = &kafka.brokers;
    let partitions = partitions(consumer, topic)
        .with_context(|| format!("asking {brokers} for topic {topic}: is Kafka running there?"))?;
    if partitions.is_empty() {
        bail!("there is no topic {topic} at {brokers}");
    }
    Ok(partitions)
}

/// What the group of `consumer` has committed.
///
/// # Errors
/// When Kafka does not answer.
pub(super) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    asked: &TopicPartitionList,
) -> KafkaResult<TopicPartitionList> {
    coordinated(|| consumer.committed_offsets(asked.clone(), REQUEST_TIMEOUT))
}

/// The consumer group of a hop.
#[must_use]
pub fn group_name(settings: &config::Kafka, hop: &str) -> String {
    format!("{}signalmill-{}", settings.topic_prefix, hop.replace('/', "-"))
}

/// A configuration that every client starts from.
pub(super) fn base(settings: &config::Kafka, client_id: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", client_id)
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "2000")
        // The crate asks for brokers that do not exist in a fresh cluster's first second; logs of that are noise.
        .set("log.connection.close", "false")
        .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
        .set_log_level(RDKafkaLogLevel::Warning);
    let security = &settings.security;
    client.set("security.protocol", security.protocol.as_str());
    if security.protocol.is_encrypted() {
        // Where a system keeps the authorities that it trusts is not known to an OpenSSL that we bring with us.
        client.set("ssl.ca.location", "probe");
    }
    let optional = [
        ("ssl.ca.location", &security.ca_file),
        ("ssl.certificate.location", &security.cert_file),
        ("ssl.key.location", &security.key_file),
    ];
    for (key, path) in optional {
        if let Some(path) = path {
            client.set(key, path.display().to_string());
        }
    }
    if security.protocol.has_login() {
        client.set("sasl.mechanism", security.mechanism.as_str());
        client.set("sasl.username", security.username.as_deref().unwrap_or_default());
        if let Some(password) = &security.password {
            client.set("sasl.password", password.expose());
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_group_without_a_coordinator_is_asked_again_and_nothing_else_is() {
        let asked = Cell::new(0);
        let answers = |errors: &[RDKafkaErrorCode]| {
            asked.set(asked.get() + 1);
            errors.get(asked.get() - 1).map_or(Ok(7), |code| Err(KafkaError::MetadataFetch(*code)))
        };
        let passing = [RDKafkaErrorCode::NotCoordinator, RDKafkaErrorCode::CoordinatorLoadInProgress];
        assert_eq!(coordinated(|| answers(&passing)), Ok(7));
        assert_eq!(asked.replace(0), 3);
        let refused = [RDKafkaErrorCode::GroupAuthorizationFailed];
        assert_eq!(coordinated(|| answers(&refused)), Err(KafkaError::MetadataFetch(refused[0])));
        assert_eq!(asked.get(), 1);
    }
}
