//! One HTTP client for all services, and what it makes of a call that brings no answer.
//!
//! Nothing is sent twice: no redirect is followed, nothing is repeated once it may have left. Waits are bounded by
//! [`CONNECT_MAX`] and the timeout of the service, memory by [`ANSWER_BYTES_MAX`].

use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, RequestBuilder, Response, redirect, retry};
use serde::Serialize;

use super::access::Access;
use super::answer::{Answer, quote};
use crate::provider::call::{Bill, CallError, Called};

/// The longest answer that is read, in bytes: a thousand tokens are some 5 KB, ten pages of findings some 100 KB.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;
/// The longest wait for a connection, TLS included.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a connection waits for its next call. Less than the five seconds of the strictest server (uvicorn, before
/// vLLM): a call that meets a connection which the server is closing is lost, and paid for.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// How many connections wait for their next call, for each service.
const IDLE_CONNECTIONS_MAX: usize = 1024;
const USER_AGENT: &str = concat!("signalmill/", env!("CARGO_PKG_VERSION"));

/// The client that all services share. Clones are the same client.
#[derive(Debug, Clone)]
pub struct Http(Client);

impl Http {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub fn new() -> anyhow::Result<Self> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_MAX)
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .http1_only()
            .build()
            .context("setting up the HTTP client")?;
        Ok(Self(client))
    }

    /// Sends `body` to `path` of a service, and reads what comes back.
    pub(super) async fn post<T>(
        &self,
        access: &Access,
        path: &[&str],
        body: &impl Serialize,
        read: impl FnOnce(&Answer) -> Called<T>,
    ) -> Called<T> {
        ask(access, self.0.post(access.url(path)).json(body), read).await
    }

    /// Asks for `path` of a service with a `query`, and reads what comes back.
    pub(super) async fn get<T>(
        &self,
        access: &Access,
        path: &[&str],
        query: &[(&str, String)],
        read: impl FnOnce(&Answer) -> Called<T>,
    ) -> Called<T> {
        let mut url = access.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        ask(access, self.0.get(url), read).await
    }
}

async fn ask<T>(access: &Access, request: RequestBuilder, read: impl FnOnce(&Answer) -> Called<T>) -> Called<T> {
    match exchange(access, request).await {
        Ok(answer) => read(&answer),
        Err(unanswered) => unanswered.called(access.name),
    }
}

async fn exchange(access: &Access, request: RequestBuilder) -> Result<Answer, Unanswered> {
    let mut response = request.headers(access.headers()).timeout(access.timeout).send().await?;
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    let end = drain(&mut response, &mut body).await;
    // A failed status says what to do, however much of its body came.
    if status.is_success() {
        end?;
    }
    Ok(Answer { service: access.name, status: status.as_u16(), headers, body: access.scrub(body) })
}

async fn drain(response: &mut Response, body: &mut Vec<u8>) -> Result<(), Unanswered> {
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Unanswered::Lost(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(())
}

/// Why there is no answer.
enum Unanswered {
    /// No request could be made of it.
    Unmade(String),
    /// No connection, so nothing was sent.
    NotSent(String),
    /// It may have been sent.
    Lost(String),
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        let (unmade, unconnected) = (error.is_builder(), error.is_connect());
        // The client's own text stops at "error sending request"; the causes say why.
        let story = quote(&format!("{:#}", anyhow::Error::new(error.without_url())));
        match (unmade, unconnected) {
            (true, _) => Self::Unmade(story),
            (_, true) => Self::NotSent(story),
            _ => Self::Lost(story),
        }
    }
}

impl Unanswered {
    fn called<T>(self, service: &str) -> Called<T> {
        let (error, bill) = match self {
            Self::Unmade(story) => {
                (CallError::Denied { error: format!("{service} cannot be asked: {story}") }, Bill::Nothing)
            }
            Self::NotSent(story) => {
                let error = format!("{service} is not reached: {story}");
                (CallError::Transient { retry_after: None, error }, Bill::Nothing)
            }
            Self::Lost(story) => {
                (CallError::Lost { error: format!("the answer of {service} is lost: {story}") }, Bill::Unknown)
            }
        };
        Called { result: Err(error), bill }
    }
}

#[cfg(test)]
mod tests;
