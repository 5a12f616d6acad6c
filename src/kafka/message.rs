//! A message of librdkafka as a record of ours.

use std::sync::Arc;

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};

use crate::flow::Record;
use crate::flow::record::Hold;
use crate::model::Timestamp;
use crate::wire::headers::Headers;

/// Copies a message. `hold` is made of its size in bytes: key, value and headers.
pub(super) fn record(
    message: &BorrowedMessage<'_>,
    topic: &Arc<str>,
    epoch: u64,
    hold: impl FnOnce(usize) -> Option<Hold>,
) -> Record {
    let headers: Headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned().into(), Bytes::copy_from_slice(header.value.unwrap_or_default())))
            .collect()
    });
    let headers_bytes: usize = headers.iter().map(|(key, value)| key.len() + value.len()).sum();
    Record {
        topic: Arc::clone(topic),
        partition: message.partition(),
        offset: message.offset(),
        epoch,
        timestamp: Timestamp(message.timestamp().to_millis().unwrap_or(0)),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        headers,
        hold: hold(message.payload_len() + message.key_len() + headers_bytes),
    }
}
