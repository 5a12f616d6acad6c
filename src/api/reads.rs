//! What reading endpoints keep between requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::kept::Kept;
use super::results::Feed;
use super::sessions::{Changes, Starts};
use super::sparks::Sparks;
use super::{Api, Problem};
use crate::clickhouse::questions::PublisherState;
use crate::kafka::AskedBatches;

/// How often it is looked whether a signal has changed: what a board shows is a second old at most while it is watched.
const SIGNALS_EVERY: Duration = Duration::from_secs(1);
/// Spark lines are read from all candles.
const SPARKS_EVERY: Duration = Duration::from_secs(3);
/// So are publishers from all articles.
const PUBLISHERS_EVERY: Duration = Duration::from_secs(3);

/// What is kept.
#[derive(Debug)]
pub(super) struct Reads {
    pub(super) feed: Arc<Kept<Feed>>,
    pub(super) sparks: Arc<Kept<Sparks>>,
    pub(super) publishers: Arc<Kept<Vec<PublisherState>>>,
    pub(super) changes: Changes,
    pub(super) starts: Starts,
    batches: OnceCell<AskedBatches>,
}

impl Reads {
    pub(super) fn new() -> Self {
        Self {
            feed: Kept::new(SIGNALS_EVERY),
            sparks: Kept::new(SPARKS_EVERY),
            publishers: Kept::new(PUBLISHERS_EVERY),
            changes: Changes::default(),
            starts: Starts::default(),
            batches: OnceCell::new(),
        }
    }

    /// What writes into `articles.batches`; the schema registry is asked at the first call.
    pub(super) async fn batches(&self, api: &Api) -> Result<&AskedBatches, Problem> {
        let prefix = &api.config().kafka.topic_prefix;
        let opened = self.batches.get_or_try_init(|| AskedBatches::new(prefix, api.registry().cloned())).await;
        opened.map_err(|error| Problem::kafka(&error))
    }
}
