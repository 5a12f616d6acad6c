//! The HTTP API and the web page: what people and programs ask, answered from ClickHouse, Kafka and what this process
//! knows of itself.
//!
//! ```text
//! connection ─► log (id, time, metrics) ─► headers, CORS, gzip ─► gate (origin, caller, rate, room, time) ─► endpoint
//! ```
//! Every answer that is not a success has the body of a [`Problem`]; every answer has an `X-Request-Id`.
//!
//! # To add an endpoint
//! One file: a handler with its `#[utoipa::path]`, and `pub(super) fn routes() -> OpenApiRouter<Api>` that names it; see
//! `whoami.rs`. One line: that function in [`open`], [`users`] or [`admins`] below. Handlers take `State<Api>`,
//! [`Caller`] where it matters who asks, and [`extract::Query`], [`extract::Path`] and [`extract::Json`], whose
//! rejections are problems already. They return `Result<_, Problem>`; a failed question to ClickHouse becomes one by `?`.
//! Errors need no annotation: [`openapi`] adds them to every operation. A stream of events goes through [`stream::sse`].
//!
//! # Why closed by default
//! Who may ask is said by the list that an endpoint stands in, not by the endpoint: one that forgets to ask who calls is
//! not open by that.

mod access;
mod analysis;
mod articles;
mod candles;
mod compute;
pub mod extract;
mod gate;
mod instruments;
mod kept;
mod list;
mod log;
mod openapi;
mod operation;
mod page;
mod problem;
mod rate;
mod reads;
mod results;
mod serve;
mod sessions;
mod signals;
mod sparks;
mod status;
pub mod stream;
mod tagged;
#[cfg(test)]
mod tests;
mod whoami;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;

pub use self::access::{Admin, Caller, Exposed, check};
pub(crate) use self::analysis::read_question;
pub use self::problem::{Body, Problem};
pub use self::serve::serve;

use self::access::Access;
use self::analysis::Desk;
use self::gate::Room;
use self::reads::Reads;
use self::status::Queues;
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config::Config;
use crate::kafka::Post;
use crate::observe::{Health, HttpMetrics, http};
use crate::provider::estimate::Estimator;
use crate::wire::Registry;

/// Most bytes of a request's body, unless its endpoint says otherwise.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The same for requests that bring candles with them.
pub const CANDLES_BYTES_MAX: usize = 8 << 20;

/// What the API is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The configuration.
    pub config: Arc<Config>,
    /// Where time comes from.
    pub clock: Clock,
    /// Where rows are.
    pub store: Store,
    /// The schema registry, where one is configured.
    pub registry: Option<Arc<Registry>>,
    /// Says what articles are expected to cost; `None` where nothing is paid for.
    pub estimator: Option<Estimator>,
    /// How the parts of this process are.
    pub health: Health,
    /// Hops and the topics that they read, without prefix.
    pub hops: Vec<(&'static str, &'static [&'static str])>,
    /// Becomes true when the process is to stop: streams end then.
    pub stop: watch::Receiver<bool>,
}

/// What handlers are given. Clones share it.
#[derive(Debug, Clone)]
pub struct Api(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    post: Post,
    access: Access,
    room: Room,
    queues: Queues,
    metrics: HttpMetrics,
    reads: Reads,
    analysis: Desk,
}

impl Api {
    /// Nothing is asked of Kafka or ClickHouse yet.
    ///
    /// # Errors
    /// librdkafka refuses the configuration.
    pub fn new(parts: Parts) -> anyhow::Result<Self> {
        let config = &parts.config;
        let post = Post::new(&config.kafka)?;
        let (access, room) = (Access::new(&config.api), Room::new(&config.api));
        let inner = Inner {
            post,
            access,
            room,
            queues: Queues::default(),
            metrics: http(),
            reads: Reads::new(),
            analysis: Desk::new(),
            parts,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.0.parts.config
    }

    /// Where time comes from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    /// Where rows are.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// The schema registry, where one is configured.
    #[must_use]
    pub fn registry(&self) -> Option<&Arc<Registry>> {
        self.0.parts.registry.as_ref()
    }

    /// What reading endpoints keep between requests.
    fn reads(&self) -> &Reads {
        &self.0.reads
    }

    /// Says what articles are expected to cost, where they are paid for.
    fn estimator(&self) -> Option<&Estimator> {
        self.0.parts.estimator.as_ref()
    }

    /// How the parts of this process are.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.0.parts.health
    }

    /// Sends records and waits until Kafka has them.
    #[must_use]
    pub fn post(&self) -> &Post {
        &self.0.post
    }

    /// What the endpoints of analyses on demand share.
    fn analysis(&self) -> &Desk {
        &self.0.analysis
    }

    /// A topic's real name.
    #[must_use]
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.config().kafka.topic_prefix)
    }

    /// Becomes true when the process is to stop.
    #[must_use]
    pub fn stop(&self) -> watch::Receiver<bool> {
        self.0.parts.stop.clone()
    }
}

/// What anybody may ask.
fn open() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(whoami::routes()).merge(operation::open())
}

/// What whoever has a token may ask.
fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(operation::users())
        .merge(results::users())
        .merge(signals::users())
        .merge(instruments::users())
        .merge(candles::users())
        .merge(sparks::users())
        .merge(articles::users())
        .merge(sessions::users())
        .merge(analysis::routes())
}

/// What admins may ask.
fn admins() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(operation::admins()).merge(status::routes()).merge(sessions::admins())
}

/// All of it.
pub fn router(api: &Api) -> Router {
    let users = users().route_layer(middleware::from_fn(access::needs_user));
    let admins = admins().route_layer(middleware::from_fn(access::needs_admin));
    let (router, document) = open().merge(users).merge(admins).split_for_parts();
    let document = openapi::complete(document, !api.config().api.tokens.is_empty());
    api.0.metrics.expect(&openapi::operations(&document));
    let router = router
        .merge(openapi::route(&document))
        .merge(page::routes())
        .fallback(problem::nothing)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    let router = gate::around(router, api);
    log::around(router, api).with_state(api.clone())
}
