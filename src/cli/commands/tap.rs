//! `tap`: the records of a topic, decoded, as they come.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cli::args::{Filter, From, Tap};
use crate::cli::output::harmless;
use crate::config::Config;
use crate::flow::Record;
use crate::kafka::{self, DLQ_SUFFIX, Start};
use crate::model::{
    Analysis, ArticleBatch, ChartInContext, Deferral, LedgerEntry, MarketBatch, RawArticle, Series, Signal,
};
use crate::wire::{self, ALLOCATION_BYTES_MAX, Record as _};

/// How long one look for a record waits.
const PATIENCE: Duration = Duration::from_millis(200);
/// Bytes of a value that cannot be decoded that are shown.
const RAW_SHOWN_MAX: usize = 2000;

pub(super) fn run(args: &Tap, config: &Config, as_json: bool) -> anyhow::Result<()> {
    let start = match args.from {
        From::Earliest => Start::Earliest,
        From::Latest => Start::Latest,
        From::Offset(offset) => Start::Offset(i64::try_from(offset).unwrap_or(i64::MAX)),
    };
    let read = reader(&args.topic, config)?;
    let tail = kafka::Tail::open(&config.kafka, &format!("{}{}", config.kafka.topic_prefix, args.topic), start)?;
    let out = &mut io::stdout().lock();
    let mut shown = 0;
    while args.limit.is_none_or(|limit| shown < limit.get()) {
        let Some(record) = tail.next(PATIENCE)? else {
            out.flush()?;
            continue;
        };
        let value = read(&record);
        if args.filters.iter().all(|filter| holds(filter, &value)) {
            show(out, &record, &value, as_json)?;
            shown += 1;
        }
    }
    Ok(())
}

type Reader = Box<dyn Fn(&Record) -> Value>;

/// How values of `topic` are read.
fn reader(topic: &str, config: &Config) -> anyhow::Result<Reader> {
    let clock = crate::clock::Clock::system();
    let registry = super::registry(config, &clock)?;
    // One thread is enough: it only ever asks for a schema that is met for the first time.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(match topic.strip_suffix(DLQ_SUFFIX).unwrap_or(topic) {
        _ if topic.ends_with(DLQ_SUFFIX) => Box::new(|record| raw(record.value.as_deref().unwrap_or_default())),
        RawArticle::TOPIC => decoded::<RawArticle>(registry, runtime)?,
        ArticleBatch::TOPIC => decoded::<ArticleBatch>(registry, runtime)?,
        Analysis::TOPIC => decoded::<Analysis>(registry, runtime)?,
        Signal::TOPIC => decoded::<Signal>(registry, runtime)?,
        MarketBatch::TOPIC => decoded::<MarketBatch>(registry, runtime)?,
        ChartInContext::TOPIC => decoded::<ChartInContext>(registry, runtime)?,
        Deferral::TOPIC => decoded::<Deferral>(registry, runtime)?,
        LedgerEntry::TOPIC => decoded::<LedgerEntry>(registry, runtime)?,
        Series::TOPIC => {
            let series = decoded::<Series>(registry, runtime)?;
            // Candle files may stand there as they were found.
            Box::new(move |record| match record.value.as_deref() {
                Some(file) if !wire::is_framed(file) => raw(file),
                _ => series(record),
            })
        }
        _ => Box::new(|record| raw(record.value.as_deref().unwrap_or_default())),
    })
}

fn decoded<T: wire::Record>(
    registry: Option<std::sync::Arc<wire::Registry>>,
    runtime: tokio::runtime::Runtime,
) -> anyhow::Result<Reader> {
    let codec = super::reading::<T>(registry, ALLOCATION_BYTES_MAX)?;
    Ok(Box::new(move |record| {
        let Some(value) = &record.value else { return Value::Null };
        match runtime.block_on(codec.read(value)) {
            Ok(decoded) => serde_json::to_value(decoded).unwrap_or(Value::Null),
            Err(error) => json!({ "undecodable": error.to_string(), "raw": raw(value) }),
        }
    }))
}

/// Bytes as JSON where they are, as text otherwise.
fn raw(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| {
        Value::String(String::from_utf8_lossy(&bytes[..bytes.len().min(RAW_SHOWN_MAX)]).into_owned())
    })
}

fn holds(filter: &Filter, value: &Value) -> bool {
    let found = filter.path.iter().try_fold(value, |value, name| value.get(name));
    match found {
        Some(Value::String(text)) => *text == filter.value,
        Some(other) => serde_json::to_string(other).is_ok_and(|text| text == filter.value),
        None => false,
    }
}

fn show(out: &mut impl Write, record: &Record, value: &Value, as_json: bool) -> io::Result<()> {
    let headers: Map<String, Value> = record
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), Value::String(String::from_utf8_lossy(value).into_owned())))
        .collect();
    let key = record.key.as_deref().map(String::from_utf8_lossy);
    if as_json {
        let line = json!({
            "topic": &*record.topic, "partition": record.partition, "offset": record.offset,
            "timestamp": record.timestamp.to_string(), "key": key, "headers": headers, "value": value,
        });
        return writeln!(out, "{line}");
    }
    let key = key.unwrap_or_default();
    writeln!(out, "{} {} key={}", record.origin(), record.timestamp, harmless(&key))?;
    for (name, value) in &headers {
        writeln!(out, "  {}: {}", harmless(name), harmless(value.as_str().unwrap_or_default()))?;
    }
    for line in serde_json::to_string_pretty(value)?.lines() {
        writeln!(out, "  {}", harmless(line))?;
    }
    Ok(())
}
