//! `GET /api/candles` and `GET /api/contexts`: what a chart of one instrument is drawn from.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::{Api, Problem, list};
use crate::clickhouse::questions::{CandleBar, CandleRange, ContextState};

/// Bars where nobody says how many.
const BARS: u64 = 1_000;
/// Bars of an answer.
const BARS_MAX: u64 = 5_000;
/// Contexts of an answer.
const CONTEXTS_MAX: u64 = 1_000;

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(candles)).routes(routes!(contexts))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedCandles {
    /// Lower case.
    #[param(min_length = 1, max_length = 1000)]
    exchange: String,
    /// As the exchange writes it.
    #[param(min_length = 1, max_length = 1000)]
    symbol: String,
    /// Such as `15m`.
    #[param(min_length = 1, max_length = 1000)]
    interval: String,
    /// Not before: RFC 3339, or epoch milliseconds.
    #[param(max_length = 64, example = "2026-11-29T07:00:00Z")]
    from: Option<String>,
    /// Before: RFC 3339, or epoch milliseconds.
    #[param(max_length = 64, example = "2026-11-29T07:00:00Z")]
    to: Option<String>,
    /// At most so many, the newest; 1,000 where it is left out.
    #[param(minimum = 1, maximum = 5000)]
    limit: Option<u64>,
}

/// Candles of one series.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candles)]
struct Bars {
    /// Lower case.
    exchange: String,
    /// As the exchange writes it.
    symbol: String,
    /// Such as `15m`.
    interval: String,
    /// Oldest first; each is its start in epoch milliseconds, open, high, low, close, volume.
    #[schema(value_type = Vec<Vec<f64>>)]
    candles: Vec<(i64, f64, f64, f64, f64, f64)>,
}

/// Candles of one series
///
/// The newest within the range, oldest first. 404 where there is no candle of the series at all.
#[utoipa::path(get, path = "/api/candles", tag = "market", params(AskedCandles), responses((status = OK, body = Bars)))]
async fn candles(State(api): State<Api>, Query(asked): Query<AskedCandles>) -> Result<Json<Bars>, Problem> {
    let limit = list::within("limit", asked.limit.unwrap_or(BARS), 1..=BARS_MAX)?;
    let (from, to) = (list::moment("from", asked.from.as_deref())?, list::moment("to", asked.to.as_deref())?);
    let exchange = needed("exchange", asked.exchange)?;
    let symbol = needed("symbol", asked.symbol)?;
    let interval = needed("interval", asked.interval)?;
    let range = CandleRange { exchange: &exchange, symbol: &symbol, interval: &interval, from, to };
    let bars = api.store().candles(&range, limit).await?;
    if bars.is_empty() && !api.store().has_candles(&exchange, &symbol, &interval).await? {
        return Err(Problem::not_found("there are no candles of this series: /api/instruments names those there are"));
    }
    let candles = bars.into_iter().map(|bar| {
        let CandleBar { open_time, open, high, low, close, volume } = bar;
        (open_time, open, high, low, close, volume)
    });
    Ok(Json(Bars { candles: candles.collect(), exchange, symbol, interval }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedContexts {
    /// Lower case.
    #[param(min_length = 1, max_length = 1000)]
    exchange: String,
    /// As the exchange writes it.
    #[param(min_length = 1, max_length = 1000)]
    symbol: String,
    /// Not before: RFC 3339, or epoch milliseconds.
    #[param(max_length = 64, example = "2026-11-29T07:00:00Z")]
    from: Option<String>,
    /// Before: RFC 3339, or epoch milliseconds.
    #[param(max_length = 64, example = "2026-11-29T07:00:00Z")]
    to: Option<String>,
}

/// What derivatives said of one instrument.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contexts)]
struct Told {
    /// Lower case.
    exchange: String,
    /// As the exchange writes it.
    symbol: String,
    /// Of the newest: `resolved`, `aggregated`, `neutral`.
    oi_status: String,
    /// Whose derivatives; empty where none were asked.
    venue: String,
    /// Oldest first; the newest 1,000 within the range.
    contexts: Vec<ContextState>,
}

/// What derivatives said of one instrument over time
///
/// What is not known is null. 404 where there is neither a context nor a candle of the instrument.
#[utoipa::path(
    get, path = "/api/contexts", tag = "market", params(AskedContexts), responses((status = OK, body = Told))
)]
async fn contexts(State(api): State<Api>, Query(asked): Query<AskedContexts>) -> Result<Json<Told>, Problem> {
    let (from, to) = (list::moment("from", asked.from.as_deref())?, list::moment("to", asked.to.as_deref())?);
    let (exchange, symbol) = (needed("exchange", asked.exchange)?, needed("symbol", asked.symbol)?);
    let contexts = api.store().contexts(&exchange, &symbol, from, to, CONTEXTS_MAX).await?;
    // A range may be empty; who speaks for the instrument is known all the same.
    let newest = match contexts.last() {
        Some(newest) => Some(newest.clone()),
        None => api.store().contexts(&exchange, &symbol, None, None, 1).await?.pop(),
    };
    if newest.is_none() && !api.store().has_candles(&exchange, &symbol, "").await? {
        return Err(Problem::not_found("this instrument is not known: /api/instruments names those that are"));
    }
    let (oi_status, venue) =
        newest.map_or(("neutral".to_owned(), String::new()), |newest| (newest.oi_status, newest.venue));
    Ok(Json(Told { exchange, symbol, oi_status, venue, contexts }))
}

fn needed(name: &'static str, asked: String) -> Result<String, Problem> {
    list::text(name, Some(asked))?.ok_or_else(|| Problem::invalid(format!("{name} is empty")))
}
