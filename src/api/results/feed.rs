//! The feed in memory: each signal as JSON once, in two long bodies, with and without what its score rests on.
//!
//! What most ask for are these bodies whole, which are sent as they are. A filter picks signals by what is known of them,
//! and puts their pieces together. Memory: both bodies, plain and packed, and some two hundred bytes a signal; at most
//! [`SIGNALS_MAX`] signals.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;

use crate::api::tagged::Tagged;
use crate::clickhouse::questions::Stamp;
use crate::clickhouse::{Decision, Failure, MarketSignal, Store};
use crate::clock::Clock;
use crate::market::feed::{self, FeedSignal, OiMetadata, SIGNALS_MAX};
use crate::model::{Direction, OiStatus, Timestamp, identity};

const END: &[u8] = b"]}";

/// Which signals, and how much of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) symbol: Option<String>,
    pub(super) exchange: Option<String>,
    pub(super) interval: Option<String>,
    pub(super) strategy: Option<String>,
    pub(super) direction: Option<Direction>,
    pub(super) oi_status: Option<OiStatus>,
    pub(super) score_min: Option<f64>,
    pub(super) limit: Option<usize>,
    pub(super) observed: bool,
}

/// The feed of a moment.
#[derive(Debug)]
pub(in crate::api) struct Feed {
    stamp: Stamp,
    /// Of the signals alone: the same signals have the same one, whenever they were looked at.
    hash: String,
    start: String,
    signals: Vec<Listed>,
    full: Tagged,
    brief: Tagged,
}

/// What signals are picked by, and where they stand in both bodies, behind their start.
#[derive(Debug)]
struct Listed {
    symbol: String,
    exchange: String,
    interval: String,
    strategy: String,
    direction: Direction,
    oi_status: OiStatus,
    score: f64,
    full: Range<usize>,
    brief: Range<usize>,
}

/// A [`FeedSignal`] without what its score rests on.
#[derive(Serialize)]
struct Brief<'a> {
    symbol: &'a str,
    exchange: &'a str,
    interval: &'a str,
    strategy: &'a str,
    score: f64,
    direction: Direction,
    confidence: f64,
    strength: f64,
    components: &'a BTreeMap<String, f64>,
    oi_metadata: &'a OiMetadata,
    event_time: Timestamp,
}

impl Feed {
    /// What is to be kept, where `before` was: the same as long as no signal has changed.
    pub(super) async fn look(store: Store, clock: Clock, before: Option<Arc<Self>>) -> Result<Arc<Self>, Failure> {
        // What comes in between is seen by the next look.
        let stamp = store.market_signals_stamp().await?;
        if let Some(before) = before.as_ref().filter(|before| before.stamp == stamp) {
            return Ok(Arc::clone(before));
        }
        let mut rows = store.market_signals()?;
        let mut signals = Vec::new();
        while let Some(row) = rows.next().await? {
            if signals.len() == SIGNALS_MAX {
                break;
            }
            signals.push(row);
        }
        let now = clock.now();
        let made = tokio::task::spawn_blocking(move || Self::of(signals, stamp, now, before.as_deref())).await;
        made.map(Arc::new).map_err(|error| Failure::new(Decision::Poison, format!("preparing the feed: {error}")))
    }

    fn of(rows: Vec<MarketSignal>, stamp: Stamp, now: Timestamp, before: Option<&Self>) -> Self {
        let (mut full, mut brief) = (Vec::new(), Vec::new());
        let mut signals = Vec::with_capacity(rows.len());
        for row in rows {
            let id = format!("{} {} {} {}", row.exchange, row.subject, row.interval, row.strategy);
            match Listed::of(row, &mut full, &mut brief) {
                Ok(listed) => signals.push(listed),
                // Another version of the program wrote it.
                Err(error) => tracing::warn!(signal = id, %error, "a signal is not in the feed"),
            }
        }
        let hash = blake3::hash(&full).to_hex()[..32].to_owned();
        // Merged versions change the stamp, and nothing else: then it is still the feed of before.
        let start = match before.filter(|before| before.hash == hash) {
            Some(before) => before.start.clone(),
            None => format!("{{\"last_updated\":{},\"signals\":[", now.0),
        };
        let whole =
            |pieces: Vec<u8>, tag: &str| Tagged::packed(Bytes::from([start.as_bytes(), &pieces, END].concat()), tag);
        let (full, brief) = (whole(full, &hash), whole(brief, &format!("{hash}-brief")));
        Self { stamp, hash, start, signals, full, brief }
    }

    /// The answer to whoever wants `wanted`, and sent these headers.
    pub(super) fn answer(&self, wanted: &Wanted, headers: &HeaderMap) -> Response {
        let whole = if wanted.observed { &self.full } else { &self.brief };
        if !wanted.picks() {
            return whole.answer(headers);
        }
        let pieces = &whole.text()[self.start.len()..];
        let mut body = self.start.clone().into_bytes();
        let picked = self.signals.iter().filter(|signal| wanted.picks_one(signal));
        for (place, signal) in picked.take(wanted.limit.unwrap_or(usize::MAX)).enumerate() {
            if place > 0 {
                body.push(b',');
            }
            let piece = if wanted.observed { &signal.full } else { &signal.brief };
            body.extend_from_slice(&pieces[piece.clone()]);
        }
        body.extend_from_slice(END);
        let tag = format!("{}-{}", self.hash, &identity(&[&format!("{wanted:?}")]).0[..16]);
        Tagged::plain(body.into(), &tag).answer(headers)
    }
}

impl Wanted {
    /// Whether it wants some of them only.
    fn picks(&self) -> bool {
        let all = Self {
            symbol: None,
            exchange: None,
            interval: None,
            strategy: None,
            direction: None,
            oi_status: None,
            score_min: None,
            limit: None,
            observed: self.observed,
        };
        *self != all
    }

    fn picks_one(&self, signal: &Listed) -> bool {
        let is = |wanted: &Option<String>, text: &str| wanted.as_deref().is_none_or(|wanted| wanted == text);
        is(&self.symbol, &signal.symbol)
            && is(&self.exchange, &signal.exchange)
            && is(&self.interval, &signal.interval)
            && is(&self.strategy, &signal.strategy)
            && self.direction.is_none_or(|wanted| wanted == signal.direction)
            && self.oi_status.is_none_or(|wanted| wanted == signal.oi_status)
            && self.score_min.is_none_or(|wanted| signal.score >= wanted)
    }
}

impl Listed {
    /// Puts the signal of a row into both bodies.
    fn of(row: MarketSignal, full: &mut Vec<u8>, brief: &mut Vec<u8>) -> serde_json::Result<Self> {
        let signal = FeedSignal {
            symbol: row.subject,
            exchange: row.exchange,
            interval: row.interval,
            strategy: row.strategy,
            score: row.score,
            direction: Direction::parse(&row.direction).unwrap_or(Direction::Neutral),
            confidence: row.confidence,
            strength: row.strength,
            components: row.components,
            oi_metadata: feed::oi_metadata(&row.oi_metadata)?,
            observability: feed::observability(row.observability)?,
            event_time: Timestamp(row.event_ms),
        };
        let short = Brief {
            symbol: &signal.symbol,
            exchange: &signal.exchange,
            interval: &signal.interval,
            strategy: &signal.strategy,
            score: signal.score,
            direction: signal.direction,
            confidence: signal.confidence,
            strength: signal.strength,
            components: &signal.components,
            oi_metadata: &signal.oi_metadata,
            event_time: signal.event_time,
        };
        let (full, brief) = (append(&signal, full)?, append(&short, brief)?);
        Ok(Self {
            direction: signal.direction,
            oi_status: signal.oi_metadata.status,
            score: signal.score,
            symbol: signal.symbol,
            exchange: signal.exchange,
            interval: signal.interval,
            strategy: signal.strategy,
            full,
            brief,
        })
    }
}

/// Appends `value`, behind a comma where it is not the first; says where.
fn append(value: &impl Serialize, to: &mut Vec<u8>) -> serde_json::Result<Range<usize>> {
    if !to.is_empty() {
        to.push(b',');
    }
    let from = to.len();
    serde_json::to_writer(&mut *to, value)?;
    Ok(from..to.len())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::header;
    use serde_json::Value;

    use super::*;

    fn row(symbol: &str, score: f64, oi_status: &str) -> MarketSignal {
        MarketSignal {
            subject: symbol.to_owned(),
            exchange: "binance".to_owned(),
            interval: "1h".to_owned(),
            strategy: "momentum".to_owned(),
            score,
            direction: if score > 50.0 { "bullish" } else { "bearish" }.to_owned(),
            confidence: 0.5,
            strength: 0.5,
            components: BTreeMap::from([("trend".to_owned(), 10.0)]),
            oi_metadata: format!("{{\"status\":\"{oi_status}\"}}"),
            observability: "{\"levels\":[]}".to_owned(),
            event_ms: 7,
        }
    }

    fn rows() -> Vec<MarketSignal> {
        let broken = MarketSignal { observability: "{".to_owned(), ..row("BROKEN", 60.0, "neutral") };
        vec![row("AAA", 90.0, "resolved"), broken, row("BBB", 40.0, "neutral"), row("CCC", 10.0, "neutral")]
    }

    fn all() -> Wanted {
        Wanted {
            symbol: None,
            exchange: None,
            interval: None,
            strategy: None,
            direction: None,
            oi_status: None,
            score_min: None,
            limit: None,
            observed: true,
        }
    }

    async fn symbols(feed: &Feed, wanted: &Wanted) -> (Value, String) {
        let body = to_bytes(feed.answer(wanted, &HeaderMap::new()).into_body(), 1 << 20).await.unwrap();
        let json: Value = serde_json::from_slice(&body).unwrap();
        let names = json["signals"].as_array().unwrap().iter().map(|signal| signal["symbol"].as_str().unwrap());
        let names = names.collect::<Vec<_>>().join(" ");
        (json, names)
    }

    #[tokio::test]
    async fn filters_pick_pieces_of_the_whole() {
        let feed = Feed::of(rows(), Stamp::default(), Timestamp(5), None);
        let (json, names) = symbols(&feed, &all()).await;
        assert_eq!(names, "AAA BBB CCC", "what cannot be read is left out");
        assert_eq!(
            (&json["last_updated"], &json["signals"][0]["observability"]["levels"]),
            (&5.into(), &Value::Array(vec![]))
        );
        let brief = symbols(&feed, &Wanted { observed: false, ..all() }).await.0;
        assert_eq!(brief["signals"][2]["event_time"], 7);
        assert!(brief["signals"][0].get("observability").is_none());
        for (wanted, expected) in [
            (Wanted { symbol: Some("BBB".to_owned()), ..all() }, "BBB"),
            (Wanted { symbol: Some("bbb".to_owned()), ..all() }, ""),
            (Wanted { score_min: Some(40.0), ..all() }, "AAA BBB"),
            (Wanted { limit: Some(1), ..all() }, "AAA"),
            (Wanted { direction: Some(Direction::Bearish), observed: false, ..all() }, "BBB CCC"),
            (Wanted { oi_status: Some(OiStatus::Resolved), ..all() }, "AAA"),
            (Wanted { exchange: Some("kraken".to_owned()), ..all() }, ""),
        ] {
            assert_eq!(symbols(&feed, &wanted).await.1, expected, "{wanted:?}");
        }
    }

    #[test]
    fn the_same_signals_are_the_same_feed_and_a_tag_is_of_what_was_wanted() {
        let first = Feed::of(rows(), Stamp::default(), Timestamp(5), None);
        let merged = Feed::of(rows(), Stamp { rows: 1, version: 0 }, Timestamp(6), Some(&first));
        assert_eq!(merged.start, first.start);
        let tag = |feed: &Feed, wanted: &Wanted| feed.answer(wanted, &HeaderMap::new()).headers()[header::ETAG].clone();
        let limited = Wanted { limit: Some(2), ..all() };
        assert_eq!(tag(&first, &limited), tag(&merged, &limited));
        assert_ne!(tag(&first, &limited), tag(&first, &Wanted { limit: Some(3), ..all() }));
        assert_ne!(tag(&first, &all()), tag(&first, &Wanted { observed: false, ..all() }));
        let changed = Feed::of(rows()[..1].to_vec(), Stamp::default(), Timestamp(7), Some(&first));
        assert_ne!(tag(&first, &all()), tag(&changed, &all()));
        let held = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag(&first, &limited))]);
        assert_eq!(first.answer(&limited, &held).status(), 304);
        assert_eq!(changed.answer(&limited, &held).status(), 200);
    }
}
