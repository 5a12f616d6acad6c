//! What every client of ours has in common: brokers, security, names, logs.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::config;

/// How long one request to a broker may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest message a client of ours sends: a topic's `max.message.bytes` and room for the record's frame.
pub(super) const MESSAGE_BYTES_MAX: usize = (32 << 20) + (64 << 10);

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
