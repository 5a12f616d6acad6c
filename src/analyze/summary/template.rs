//! A summary in plain English without a model: four to eight sentences, each about one thing, in the order in which a
//! chart is read. Pure. It says what is there and what would change it, and never what anybody should do.

use super::facts::{Facts, Near, Seen, Slope, Trend, touched};
use super::numbers::{bars_of, close_of, counted, percent, price, span, times};
use crate::model::Indicators;

/// Moves of the price below this many percent are none.
const STILL_PERCENT: f64 = 0.05;
/// Wilder: below 20 there is no trend to speak of, above 25 there is (*New Concepts in Technical Trading Systems*, 1978).
const ADX_WEAK: f64 = 20.0;
const ADX_STRONG: f64 = 25.0;
/// Wilder's bounds of the RSI, and those of what is neither.
const RSI_OVERBOUGHT: f64 = 70.0;
const RSI_FIRM: f64 = 55.0;
const RSI_SOFT: f64 = 45.0;
const RSI_OVERSOLD: f64 = 30.0;

/// The summary.
#[must_use]
pub fn write(facts: &Facts) -> String {
    let sentences = [
        Some(place(facts)),
        Some(trend(facts)),
        Some(momentum(facts)),
        Some(volatility(facts)),
        Some(levels(facts)),
        lines(facts),
        patterns(facts),
        change(facts),
    ];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    sentences.join(" ")
}

/// Where the price is, and how it got there.
fn place(facts: &Facts) -> String {
    let on = facts.exchange.as_ref().map(|exchange| format!(" on {exchange}")).unwrap_or_default();
    let moved = match facts.change {
        Some(change) if change >= STILL_PERCENT => format!(", up {}", percent(change)),
        Some(change) if change <= -STILL_PERCENT => format!(", down {}", percent(change)),
        Some(_) => ", where it began".to_owned(),
        None => String::new(),
    };
    let (low, high) = (price(facts.low), price(facts.high));
    let range = match facts.place {
        None => "and has not moved at all".to_owned(),
        Some(place) => {
            let part = match place {
                _ if place >= 0.95 => "at the top",
                _ if place > 0.66 => "in the upper third",
                _ if place <= 0.05 => "at the bottom",
                _ if place < 0.34 => "in the lower third",
                _ => "in the middle",
            };
            format!("and stands {part} of its range from {low} to {high}")
        }
    };
    format!(
        "{}{on} closed at {} ({}){moved} over the {} of {}, {range}.",
        if facts.symbol.is_empty() { "The series" } else { &facts.symbol },
        price(facts.close),
        close_of(facts.until, facts.interval),
        span(facts.span()),
        bars_of(facts.interval, facts.bars),
    )
}

/// What the averages say, and how strongly.
fn trend(facts: &Facts) -> String {
    let Indicators { ema20, ema50, sma200, adx14, .. } = facts.now;
    let (Some(trend), Some(fast), Some(slow)) = (facts.trend(), ema20, ema50) else {
        return "The chart is too short to tell a trend by its moving averages.".to_owned();
    };
    let (fast_price, slow_price) = (price(fast), price(slow));
    let averages = format!("20-bar and 50-bar exponential averages ({fast_price} and {slow_price})");
    let strength = match adx14 {
        Some(adx) if adx >= ADX_STRONG => format!(" and strong (ADX {adx:.0})"),
        Some(adx) if adx < ADX_WEAK => format!(" but weak (ADX {adx:.0})"),
        Some(adx) => format!(" and of moderate strength (ADX {adx:.0})"),
        None => String::new(),
    };
    let said = match trend {
        Trend::Up => format!("The trend is up{strength}: the price stands above its {averages}"),
        Trend::Down => format!("The trend is down{strength}: the price stands below its {averages}"),
        Trend::Unclear => {
            let adx = adx14.map_or(String::new(), |adx| format!(" (ADX {adx:.0})"));
            let why = if facts.close > fast.max(slow) {
                format!("the price is above its {averages}, but the faster one still lies below the slower")
            } else if facts.close < fast.min(slow) {
                format!("the price is below its {averages}, but the faster one still lies above the slower")
            } else {
                format!("the price lies between its {averages}")
            };
            format!("The averages show no clear trend{adx}: {why}")
        }
    };
    let long =
        sma200.map(|average| format!(", and the 200-bar average is {} at {}", facts.distance(average), price(average)));
    format!("{said}{}.", long.unwrap_or_default())
}

/// What RSI and MACD say.
fn momentum(facts: &Facts) -> String {
    let rsi = facts.now.rsi14.map(|rsi| {
        let word = match rsi {
            _ if rsi >= RSI_OVERBOUGHT => "overbought",
            _ if rsi >= RSI_FIRM => "firm",
            _ if rsi > RSI_SOFT => "neutral",
            _ if rsi > RSI_OVERSOLD => "soft",
            _ => "oversold",
        };
        format!("momentum is {word}, with the RSI at {rsi:.0}")
    });
    let macd = facts.now.macd_hist.map(|now| {
        let side = if now >= 0.0 { "above" } else { "below" };
        match facts.before.macd_hist {
            Some(before) if (before < 0.0) != (now < 0.0) => {
                format!("the MACD has just crossed {side} its signal line")
            }
            Some(before) if now.abs() > before.abs() => format!("the MACD is {side} its signal line and pulling away"),
            Some(before) if now.abs() < before.abs() => {
                format!("the MACD is {side} its signal line but closing in on it")
            }
            _ => format!("the MACD is {side} its signal line"),
        }
    });
    match (rsi, macd) {
        (Some(rsi), Some(macd)) => sentence(&format!("{rsi}, and {macd}")),
        (Some(one), None) | (None, Some(one)) => sentence(&one),
        (None, None) => "Neither RSI nor MACD has a value on this chart.".to_owned(),
    }
}

/// How much the price moves, and how much is traded.
fn volatility(facts: &Facts) -> String {
    let bar =
        facts.atr().filter(|atr| *atr > 0.0).map(|atr| format!("a typical bar spans {} of the price", percent(atr)));
    let bands = facts.now.bb_lower.zip(facts.now.bb_upper).filter(|(lower, upper)| upper > lower);
    let bands = bands.map(|(lower, upper)| {
        let place = (facts.close - lower) / (upper - lower);
        match place {
            _ if place > 1.0 => format!("the close is above the upper Bollinger band ({})", price(upper)),
            _ if place < 0.0 => format!("the close is below the lower Bollinger band ({})", price(lower)),
            _ if place > 0.8 => format!("the close is near the upper Bollinger band ({})", price(upper)),
            _ if place < 0.2 => format!("the close is near the lower Bollinger band ({})", price(lower)),
            _ => format!("the close is well inside the Bollinger bands ({} to {})", price(lower), price(upper)),
        }
    });
    let volume = match facts.volume_ratio {
        Some(ratio) => {
            let peak = facts.volume_peak.map(|peak| format!("; most was traded around {}", price(peak)));
            let size = match times(ratio).as_str() {
                "1" => "about".to_owned(),
                times => format!("{times} times"),
            };
            format!("the last volume was {size} its 20-bar mean{}", peak.unwrap_or_default())
        }
        None => "there is no volume in the data".to_owned(),
    };
    let parts: Vec<String> = [bar, bands, Some(volume)].into_iter().flatten().collect();
    sentence(&listed(&parts))
}

/// The nearest prices at which the market turned.
fn levels(facts: &Facts) -> String {
    let told = |kind: &str, Near { price: at, touches }: Near| {
        format!("{kind} is {} ({}, {})", price(at), facts.distance(at), touched(touches))
    };
    match (facts.support, facts.resistance) {
        (Some(support), Some(resistance)) => sentence(&format!(
            "{} and {}",
            told("the nearest support", support),
            told("the nearest resistance", resistance)
        )),
        (Some(support), None) => {
            sentence(&format!("{}, and no tested resistance lies above", told("the nearest support", support)))
        }
        (None, Some(resistance)) => {
            sentence(&format!("{}, and no tested support lies below", told("the nearest resistance", resistance)))
        }
        (None, None) => "No price was tested often enough to be support or resistance.".to_owned(),
    }
}

/// Lines along which the market turned.
fn lines(facts: &Facts) -> Option<String> {
    let told = |Slope { side, way, near }: &Slope| {
        let Near { price: at, touches } = *near;
        format!("a {way} {side} line passes at {} ({}, {})", price(at), facts.distance(at), touched(touches))
    };
    let lines: Vec<String> = facts.lines.iter().map(told).collect();
    (!lines.is_empty()).then(|| sentence(&listed(&lines)))
}

/// The newest patterns.
fn patterns(facts: &Facts) -> Option<String> {
    let told = |Seen { name, direction, confidence, age }: &Seen| {
        let when = if *age == 0 { "the last bar".to_owned() } else { format!("{} ago", counted(*age, "bar")) };
        format!("the {name} of {when} ({direction}, confidence {confidence:.0}%)")
    };
    let patterns: Vec<String> = facts.patterns.iter().map(told).collect();
    let (newest, earlier) = patterns.split_first()?;
    let earlier = if earlier.is_empty() { String::new() } else { format!(", after {}", listed(earlier)) };
    Some(format!("The newest pattern is {newest}{earlier}."))
}

/// What would make the picture another one.
fn change(facts: &Facts) -> Option<String> {
    let Indicators { ema50, bb_lower, bb_upper, .. } = facts.now;
    let below = [facts.support.map(|near| near.price), ema50, bb_lower, Some(facts.low)];
    let above = [facts.resistance.map(|near| near.price), ema50, bb_upper, Some(facts.high)];
    let below = below.into_iter().flatten().find(|price| *price < facts.close).map(price);
    let above = above.into_iter().flatten().find(|price| *price > facts.close).map(price);
    let (with, against) = match facts.trend() {
        Some(Trend::Up) => (above.map(|price| format!("above {price}")), below.map(|price| format!("below {price}"))),
        Some(Trend::Down) => (below.map(|price| format!("below {price}")), above.map(|price| format!("above {price}"))),
        Some(Trend::Unclear) | None => {
            return match (above, below) {
                (Some(above), Some(below)) => {
                    Some(format!("A close above {above} or below {below} would give the chart a direction."))
                }
                (Some(one), None) => Some(format!("A close above {one} would be new ground.")),
                (None, Some(one)) => Some(format!("A close below {one} would be new ground.")),
                (None, None) => None,
            };
        }
    };
    Some(match (with, against) {
        (Some(with), Some(against)) => {
            format!("A close {against} would put the trend in doubt, and one {with} would carry it on.")
        }
        (None, Some(against)) => format!("A close {against} would put the trend in doubt."),
        (Some(with), None) => format!("A close {with} would carry the trend on."),
        (None, None) => return None,
    })
}

/// Parts of a sentence, one after the other.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
