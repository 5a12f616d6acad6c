//! A run without disturbance: what each topic and view holds, once, and how the process ends.

use std::time::Duration;

use signalmill::model::{Analysis, ArticleBatch, RawArticle, Signal};
use signalmill::wire::headers::{Origin, TraceParent};
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec};

use crate::audit::audit;
use crate::mill::Mill;
use crate::stack::{Raw, Seen, Stack};
use crate::texts;

/// A SIGTERM must have ended the process by then.
const STOP_MAX: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Article `number`: JSON where it is even, single-object Avro where it is odd.
fn raw(number: usize) -> Raw {
    let value = if number.is_multiple_of(2) {
        texts::json(number).into_bytes()
    } else {
        let (title, body) = texts::text(number);
        let publisher = texts::publisher(number).to_owned();
        let article = RawArticle { id: texts::id(number), title, body, publisher, ..RawArticle::default() };
        let mut value = Vec::new();
        Codec::new(ALLOCATION_BYTES_MAX).unwrap().encode(&article, &mut value).unwrap();
        value
    };
    let headers = vec![("traceparent", TRACE.as_bytes().to_vec())];
    Raw { partition: Some(i32::from(number >= 40)), key: None, value: Some(value), headers }
}

#[test]
fn every_article_stands_once_everywhere_with_its_headers() {
    let count = 57;
    let mill = Mill::on(Stack::shared(), "flow_once").set("articles.session", "autumn");
    let places = mill.produce("articles.raw", &(0..count).map(raw).collect::<Vec<_>>());
    let mut worker = mill.start_ready();
    audit(&mill, count);
    let sessions = "SELECT session_id, run_id, status, articles_total, articles_analyzed, articles_failed, \
                    articles_deferred, spent_usd FROM batch_processing_sessions_v";
    assert_eq!(mill.ask(sessions), format!("autumn\tlive\tcompleted\t{count}\t{count}\t0\t0\t0"));
    let rows = "SELECT count() FROM signals_v AS s JOIN article_analyses_v AS a ON a.article_id = s.source_id \
                AND a.origin = s.origin JOIN articles_v AS r ON r.article_id = a.article_id AND r.origin = a.origin \
                WHERE s.run_id = 'live' AND s.kind = 'article' AND a.analyzer = 'lexicon' AND s.score BETWEEN 0 AND 100";
    assert_eq!(mill.ask(rows), count.to_string());

    let batches = mill.decoded::<ArticleBatch>();
    let rank = |publisher: &str| ["NewsBTC", "CoinDesk", "CryptoPotato"].iter().position(|name| *name == publisher);
    for (seen, batch) in &batches {
        let order = |origin: &str| origin.rsplit('/').next().unwrap().parse::<i64>().unwrap();
        let keys: Vec<_> = batch
            .articles
            .iter()
            .map(|article| (rank(&article.publisher).unwrap_or(3), order(&article.origin)))
            .collect();
        let partitions = batch.articles.iter().map(|article| article.origin.split('/').nth(1).unwrap());
        if partitions.collect::<std::collections::BTreeSet<_>>().len() == 1 {
            assert!(keys.is_sorted(), "{keys:?}");
        }
        assert!(keys.is_sorted_by_key(|(rank, _)| *rank), "{keys:?}");
        assert_eq!((seen.key.as_deref(), batch.session_id.as_str()), (Some(&b"articles"[..]), "autumn"));
        assert_eq!(seen.header("origin"), batch.articles[0].origin);
    }
    let origins = |number: usize| format!("{}/{}/{}", mill.topic("articles.raw"), places[number].0, places[number].1);
    for (seen, analysis) in mill.decoded::<Analysis>() {
        tagged(&seen, &analysis.origin);
        let number: usize = analysis.article_id[1..].parse().unwrap();
        assert_eq!(analysis.origin, origins(number));
    }
    for (seen, signal) in mill.decoded::<Signal>() {
        tagged(&seen, &signal.origin);
    }
    for (seen, _) in &batches {
        tagged(seen, seen.header("origin"));
    }

    assert!(worker.metric("signalmill_transactions_total{hop=\"score/articles\",outcome=\"committed\"}") > 0.0);
    let (status, took) = worker.stop();
    assert!(status.success() && took < STOP_MAX, "{status} after {took:?}");
}

/// The three headers, literally and readable.
fn tagged(seen: &Seen, origin: &str) {
    assert_eq!(seen.header("run_id"), "live");
    assert_eq!(seen.header("origin"), origin);
    origin.parse::<Origin>().unwrap();
    let trace = seen.header("traceparent");
    trace.parse::<TraceParent>().unwrap();
    // The producer's trace goes on, each time with a span of its own.
    assert!(trace[..35] == TRACE[..35] && trace != TRACE, "{trace}");
    assert_eq!(seen.headers.len(), 3, "{seen:?}");
}

#[test]
fn sigterm_hands_an_open_window_on_and_loses_nothing_under_load() {
    let mill = Mill::on(Stack::shared(), "sigterm").set("articles.batch_age_max", "1h");
    let worker = mill.start_ready();
    mill.produce("articles.raw", &(0..3).map(raw).collect::<Vec<_>>());
    let mut waiting = worker;
    crate::stack::until("three articles are in the window", PATIENCE, || {
        let taken = waiting.try_metric("signalmill_records_total{stage=\"window/articles\",outcome=\"ok\"}")?;
        if taken >= 3.0 { Ok(()) } else { Err(taken.to_string()) }
    });
    assert_eq!(mill.read("articles.batches"), []);
    let (status, took) = waiting.stop();
    eprintln!("sigterm: open window, {status} after {took:?}");
    assert!(status.success() && took < STOP_MAX, "{status} after {took:?}");
    assert_eq!(mill.decoded::<ArticleBatch>().iter().map(|(_, batch)| batch.articles.len()).sum::<usize>(), 3);

    let mill = Mill::on(Stack::shared(), "sigterm_load");
    let worker = mill.start_ready();
    let feed = mill.feed(1_000, Duration::from_secs(4));
    mill.until_answer("SELECT count() > 100 FROM signals_v", "1", PATIENCE);
    let (status, took) = worker.stop();
    eprintln!("sigterm: under load, {status} after {took:?}");
    assert!(status.success() && took < STOP_MAX, "{status} after {took:?}");
    let _worker = mill.start();
    feed.join().unwrap();
    audit(&mill, 1_000);
}

#[test]
fn hops_that_may_hold_one_record_at_a_time_are_never_left_without() {
    let mill = Mill::on(Stack::shared(), "one_at_a_time")
        .set("flow.in_flight_records_max", "1")
        .set("flow.tick", "1ms")
        .set("sink.batch_age_max", "1ms")
        .set("articles.batch_size", "1");
    // More than the patience of the audit would see through if each record stalled a hop for a second.
    let count = 120;
    mill.produce("articles.raw", &(0..count).map(raw).collect::<Vec<_>>());
    let _worker = mill.start_ready();
    audit(&mill, count);
}
