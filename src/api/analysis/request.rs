//! What somebody asks to be analysed: read strictly here, so that what reaches a worker can be done.
//!
//! The patterns stand in the OpenAPI document word for word, and the tests hold them to what is taken.

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::api::compute::compute;
use crate::api::{Caller, Problem};
use crate::model::{Candle, Id, Interval, Job, Timestamp, identity};
use crate::wire::Record as _;

/// Letters and digits of any script, and what venues put between them.
const SYMBOL: &str = r"^[A-Za-z0-9._:/+\-\u00a1-\u1fff\u2070-\uffef]{1,64}$";

/// The longest symbol, in characters.
const SYMBOL_CHARS_MAX: usize = 64;
/// Most candles in a request.
const CANDLES_MAX: usize = 50_000;
/// The longest `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 255;

/// The path of what is asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Market {
    /// As the exchange writes it
    #[param(example = "BTCUSDT", pattern = r"^[A-Za-z0-9._:/+\-\u00a1-\u1fff\u2070-\uffef]{1,64}$")]
    symbol: String,
    /// From one bar to the next
    #[param(example = "1h", pattern = r"^([1-9][0-9]{0,2}[sm]|[1-9][0-9]?h|([1-9]|[12][0-9]|3[0-5])d|[1-5]w)$")]
    interval: String,
}

/// What is asked for beside the market.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct Wish {
    /// For whom; with tokens the token's user, unless an admin asks
    #[schema(example = "user123", pattern = r"^[^\x00-\x1f\x7f-\x9f]{1,128}$")]
    user_id: Option<String>,
    /// How far back; empty or missing: the newest 1,000 bars
    #[schema(example = "7d", pattern = r"^([1-9][0-9]{0,3}[mh]|[1-9][0-9]{0,2}[dw])?$")]
    timeframe: Option<String>,
    /// Lower case; empty or missing: whichever has the newest candles
    #[schema(example = "binance", pattern = r"^[a-z0-9_.\-]{0,32}$")]
    exchange: Option<String>,
    /// Bars to analyse in place of those that are stored: `[open_time, open, high, low, close, volume]`, times in epoch
    /// milliseconds
    #[schema(value_type = Option<Vec<[f64; 6]>>, max_items = 50_000)]
    candles: Option<Box<RawValue>>,
}

/// The same in a query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WishInQuery {
    /// For whom; with tokens the token's user, unless an admin asks
    #[param(example = "user123", pattern = r"^[^\x00-\x1f\x7f-\x9f]{1,128}$")]
    user_id: Option<String>,
    /// How far back; empty or missing: the newest 1,000 bars
    #[param(example = "7d", pattern = r"^([1-9][0-9]{0,3}[mh]|[1-9][0-9]{0,2}[dw])?$")]
    timeframe: Option<String>,
    /// Lower case; empty or missing: whichever has the newest candles
    #[param(example = "binance", pattern = r"^[a-z0-9_.\-]{0,32}$")]
    exchange: Option<String>,
}

impl From<WishInQuery> for Wish {
    fn from(query: WishInQuery) -> Self {
        let WishInQuery { user_id, timeframe, exchange } = query;
        Self { user_id, timeframe, exchange, candles: None }
    }
}

/// Whose jobs a request is about.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// Only theirs; missing: the token's user, for admins everybody's
    #[param(example = "user123", pattern = r"^[^\x00-\x1f\x7f-\x9f]{1,128}$")]
    pub user_id: Option<String>,
}

/// In which colours.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Look {
    /// `light` or `dark`
    #[param(pattern = "^(light|dark)$", default = "light")]
    pub theme: Option<String>,
    /// Only where the analysis is theirs
    #[param(pattern = r"^[^\x00-\x1f\x7f-\x9f]{1,128}$")]
    pub user_id: Option<String>,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those that stand so: `queued`, `processing`, `completed`, `failed`, `cancelled`
    #[param(pattern = "^(queued|processing|completed|failed|cancelled)$")]
    pub status: Option<String>,
    /// Only theirs; missing: the token's user's, for admins everybody's
    #[param(pattern = r"^[^\x00-\x1f\x7f-\x9f]{1,128}$")]
    pub user_id: Option<String>,
    /// Jobs of a page
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before
    pub cursor: Option<String>,
}

/// What is to be done, and by which name it is asked for again.
#[derive(Debug)]
pub(super) struct Asked {
    /// Without an id.
    pub job: Job,
    /// [`likeness`] of the job.
    pub likeness: Id,
    /// `Idempotency-Key`.
    pub key: Option<String>,
}

impl Asked {
    /// [`Asked::read`], off the threads that answer requests where there are many candles.
    ///
    /// # Errors
    /// As there.
    pub(super) async fn read_apart(
        market: Market,
        wish: Wish,
        caller: &Caller,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let bytes = wish.candles.as_ref().map_or(0, |candles| candles.get().len());
        let (caller, headers) = (caller.clone(), headers.clone());
        compute(bytes, move || Self::read(market, wish, &caller, &headers, now)).await?
    }

    /// What the parts of a request ask for.
    ///
    /// # Errors
    /// 400 for what cannot be, 403 for a `user_id` of somebody else, 413 for too many candles.
    pub(super) fn read(
        market: Market,
        wish: Wish,
        caller: &Caller,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let Market { symbol, interval } = market;
        if !is_symbol(&symbol) {
            return Err(Problem::invalid(format!("symbol is not of the form {SYMBOL}")));
        }
        let interval = read_interval(&interval)
            .ok_or_else(|| Problem::invalid("interval is a number and s, m, h, d or w, such as 15m, up to 5w"))?;
        let timeframe = wish.timeframe.unwrap_or_default();
        if !is_timeframe(&timeframe) {
            return Err(Problem::invalid(
                "timeframe is a number and m, h, d or w, such as 12h or 7d, up to 9999h or 999w",
            ));
        }
        let exchange = wish.exchange.unwrap_or_default();
        if !is_exchange(&exchange) {
            return Err(Problem::invalid("exchange is at most 32 of a-z, 0-9, _, . and -, such as binance"));
        }
        let user_id = caller.acts_for(wish.user_id.as_deref())?;
        let candles = wish.candles.as_deref().map(read_candles).transpose()?.unwrap_or_default();
        let key = key(headers)?;
        let job = Job {
            analysis_id: String::new(),
            user_id,
            symbol,
            exchange,
            interval: interval.to_string(),
            timeframe,
            candles,
            requested_at: now,
        };
        Ok(Self { likeness: likeness(&job), job, key })
    }
}

/// What is the same for two wishes that ask for the same.
pub(super) fn likeness(job: &Job) -> Id {
    let mut candles = blake3::Hasher::new();
    for Candle { open_time, open, high, low, close, volume } in &job.candles {
        candles.update(&open_time.0.to_le_bytes());
        for number in [open, high, low, close, volume] {
            candles.update(&number.to_le_bytes());
        }
    }
    let candles = candles.finalize().to_hex();
    identity(&[&job.user_id, &job.symbol, &job.exchange, &job.interval, &job.timeframe, &candles])
}

fn is_symbol(text: &str) -> bool {
    let legal = |letter: char| {
        letter.is_ascii_alphanumeric()
            || "._:/+-".contains(letter)
            || ('\u{a1}'..='\u{1fff}').contains(&letter)
            || ('\u{2070}'..='\u{ffef}').contains(&letter)
    };
    let chars = text.chars().count();
    (1..=SYMBOL_CHARS_MAX).contains(&chars) && text.chars().all(legal)
}

/// What the pattern says: what [`Interval`] reads beyond that is for files.
fn read_interval(text: &str) -> Option<Interval> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let digits_max = match unit {
        "s" | "m" => 3,
        "h" | "d" => 2,
        "w" => 1,
        _ => return None,
    };
    is_number(number, digits_max).then(|| Interval::parse(text)).flatten()
}

fn is_timeframe(text: &str) -> bool {
    let parts = text.len().checked_sub(1).and_then(|end| text.split_at_checked(end));
    let fits = |(number, unit)| match unit {
        "m" | "h" => is_number(number, 4),
        "d" | "w" => is_number(number, 3),
        _ => false,
    };
    text.is_empty() || parts.is_some_and(fits)
}

fn is_number(text: &str, digits_max: usize) -> bool {
    (1..=digits_max).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_exchange(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    text.len() <= 32 && text.bytes().all(legal)
}

/// Bars as a record of `analysis.jobs` may have them: one reader for both doors.
fn read_candles(json: &RawValue) -> Result<Vec<Candle>, Problem> {
    let record = format!(r#"{{"symbol":"x","interval":"1h","candles":{}}}"#, json.get());
    let candles = match Job::from_json(&record) {
        Some(Ok(job)) => job.candles,
        Some(Err(refusal)) => {
            return Err(Problem::invalid(format!(
                "candles are lists of [open_time, open, high, low, close, volume]: {}",
                refusal.error
            )));
        }
        None => return Err(Problem::internal("analysis.jobs takes no JSON")),
    };
    if candles.len() > CANDLES_MAX {
        let message = format!("{} candles, and {CANDLES_MAX} are the most: send the newest", candles.len());
        return Err(Problem::too_large("too_many_candles", message));
    }
    Ok(candles)
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(Problem::invalid(format!(
            "Idempotency-Key is 1 to {KEY_BYTES_MAX} printable ASCII characters without spaces"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_what_the_patterns_say() {
        for (text, expected) in [
            ("BTCUSDT", true),
            ("BTC/USDT:USDT-251226", true),
            ("币安人生USDT", true),
            ("", false),
            ("A B", false),
            ("a\u{202e}b", false),
            ("<script>", false),
            ("a\0", false),
            ("'; DROP TABLE x", false),
            (&"X".repeat(64), true),
            (&"X".repeat(65), false),
        ] {
            assert_eq!(is_symbol(text), expected, "{text}");
        }
        for (text, expected) in [
            ("1h", Some("1h")),
            ("60m", Some("1h")),
            ("15m", Some("15m")),
            ("35d", Some("5w")),
            ("36d", None),
            ("5w", Some("5w")),
            ("6w", None),
            ("0m", None),
            ("01m", None),
            ("1H", None),
            ("h", None),
            ("", None),
            ("1000m", None),
            ("99h", Some("99h")),
            ("1ħ", None),
        ] {
            assert_eq!(read_interval(text).map(|interval| interval.to_string()).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("", true),
            ("7d", true),
            ("9999m", true),
            ("0d", false),
            ("10000m", false),
            ("999w", true),
            ("1000d", false),
            ("7", false),
            ("7mh", false),
        ] {
            assert_eq!(is_timeframe(text), expected, "{text}");
        }
        assert!(is_exchange("") && is_exchange("gate.io") && !is_exchange("Binance") && !is_exchange("a b"));
    }

    #[test]
    fn candles_are_read_as_those_of_records_are() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        assert_eq!(read_candles(&raw("[[1795168800000,1,3,1,2,10]]")).unwrap().len(), 1);
        assert_eq!(read_candles(&raw("[]")).unwrap(), []);
        for text in ["[[1,2,3]]", "7", r#"{"a":1}"#, r#"[["x",1,3,1,2,10]]"#] {
            assert_eq!(read_candles(&raw(text)).unwrap_err().status().as_u16(), 400, "{text}");
        }
        let many = format!("[{}[1795168800,1,3,1,2,10]]", "[1795168800,1,3,1,2,10],".repeat(CANDLES_MAX));
        assert_eq!(read_candles(&raw(&many)).unwrap_err().status().as_u16(), 413);
    }

    #[test]
    fn two_wishes_are_alike_where_they_ask_for_the_same() {
        let job = Job { symbol: "A".into(), interval: "1h".into(), ..Job::default() };
        let bar = Candle { open_time: Timestamp(1), open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 1.0 };
        assert_eq!(
            likeness(&job),
            likeness(&Job { requested_at: Timestamp(9), analysis_id: "x".into(), ..job.clone() })
        );
        assert_ne!(likeness(&job), likeness(&Job { candles: vec![bar], ..job.clone() }));
        assert_ne!(likeness(&job), likeness(&Job { timeframe: "7d".into(), ..job }));
    }
}
