//! The API in memory: no Kafka, no ClickHouse.
