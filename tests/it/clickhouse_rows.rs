//! Every row through its view on the real engine: written often, in any order, shown once and newest.

use std::collections::HashMap;

use signalmill::clickhouse::rows::{
    AnalysisRow, AnswerRow, ArticleRow, Bytes, DeadLetterRow, RecordRow, SessionRow, SignalRow, SpendRow,
};
use signalmill::clickhouse::{Store, known_codes};
use signalmill::model::{
    Analysis, Answer, Article, ArticleBatch, Id, NanoUsd, Outcome, Screen, Spend, SpendOutcome, Timestamp,
};

use crate::engine::Engine;
use crate::facts::{NOON, ODD, analysis, answer, article, batch, signal, spend};

#[tokio::test]
async fn every_column_of_the_contract_is_in_its_view() {
    let (engine, _) = migrated().await;
    for (view, columns) in [
        (
            "articles_v",
            "article_id title text publisher url published_at date_inferred received_at language text_chars content_hash screen near_duplicate_of run_id origin",
        ),
        (
            "article_analyses_v",
            "analysis_id article_id run_id session_id batch_id analyzer model prompt_version tier direction sentiment confidence strength horizon assets event_type key_points rationale novelty validation_score sources source_dates cost_usd input_tokens output_tokens duration_ms analyzed_at origin",
        ),
        (
            "batch_processing_sessions_v",
            "session_id run_id status budget_usd reserved_usd spent_usd in_doubt_usd articles_total articles_analyzed articles_failed articles_deferred started_at updated_at finished_at",
        ),
        (
            "batch_processing_sessions",
            "session_id run_id status budget_usd reserved_usd spent_usd in_doubt_usd articles_total articles_analyzed articles_failed articles_deferred started_at updated_at finished_at",
        ),
        (
            "batch_processing_records_v",
            "session_id batch_id article_id attempt status error cost_usd duration_ms started_at finished_at",
        ),
        (
            "spend_v",
            "hold_id session_id article_id provider model operation units input_tokens output_tokens held_usd cost_usd outcome at",
        ),
        ("session_events_v", "session_id at event reason"),
        ("paid_answers_v", "key provider model text input_tokens output_tokens cost_usd at"),
        (
            "signals_v",
            "signal_id run_id kind source_id subject exchange interval strategy score direction confidence strength components oi_status context_age_s oi_metadata observability analyzer model prompt_version cost_usd event_time available_at produced_at origin",
        ),
        (
            "signal_history_v",
            "run_id source_id strategy event_time available_at subject exchange interval score direction confidence strength components analyzer model prompt_version",
        ),
        (
            "evaluations_v",
            "evaluation_id evaluated_at run_id filter by group horizon horizon_s first_at last_at signals measured pending no_price neutral hit_rate hit_rate_low hit_rate_high by_chance always_long edge edge_low edge_high mean_return mean_return_low mean_return_high long_return rank_ic rank_ic_low rank_ic_high brier brier_low brier_high reliability resolution uncertainty within_bins bin_stated bin_came bin_low bin_high bin_signals resamples seed",
        ),
        ("candles_v", "exchange symbol interval open_time open high low close volume origin"),
        ("instruments_v", "exchange symbol base quote coinalyze_symbol venue oi_status checked_at"),
        ("market_series_v", "coinalyze_symbol series interval bucket values fetched_at"),
        ("dead_letters_v", "topic partition offset key reason error stage attempts spent_usd payload headers at"),
        (
            "analysis_jobs_v",
            "analysis_id user_id symbol exchange interval timeframe status progress step message summary summary_by data error attempts cost_usd worker created_at updated_at origin",
        ),
        ("analysis_charts_v", "analysis_id svg_light svg_dark png_light png_dark created_at"),
        ("runs_v", "run_id kind topic from to settings status records cost_usd started_at finished_at"),
    ] {
        let list: Vec<String> = columns.split(' ').map(|column| format!("`{column}`")).collect();
        engine.ask(&format!("SELECT {} FROM signalmill.{view} LIMIT 1", list.join(", "))).await;
    }
    for (code, name) in known_codes() {
        assert_eq!(engine.ask(&format!("SELECT errorCodeToName({code})")).await, name);
    }
}

/// An engine with its tables.
async fn migrated() -> (Engine, Store) {
    let engine = Engine::start().await;
    let store = engine.store("signalmill");
    store.migrate().await.unwrap();
    (engine, store)
}

/// What the engine answers to each question.
async fn expect(engine: &Engine, answers: &[(&str, &str)]) {
    for (sql, answer) in answers {
        assert_eq!(engine.ask(sql).await, *answer, "{sql}");
    }
}

#[tokio::test]
async fn repeated_articles_and_signals_show_once_and_newest() {
    let (engine, store) = migrated().await;
    let old = article("a1", 1);
    let mut new = article("a1", 2);
    // Another month, and everything that is odd: FINAL must still see one article.
    new.published_at = Timestamp(NOON.0 + 40 * 86_400_000);
    (new.text, new.publisher, new.url) = (ODD.to_owned(), ODD.to_owned(), String::new());
    let odd = Article {
        published_at: Timestamp(i64::MIN),
        received_at: Timestamp(i64::MAX),
        text_chars: -1,
        screen: Screen::Short,
        ..article(ODD, 1)
    };
    for rows in [[&new, &old], [&old, &new], [&odd, &old]] {
        let rows: Vec<_> = rows.into_iter().map(|article| ArticleRow::new(article, "live")).collect();
        assert_eq!(store.insert_all::<ArticleRow>(&rows, &()).await, vec![]);
    }
    let mut other_run = signal("a1", 9, 1.0);
    other_run.run_id = "replay-1".to_owned();
    for signal in [&signal("a1", 2, 80.0), &signal("a1", 1, 60.0), &signal("a1", 2, 80.0), &other_run] {
        store.insert::<SignalRow>(&[signal.into()]).await.unwrap();
    }
    let odd_text =
        format!("SELECT count() FROM signalmill.articles_v WHERE hex(text) = '{}' AND publisher = text", hex(ODD));
    let odd_id = format!(
        "SELECT published_at, received_at, text_chars, screen FROM signalmill.articles_v WHERE hex(article_id) = '{}'",
        hex(ODD)
    );
    let checks = [
        ("SELECT count(), countIf(title = 'title 2') FROM signalmill.articles_v", "2\t1"),
        // The old version is gone for every filter, also one that only the old version passes.
        ("SELECT count() FROM signalmill.articles_v WHERE published_at < '2026-12-01' AND article_id = 'a1'", "0"),
        (&odd_text, "1"),
        (&odd_id, "1900-01-01 00:00:00.000\t2299-12-31 23:59:59.999\t0\tshort"),
        (
            "SELECT run_id, score, components, cost_usd FROM signalmill.signals_v",
            "live\t80\t{'novelty':1.5,'sentiment':-2}\t0.000125",
        ),
        ("SELECT count() FROM signalmill.signals FINAL", "2"),
    ];
    expect(&engine, &checks).await;
    let summary = store.summary(5).await.unwrap();
    assert_eq!((summary.articles, summary.analyzed, summary.dead_letters), (2, 0, 0));
    let short = &summary.screened[0];
    assert_eq!((short.screen.as_str(), short.articles), ("short", 1));
    let strongest = &summary.strongest[0];
    assert_eq!((summary.strongest.len(), strongest.title.as_str()), (1, "title 2"));
}

#[tokio::test]
async fn repeated_analyses_and_dead_letters_show_once_and_newest() {
    let (engine, store) = migrated().await;
    let analyses = [
        analysis("a1", 1, Outcome::Analyzed),
        analysis("a1", 2, Outcome::Analyzed),
        analysis("a2", 1, Outcome::Failed),
    ];
    let letter = DeadLetterRow {
        topic: "articles.raw",
        partition: 3,
        offset: 1 << 40,
        key: None,
        reason: "malformed",
        error: ODD,
        stage: "window/articles",
        attempts: 1,
        spent_usd: NanoUsd(u64::MAX).into(),
        payload: Bytes(&[0, 255, 254, b'\n', 0]),
        headers: vec![("h", Bytes(&[0xC3])), ("h", Bytes(b""))],
        at: NOON.into(),
        version: NOON.0,
        retries: 0,
        kept_in: "articles.raw.dlq/0/5".to_owned(),
    };
    for _ in 0..3 {
        let rows: Vec<_> = analyses.iter().filter_map(AnalysisRow::new).collect();
        store.insert::<AnalysisRow>(&rows).await.unwrap();
        let rows: Vec<_> = analyses.iter().map(|analysis| RecordRow::new(analysis, NanoUsd::ZERO)).collect();
        store.insert::<RecordRow>(&rows).await.unwrap();
        store
            .insert::<DeadLetterRow>(&[
                letter.clone(),
                DeadLetterRow { key: Some(Bytes(b"")), offset: 7, ..letter.clone() },
            ])
            .await
            .unwrap();
    }
    let checks = [
        (
            "SELECT article_id, assets, event_type, validation_score, duration_ms, analyzed_at FROM signalmill.article_analyses_v",
            "a1\t['BTC','ETH']\thack\t\\N\t1.5\t2026-11-22 00:00:00.002",
        ),
        (
            "SELECT article_id, attempt, status FROM signalmill.batch_processing_records_v ORDER BY 1, 2",
            "a1\t1\tanalyzed\na1\t2\tanalyzed\na2\t1\tfailed",
        ),
        (
            "SELECT hex(payload), key IS NULL, hex(headers[1].2), length(headers), spent_usd, offset FROM signalmill.dead_letters_v ORDER BY offset",
            "00FFFE0A00\t0\tC3\t2\t999999999.999999999\t7\n00FFFE0A00\t1\tC3\t2\t999999999.999999999\t1099511627776",
        ),
    ];
    expect(&engine, &checks).await;
    let summary = store.summary(5).await.unwrap();
    assert_eq!((summary.analyzed, summary.dead_letters), (1, 2));
}

#[tokio::test]
async fn repeated_holds_show_once_and_their_end() {
    use SpendOutcome::{InDoubt, Lost, Open, Overrun, Settled, Void};
    let (engine, store) = migrated().await;
    let hold = |outcome, cost| spend(SpendOutcome::as_str(outcome), outcome, cost);
    let ends = [
        hold(Settled, 1_000_001),
        hold(Lost, 3_000_000),
        hold(Void, 0),
        hold(InDoubt, 3_000_000),
        hold(Overrun, 4_000_000),
    ];
    let begun = |end: &Spend| Spend { hold_id: end.hold_id.clone(), ..hold(Open, 0) };
    for end in &ends {
        // The end in the millisecond of the beginning, and also before it, as after a crash.
        for states in [[&begun(end), end], [end, &begun(end)]] {
            let rows: Vec<_> = states.into_iter().map(SpendRow::from).collect();
            assert_eq!(store.insert_all::<SpendRow>(&rows, &()).await, vec![]);
        }
    }
    store.insert::<SpendRow>(&[(&Spend { held: NanoUsd(7), ..hold(Open, 0) }).into()]).await.unwrap();
    let checks = [
        (
            "SELECT hold_id, outcome, held_usd, cost_usd FROM signalmill.spend_v ORDER BY hold_id",
            "in_doubt\tin_doubt\t0.003\t0.003\nlost\tlost\t0.003\t0.003\nopen\topen\t0.000000007\t0\n\
             overrun\toverrun\t0.003\t0.004\nsettled\tsettled\t0.003\t0.001000001\nvoid\tvoid\t0.003\t0",
        ),
        (
            "SELECT account, run_id, provider, model, operation, units, input_tokens, cached_tokens, output_tokens, held_at, at \
             FROM signalmill.spend_v WHERE hold_id = 'settled'",
            "articles\tlive\tgemini\tgemini-2.5-flash-002\tanalyze\t2\t1200\t400\t340\t\
             2026-11-22 00:00:00.000\t2026-11-22 00:00:00.000",
        ),
    ];
    expect(&engine, &checks).await;
    let odd = format!("SELECT count() FROM signalmill.spend_v WHERE hex(article_id) = '{}'", hex(ODD));
    expect(&engine, &[(&odd, "6")]).await;
}

#[tokio::test]
async fn paid_answers_are_found_by_their_question() {
    /// More than one question to the server asks for.
    const KEYS: usize = 2_500;
    let (engine, store) = migrated().await;
    let keys: Vec<Id> = (0..KEYS).map(|number| Id(format!("key-{number}"))).collect();
    assert_eq!(store.answers(&keys).await.unwrap(), HashMap::new());
    assert_eq!(store.answers(&[]).await.unwrap(), HashMap::new());
    let (first, last) = (answer("key-0", 1), answer("key-2499", 2));
    let newer = answer("key-0", 3);
    let odd = Answer { text: String::new(), cost: NanoUsd::ZERO, ..answer(ODD, 1) };
    for answers in [[&newer, &first], [&last, &odd], [&first, &newer]] {
        let rows: Vec<_> = answers.into_iter().map(AnswerRow::from).collect();
        assert_eq!(store.insert_all::<AnswerRow>(&rows, &()).await, vec![]);
    }
    let found = store.answers(&keys).await.unwrap();
    assert_eq!(found, HashMap::from([newer, last].map(|answer| (answer.key.clone(), answer))));
    assert_eq!(store.answers(std::slice::from_ref(&odd.key)).await.unwrap(), HashMap::from([(odd.key.clone(), odd)]));
    let text =
        format!("SELECT count() FROM signalmill.paid_answers_v WHERE hex(text) = '{}'", hex(&format!("{ODD} 3")));
    expect(&engine, &[("SELECT count() FROM signalmill.paid_answers_v", "3"), (&text, "1")]).await;
}

fn hex(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02X}").unwrap();
        hex
    })
}

#[tokio::test]
async fn a_session_is_the_sum_of_its_batches_attempts_and_holds() {
    let (engine, store) = migrated().await;
    let status = async || {
        let session = store.session("2020-01-01").await.unwrap().unwrap();
        (
            session.status,
            session.articles_total,
            session.articles_analyzed,
            session.articles_failed,
            session.articles_deferred,
        )
    };
    let is = |status: &str, counts: [u64; 4]| (status.to_owned(), counts[0], counts[1], counts[2], counts[3]);
    assert_eq!(store.session("2020-01-01").await, Ok(None));
    let (first, second) = (batch("2020-01-01", "b1", &["a1", "a2"], 1), batch("2020-01-01", "b2", &["a3"], 2));
    let admit = async |batch: &ArticleBatch, nanos| {
        store.insert::<SessionRow>(&[SessionRow::new(batch, NanoUsd(nanos))]).await.unwrap();
    };
    let record = async |analysis: Analysis| {
        store.insert::<RecordRow>(&[RecordRow::new(&analysis, NanoUsd(500_000_000))]).await.unwrap();
    };
    for _ in 0..3 {
        admit(&first, 300_000_000).await;
        admit(&second, 500_000_000).await;
    }
    assert_eq!(status().await, is("open", [3, 0, 0, 0]));
    record(analysis("a1", 1, Outcome::Analyzed)).await;
    record(analysis("a1", 1, Outcome::Analyzed)).await;
    record(analysis("a2", 1, Outcome::Deferred)).await;
    assert_eq!(status().await, is("exhausted", [3, 1, 0, 1]));
    record(analysis("a2", 2, Outcome::Failed)).await;
    record(analysis("a2", 1, Outcome::Deferred)).await;
    assert_eq!(status().await, is("open", [3, 1, 1, 0]));
    record(Analysis { batch_id: Id("b2".to_owned()), ..analysis("a3", 1, Outcome::Analyzed) }).await;
    assert_eq!(status().await, is("completed", [3, 2, 1, 0]));
    for (hold, outcome, cost, version) in [
        ("h1", "open", 0, 1),
        ("h1", "settled", 2, 2),
        ("h2", "open", 0, 1),
        ("h3", "in_doubt", 5, 1),
        ("h4", "overrun", 40, 1),
    ] {
        let sql = format!(
            "INSERT INTO signalmill.spend (session_id, hold_id, held_usd, cost_usd, outcome, at, version) SELECT '2020-01-01', '{hold}', 0.003, {cost} / 1000, '{outcome}', '2026-11-22 13:00:00', {version}"
        );
        engine.ask(&sql).await;
        engine.ask(&sql).await;
    }
    let session = store.sessions(10).await.unwrap().remove(0);
    let shown = serde_json::to_value(&session).unwrap();
    assert_eq!(
        (&shown["budget_usd"], &shown["spent_usd"], &shown["reserved_usd"], &shown["in_doubt_usd"]),
        (&0.5.into(), &0.042.into(), &0.003.into(), &0.005.into())
    );
    assert_eq!(
        (&shown["started_at"], &shown["finished_at"]),
        (&"2026-11-22T00:00:00Z".into(), &"2026-11-22T13:00:00Z".into())
    );
    engine
        .ask("INSERT INTO signalmill.session_events (session_id, at, event) SELECT '2020-01-01', now64(3), 'cancelled'")
        .await;
    assert_eq!(status().await.0, "cancelled");
    // A session of today stays open although all is done: more may come.
    let today = engine.ask("SELECT toString(toDate(now('UTC')))").await;
    admit(&batch(&today, "b9", &[], 1), 1).await;
    assert_eq!(store.session(&today).await.unwrap().unwrap().status, "open");
}

#[tokio::test]
async fn a_limit_that_was_raised_while_no_batch_came_in_is_shown() {
    let (_engine, store) = migrated().await;
    let budget = async || store.session("2020-01-01").await.unwrap().unwrap().budget_usd;
    let batch = batch("2020-01-01", "b1", &["a1"], 1);
    store.insert::<SessionRow>(&[SessionRow::new(&batch, NanoUsd(500_000_000))]).await.unwrap();
    assert_eq!(budget().await, 500_000_000);
    let later = Timestamp(NOON.0 + 3_600_000);
    let resumed = Analysis { analyzed_at: later, ..analysis("a1", 2, Outcome::Analyzed) };
    store.insert::<RecordRow>(&[RecordRow::new(&resumed, NanoUsd(700_000_000))]).await.unwrap();
    assert_eq!(budget().await, 700_000_000);
}
