//! `GET /api/instruments`: every market there are candles of.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::{Api, Problem, list};
use crate::clickhouse::questions::{InstrumentFilter, InstrumentState};

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(instruments))
}

/// How an instrument's derivatives were found.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InstrumentStatus)]
enum Status {
    Resolved,
    Aggregated,
    Neutral,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Stands somewhere in the symbol, in capital letters or small ones.
    #[param(max_length = 1000)]
    q: Option<String>,
    /// Exactly, but in capital letters or small ones.
    #[param(max_length = 1000, example = "BTCUSDT")]
    symbol: Option<String>,
    /// Exactly; lower case.
    #[param(max_length = 1000)]
    exchange: Option<String>,
    /// How its derivatives were found.
    #[param(inline)]
    oi_status: Option<Status>,
    /// Rows of a page; 50 where it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// A page of instruments.
#[derive(Debug, Serialize, ToSchema)]
struct Instruments {
    /// By exchange and symbol.
    instruments: Vec<InstrumentState>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// Every market there are candles of
///
/// By exchange and symbol, each with who speaks for it among derivatives; that is null where it was never looked up.
#[utoipa::path(
    get, path = "/api/instruments", tag = "market", params(Asked), responses((status = OK, body = Instruments))
)]
async fn instruments(State(api): State<Api>, Query(asked): Query<Asked>) -> Result<Json<Instruments>, Problem> {
    let limit = list::limit(asked.limit)?;
    let after = list::after(asked.cursor.as_deref())?;
    let oi_status = asked.oi_status.map(|status| match status {
        Status::Resolved => "resolved",
        Status::Aggregated => "aggregated",
        Status::Neutral => "neutral",
    });
    let filter = InstrumentFilter {
        q: list::text("q", asked.q)?,
        symbol: list::text("symbol", asked.symbol)?,
        exchange: list::text("exchange", asked.exchange)?,
        oi_status: oi_status.map(str::to_owned),
    };
    let found = api.store().traded_instruments(&filter, after.as_ref(), limit + 1).await?;
    let (instruments, next_cursor) = list::page(found, limit, InstrumentState::key);
    Ok(Json(Instruments { instruments, next_cursor }))
}
