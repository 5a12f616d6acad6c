//! The listener: connections over HTTP/1.1, their number limited, and their silence too.
//!
//! # Why not axum's own loop
//! It sets no limit on the time that a client takes to send a request's head, so that clients who say nothing would hold
//! connections, and with them open files, for as long as they like.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Layer as _;
use tracing::{debug, warn};

use super::Api;

/// How long requests that are under way may hold up the end of the process.
const CLOSE_WAIT: Duration = Duration::from_secs(3);
/// How long a connection may be silent before and within the head of a request.
const HEAD_WAIT: Duration = Duration::from_secs(30);
/// How long a client may take nothing of what was sent, in milliseconds.
#[cfg(target_os = "linux")]
const TAKE_WAIT_MS: u32 = 60_000;
/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Connections beside those that `api.streams_max` and `api.requests_max` need: browsers keep some open.
const IDLE_MAX: usize = 1_000;
/// Open files of the process that are not connections of the API.
const OTHER_FILES: u64 = 1_024;
/// How long nothing is accepted after an error, such as too many open files.
const ACCEPT_WAIT: Duration = Duration::from_millis(500);

/// Serves until `stop` says so, then for a few seconds what is still open.
///
/// # Errors
/// None for now: what fails is a connection, which others do not feel.
pub async fn serve(listener: TcpListener, api: Api, stop: watch::Receiver<bool>) -> io::Result<()> {
    let config = &api.config().api;
    let connections_max = config.streams_max + config.requests_max + IDLE_MAX;
    open_files(connections_max);
    let room = Arc::new(Semaphore::new(connections_max));
    let router = super::router(&api);
    super::analysis::begin(&api);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(told(stop));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut stop => break,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_WAIT).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(router.clone()));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).max_buf_size(HEAD_BYTES_MAX);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(CLOSE_WAIT, graceful.shutdown()).await;
    Ok(())
}

/// The next connection, once there is room for it: until then it waits in the system's queue.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    // Whoever takes nothing of what waits for them, above all of a stream of events, is dropped.
    #[cfg(target_os = "linux")]
    rustix::net::sockopt::set_tcp_user_timeout(&stream, TAKE_WAIT_MS)?;
    Ok((stream, peer, place))
}

async fn told(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}

/// Asks the system for as many open files as there may be connections: the usual 1,024 are kept for programs that are
/// older than poll.
fn open_files(connections_max: usize) {
    let wanted = OTHER_FILES + u64::try_from(connections_max).unwrap_or(u64::MAX);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum });
    if raised < wanted || set.is_err() {
        warn!(
            wanted,
            allowed = raised,
            "fewer files may be open than api.streams_max needs: raise the limit (ulimit -n)"
        );
    }
}
