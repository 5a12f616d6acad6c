//! Markets: candles, what a chart shows, and what derivatives say about it. Prices are in the quote currency, volumes as
//! the venue gave them; every number is finite.

mod flow;
mod interval;
mod learned;

use serde::{Deserialize, Serialize};

pub use self::flow::{ChartInContext, ChartedSeries, MarketBatch};
pub use self::interval::Interval;
pub use self::learned::{Instrument, KeyUsage, Learned, LearnedSeries, Pending, SeriesBucket, UsedUnits, WaitingChart};
use super::vocabulary::vocabulary;
use super::{Direction, OiStatus, Timestamp};

/// The exchange of a series that names none.
pub const EXCHANGE_UNKNOWN: &str = "unknown";

/// Whose quota pays for the contexts of markets: one owner for all keys, as one worker is enough for any quota.
pub const MARKET_ACCOUNT: &str = "market";

/// One bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candle {
    /// When it began.
    pub open_time: Timestamp,
    /// The first price.
    pub open: f64,
    /// The highest price.
    pub high: f64,
    /// The lowest price.
    pub low: f64,
    /// The last price.
    pub close: f64,
    /// What was traded; 0 where the source has none.
    pub volume: f64,
}

/// Candles of one market: strictly ascending by `open_time`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Lower case, such as `binance`; [`EXCHANGE_UNKNOWN`] where the source names none.
    pub exchange: String,
    /// As the exchange writes it, such as `BTCUSDT`.
    pub symbol: String,
    /// From one bar to the next.
    pub interval: Interval,
    /// The bars.
    pub candles: Vec<Candle>,
}

impl Series {
    /// `exchange:symbol:interval`, the source of its signals.
    #[must_use]
    pub fn source_id(&self) -> String {
        format!("{}:{}:{}", self.exchange, self.symbol, self.interval)
    }
}

/// A place on a chart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The bar's `open_time`.
    pub time: Timestamp,
    /// The price there.
    pub price: f64,
}

vocabulary! {
    /// Which side of the price a level or a line lies on.
    Side {
        /// Below: where falling prices have turned.
        Support = "support",
        /// Above: where rising prices have turned.
        Resistance = "resistance",
    }
}

/// A price at which the market has turned more than once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Of the last close.
    pub side: Side,
    /// The middle of the turning points.
    pub price: f64,
    /// Turning points at it, the oldest first.
    pub points: Vec<Point>,
    /// 0 to 1.
    pub confidence: f64,
}

/// A line through turning points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trendline {
    /// Support below lows, resistance above highs.
    pub side: Side,
    /// Its first point.
    pub from: Point,
    /// Where it stands at the last bar.
    pub to: Point,
    /// Turning points on it, the oldest first.
    pub points: Vec<Point>,
    /// 0 to 1.
    pub confidence: f64,
}

/// A formation of turning points, or of a few candles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// Such as `double_bottom` or `engulfing`.
    pub name: String,
    /// Which way it points.
    pub direction: Direction,
    /// 0 to 1.
    pub confidence: f64,
    /// What it rests on, the oldest first.
    pub points: Vec<Point>,
    /// The bar at whose close it was complete: nothing later decides on it.
    pub confirmed_at: Timestamp,
}

/// The indicators at one bar; `None` while they warm up. Periods stand in the names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Indicators {
    /// Relative strength, 0 to 100.
    pub rsi14: Option<f64>,
    /// 12, 26.
    pub macd: Option<f64>,
    /// 9.
    pub macd_signal: Option<f64>,
    /// Their difference.
    pub macd_hist: Option<f64>,
    /// Average true range.
    pub atr14: Option<f64>,
    /// 20, 2 deviations.
    pub bb_upper: Option<f64>,
    /// 20.
    pub bb_mid: Option<f64>,
    /// 20, 2 deviations.
    pub bb_lower: Option<f64>,
    /// Strength of the trend, 0 to 100.
    pub adx14: Option<f64>,
    /// Exponential mean.
    pub ema20: Option<f64>,
    /// Exponential mean.
    pub ema50: Option<f64>,
    /// Mean.
    pub sma20: Option<f64>,
    /// Mean.
    pub sma200: Option<f64>,
    /// 14, 3.
    pub stoch_k: Option<f64>,
    /// 3.
    pub stoch_d: Option<f64>,
    /// On-balance volume.
    pub obv: Option<f64>,
}

/// What a chart shows at its last bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Bars that it was made from.
    pub bars: i32,
    /// The last bar.
    pub last: Candle,
    /// When the last bar closed.
    pub closed_at: Timestamp,
    /// At the last bar.
    pub indicators: Indicators,
    /// At the bar before.
    pub before: Indicators,
    /// The last volume over the mean of the 20 before; `None` where there is no volume.
    pub volume_ratio: Option<f64>,
    /// The price with the most volume around it (volume profile); `None` where there is no volume.
    pub volume_peak: Option<f64>,
    /// Nearest first.
    pub levels: Vec<Level>,
    /// The most certain first.
    pub trendlines: Vec<Trendline>,
    /// The newest first.
    pub patterns: Vec<Pattern>,
}

/// What derivatives markets said about an instrument. What is missing is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketContext {
    /// Of the series.
    pub exchange: String,
    /// Of the series.
    pub symbol: String,
    /// Where the numbers come from.
    pub oi_status: OiStatus,
    /// The venue that was asked, such as `binance`; empty where none was.
    pub venue: String,
    /// Open interest in US dollars.
    pub open_interest_usd: Option<f64>,
    /// Its relative change over 24 hours: 0.05 is 5 % more.
    pub open_interest_change: Option<f64>,
    /// Percent for each funding interval: 0.01 is 0.01 %.
    pub funding_rate: Option<f64>,
    /// Accounts that are long for each that is short.
    pub long_short_ratio: Option<f64>,
    /// Longs liquidated within 24 hours, in US dollars.
    pub liquidations_long_usd: Option<f64>,
    /// Shorts liquidated within 24 hours, in US dollars.
    pub liquidations_short_usd: Option<f64>,
    /// The newest moment that any of it speaks of; `None` where there is none.
    pub as_of: Option<Timestamp>,
    /// When it was fetched.
    pub fetched_at: Option<Timestamp>,
    /// `live`, or the replay's id.
    pub run_id: String,
}

vocabulary! {
    /// How a series is scored.
    Strategy {
        /// The trend goes on.
        Momentum = "momentum",
        /// The price leaves its range.
        Breakout = "breakout",
        /// The trend turns.
        Reversal = "reversal",
    }
}
