//! Candle files on their way into `market.files`.
//!
//! The key is the file's path, so that all versions of a file, and all parts of one, are read in their order; the header
//! `file` says it too, as its name may say whose candles they are. Parts of a file have times of their own, each later than
//! the one before: the newest one is the newest version of its series.

use std::time::Duration;

use crate::cli::market::{Content, Piece};
use crate::clock::Clock;
use crate::config;
use crate::kafka::{MARKET_FILES, Numbered, Producer};
use crate::model::Timestamp;
use crate::wire::headers::{self, Headers};

/// Between the times of two parts.
const TICK: Duration = Duration::from_millis(1);

/// Sends pieces of files.
#[derive(Debug)]
pub(super) struct Post {
    producer: Producer,
    topic: String,
    clock: Clock,
    /// The time of the last part.
    stamped: Timestamp,
}

impl Post {
    /// To the brokers of `kafka`.
    pub(super) fn new(kafka: &config::Kafka, clock: Clock) -> anyhow::Result<Self> {
        let topic = format!("{}{MARKET_FILES}", kafka.topic_prefix);
        Ok(Self { producer: Producer::new(kafka)?, topic, clock, stamped: Timestamp::default() })
    }

    /// Queues a piece, if there is something to send in it.
    pub(super) fn send(&mut self, piece: &Piece) -> anyhow::Result<()> {
        let (value, at) = match &piece.content {
            Content::Whole(value) => (value, None),
            Content::Part(value, _) => {
                self.stamped = self.clock.now().max(self.stamped.plus(TICK));
                (value, Some(self.stamped))
            }
            Content::Skipped(_) => return Ok(()),
        };
        let headers: Headers = vec![(headers::FILE.into(), piece.name.clone().into())];
        let key = piece.name.as_bytes();
        let record = Numbered { number: None, key: Some(key), value, headers: &headers, at };
        self.producer.send_numbered(&self.topic, &record)
    }

    /// As [`Producer::finish`].
    pub(super) fn finish(self) -> anyhow::Result<u64> {
        self.producer.finish()
    }
}
