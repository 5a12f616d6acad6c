//! Whatever a record holds, it comes back as it was.

use std::fmt::Debug;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use signalmill::model::{
    AccountTotals, Analysis, Answer, Article, ArticleBatch, CloseReason, Decision, Deferral, Direction, EventType,
    Horizon, Id, LedgerEntry, NanoUsd, OiStatus, Outcome, PeriodTotal, RawArticle, Reading, Screen, SessionCommand,
    Signal, SignalKind, Snapshot, Spend, SpendOutcome, Timestamp, WaitsFor,
};
use signalmill::wire::{Codec, Record};

use super::{RECORD_BYTES_MAX, codec, samples};

fn text() -> BoxedStrategy<String> {
    // Mostly short; control characters and every plane of Unicode come along.
    prop_oneof![
        4 => any::<String>(),
        1 => Just(String::new()),
        1 => Just("long ünïcode ".repeat(400)),
    ]
    .boxed()
}

fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("a number equals itself", |number| !number.is_nan())
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn money() -> impl Strategy<Value = NanoUsd> {
    (0..=i64::MAX.unsigned_abs()).prop_map(NanoUsd)
}

fn raw_article() -> impl Strategy<Value = RawArticle> {
    ("[^ \\p{Cc}]{1,40}", text(), text(), text(), text(), text()).prop_map(
        |(id, title, body, publisher, url, published_at)| RawArticle {
            id: format!("x{id}"),
            title,
            body,
            publisher,
            url,
            published_at,
        },
    )
}

fn article() -> impl Strategy<Value = Article> {
    let screens = select(vec![Screen::None, Screen::Short, Screen::Language]);
    (text(), text(), text(), time(), any::<bool>(), any::<i64>(), screens).prop_map(
        |(article_id, title, text, published_at, date_inferred, version, screen)| Article {
            article_id,
            title,
            text,
            published_at,
            date_inferred,
            text_chars: version.wrapping_neg(),
            screen,
            version,
            ..samples::article(0)
        },
    )
}

fn batch() -> impl Strategy<Value = ArticleBatch> {
    let reasons = select(CloseReason::ALL.to_vec());
    (text(), reasons, time(), vec(article(), 0..4), vec(article(), 0..4)).prop_map(
        |(id, close_reason, opened_at, articles, screened)| ArticleBatch {
            batch_id: Id(id.clone()),
            account: id,
            close_reason,
            opened_at,
            articles,
            screened,
            ..samples::batch()
        },
    )
}

fn reading() -> impl Strategy<Value = Reading> {
    let directions = select(vec![Direction::Bullish, Direction::Bearish, Direction::Neutral]);
    let horizons = vec![Horizon::Hours, Horizon::Days, Horizon::Weeks, Horizon::Months];
    let events = select(EventType::ALL.to_vec());
    (directions, select(horizons), events, vec(text(), 0..9), number(), text()).prop_map(
        |(direction, horizon, event_type, assets, sentiment, rationale)| Reading {
            direction,
            horizon,
            event_type,
            key_points: assets.iter().rev().cloned().collect(),
            assets,
            sentiment,
            novelty: -sentiment,
            rationale,
            ..samples::reading()
        },
    )
}

fn analysis() -> impl Strategy<Value = Analysis> {
    let outcomes = select(vec![Outcome::Analyzed, Outcome::Failed, Outcome::Deferred]);
    let reading = option::of(reading());
    let score = option::of(number());
    (outcomes, reading, score, vec(text(), 0..5), money(), any::<i32>(), any::<i64>()).prop_map(
        |(outcome, reading, validation_score, sources, cost, attempt, tokens)| Analysis {
            outcome,
            reading,
            validation_score,
            sources,
            cost,
            attempt,
            input_tokens: tokens,
            ..samples::analysis()
        },
    )
}

fn signal() -> impl Strategy<Value = Signal> {
    let kinds = select(vec![SignalKind::Article, SignalKind::Market]);
    let statuses = select(vec![OiStatus::None, OiStatus::Resolved, OiStatus::Aggregated, OiStatus::Neutral]);
    let components = btree_map(text(), number(), 0..8);
    (text(), kinds, statuses, number(), components, money(), time()).prop_map(
        |(source_id, kind, oi_status, score, components, cost, event_time)| Signal {
            source_id,
            kind,
            oi_status,
            score,
            components,
            cost,
            event_time,
            ..samples::signal()
        },
    )
}

fn deferral() -> impl Strategy<Value = Deferral> {
    let waits = select(vec![WaitsFor::Budget, WaitsFor::Retry, WaitsFor::Help]);
    (text(), waits, any::<i32>(), time(), money(), article()).prop_map(
        |(error, waits_for, attempt, not_before, spent, article)| Deferral {
            account: error.clone(),
            waits_for,
            attempt,
            forgiven: attempt.wrapping_neg(),
            since: not_before,
            not_before,
            error,
            spent,
            article,
            ..samples::deferral()
        },
    )
}

fn spend() -> impl Strategy<Value = Spend> {
    use SpendOutcome::{InDoubt, Lost, Open, Overrun, Settled, Void};
    let outcomes = select(vec![Open, Settled, Lost, Void, InDoubt, Overrun]);
    (text(), outcomes, any::<i64>(), money(), money(), time()).prop_map(|(error, outcome, count, held, cost, at)| {
        Spend {
            account: error.clone(),
            error,
            outcome,
            units: count,
            input_tokens: count.wrapping_neg(),
            held,
            cost,
            held_at: at,
            at,
            ..samples::spend()
        }
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    (text(), any::<i64>(), money(), time()).prop_map(|(text, output_tokens, cost, at)| Answer {
        key: Id(text.clone()),
        text,
        output_tokens,
        cost,
        at,
        ..samples::answer()
    })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let period = (text(), money(), time());
    let period = period.prop_map(|(period, spent, changed_at)| PeriodTotal { period, spent, changed_at });
    let totals = (text(), vec(period, 0..4)).prop_map(|(account, periods)| AccountTotals { account, periods });
    (vec(totals, 0..3), vec(spend(), 0..3), vec(decision(), 0..3)).prop_map(|(accounts, open, decisions)| Snapshot {
        accounts,
        open,
        decisions,
    })
}

fn decision() -> impl Strategy<Value = Decision> {
    let commands = select(vec![SessionCommand::Recover, SessionCommand::Cancel]);
    (text(), text(), commands, time()).prop_map(|(account, session_id, command, at)| Decision {
        account,
        session_id,
        command,
        at,
        ..samples::decision()
    })
}

fn ledger_entry() -> impl Strategy<Value = LedgerEntry> {
    (option::of(spend()), option::of(answer()), option::of(snapshot()), option::of(decision()))
        .prop_map(|(spend, answer, snapshot, decision)| LedgerEntry { spend, answer, snapshot, decision })
}

/// Through the newest schema, and through Avro's resolution from an equal schema of another name.
fn check<T: Record + PartialEq + Debug>(newest: &Codec<T>, other: &Codec<T>, record: &T) {
    let mut bytes = b"before".to_vec();
    newest.encode(record, &mut bytes).unwrap();
    let bytes = bytes.strip_prefix(b"before").unwrap();
    assert_eq!(newest.decode(bytes).as_ref(), Ok(record));
    assert_eq!(other.decode(bytes).as_ref(), Ok(record));
}

/// A codec whose newest schema is called differently, so that today's is an older one to it.
fn renamed<T: Record>() -> Codec<T> {
    let today = T::VERSIONS.last().unwrap().to_string();
    let renamed = today.replacen("\"signalmill\"", "\"elsewhere\"", 1);
    assert_ne!(today, renamed);
    Codec::with_versions(&[today, renamed], RECORD_BYTES_MAX).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_comes_back(
        raw in raw_article(),
        batch in batch(),
        analysis in analysis(),
        signal in signal(),
        deferral in deferral(),
        entry in ledger_entry(),
    ) {
        check(&codec(), &renamed(), &raw);
        check(&codec(), &renamed(), &batch);
        check(&codec(), &renamed(), &analysis);
        check(&codec(), &renamed(), &signal);
        check(&codec(), &renamed(), &samples::series());
        check(&codec(), &renamed(), &samples::market_batch());
        check(&codec(), &renamed(), &samples::chart_in_context());
        check(&codec(), &renamed(), &samples::learned());
        check(&codec(), &renamed(), &samples::pending());
        check(&codec(), &renamed(), &samples::job());
        check(&codec(), &renamed(), &samples::job_event());
        check(&codec(), &renamed(), &samples::cancellation());
        check(&codec(), &renamed(), &samples::worker_report());
        check(&codec(), &renamed(), &deferral);
        check(&codec(), &renamed(), &entry);
    }

    #[test]
    fn an_article_is_the_same_in_json(raw in raw_article()) {
        let json = serde_json::to_vec(&raw).unwrap();
        prop_assert_eq!(codec().decode(&json), Ok(raw));
    }
}

#[test]
fn as_many_articles_as_a_record_holds_are_within_the_budget_of_reads() {
    let mut record = samples::batch();
    record.screened = (0..40_000).map(samples::article).collect();
    let codec = Codec::new(signalmill::wire::ALLOCATION_BYTES_MAX).unwrap();
    let mut bytes = Vec::new();
    codec.encode(&record, &mut bytes).unwrap();
    assert!(bytes.len() > RECORD_BYTES_MAX);
    assert_eq!(codec.decode(&bytes), Ok(record));
}

#[test]
fn one_codec_serves_many_threads() {
    let codec = &codec::<Signal>();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                let mut bytes = Vec::new();
                codec.encode(&samples::signal(), &mut bytes).unwrap();
                assert_eq!(codec.decode(&bytes), Ok(samples::signal()));
            });
        }
    });
}

#[test]
fn an_amount_that_avro_cannot_hold_leaves_no_bytes_behind() {
    let mut bytes = b"before".to_vec();
    let record = Signal { cost: NanoUsd(u64::MAX), ..samples::signal() };
    let error = codec().encode(&record, &mut bytes).unwrap_err();
    assert!(error.to_string().starts_with("a record of signals cannot be written"));
    assert_eq!(bytes, b"before");
}
