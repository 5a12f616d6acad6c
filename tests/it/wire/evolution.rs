//! Yesterday's and tomorrow's schemas, derived from today's, against today's reader.

use std::fmt::Debug;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use serde_json::json;
use signalmill::model::{
    Analysis, Answer, Article, ArticleBatch, CloseReason, Deferral, Direction, EventType, Horizon, LedgerEntry,
    NanoUsd, OiStatus, RawArticle, Reading, Signal, Snapshot, Spend, WaitsFor,
};
use signalmill::wire::{Codec, Record, fingerprint};

use super::{HEADER, RECORD_BYTES_MAX, encoded, samples};

const ADDED: &str = "added_later";

/// Today's schema of `T` as JSON.
fn today<T: Record>() -> serde_json::Value {
    serde_json::from_str(T::VERSIONS.last().unwrap()).unwrap()
}

/// Calls `change` with every object inside `json`, innermost first.
fn for_objects(json: &mut serde_json::Value, change: &mut impl FnMut(&mut serde_json::Map<String, serde_json::Value>)) {
    match json {
        serde_json::Value::Array(items) => {
            for item in items {
                for_objects(item, change);
            }
        }
        serde_json::Value::Object(fields) => {
            for field in fields.values_mut() {
                for_objects(field, change);
            }
            change(fields);
        }
        _ => {}
    }
}

/// Every record without the last of its fields that have a default. Only such a field can be younger than its record.
pub fn older<T: Record>() -> String {
    let mut schema = today::<T>();
    let mut removed = 0;
    for_objects(&mut schema, &mut |object| {
        if let Some(serde_json::Value::Array(fields)) = object.get_mut("fields")
            && let Some(last) = fields.iter().rposition(|field| field.get("default").is_some())
        {
            fields.remove(last);
            removed += 1;
        }
    });
    assert!(removed > 0, "{} has no field that may be younger", T::TOPIC);
    schema.to_string()
}

/// Every record with two more fields, in front; every enum that has a default with one more symbol, in front.
pub fn newer<T: Record>() -> String {
    let mut schema = today::<T>();
    for_objects(&mut schema, &mut |object| {
        if let Some(serde_json::Value::Array(fields)) = object.get_mut("fields") {
            fields.insert(0, json!({"name": ADDED, "type": ["null", "string"], "default": null}));
            fields.insert(0, json!({"name": "measure", "type": "long", "default": 7}));
        }
        if object.contains_key("default")
            && let Some(serde_json::Value::Array(symbols)) = object.get_mut("symbols")
        {
            symbols.insert(0, json!(ADDED));
        }
    });
    schema.to_string()
}

/// Replaces the enum symbols in `symbols` by the one that was added.
fn with_added_symbols(value: &mut Value, symbols: &[&str]) {
    match value {
        Value::Enum(index, symbol) if symbols.contains(&symbol.as_str()) => {
            (*index, *symbol) = (0, ADDED.to_owned());
        }
        Value::Union(_, inner) => with_added_symbols(inner, symbols),
        Value::Array(items) => {
            for item in items {
                with_added_symbols(item, symbols);
            }
        }
        Value::Record(fields) => {
            for (_, field) in fields {
                with_added_symbols(field, symbols);
            }
        }
        _ => {}
    }
}

/// The fingerprint of `schema` and the body that a writer of `schema` makes of `record`.
pub fn written<T: Record>(schema: &str, record: &T, symbols: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let bytes = encoded(record);
    let ours = Schema::parse_str(T::VERSIONS.last().unwrap()).unwrap();
    let theirs = Schema::parse_str(schema).unwrap();
    let reader = GenericDatumReader::builder(&ours).reader_schema(&theirs).build().unwrap();
    let mut value = reader.read_value(&mut &bytes[HEADER..]).unwrap();
    with_added_symbols(&mut value, symbols);
    let body = GenericDatumWriter::builder(&theirs).build().unwrap();
    (fingerprint(schema).unwrap().to_vec(), body.write_value_to_vec(value).unwrap())
}

/// A record that a writer of `schema` makes of `sample` is read as `expected`.
fn check<T: Record + PartialEq + Debug>(schema: String, sample: &T, symbols: &[&str], expected: T) {
    let (fingerprint, body) = written(&schema, sample, symbols);
    let today = T::VERSIONS.last().unwrap().to_string();
    let codec = Codec::<T>::with_versions(&[schema, today], RECORD_BYTES_MAX).unwrap();
    let bytes = [&b"\xC3\x01"[..], &fingerprint, &body].concat();
    assert_eq!(codec.decode(&bytes), Ok(expected));
}

#[test]
fn what_an_older_version_wrote_gets_the_defaults() {
    let raw = samples::raw_article();
    let expected = RawArticle { published_at: String::new(), ..raw.clone() };
    check(older::<RawArticle>(), &raw, &[], expected);

    let batch = samples::batch();
    let articles = batch.articles.iter().cloned();
    let articles = articles.map(|article| Article { version: 0, ..article }).collect();
    let expected = ArticleBatch { articles, screened: vec![], ..batch.clone() };
    check(older::<ArticleBatch>(), &batch, &[], expected);

    let analysis = samples::analysis();
    let reading = Some(Reading { novelty: 0.0, ..samples::reading() });
    let expected = Analysis { version: 0, reading, ..analysis.clone() };
    check(older::<Analysis>(), &analysis, &[], expected);

    let signal = samples::signal();
    let expected = Signal { version: 0, ..signal.clone() };
    check(older::<Signal>(), &signal, &[], expected);

    let deferral = samples::deferral();
    let article = Article { version: 0, ..deferral.article.clone() };
    let expected = Deferral { spent: NanoUsd::ZERO, article, ..deferral.clone() };
    check(older::<Deferral>(), &deferral, &[], expected);

    let entry = samples::ledger_entry();
    let without_error = |spend: Spend| Spend { error: String::new(), ..spend };
    let snapshot = entry.snapshot.clone().map(|snapshot| Snapshot {
        open: snapshot.open.into_iter().map(without_error).collect(),
        decisions: vec![],
        ..snapshot
    });
    let expected = LedgerEntry {
        spend: Some(without_error(samples::spend())),
        answer: Some(Answer { cost: NanoUsd::ZERO, ..samples::answer() }),
        snapshot,
        decision: None,
    };
    check(older::<LedgerEntry>(), &entry, &[], expected);
}

#[test]
fn what_a_newer_version_added_is_passed_over() {
    let raw = samples::raw_article();
    check(newer::<RawArticle>(), &raw, &[], raw.clone());

    let batch = samples::batch();
    let expected = ArticleBatch { close_reason: CloseReason::Count, ..batch.clone() };
    check(newer::<ArticleBatch>(), &batch, &["session"], expected);

    let analysis = samples::analysis();
    let reading = Some(Reading {
        direction: Direction::Neutral,
        horizon: Horizon::Days,
        event_type: EventType::Other,
        ..samples::reading()
    });
    let expected = Analysis { reading, ..analysis.clone() };
    check(newer::<Analysis>(), &analysis, &["bullish", "weeks", "etf"], expected);
    let failed = Analysis { reading: None, validation_score: None, ..analysis };
    check(newer::<Analysis>(), &failed, &[], failed.clone());

    let signal = samples::signal();
    let expected = Signal { direction: Direction::Neutral, oi_status: OiStatus::Neutral, ..signal.clone() };
    check(newer::<Signal>(), &signal, &["bearish", "aggregated"], expected);

    let deferral = samples::deferral();
    let expected = Deferral { waits_for: WaitsFor::Help, ..deferral.clone() };
    check(newer::<Deferral>(), &deferral, &["retry"], expected);
    let entry = samples::ledger_entry();
    check(newer::<LedgerEntry>(), &entry, &[], entry.clone());
}

#[test]
fn every_default_is_a_value_of_its_type() {
    // A schema of nothing but the fields without a default, read by today's: every default is used at once. Then one
    // that also keeps the fields that define a record, so that the defaults inside of these are used.
    fn check<T: Record + Debug>(sample: &T) {
        for keeps_records in [false, true] {
            let mut schema = today::<T>();
            for_objects(&mut schema, &mut |object| {
                if let Some(serde_json::Value::Array(fields)) = object.get_mut("fields") {
                    let is_kept = |field: &serde_json::Value| field["type"].to_string().contains("\"fields\"");
                    let first = fields[0].clone();
                    fields.retain(|field| field.get("default").is_none() || (keeps_records && is_kept(field)));
                    if fields.is_empty() {
                        // A record without fields has no bytes, and is refused.
                        fields.push(first);
                    }
                }
            });
            let schema = schema.to_string();
            let (fingerprint, body) = written(&schema, sample, &[]);
            let today = T::VERSIONS.last().unwrap().to_string();
            let codec = Codec::<T>::with_versions(&[schema, today], RECORD_BYTES_MAX).unwrap();
            let bytes = [&b"\xC3\x01"[..], &fingerprint, &body].concat();
            assert!(codec.decode(&bytes).is_ok());
        }
    }
    check(&samples::raw_article());
    check(&samples::batch());
    check(&samples::analysis());
    check(&samples::signal());
    check(&samples::deferral());
    check(&samples::ledger_entry());
}
