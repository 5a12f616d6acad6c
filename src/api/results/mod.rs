//! `GET /api/results`: the master feed, as `scan` writes it to a file, from the signals of the moment.

mod feed;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::feed::Feed;
use self::feed::Wanted;
use super::extract::Query;
use super::{Api, Problem, list};
use crate::market::feed::{MasterFeed, SIGNALS_MAX};
use crate::model::{Direction, OiStatus};

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(results))
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AskedDirection)]
enum Way {
    Bullish,
    Bearish,
    Neutral,
}

/// How an instrument's derivatives were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AskedOiStatus)]
enum Status {
    Resolved,
    Aggregated,
    Neutral,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Exactly, as the exchange writes it.
    #[param(max_length = 1000)]
    symbol: Option<String>,
    /// Exactly; lower case.
    #[param(max_length = 1000)]
    exchange: Option<String>,
    /// Such as `15m`.
    #[param(max_length = 1000)]
    interval: Option<String>,
    /// `momentum`, `breakout`, `reversal`.
    #[param(max_length = 1000)]
    strategy: Option<String>,
    /// Which way.
    #[param(inline)]
    direction: Option<Way>,
    /// How its derivatives were found.
    #[param(inline)]
    oi_status: Option<Status>,
    /// Scores from this one on.
    #[param(minimum = 0, maximum = 100)]
    min_score: Option<f64>,
    /// At most so many, those with the highest scores; all where it is left out.
    #[param(minimum = 1, maximum = 500_000)]
    limit: Option<u64>,
    /// `false` leaves out what the scores rest on, which is most of the feed.
    observability: Option<bool>,
}

impl Asked {
    fn wanted(self) -> Result<Wanted, Problem> {
        if self.min_score.is_some_and(|score| !(0.0..=100.0).contains(&score)) {
            return Err(Problem::invalid("min_score is 0 to 100"));
        }
        let limit = self.limit.map(|limit| list::within("limit", limit, 1..=SIGNALS_MAX as u64)).transpose()?;
        Ok(Wanted {
            symbol: list::text("symbol", self.symbol)?,
            exchange: list::text("exchange", self.exchange)?,
            interval: list::text("interval", self.interval)?,
            strategy: list::text("strategy", self.strategy)?,
            direction: self.direction.map(|way| match way {
                Way::Bullish => Direction::Bullish,
                Way::Bearish => Direction::Bearish,
                Way::Neutral => Direction::Neutral,
            }),
            oi_status: self.oi_status.map(|status| match status {
                Status::Resolved => OiStatus::Resolved,
                Status::Aggregated => OiStatus::Aggregated,
                Status::Neutral => OiStatus::Neutral,
            }),
            score_min: self.min_score,
            limit: limit.and_then(|limit| usize::try_from(limit).ok()),
            observed: self.observability.unwrap_or(true),
        })
    }
}

/// The master feed
///
/// The newest signal of each market, interval and strategy, the highest score first. Answers 304 to whoever sends the
/// `ETag` of the feed as it still is.
#[utoipa::path(
    get, path = "/api/results", tag = "market", params(Asked),
    responses((status = OK, body = MasterFeed), (status = NOT_MODIFIED, description = "As the caller has it"))
)]
async fn results(State(api): State<Api>, Query(asked): Query<Asked>, headers: HeaderMap) -> Result<Response, Problem> {
    let wanted = asked.wanted()?;
    let (store, clock) = (api.store().clone(), api.clock().clone());
    let feed = api.reads().feed.get(api.clock().now(), |before| Feed::look(store, clock, before)).await?;
    Ok(feed.answer(&wanted, &headers))
}
