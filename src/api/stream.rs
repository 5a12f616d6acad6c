//! Streams of server-sent events: their number is limited, they say that they are alive, and they end with the process.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::{Api, Problem};
use crate::observe::HttpMetrics;

/// A comment goes out after this time without an event, so that nothing on the way takes the stream for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One event, as a client of server-sent events is handed it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamedEvent)]
pub struct Streamed {
    /// JSON.
    data: String,
    /// What kind of event it is; absent: `message`.
    event: Option<String>,
    /// What `Last-Event-ID` goes on behind.
    id: Option<String>,
}

/// The answer that sends `events` until they end, the caller leaves, or the process stops; `open` is its place until then.
pub fn sse<S>(api: &Api, open: Open, events: S) -> Response
where
    S: Stream<Item = Event> + Send + 'static,
{
    let mut stop = api.stop();
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
    };
    let events = events.take_until(Box::pin(stopped)).map(Ok::<_, Infallible>);
    let events = Counted { events: Box::pin(events), _open: open };
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies of the nginx kind gather an answer before they pass it on, unless told not to.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// A place among the open streams, until it is dropped. Whoever does something for a stream takes its place first, so that
/// nothing is done for a stream that is refused.
#[derive(Debug)]
pub struct Open {
    _place: OwnedSemaphorePermit,
    metrics: HttpMetrics,
}

impl Open {
    /// Takes one.
    ///
    /// # Errors
    /// 503 where as many streams are open as may be.
    pub fn take(api: &Api) -> Result<Self, Problem> {
        let place = api.0.room.stream()?;
        api.0.metrics.streams(1.0);
        Ok(Self { _place: place, metrics: api.0.metrics.clone() })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.streams(-1.0);
    }
}

/// Events that hold a place.
struct Counted<S> {
    events: Pin<Box<S>>,
    _open: Open,
}

impl<S: Stream> Stream for Counted<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.events.as_mut().poll_next(context)
    }
}
