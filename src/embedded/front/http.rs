//! One HTTP request, from the socket to its answer.

use std::convert::Infallible;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::answer::{self, Answer};
use super::body;
use super::encoding::Packing;
use super::exception::{Exception, Result};
use super::execute::{Event, Executor};
use super::query::Query;

/// Pieces of a result that wait for the client.
const EVENTS_IN_FLIGHT_MAX: usize = 4;
/// Longest wait for another request to end before one is refused.
const TURN_PATIENCE: Duration = Duration::from_mins(1);
/// Longest time that a refused body is read on, so that the client gets to read why.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// What all requests share.
#[derive(Debug)]
pub struct Front {
    executor: Arc<Executor>,
    password: Option<String>,
    body_bytes_max: u64,
    turns: Arc<Semaphore>,
    numbers: AtomicU64,
    seed: RandomState,
}

impl Front {
    /// A front that runs at most `requests_max` statements at once and takes bodies of at most
    /// `body_bytes_max` bytes; with a `password`, only from who knows it.
    #[must_use]
    pub fn new(executor: Arc<Executor>, password: Option<String>, requests_max: usize, body_bytes_max: u64) -> Self {
        Self {
            executor,
            password,
            body_bytes_max,
            turns: Arc::new(Semaphore::new(requests_max)),
            numbers: AtomicU64::new(0),
            seed: RandomState::new(),
        }
    }

    /// Answers a request.
    ///
    /// # Errors
    /// Never; the type is what the server wants.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> std::result::Result<Answer, Infallible> {
        let (parts, body) = request.into_parts();
        Ok(match fixed(&parts) {
            Some(answer) => answer,
            None => match self.admitted(&parts) {
                Ok(query) => self.run(query, body).await,
                Err(error) => answer::failed(&error, self.executor.version(), "", Packing::Plain),
            },
        })
    }

    /// The query, if whoever sends it may.
    fn admitted(&self, parts: &Parts) -> Result<Query> {
        let mut query = Query::read(parts)?;
        if self.password.as_ref().is_some_and(|password| *password != query.password) {
            let what = "default: Authentication failed: password is incorrect, or there is no user \
                        with such name.";
            return Err(Exception::new(516, "AUTHENTICATION_FAILED", what));
        }
        if query.id.is_empty() {
            query.id = self.token();
        }
        Ok(query)
    }

    async fn run(&self, query: Query, body: Incoming) -> Answer {
        let (id, packing) = (query.id.clone(), query.packing);
        let failed = |error| answer::failed(&error, self.executor.version(), &id, packing);
        let turn = match self.turn().await {
            Ok(turn) => turn,
            Err(error) => return failed(error),
        };
        let tag = self.token();
        let (feeder, reader) = body::channel(self.body_bytes_max);
        let (sender, mut events) = mpsc::channel(EVENTS_IN_FLIGHT_MAX);
        let executor = Arc::clone(&self.executor);
        let marked = tag.clone();
        // Not awaited: it reports by events, and ends by itself once nobody takes them.
        drop(tokio::task::spawn_blocking(move || {
            executor.execute(&query, reader, &marked, &sender);
            drop(turn);
        }));
        let mut feeding = pin!(feeder.feed(body));
        let mut fed = false;
        let first = loop {
            tokio::select! {
                event = events.recv() => break event,
                () = &mut feeding, if !fed => fed = true,
            }
        };
        if !fed {
            // Best effort: a client that is still sending would otherwise see a reset and not the answer.
            let _ = tokio::time::timeout(DRAIN_PATIENCE, feeding).await;
        }
        match first {
            Some(Event::Head(head)) => answer::running(&head, &id, &tag, packing, events),
            Some(Event::Failed(error)) => failed(error),
            Some(Event::Data(_) | Event::Broken(_)) | None => {
                failed(Exception::new(1000, "POCO_EXCEPTION", "the statement ended without an answer"))
            }
        }
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        if let Ok(Ok(turn)) = tokio::time::timeout(TURN_PATIENCE, turn).await {
            return Ok(turn);
        }
        let what = "Too many simultaneous queries, all turns are taken";
        Err(Exception::new(202, "TOO_MANY_SIMULTANEOUS_QUERIES", what))
    }

    /// Sixteen hexadecimal digits that no client can foresee.
    fn token(&self) -> String {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut token = String::with_capacity(16);
        let _ = write!(token, "{:016x}", self.seed.hash_one(number));
        token
    }
}

/// What is answered without the engine.
fn fixed(parts: &Parts) -> Option<Answer> {
    let path = parts.uri.path();
    let ok = || answer::text(StatusCode::OK, "Ok.\n");
    match path {
        "/ping" | "/replicas_status" => Some(ok()),
        "/" | "/query" if parts.method == Method::GET && parts.uri.query().is_none() => Some(ok()),
        "/" | "/query" if matches!(parts.method, Method::GET | Method::POST | Method::PUT) => None,
        "/" | "/query" => Some(answer::text(StatusCode::METHOD_NOT_ALLOWED, "Use GET or POST\n")),
        _ => {
            let text = format!("There is no handle {path}\n\nUse / or /ping for health checks.\n");
            Some(answer::text(StatusCode::NOT_FOUND, text))
        }
    }
}
