//! Jobs as JSON: `{"symbol","interval"}` is enough.
//!
//! A bar is `[time, open, high, low, close, volume]` or an object with these names (`open_time` and `timestamp` are
//! times, too); numbers may be texts, as venues write them, and times are epoch seconds or milliseconds, or RFC 3339.
//! Everything else is as with articles: unknown fields are skipped, and errors hold nothing of the payload.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Field, Numbers, SECONDS_BELOW};
use crate::model::{Candle, Job, Timestamp};
use crate::wire::refusal::{Reason, Refusal};

/// The job that `text` says.
///
/// # Errors
/// [`Reason::Malformed`] for anything but one JSON object with fields of these types; [`Reason::Invalid`] where `symbol`
/// or `interval` is missing or null.
pub(in crate::wire) fn job(text: &str) -> Result<Job, Refusal> {
    let mut json = serde_json::Deserializer::from_str(text);
    let fields = json
        .deserialize_map(JobVisitor)
        .and_then(|fields| json.end().map(|()| fields))
        .map_err(|error| Refusal::malformed(error.to_string()))?;
    let missing = |name: &str| Refusal::new(Reason::Invalid, format!("{name}: missing or empty"));
    Ok(Job {
        analysis_id: fields.analysis_id.unwrap_or_default(),
        user_id: fields.user_id.unwrap_or_default(),
        symbol: fields.symbol.ok_or_else(|| missing("symbol"))?,
        exchange: fields.exchange.unwrap_or_default(),
        interval: fields.interval.ok_or_else(|| missing("interval"))?,
        timeframe: fields.timeframe.unwrap_or_default(),
        candles: fields.candles,
        requested_at: fields.requested_at.as_deref().and_then(moment).unwrap_or_default(),
    })
}

#[derive(Default)]
struct Fields {
    analysis_id: Option<String>,
    user_id: Option<String>,
    symbol: Option<String>,
    exchange: Option<String>,
    interval: Option<String>,
    timeframe: Option<String>,
    candles: Vec<Candle>,
    requested_at: Option<String>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    AnalysisId,
    UserId,
    Symbol,
    Exchange,
    Interval,
    Timeframe,
    Candles,
    RequestedAt,
    #[serde(other)]
    Unknown,
}

struct JobVisitor;

impl<'de> Visitor<'de> for JobVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a job as a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key()? {
            let (slot, field) = match key {
                Key::AnalysisId => (&mut fields.analysis_id, Field("analysis_id", Numbers::Whole)),
                Key::UserId => (&mut fields.user_id, Field("user_id", Numbers::Whole)),
                Key::Symbol => (&mut fields.symbol, Field("symbol", Numbers::None)),
                Key::Exchange => (&mut fields.exchange, Field("exchange", Numbers::None)),
                Key::Interval => (&mut fields.interval, Field("interval", Numbers::None)),
                Key::Timeframe => (&mut fields.timeframe, Field("timeframe", Numbers::None)),
                Key::RequestedAt => (&mut fields.requested_at, Field("requested_at", Numbers::Epoch)),
                Key::Candles => {
                    fields.candles = map.next_value::<Bars>()?.0;
                    continue;
                }
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *slot = map.next_value_seed(field)?;
        }
        Ok(fields)
    }
}

struct Bars(Vec<Candle>);

impl<'de> Deserialize<'de> for Bars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BarsVisitor)
    }
}

struct BarsVisitor;

impl<'de> Visitor<'de> for BarsVisitor {
    type Value = Bars;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of bars in the field candles")
    }

    fn visit_unit<E: Error>(self) -> Result<Bars, E> {
        Ok(Bars(Vec::new()))
    }

    fn visit_str<E: Error>(self, _text: &str) -> Result<Bars, E> {
        Err(E::invalid_type(Unexpected::Other("a text"), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bars, A::Error> {
        let mut candles = Vec::new();
        while let Some(Bar(candle)) = list.next_element()? {
            candles.push(candle);
        }
        Ok(Bars(candles))
    }
}

struct Bar(Candle);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Part {
    #[serde(alias = "open_time", alias = "timestamp", alias = "t")]
    Time,
    #[serde(alias = "o")]
    Open,
    #[serde(alias = "h")]
    High,
    #[serde(alias = "l")]
    Low,
    #[serde(alias = "c")]
    Close,
    #[serde(alias = "v")]
    Volume,
    #[serde(other)]
    Unknown,
}

impl Bar {
    /// The time and the four prices; what is missing is no bar. Volume may be.
    fn of<E: Error>(time: Option<Timestamp>, numbers: [Option<f64>; 5]) -> Result<Self, E> {
        let [Some(open), Some(high), Some(low), Some(close), volume] = numbers else {
            return Err(E::custom("a bar without one of its four prices"));
        };
        let open_time = time.ok_or_else(|| E::custom("a bar without a time that can be read"))?;
        Ok(Self(Candle { open_time, open, high, low, close, volume: volume.unwrap_or(0.0) }))
    }
}

impl<'de> Deserialize<'de> for Bar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BarVisitor)
    }
}

struct BarVisitor;

impl<'de> Visitor<'de> for BarVisitor {
    type Value = Bar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bar as a list or an object in the field candles")
    }

    fn visit_str<E: Error>(self, _text: &str) -> Result<Bar, E> {
        Err(E::invalid_type(Unexpected::Other("a text"), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bar, A::Error> {
        let time = list.next_element_seed(Field("candles", Numbers::Epoch))?.flatten();
        let mut numbers = [None; 5];
        for number in &mut numbers {
            *number = list.next_element_seed(Number)?.flatten();
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Bar::of(time.as_deref().and_then(moment), numbers)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bar, A::Error> {
        let mut time = None;
        let mut numbers = [None; 5];
        while let Some(part) = map.next_key()? {
            let place = match part {
                Part::Time => {
                    time = map.next_value_seed(Field("candles", Numbers::Epoch))?;
                    continue;
                }
                Part::Open => 0,
                Part::High => 1,
                Part::Low => 2,
                Part::Close => 3,
                Part::Volume => 4,
                Part::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            numbers[place] = map.next_value_seed(Number)?;
        }
        Bar::of(time.as_deref().and_then(moment), numbers)
    }
}

/// A number, or a text that is one; `None` for null.
struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = Option<f64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Number {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number in the field candles")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        text.trim().parse().map(Some).map_err(|_| E::invalid_type(Unexpected::Other("a text"), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    #[expect(clippy::cast_precision_loss, reason = "JSON knows no other numbers than doubles")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "JSON knows no other numbers than doubles")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }
}

/// Epoch seconds or milliseconds, or RFC 3339.
fn moment(text: &str) -> Option<Timestamp> {
    match text.trim().parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "a number beyond all times saturates")]
        Ok(number) if number.is_finite() => {
            Some(Timestamp((if number.abs() < SECONDS_BELOW { number * 1000.0 } else { number }) as i64))
        }
        Ok(_) => None,
        Err(_) => text.trim().parse::<jiff::Timestamp>().ok().map(|time| Timestamp(time.as_millisecond())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_read_from_what_people_write() {
        let least = job(r#"{"symbol":"BTCUSDT","interval":"1h"}"#).unwrap();
        assert_eq!(least, Job { symbol: "BTCUSDT".into(), interval: "1h".into(), ..Job::default() });
        let received = least.clone().received("analysis.jobs/0/7", Timestamp(5));
        assert_eq!((received.user_id.as_str(), received.analysis_id.len(), received.requested_at.0), ("local", 32, 5));
        assert_eq!(received.clone().received("elsewhere/1/1", Timestamp(6)), received);

        let full = job(
            r#"{"analysis_id":7,"user_id":"u","symbol":"X","exchange":"mexc","interval":"5m","timeframe":"7d","more":[{}],
                "requested_at":"2026-11-20T10:00:00Z","candles":[
                [1795168800000,"1.5",3,1,2,10,"and more"],
                {"open_time":1795168800,"open":1.5,"high":3,"low":"1","close":2,"volume":null,"x":1},
                {"t":"2026-11-20T10:00:00Z","o":1.5,"h":3,"l":1,"c":2,"v":10}]}"#,
        )
        .unwrap();
        let time = Timestamp(1_795_168_800_000);
        let bar = Candle { open_time: time, open: 1.5, high: 3.0, low: 1.0, close: 2.0, volume: 10.0 };
        assert_eq!(full.candles, [bar, Candle { volume: 0.0, ..bar }, bar]);
        assert_eq!((full.analysis_id.as_str(), full.timeframe.as_str(), full.requested_at), ("7", "7d", time));
    }

    #[test]
    fn what_is_no_job_is_refused_without_its_content() {
        use Reason::{Invalid, Malformed};
        for (text, reason, part) in [
            ("{}", Invalid, "symbol: missing"),
            (r#"{"symbol":"X"}"#, Invalid, "interval: missing"),
            (r#"{"symbol":7,"interval":"1h"}"#, Malformed, "field symbol"),
            (r#"{"symbol":"X","interval":"1h","candles":"SECRET"}"#, Malformed, "list of bars"),
            (r#"{"symbol":"X","interval":"1h","candles":["SECRET"]}"#, Malformed, "a bar as a list"),
            (r#"{"symbol":"X","interval":"1h","candles":[[1,2,3]]}"#, Malformed, "four prices"),
            (r#"{"symbol":"X","interval":"1h","candles":[["SECRET",2,3,1,2]]}"#, Malformed, "without a time"),
            (r#"{"symbol":"X","interval":"1h","candles":[[1,"SECRET",3,1,2]]}"#, Malformed, "a number in the field"),
            (r#"{"symbol":"X","interval":"1h"} {}"#, Malformed, "trailing"),
            (r#"["X"]"#, Malformed, "JSON object"),
        ] {
            let refusal = job(text).unwrap_err();
            assert_eq!(refusal.reason, reason, "{text}: {refusal}");
            assert!(refusal.error.contains(part) && !refusal.error.contains("SECRET"), "{text}: {refusal}");
        }
    }
}
