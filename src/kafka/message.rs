//! A message of librdkafka as a record of ours: a copy, so that the client's own memory is free again at once.

use std::sync::Arc;

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};

use crate::flow::Record;
use crate::model::Timestamp;
use crate::wire::headers::Headers;

/// The record that `message` is, of no assignment and held against no budget; `topic` is its topic's name.
pub(super) fn record(message: &BorrowedMessage<'_>, topic: Arc<str>) -> Record {
    let headers: Headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned().into(), Bytes::copy_from_slice(header.value.unwrap_or_default())))
            .collect()
    });
    Record {
        topic,
        partition: message.partition(),
        offset: message.offset(),
        epoch: 0,
        timestamp: Timestamp(message.timestamp().to_millis().unwrap_or(0)),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        headers,
        hold: None,
    }
}

/// Bytes of its key, value and headers.
pub(super) fn bytes(record: &Record) -> usize {
    let headers: usize = record.headers.iter().map(|(key, value)| key.len() + value.len()).sum();
    let parts = [&record.key, &record.value];
    headers + parts.into_iter().flatten().map(Bytes::len).sum::<usize>()
}
