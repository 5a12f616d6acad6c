//! The socket of one stand-in: connections in, decisions of the [`Desk`] out, each when its time has come.
//!
//! A lost answer ends its connection without a byte: hyper does that when a service fails. In an
//! [`Outage::Refused`] the socket itself is taken away, since a client tells "refused" from "cut after sending": the
//! first never costs anything. Its port is kept meanwhile by a socket that does not listen.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::desk::{Decision, Desk, Reply};
use super::knobs::Outage;

/// Largest body, the limit of Gemini for inline data; a larger one is cut off.
const BODY_BYTES_MAX: usize = 20_000_000;
/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 4_096;
/// Connections that wait in the kernel's queue.
const BACKLOG: u32 = 1_024;
/// Between attempts to get something from the system that it does not have at the moment.
const SYSTEM_PAUSE: Duration = Duration::from_millis(5);
/// Timers go off at the next whole millisecond, half of one late on average: a latency of 100 ms is to be 100 ms.
const TIMER_LAG: Duration = Duration::from_micros(500);
/// Says in each answer what it comes from.
const MARK: HeaderName = HeaderName::from_static("x-signalmill-stand-in");

/// A stand-in that listens.
pub struct Door {
    desk: Arc<Desk>,
    listener: TcpListener,
    port: u16,
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut on purpose")]
struct Cut;

impl Door {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// The system gives no socket.
    pub fn open(desk: Arc<Desk>) -> io::Result<Self> {
        let listener = bound(0)?.listen(BACKLOG)?;
        let port = listener.local_addr()?.port();
        Ok(Self { desk, listener, port })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves, outages included, until it is dropped.
    pub async fn serve(self) {
        let Self { desk, mut listener, port } = self;
        let mut knobs = desk.knobs().subscribe();
        // The desk holds the other end of the knobs: waiting for them cannot fail.
        loop {
            tokio::select! {
                () = accept(&desk, &listener) => {}
                _ = knobs.wait_for(|knobs| knobs.outage == Some(Outage::Refused)) => {}
            }
            drop(listener);
            let reserved = persist(|| bound(port)).await;
            let _ = knobs.wait_for(|knobs| knobs.outage != Some(Outage::Refused)).await;
            listener = match reserved.listen(BACKLOG) {
                Ok(listener) => listener,
                Err(_) => persist(|| bound(port)?.listen(BACKLOG)).await,
            };
        }
    }
}

/// Takes connections; those that are open are cut when this is dropped.
async fn accept(desk: &Arc<Desk>, listener: &TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(desk)));
                }
                // A client that is gone already, or no file descriptor left.
                Err(_) => tokio::time::sleep(SYSTEM_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, desk: Arc<Desk>) {
    // Without it, small answers wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&desk), request));
    // Ends with an error when it was cut, by either side: both are daily business here.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|_| Cut)?.to_bytes();
    let Decision { reply, wait, entry, turn } = desk.decide(&parts, &body);
    if !wait.is_zero() {
        tokio::time::sleep_until(arrived + wait.saturating_sub(TIMER_LAG)).await;
    }
    drop(turn);
    let response = response(reply.ok_or(Cut)?);
    if let Some(entry) = entry {
        desk.book().deliver(entry);
    }
    Ok(response)
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(MARK, HeaderValue::from_static("yes"));
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A socket that has the port and does not listen yet.
fn bound(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // The port's former connections may still be on their way out.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

async fn persist<T>(mut attempt: impl FnMut() -> io::Result<T>) -> T {
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(error) => {
                tracing::debug!(%error, "a stand-in waits for its port");
                tokio::time::sleep(SYSTEM_PAUSE).await;
            }
        }
    }
}
