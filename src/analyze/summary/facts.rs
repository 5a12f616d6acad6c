//! What a chart shows, as the few facts that a summary is made of. Pure.
//!
//! The template makes sentences of them and a model gets them as lines ([`Facts::lines`]): both know the same and no more.
//! What is warming up or missing is `None` here and left out there (law 6).
//!
//! Units: prices as the series has them, shares in percent, times as bars before the last one.

use std::fmt::Write as _;
use std::time::Duration;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::numbers::{bars_of, close_of, count, counted, moment, percent, price, span, times};
use crate::model::{
    Chart, Direction, EXCHANGE_UNKNOWN, Indicators, Interval, Level, Pattern, Series, Side, Timestamp, Trendline,
};

/// Letters of a symbol or an exchange.
const NAME_CHARS_MAX: usize = 40;
/// Patterns that are told of, the newest.
const PATTERNS_MAX: usize = 3;
/// A line farther from the last price than this many average true ranges is none of the present.
const LINE_ATRS: f64 = 6.0;
/// A line that rises or falls by less than this share of its price from end to end lies flat.
const FLAT_PERCENT: f64 = 0.25;

/// What a chart shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// As the exchange writes it, without what no symbol has.
    pub symbol: String,
    /// `None` where nobody knows.
    pub exchange: Option<String>,
    /// From one bar to the next.
    pub interval: Interval,
    /// Bars.
    pub bars: usize,
    /// When the first began.
    pub from: Timestamp,
    /// When the last closed.
    pub until: Timestamp,
    /// The last price.
    pub close: f64,
    /// From the first price to the last; `None` where there is no sense in it.
    pub change: Option<f64>,
    /// The lowest price.
    pub low: f64,
    /// The highest price.
    pub high: f64,
    /// Where the last price lies between them, 0 to 1; `None` where they are one.
    pub place: Option<f64>,
    /// At the last bar.
    pub now: Indicators,
    /// At the bar before.
    pub before: Indicators,
    /// The last volume over the mean of the 20 before.
    pub volume_ratio: Option<f64>,
    /// The price with the most volume around it.
    pub volume_peak: Option<f64>,
    /// The nearest level below.
    pub support: Option<Near>,
    /// The nearest level above.
    pub resistance: Option<Near>,
    /// Near the last price: the most certain line below lows, and the most certain one above highs.
    pub lines: Vec<Slope>,
    /// The newest first, one a bar.
    pub patterns: Vec<Seen>,
}

/// A price that the market turned at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Where.
    pub price: f64,
    /// How often.
    pub touches: usize,
}

/// A line that the market turned at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// Below lows, or above highs.
    pub side: Side,
    /// `rising`, `falling` or `flat`.
    pub way: &'static str,
    /// Where it stands at the last bar, and how often the market turned at it.
    pub near: Near,
}

/// A pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// In words, such as `double bottom`.
    pub name: String,
    /// Which way it points.
    pub direction: Direction,
    /// In percent.
    pub confidence: f64,
    /// Bars since it was complete.
    pub age: usize,
}

/// Which way the averages point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    /// The price above the faster, and that above the slower.
    Up,
    /// The other way round.
    Down,
    /// They disagree.
    Unclear,
}

impl Facts {
    /// Of a series and what its chart shows.
    #[must_use]
    pub fn of(series: &Series, chart: &Chart) -> Self {
        let candles = &series.candles;
        let close = chart.last.close;
        let finite = |price: &f64| price.is_finite();
        let low = candles.iter().map(|candle| candle.low).filter(finite).fold(close, f64::min);
        let high = candles.iter().map(|candle| candle.high).filter(finite).fold(close, f64::max);
        let first = candles.first().unwrap_or(&chart.last);
        let level = |side| chart.levels.iter().find(|level| level.side == side).map(Near::from);
        let lines = [Side::Support, Side::Resistance];
        let reach = LINE_ATRS * chart.indicators.atr14.unwrap_or(0.0);
        let is_near = |line: &&Trendline| (line.to.price - close).abs() <= reach;
        let line = |side| chart.trendlines.iter().filter(is_near).find(|line| line.side == side).map(Slope::from);
        let exchange = name(&series.exchange);
        Self {
            symbol: name(&series.symbol),
            exchange: Some(exchange).filter(|exchange| !exchange.is_empty() && exchange != EXCHANGE_UNKNOWN),
            interval: series.interval,
            bars: candles.len().max(1),
            from: first.open_time,
            until: chart.closed_at,
            close,
            change: share(close - first.open, first.open),
            low,
            high,
            place: share(close - low, high - low).map(|share| (share / 100.0).clamp(0.0, 1.0)),
            now: chart.indicators,
            before: chart.before,
            volume_ratio: chart.volume_ratio,
            volume_peak: chart.volume_peak,
            support: level(Side::Support),
            resistance: level(Side::Resistance),
            lines: lines.into_iter().filter_map(line).collect(),
            patterns: telling(&chart.patterns).into_iter().map(|pattern| Seen::of(pattern, series)).collect(),
        }
    }

    /// Which way the averages point; `None` while they warm up.
    #[must_use]
    pub fn trend(&self) -> Option<Trend> {
        let (fast, slow) = (self.now.ema20?, self.now.ema50?);
        Some(if self.close > fast && fast > slow {
            Trend::Up
        } else if self.close < fast && fast < slow {
            Trend::Down
        } else {
            Trend::Unclear
        })
    }

    /// How long the chart is.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.until.since(self.from)
    }

    /// An average true range in percent of the last price.
    #[must_use]
    pub fn atr(&self) -> Option<f64> {
        share(self.now.atr14?, self.close)
    }

    /// How far a price lies from the last one, such as `1.8% below`.
    #[must_use]
    pub fn distance(&self, from: f64) -> String {
        match share(from - self.close, self.close) {
            Some(away) if away > 0.0 => format!("{} above", percent(away)),
            Some(away) if away < 0.0 => format!("{} below", percent(away)),
            _ => "at the last price".to_owned(),
        }
    }

    /// One fact a line, for a model.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        };
        let at = |value: f64| format!("{} ({})", price(value), self.distance(value));
        line("symbol", self.symbol.clone());
        if let Some(exchange) = &self.exchange {
            line("exchange", exchange.clone());
        }
        line("length", bars_of(self.interval, self.bars));
        line(
            "span",
            format!("{} to {} ({})", moment(self.from), close_of(self.until, self.interval), span(self.span())),
        );
        line("last price", price(self.close));
        if let Some(change) = self.change {
            line("change over the span", format!("{}{}", if change < 0.0 { "-" } else { "+" }, percent(change)));
        }
        line("range over the span", format!("{} to {}", price(self.low), price(self.high)));
        if let Some(place) = self.place {
            line("place of the last price in the range, 0 low to 1 high", times(place));
        }
        let Indicators { ema20, ema50, sma200, adx14, rsi14, macd, macd_signal, bb_upper, bb_lower, stoch_k, .. } =
            self.now;
        for (name, value) in [("EMA 20", ema20), ("EMA 50", ema50), ("SMA 200", sma200)] {
            if let Some(value) = value {
                line(name, at(value));
            }
        }
        for (name, value) in [("ADX 14", adx14), ("RSI 14", rsi14), ("stochastic %K 14", stoch_k)] {
            if let Some(value) = value {
                line(name, format!("{value:.0}"));
            }
        }
        if let (Some(macd), Some(signal)) = (macd, macd_signal) {
            let before =
                self.before.macd_hist.map_or(String::new(), |before| format!(" (a bar before {})", price(before)));
            line("MACD less its signal line", format!("{}{before}", price(macd - signal)));
        }
        if let Some(atr) = self.atr() {
            line("average true range", format!("{} of the price", percent(atr)));
        }
        if let (Some(lower), Some(upper)) = (bb_lower, bb_upper) {
            line("Bollinger bands", format!("{} to {}", price(lower), price(upper)));
        }
        match self.volume_ratio {
            Some(ratio) => line("last volume over its 20-bar mean", times(ratio)),
            None => line("volume", "none in the data".to_owned()),
        }
        if let Some(peak) = self.volume_peak {
            line("price with the most volume", at(peak));
        }
        for (name, level) in [("nearest support", self.support), ("nearest resistance", self.resistance)] {
            match level {
                Some(Near { price, touches }) => line(name, format!("{}, {}", at(price), touched(touches))),
                None => line(name, "none".to_owned()),
            }
        }
        for Slope { side, way, near } in &self.lines {
            line(&format!("{way} {side} line"), format!("{}, {}", at(near.price), touched(near.touches)));
        }
        for Seen { name, direction, confidence, age } in &self.patterns {
            line("pattern", format!("{name}, {direction}, confidence {confidence:.0}%, {} ago", counted(*age, "bar")));
        }
        text
    }
}

impl From<&Level> for Near {
    fn from(level: &Level) -> Self {
        Self { price: level.price, touches: level.points.len() }
    }
}

impl From<&Trendline> for Slope {
    fn from(line: &Trendline) -> Self {
        let way = match share(line.to.price - line.from.price, line.from.price) {
            Some(rise) if rise > FLAT_PERCENT => "rising",
            Some(rise) if rise < -FLAT_PERCENT => "falling",
            _ => "flat",
        };
        Self { side: line.side, way, near: Near { price: line.to.price, touches: line.points.len() } }
    }
}

impl Seen {
    fn of(pattern: &Pattern, series: &Series) -> Self {
        let later = series.candles.iter().rev().take_while(|candle| candle.open_time > pattern.confirmed_at);
        Self {
            name: pattern.name.replace('_', " "),
            direction: pattern.direction,
            confidence: pattern.confidence * 100.0,
            age: later.count(),
        }
    }
}

/// The newest patterns that tell something: of each bar the most certain, and none without a direction while there are
/// others. Most candles are some pattern or other.
fn telling(patterns: &[Pattern]) -> Vec<&Pattern> {
    let is_sided = |pattern: &&Pattern| pattern.direction != Direction::Neutral;
    let any_sided = patterns.iter().any(|pattern| is_sided(&pattern));
    let mut told: Vec<&Pattern> = Vec::new();
    for pattern in patterns.iter().filter(|pattern| !any_sided || is_sided(pattern)) {
        if let Some(last) = told.last_mut()
            && last.confirmed_at == pattern.confirmed_at
        {
            if pattern.confidence > last.confidence {
                *last = pattern;
            }
        } else if told.len() == PATTERNS_MAX {
            break;
        } else {
            told.push(pattern);
        }
    }
    told
}

/// How often the market turned there.
pub(super) fn touched(touches: usize) -> String {
    format!("{} {}", count(touches), if touches == 1 { "touch" } else { "touches" })
}

/// A part of a positive whole, in percent.
fn share(part: f64, whole: f64) -> Option<f64> {
    let share = 100.0 * part / whole;
    (whole > 0.0 && share.is_finite()).then_some(share)
}

/// A symbol or an exchange as strangers wrote it, without what neither has: it stands in a question to a model, so it
/// has no room for a sentence. In Unicode NFC, as what is counted must be.
fn name(text: &str) -> String {
    let kept = text.chars().filter(|letter| letter.is_alphanumeric() || "-_/:.".contains(*letter));
    let kept: String = kept.take(NAME_CHARS_MAX).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&kept).into_owned()
}
