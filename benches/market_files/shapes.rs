//! How candle files in the wild are written: one function a shape, from the same facts. Numbers are written in their
//! shortest exact form, so that what is read back must be equal.

use std::fmt::Write as _;

/// One bar: when it opened, in milliseconds since the epoch, and what was traded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Milliseconds.
    pub time: i64,
    /// Open, high, low, close, volume.
    pub values: [f64; 5],
}

/// A series, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Such as `mexc`.
    pub exchange: &'static str,
    /// Such as `BTCUSDT`.
    pub symbol: String,
    /// Such as `15m`.
    pub interval: &'static str,
    /// Seconds of the interval.
    pub seconds: i64,
    /// The oldest first.
    pub bars: Vec<Bar>,
}

/// A shape.
pub struct Shape {
    /// What it is called here.
    pub name: &'static str,
    /// The end of its files' names.
    pub extension: &'static str,
    /// Whether the content names the market, the exchange and the interval.
    pub is_labelled: bool,
    /// Whether it has volumes.
    pub has_volume: bool,
    /// Writes a file.
    pub write: fn(&Facts) -> String,
}

const fn shape(name: &'static str, extension: &'static str, write: fn(&Facts) -> String) -> Shape {
    Shape { name, extension, is_labelled: false, has_volume: true, write }
}

const fn labelled(name: &'static str, extension: &'static str, write: fn(&Facts) -> String) -> Shape {
    Shape { name, extension, is_labelled: true, has_volume: true, write }
}

/// All shapes.
pub const SHAPES: &[Shape] = &[
    shape("twelve fields", "json", |f| list(f, |b, out| twelve(f, b, out))),
    shape("eight fields", "json", |f| list(f, |b, out| eight(f, b, out))),
    shape("six numbers", "json", |f| list(f, |b, out| six(b, b.time, out))),
    shape("six numbers, seconds", "json", |f| list(f, |b, out| six(b, b.time / 1000, out))),
    shape("six numbers, microseconds", "json", |f| list(f, |b, out| six(b, b.time * 1000, out))),
    Shape { has_volume: false, ..shape("five numbers", "json", |f| list(f, five)) },
    shape("open, close, high, low", "json", |f| list(f, |b, out| ordered(b, b.time, &[0, 3, 1, 2, 4], out))),
    shape("low, high, open, close", "json", |f| list(f, |b, out| ordered(b, b.time / 1000, &[2, 1, 0, 3, 4], out))),
    shape("with a mean price", "json", |f| list(f, mean)),
    shape("gate", "json", |f| list(f, gate)),
    shape("capital letters", "json", |f| list(f, capitals)),
    labelled("camel case", "json", |f| list(f, |b, out| camel(f, b, out))),
    labelled("contract", "json", |f| wrapped(f, "candles", |b, out| six(b, b.time, out))),
    labelled("bars", "json", |f| wrapped(f, "bars", |b, out| letters(b, b.time / 1000, out))),
    labelled("snake case", "json", |f| wrapped(f, "data", snake)),
    labelled("bybit", "json", bybit),
    shape("columns", "json", |f| columns(f, ["t", "o", "h", "l", "c", "v"])),
    shape("nested columns", "json", |f| {
        format!("{{\"success\":true,\"data\":{}}}", columns(f, ["time", "open", "high", "low", "close", "vol"]))
    }),
    shape("keyed columns", "json", keyed_columns),
    shape("objects a line", "jsonl", |f| lines(f, |b, out| letters(b, b.time, out))),
    shape("lists a line", "ndjson", |f| lines(f, |b, out| six(b, b.time, out))),
    labelled("stream a line", "jsonl", |f| lines(f, |b, out| stream(f, b, out))),
    shape("table", "csv", |f| table(f, "timestamp,open,high,low,close,volume\n", ",")),
    shape("table without header", "csv", |f| table(f, "", ";")),
    shape("table by tabs", "tsv", |f| table(f, "Open Time\tOpen\tHigh\tLow\tClose\tVolume\n", "\t")),
    shape("table with dates", "csv", |f| format!("\u{feff}{}", dated(f).replace('\n', "\r\n"))),
    shape("python", "py", |f| {
        format!(
            "import numpy as np\n\ncandles = np.array((\n{}))\n",
            f.bars.iter().fold(String::new(), |mut out, bar| {
                out.push_str("    ");
                ordered(bar, bar.time, &[0, 3, 1, 2, 4], &mut out);
                out + ",\n"
            })
        )
    }),
];

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Text takes everything.
    let _ = out.write_fmt(text);
}

fn list(facts: &Facts, write: impl Fn(&Bar, &mut String)) -> String {
    let mut out = String::from("[");
    for (place, bar) in facts.bars.iter().enumerate() {
        out.push_str(if place == 0 { "\n" } else { ",\n" });
        write(bar, &mut out);
    }
    out + "\n]\n"
}

fn lines(facts: &Facts, write: impl Fn(&Bar, &mut String)) -> String {
    let mut out = String::new();
    for bar in &facts.bars {
        write(bar, &mut out);
        out.push('\n');
    }
    out
}

fn wrapped(facts: &Facts, key: &str, write: impl Fn(&Bar, &mut String)) -> String {
    let Facts { exchange, symbol, interval, .. } = facts;
    let bars = list(facts, write);
    format!("{{\"symbol\":\"{symbol}\",\"exchange\":\"{exchange}\",\"interval\":\"{interval}\",\"{key}\":{bars}}}")
}

fn six(bar: &Bar, time: i64, out: &mut String) {
    ordered(bar, time, &[0, 1, 2, 3, 4], out);
}

fn five(bar: &Bar, out: &mut String) {
    ordered(bar, bar.time, &[0, 1, 2, 3], out);
}

fn ordered(bar: &Bar, time: i64, places: &[usize], out: &mut String) {
    put(out, format_args!("[{time}"));
    for place in places {
        put(out, format_args!(", {}", bar.values[*place]));
    }
    out.push(']');
}

fn twelve(facts: &Facts, bar: &Bar, out: &mut String) {
    let ([open, high, low, close, volume], end) = (bar.values, bar.time + facts.seconds * 1000 - 1);
    put(
        out,
        format_args!(
            r#"[{},"{open}","{high}","{low}","{close}","{volume}",{end},"{:.4}",482,"{:.3}","{:.4}","0"]"#,
            bar.time,
            volume * close,
            volume * 0.5,
            volume * close * 0.5
        ),
    );
}

fn eight(facts: &Facts, bar: &Bar, out: &mut String) {
    let ([open, high, low, close, volume], end) = (bar.values, bar.time + facts.seconds * 1000);
    let quote = volume * close;
    put(
        out,
        format_args!(r#"[{}, "{open}", "{high}", "{low}", "{close}", "{volume}", {end}, "{quote:.1}"]"#, bar.time),
    );
}

/// Kraken: the mean price before the volume, and the number of trades.
fn mean(bar: &Bar, out: &mut String) {
    let [open, high, low, close, volume] = bar.values;
    let (time, mean) = (bar.time / 1000, f64::midpoint(high, low));
    put(out, format_args!(r#"[{time},"{open}","{high}","{low}","{close}","{mean}","{volume}",17]"#));
}

/// Gate.io spot: the quote volume, and the open behind the others.
fn gate(bar: &Bar, out: &mut String) {
    let ([open, high, low, close, volume], time) = (bar.values, bar.time / 1000);
    let quote = volume * close;
    put(out, format_args!(r#"["{time}","{quote:.4}","{close}","{high}","{low}","{open}","{volume}","true"]"#));
}

fn capitals(bar: &Bar, out: &mut String) {
    let ([open, high, low, close, volume], time) = (bar.values, date(bar.time));
    put(out, format_args!(r#"{{"T":"{time}","O":{open},"H":{high},"L":{low},"C":{close},"V":{volume}}}"#));
}

fn letters(bar: &Bar, time: i64, out: &mut String) {
    let [open, high, low, close, volume] = bar.values;
    put(out, format_args!(r#"{{"t":{time},"o":{open},"h":{high},"l":{low},"c":{close},"v":{volume}}}"#));
}

fn snake(bar: &Bar, out: &mut String) {
    let ([open, high, low, close, volume], time) = (bar.values, bar.time);
    put(
        out,
        format_args!(
            r#"{{"open_time":{time},"open":"{open}","high":"{high}","low":"{low}","close":"{close}","volume":"{volume}"}}"#
        ),
    );
}

fn camel(facts: &Facts, bar: &Bar, out: &mut String) {
    let ([open, high, low, close, volume], time) = (bar.values, date(bar.time));
    let (Facts { exchange, symbol, interval, .. }, end) = (facts, date(bar.time + facts.seconds * 1000 - 1));
    put(
        out,
        format_args!(
            "  {{\n      \"id\": {},\n      \"exchange\": \"{exchange}\",\n      \"symbol\": \"{symbol}\",\n      \
             \"interval\": \"{interval}\",\n      \"openTime\": \"{time}\",\n      \"closeTime\": \"{end}\",\n      \
             \"open\": {open},\n      \"high\": {high},\n      \"low\": {low},\n      \"close\": {close},\n      \
             \"volume\": {volume}\n  }}",
            bar.time / 1000
        ),
    );
}

/// Binance's stream: `L` is a trade and `V` a part of the volume.
fn stream(facts: &Facts, bar: &Bar, out: &mut String) {
    let [open, high, low, close, volume] = bar.values;
    let (Facts { exchange, symbol, interval, .. }, time) = (facts, bar.time);
    let end = time + facts.seconds * 1000 - 1;
    put(
        out,
        format_args!(
            r#"{{"exchange":"{exchange}","e":"kline","E":{end},"s":"{symbol}","k":{{"t":{time},"T":{end},"s":"{symbol}","i":"{interval}","f":100,"L":200,"o":"{open}","c":"{close}","h":"{high}","l":"{low}","v":"{volume}","n":100,"x":true,"V":"1.5"}}}}"#
        ),
    );
}

/// The newest first, in an answer's wrapping.
fn bybit(facts: &Facts) -> String {
    let newest_first = Facts { bars: facts.bars.iter().rev().copied().collect(), ..facts.clone() };
    let bars = list(&newest_first, |bar, out| {
        let ([open, high, low, close, volume], time) = (bar.values, bar.time);
        put(out, format_args!(r#"["{time}","{open}","{high}","{low}","{close}","{volume}","{:.2}"]"#, volume * close));
    });
    let Facts { exchange, symbol, interval, .. } = facts;
    format!(
        r#"{{"retCode":0,"retMsg":"OK","exchange":"{exchange}","interval":"{interval}","result":{{"category":"linear","symbol":"{symbol}","list":{bars}}},"time":1}}"#
    )
}

fn columns(facts: &Facts, keys: [&str; 6]) -> String {
    let times: Vec<i64> = facts.bars.iter().map(|bar| bar.time / 1000).collect();
    let mut out = format!("{{\"s\":\"ok\",\"{}\":{times:?}", keys[0]);
    for (key, place) in keys[1..].iter().zip(0..) {
        let column: Vec<String> = facts.bars.iter().map(|bar| bar.values[place].to_string()).collect();
        put(&mut out, format_args!(",\"{key}\":[{}]", column.join(",")));
    }
    out + "}"
}

/// As pandas writes a frame whose index is the time.
fn keyed_columns(facts: &Facts) -> String {
    let column = |(key, place): (&str, usize)| {
        let cells: Vec<String> =
            facts.bars.iter().map(|bar| format!("\"{}\":{}", bar.time, bar.values[place])).collect();
        format!("\"{key}\":{{{}}}", cells.join(","))
    };
    let columns: Vec<String> = ["open", "high", "low", "close", "volume"].into_iter().zip(0..).map(column).collect();
    format!("{{{}}}", columns.join(","))
}

fn table(facts: &Facts, header: &str, delimiter: &str) -> String {
    let row = |bar: &Bar| {
        let cells: Vec<String> = bar.values.iter().map(f64::to_string).collect();
        format!("{}{delimiter}{}\n", bar.time, cells.join(delimiter))
    };
    facts.bars.iter().fold(header.to_owned(), |out, bar| out + &row(bar))
}

/// As exports write it: another order of columns, a symbol, a quote volume behind the volume.
fn dated(facts: &Facts) -> String {
    let header = "Unix,Date,Symbol,Close,Open,High,Low,Volume BASE,Volume QUOTE\n".to_owned();
    facts.bars.iter().fold(header, |mut out, bar| {
        let [open, high, low, close, volume] = bar.values;
        let (unix, day, symbol) =
            (bar.time / 1000, date(bar.time).replace('T', " ").replace(".000Z", ""), &facts.symbol);
        put(
            &mut out,
            format_args!("{unix},{day},{symbol},{close},{open},{high},{low},{volume},{:.2}\n", volume * close),
        );
        out
    })
}

/// ISO 8601 with milliseconds.
fn date(millis: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    format!("{instant:.3}")
}
