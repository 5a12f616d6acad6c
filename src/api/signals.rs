//! `GET /api/signals`: the history of signals of articles and markets, newest first.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::{Api, Problem, list};
use crate::clickhouse::questions::{SignalFilter, StoredSignal};

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(signals))
}

/// What a signal is of.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Article,
    Market,
}

/// Which way.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Way {
    Bullish,
    Bearish,
    Neutral,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// What they are of.
    #[param(inline)]
    kind: Option<Kind>,
    /// Exactly: an asset such as `BTC`, `MARKET`, or a market's symbol.
    #[param(max_length = 1000)]
    subject: Option<String>,
    /// Exactly; lower case.
    #[param(max_length = 1000)]
    exchange: Option<String>,
    /// Such as `15m`.
    #[param(max_length = 1000)]
    interval: Option<String>,
    /// `news`, `momentum`, `breakout`, `reversal`.
    #[param(max_length = 1000)]
    strategy: Option<String>,
    /// Which way.
    #[param(inline)]
    direction: Option<Way>,
    /// The article's id, or `exchange:symbol:interval`.
    #[param(max_length = 1000)]
    source_id: Option<String>,
    /// Not before: RFC 3339, or epoch milliseconds.
    #[param(max_length = 64, example = "2026-11-29T07:00:00Z")]
    since: Option<String>,
    /// Before: RFC 3339, or epoch milliseconds.
    #[param(max_length = 64, example = "2026-11-29T07:00:00Z")]
    until: Option<String>,
    /// Rows of a page; 50 where it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// A page of signals.
#[derive(Debug, Serialize, ToSchema)]
struct Signals {
    /// Newest first.
    signals: Vec<StoredSignal>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// The history of signals
///
/// Newest first, by when what they tell about happened.
#[utoipa::path(get, path = "/api/signals", tag = "market", params(Asked), responses((status = OK, body = Signals)))]
async fn signals(State(api): State<Api>, Query(asked): Query<Asked>) -> Result<Json<Signals>, Problem> {
    let limit = list::limit(asked.limit)?;
    let after = list::after(asked.cursor.as_deref())?;
    let kind = asked.kind.map(|kind| match kind {
        Kind::Article => "article",
        Kind::Market => "market",
    });
    let direction = asked.direction.map(|way| match way {
        Way::Bullish => "bullish",
        Way::Bearish => "bearish",
        Way::Neutral => "neutral",
    });
    let filter = SignalFilter {
        kind: kind.map(str::to_owned),
        subject: list::text("subject", asked.subject)?,
        exchange: list::text("exchange", asked.exchange)?,
        interval: list::text("interval", asked.interval)?,
        strategy: list::text("strategy", asked.strategy)?,
        direction: direction.map(str::to_owned),
        source_id: list::text("source_id", asked.source_id)?,
        since: list::moment("since", asked.since.as_deref())?,
        until: list::moment("until", asked.until.as_deref())?,
    };
    let found = api.store().signals(&filter, after.as_ref(), limit + 1).await?;
    let (signals, next_cursor) = list::page(found, limit, StoredSignal::key);
    Ok(Json(Signals { signals, next_cursor }))
}
