//! Who calls: from the token of a request to a user, and what that user may do.
//!
//! # Why tokens are compared so
//! Tokens are kept and compared as BLAKE3 hashes, whose `==` takes the same time wherever they differ, and all of them are
//! looked at whichever fits: how long an answer takes says nothing of a token. An address that shows too many wrong ones
//! is not looked at for a while.
//!
//! # Without tokens
//! The API listens on loopback only, and whoever reaches it is admin. A web page elsewhere must not get that far through
//! somebody's browser: the [gate](super::gate) looks at `Host` and `Origin`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Problem;
use super::rate::{Buckets, Rate};
use crate::config::{self, Config};
use crate::model::Timestamp;

/// Who calls where no tokens are needed and no user is named.
const LOCAL_USER: &str = "local";
/// Longest `user_id` that is believed.
const USER_CHARS_MAX: usize = 128;
/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 4096;
/// Wrong tokens of one address at once, and how soon it may show another one.
const FAILURES: Rate = Rate { burst: 20, every: Duration::from_secs(3) };

/// The API would be open to others than this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "api.listen is {0}, which other machines can reach, and there are no tokens: set SIGNALMILL_API_TOKENS to \
     token=user or token=user:admin, comma-separated, or let api.listen be 127.0.0.1:PORT"
)]
pub struct Exposed(std::net::SocketAddr);

/// Whether the API may listen where it is to listen.
///
/// # Errors
/// Without tokens it listens on loopback only.
pub fn check(config: &Config) -> Result<(), Exposed> {
    let api = &config.api;
    if api.tokens.is_empty() && !api.listen.ip().is_loopback() {
        return Err(Exposed(api.listen));
    }
    Ok(())
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    user: Arc<str>,
    admin: bool,
    /// Without tokens, what a request says of its user is believed.
    believed: bool,
}

impl Caller {
    /// The token's user; `local` where no tokens are needed.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// May use `/admin` and name other users.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// The user that a request is for, where it names `user_id`.
    ///
    /// # Errors
    /// 403 where it names somebody else and the caller is no admin, 400 for a name that is none.
    pub fn acts_for(&self, user_id: Option<&str>) -> Result<String, Problem> {
        let Some(named) = user_id else { return Ok(self.user.to_string()) };
        if named.is_empty() || named.chars().count() > USER_CHARS_MAX || named.contains(char::is_control) {
            return Err(Problem::invalid(format!("user_id is 1 to {USER_CHARS_MAX} characters, none of them control")));
        }
        if !self.believed && !self.admin && named != self.user() {
            return Err(Problem::forbidden("user_id names somebody else than the token does: leave it out"));
        }
        Ok(named.to_owned())
    }

    /// Whether what belongs to `user_id` may be shown; where not, it is as if it were not there (404).
    #[must_use]
    pub fn sees(&self, user_id: &str) -> bool {
        self.admin || self.user() == user_id
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(nobody)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Ok(parts.extensions.get().cloned())
    }
}

/// A caller that is an admin: 403 for others.
#[derive(Debug, Clone)]
pub struct Admin(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        if caller.admin { Ok(Self(caller)) } else { Err(no_admin()) }
    }
}

/// In front of what needs a caller.
pub(super) async fn needs_user(request: Request, next: Next) -> Response {
    if request.extensions().get::<Caller>().is_none() {
        return nobody().into_response();
    }
    next.run(request).await
}

/// In front of what needs an admin.
pub(super) async fn needs_admin(request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        None => nobody().into_response(),
        Some(caller) if !caller.admin => no_admin().into_response(),
        Some(_) => next.run(request).await,
    }
}

fn nobody() -> Problem {
    Problem::unauthorized("this needs a token: send Authorization: Bearer TOKEN")
}

fn no_admin() -> Problem {
    Problem::forbidden("this is for admins: the token's user is none")
}

/// Tokens and whose they are.
#[derive(Debug)]
pub(super) struct Access {
    known: Vec<Known>,
    failures: Buckets<IpAddr>,
}

#[derive(Debug)]
struct Known {
    hash: blake3::Hash,
    caller: Caller,
}

impl Access {
    pub(super) fn new(config: &config::Api) -> Self {
        let known = config.tokens.iter().map(|token| Known {
            hash: blake3::hash(token.token.expose().as_bytes()),
            caller: Caller { user: token.user.as_str().into(), admin: token.admin, believed: false },
        });
        Self { known: known.collect(), failures: Buckets::new(FAILURES) }
    }

    /// Whether tokens are needed.
    pub(super) fn needs_tokens(&self) -> bool {
        !self.known.is_empty()
    }

    /// Who sent these headers; `None` where tokens are needed and there is none.
    ///
    /// # Errors
    /// 401 for a token that is nobody's, 429 for too many of them.
    pub(super) fn identify(
        &self,
        headers: &HeaderMap,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Option<Caller>, Problem> {
        if !self.needs_tokens() {
            return Ok(Some(Caller { user: LOCAL_USER.into(), admin: true, believed: true }));
        }
        let Some(shown) = headers.get(AUTHORIZATION) else { return Ok(None) };
        let token = shown.to_str().ok().and_then(|text| text.split_once(' '));
        let token =
            token.filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX);
        if let Some(caller) = token.and_then(|(_, token)| self.find(token.trim())) {
            return Ok(Some(caller));
        }
        // Behind a proxy everybody has one address: whoever has a token is let in, whatever others try there.
        if let Some(wait) = self.failures.empty(&address, now) {
            return Err(Problem::too_many("too many wrong tokens from this address: wait", wait));
        }
        // One that finds the bucket empty by now came with others at the same moment, and is answered as they are.
        let _ = self.failures.take(address, now);
        Err(Problem::unauthorized("the token is not known: send Authorization: Bearer TOKEN"))
    }

    /// Looks at every token, wherever the right one stands.
    fn find(&self, token: &str) -> Option<Caller> {
        let hash = blake3::hash(token.as_bytes());
        self.known.iter().fold(None, |found, known| if known.hash == hash { Some(known.caller.clone()) } else { found })
    }
}
