//! Answers in the shape that ClickHouse's clients expect: headers, error texts, a body that may break off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::connection::Statistics;
use super::encoding::{Encoder, Packing};
use super::exception::Exception;
use super::execute::{Event, Head};
use super::formats;

/// The body of every answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;
/// An answer.
pub type Answer = Response<AnswerBody>;

/// Time before the text of an error amid a result, and again until the connection is cut. Before, because the official
/// crate finds the text only where one read brings it whole, and one read may end anywhere in what is sent in one go.
/// After, because hyper drops what it has not written yet when a body fails.
const BREAK_DELAY: Duration = Duration::from_millis(100);

const FORMAT: HeaderName = HeaderName::from_static("x-clickhouse-format");
const SUMMARY: HeaderName = HeaderName::from_static("x-clickhouse-summary");
const QUERY_ID: HeaderName = HeaderName::from_static("x-clickhouse-query-id");
const TIMEZONE: HeaderName = HeaderName::from_static("x-clickhouse-timezone");
const SERVER: HeaderName = HeaderName::from_static("x-clickhouse-server-display-name");
const EXCEPTION_CODE: HeaderName = HeaderName::from_static("x-clickhouse-exception-code");
const EXCEPTION_TAG: HeaderName = HeaderName::from_static("x-clickhouse-exception-tag");

/// A short text.
#[must_use]
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let body = Full::new(text.into()).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=UTF-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// An error, packed as the result would have been.
#[must_use]
pub fn failed(error: &Exception, version: &str, query_id: &str, packing: Packing) -> Answer {
    let mut encoder = Encoder::new(packing);
    let message = format!("{}\n", error.message(version));
    let body = [encoder.pack(message.as_bytes()), encoder.finish()].concat();
    let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = text(status, body);
    let headers = answer.headers_mut();
    headers.insert(EXCEPTION_CODE, HeaderValue::from(error.code()));
    about_query(headers, query_id, packing);
    answer
}

/// A result whose data is still to come by `events`.
#[must_use]
pub fn running(head: &Head, query_id: &str, tag: &str, packing: Packing, events: mpsc::Receiver<Event>) -> Answer {
    let rest = Rest { events, breaking: None };
    let mut answer = Response::new(rest.boxed_unsync());
    let headers = answer.headers_mut();
    let kind = HeaderValue::from_static(formats::content_type(&head.format));
    headers.insert(CONTENT_TYPE, kind);
    insert_text(headers, FORMAT, &head.format);
    insert_text(headers, EXCEPTION_TAG, tag);
    if let Some(statistics) = &head.statistics {
        insert_text(headers, SUMMARY, &summary(statistics));
    }
    about_query(headers, query_id, packing);
    answer
}

fn about_query(headers: &mut HeaderMap, query_id: &str, packing: Packing) {
    headers.insert(TIMEZONE, HeaderValue::from_static("UTC"));
    headers.insert(SERVER, HeaderValue::from_static("signalmill"));
    insert_text(headers, QUERY_ID, query_id);
    if let Some(encoding) = packing.content_encoding() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
}

/// A value that is empty or no header value is left out.
fn insert_text(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}

fn summary(statistics: &Statistics) -> String {
    let Statistics { read_rows, read_bytes, written_rows, written_bytes, result_rows, elapsed } = statistics;
    let elapsed_ns = elapsed.as_nanos();
    format!(
        r#"{{"read_rows":"{read_rows}","read_bytes":"{read_bytes}","written_rows":"{written_rows}","written_bytes":"{written_bytes}","total_rows_to_read":"0","result_rows":"{result_rows}","result_bytes":"0","elapsed_ns":"{elapsed_ns}"}}"#
    )
}

/// The data of a result, as it comes.
#[derive(Debug)]
struct Rest {
    events: mpsc::Receiver<Event>,
    breaking: Option<Breaking>,
}

/// A statement that failed amid its result.
#[derive(Debug)]
struct Breaking {
    /// When it is over, the error is sent, or where that has been done, the connection is cut.
    pause: Pin<Box<Sleep>>,
    error: Option<Bytes>,
}

impl Breaking {
    fn begin(error: Option<Bytes>) -> Self {
        Self { pause: Box::pin(tokio::time::sleep(BREAK_DELAY)), error }
    }
}

impl Body for Rest {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Self { events, breaking } = &mut *self;
        let breaking = match breaking {
            Some(breaking) => breaking,
            unbroken => match ready!(events.poll_recv(context)) {
                Some(Event::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Event::Broken(error)) => unbroken.insert(Breaking::begin(Some(error))),
                Some(Event::Failed(_) | Event::Head(_)) => unbroken.insert(Breaking::begin(None)),
                None => return Poll::Ready(None),
            },
        };
        ready!(breaking.pause.as_mut().poll(context));
        if let Some(error) = breaking.error.take() {
            *breaking = Breaking::begin(None);
            return Poll::Ready(Some(Ok(Frame::data(error))));
        }
        // Breaking the connection off is the only way to say that what came is not all.
        Poll::Ready(Some(Err(io::Error::other("the statement failed amid its result"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_carries_code_and_text() {
        let error = Exception::new(60, "UNKNOWN_TABLE", "no such table");
        let answer = failed(&error, "26.7", "id\nwith line end", Packing::Plain);
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.headers()[EXCEPTION_CODE], "60");
        assert!(!answer.headers().contains_key(QUERY_ID));
    }

    #[test]
    fn summary_is_json_of_texts() {
        let statistics = Statistics { written_rows: 7, ..Statistics::default() };
        assert!(summary(&statistics).contains(r#""written_rows":"7""#));
    }
}
