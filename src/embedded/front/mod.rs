//! The ClickHouse engine behind an HTTP front: a process that looks like a ClickHouse server to its clients.
//!
//! The engine is a library that opens no port. This front speaks as much of ClickHouse's HTTP interface as the
//! official clients use: statements, parameters, settings, sessions, streamed results, compression, errors. It
//! has a process of its own, because the engine wants one per data folder, must be left by exit, and should be
//! killable without its clients.
//!
//! The way of a request: [`http`] → [`query`] (URL and headers) → [`execute`] on a blocking thread, fed by
//! [`body`] through [`encoding`], [`blocks`] and [`form`]; [`statement`] says how to run it, [`connection`] runs it by
//! [`ffi`]; events come back and become an [`answer`].
//!
//! Bounded: connections, requests at once, time, and the bytes of statements, bodies, blocks and of the engine.
//! An insert is acknowledged after its rows are visible and handed to the kernel: `kill -9` loses none, a power
//! failure may.
//!
//! What a server can and this cannot: Replicated tables, users and roles, `system.query_log`, `KILL QUERY`,
//! external tables, `Content-Encoding` other than gzip and lz4.

pub mod answer;
pub mod blocks;
pub mod body;
pub mod connection;
pub mod encoding;
pub mod exception;
pub mod execute;
pub mod ffi;
pub mod form;
pub mod formats;
pub mod http;
pub mod query;
pub mod sessions;
pub mod statement;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::execute::Executor;
use self::ffi::Engine;
use self::http::Front;

/// Connections served at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 256;
/// Statements that run at once; more wait.
const REQUESTS_MAX: usize = 32;
/// Longest body of a request, as it comes over the wire.
const BODY_BYTES_MAX: u64 = 2 << 30;
/// Longest time for the headers of a request, and longest rest of a connection between two.
const HEADERS_PATIENCE: Duration = Duration::from_secs(30);
/// Time that running requests get to end when the front is asked to.
const STOP_GRACE: Duration = Duration::from_secs(8);
/// Time that statements get to notice that their requests were broken off.
const BREAK_GRACE: Duration = Duration::from_secs(2);

/// Memory that the engine may use when nothing else is said, in bytes.
pub const MEMORY_BYTES_MAX_DEFAULT: u64 = 2 << 30;
/// The environment variable by which the launcher hands the password over, so that it shows in no list of
/// processes.
pub const PASSWORD_VARIABLE: &str = "SIGNALMILL_FRONT_PASSWORD";

/// How the front runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The engine's library, `libchdb.so`.
    pub library: PathBuf,
    /// Folder of the tables; created when missing.
    pub data: PathBuf,
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Memory that the engine may use for statements and caches, in bytes. The code itself needs about
    /// 200 MB of file-backed memory on top.
    pub memory_bytes_max: u64,
    /// The password that requests must bring; none is asked for when `None`.
    pub password: Option<String>,
}

/// Serves until SIGTERM or SIGINT, and then ends the process, since the engine cannot be unloaded.
///
/// # Errors
/// When the engine cannot be loaded, the data folder cannot be opened or the port is taken.
pub fn run(settings: &Settings) -> Result<()> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port))
        .with_context(|| format!("listening on port {} of 127.0.0.1", settings.port))?;
    let library = settings.library.canonicalize().context("finding the engine's library")?;
    let data = enter(&settings.data, settings.memory_bytes_max)?;
    let engine = Engine::load(&library)?;
    let arguments = vec![format!("--path={}", data.display())];
    let (executor, anchor) =
        Executor::open(engine, arguments).with_context(|| format!("opening the data folder {}", data.display()))?;
    let executor = Arc::new(executor);
    tracing::info!(
        version = executor.version(),
        library = engine.version(),
        port = settings.port,
        "the ClickHouse engine is up"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(REQUESTS_MAX + 1)
        .enable_all()
        .build()?;
    let front = Arc::new(Front::new(Arc::clone(&executor), settings.password.clone(), REQUESTS_MAX, BODY_BYTES_MAX));
    runtime.block_on(serve(listener, front))?;
    runtime.shutdown_timeout(BREAK_GRACE);
    executor.end_sessions();
    drop(anchor);
    engine.shut_down();
    tracing::info!("the ClickHouse engine is down");
    std::process::exit(0)
}

/// Makes the data folder the working directory, because the engine reads `config.xml` there: ours, and never
/// one of the folder that the user happens to be in.
fn enter(data: &Path, memory_bytes_max: u64) -> Result<PathBuf> {
    let within = || format!("preparing the data folder {}", data.display());
    fs::create_dir_all(data).with_context(within)?;
    let data = data.canonicalize().with_context(within)?;
    fs::write(data.join("config.xml"), config(memory_bytes_max)).with_context(within)?;
    std::env::set_current_dir(&data).with_context(within)?;
    Ok(data)
}

/// Caches take an eighth of the memory each; by default they may grow to 5 GB each.
fn config(memory_bytes_max: u64) -> String {
    let cache = memory_bytes_max / 8;
    format!(
        "<clickhouse>
    <max_server_memory_usage>{memory_bytes_max}</max_server_memory_usage>
    <mark_cache_size>{cache}</mark_cache_size>
    <primary_index_cache_size>{cache}</primary_index_cache_size>
    <index_mark_cache_size>{cache}</index_mark_cache_size>
    <query_condition_cache_size>{cache}</query_condition_cache_size>
    <compiled_expression_cache_size>{cache}</compiled_expression_cache_size>
</clickhouse>
"
    )
}

async fn serve(listener: std::net::TcpListener, front: Arc<Front>) -> Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&front), stopped.clone()));
                }
                // A client that is gone already, or no file descriptor left: neither may end the front.
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(listener);
    stop.send_replace(true);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_GRACE, all_ended).await.is_err() {
        tracing::warn!("requests are still running, breaking them off");
    }
    Ok(())
}

async fn converse(stream: TcpStream, front: Arc<Front>, mut stopped: watch::Receiver<bool>) {
    // Without it, small answers wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| Arc::clone(&front).answer(request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}
