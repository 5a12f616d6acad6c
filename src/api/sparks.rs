//! `GET /api/sparks`: the last closes of every series, for the little lines of the board.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::tagged::Tagged;
use super::{Api, Problem, list};
use crate::clickhouse::questions::{Spark, Stamp};
use crate::clickhouse::{Decision, Failure, Store};

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(sparks))
}

/// The last closes of series.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sparks)]
struct Shape<'a> {
    /// At most 40 closes, oldest first, by `exchange:symbol:interval`.
    sparks: BTreeMap<String, &'a [f64]>,
}

/// Those of a moment, ready to be sent.
#[derive(Debug)]
pub(super) struct Sparks {
    stamp: Stamp,
    all: Tagged,
    by_interval: BTreeMap<String, Tagged>,
    none: Tagged,
}

impl Sparks {
    /// What is to be kept, where `before` was: the same as long as no candle has come in.
    async fn look(store: Store, before: Option<Arc<Self>>) -> Result<Arc<Self>, Failure> {
        let stamp = store.candles_stamp().await?;
        if let Some(before) = before.filter(|before| before.stamp == stamp) {
            return Ok(before);
        }
        let sparks = store.sparks().await?;
        let made = tokio::task::spawn_blocking(move || Self::of(&sparks, stamp)).await;
        made.map(Arc::new).map_err(|error| Failure::new(Decision::Poison, format!("preparing spark lines: {error}")))
    }

    fn of(sparks: &[Spark], stamp: Stamp) -> Self {
        let mut intervals: BTreeMap<&str, Vec<&Spark>> = BTreeMap::new();
        for spark in sparks {
            intervals.entry(&spark.interval).or_default().push(spark);
        }
        Self {
            stamp,
            all: body(&sparks.iter().collect::<Vec<_>>()),
            by_interval: intervals.iter().map(|(interval, sparks)| ((*interval).to_owned(), body(sparks))).collect(),
            none: body(&[]),
        }
    }
}

fn body(sparks: &[&Spark]) -> Tagged {
    let name = |spark: &Spark| format!("{}:{}:{}", spark.exchange, spark.symbol, spark.interval);
    let shape = Shape { sparks: sparks.iter().map(|spark| (name(spark), spark.closes.as_slice())).collect() };
    // Texts and finite numbers always have a form in JSON; of others it writes null.
    let text = serde_json::to_vec(&shape).unwrap_or_default();
    let hash = blake3::hash(&text).to_hex();
    Tagged::packed(Bytes::from(text), &hash[..32])
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Such as `15m`; all where it is left out.
    #[param(max_length = 1000)]
    interval: Option<String>,
}

/// The last closes of every series
///
/// For spark lines. Answers 304 to whoever sends the `ETag` of what still is so.
#[utoipa::path(
    get, path = "/api/sparks", tag = "market", params(Asked),
    responses((status = OK, body = Shape<'_>), (status = NOT_MODIFIED, description = "As the caller has it"))
)]
async fn sparks(State(api): State<Api>, Query(asked): Query<Asked>, headers: HeaderMap) -> Result<Response, Problem> {
    let interval = list::text("interval", asked.interval)?;
    let store = api.store().clone();
    let kept = api.reads().sparks.get(api.clock().now(), |before| Sparks::look(store, before)).await?;
    let body = match interval {
        None => &kept.all,
        Some(interval) => kept.by_interval.get(&interval).unwrap_or(&kept.none),
    };
    Ok(body.answer(&headers))
}
