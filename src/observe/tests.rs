//! Table, handles and pages against each other.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::model::{Budget, CloseReason, JobStatus, NanoUsd, Timestamp};

use super::*;

fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[test]
fn every_metric_of_the_table_is_rendered_and_no_other() {
    let topics = ["table.topic".to_owned()];
    let _handles =
        (stage("table/stage"), window("table/stage"), hop("table", &topics), circuit("table"), sink(&["table_rows"]));
    let _spending = (provider("table", &["ask"]), spend("table", "model-1"), gen_ai("chat", "table", "model"));
    let _budgets = (budget(), quota("table"), journal(), backlog(), holds());
    let (_analyses, _hop) = (analysis(), Health::new(Clock::system()).component(Kind::Hop, "table"));
    http().expect(&[("/table".to_owned(), "GET")]);
    let text = render();
    let rendered: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let table: BTreeSet<&str> = TABLE.iter().map(|metric| metric.name).collect();
    assert_eq!(table.len(), TABLE.len(), "a name is there once");
    assert_eq!(rendered, table);
    for metric in TABLE {
        assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{}", metric.name);
        let suffix = metric.name.ends_with("_total");
        assert_eq!(suffix, matches!(metric.shape, Shape::Counter), "{}", metric.name);
        if let Shape::Histogram(bounds) = metric.shape {
            assert!(!bounds.is_empty() && bounds.is_sorted(), "{}", metric.name);
        }
    }
}

#[test]
fn closed_label_sets_exist_at_zero() {
    let _handles = (stage("zero/stage"), window("zero/stage"), hop("zero", &["zero.topic".to_owned()]));
    let _spending = (provider("zero", &["zero_ask"]), spend("zero", "zero-1"), gen_ai("zero_chat", "zero", "zero"));
    let _rest = (budget(), analysis());
    let text = render();
    assert_eq!(CloseReason::ALL.map(CloseReason::as_str).as_slice(), table::CLOSES);
    let ends = JobStatus::ALL.iter().filter(|status| status.is_final()).map(|status| status.as_str());
    assert_eq!(ends.collect::<Vec<_>>(), table::JOB_ENDS);
    let mut sets = 0;
    for metric in TABLE {
        let Some((Label { name, values: Values::Closed(words) }, others)) = metric.labels.split_last() else {
            continue;
        };
        let others: String = others
            .iter()
            .map(|label| match label.name {
                "stage" => "stage=\"zero/stage\",".to_owned(),
                "topic" => "topic=\"zero.topic\",".to_owned(),
                "operation" => "operation=\"zero_ask\",".to_owned(),
                "model" => "model=\"zero-1\",".to_owned(),
                "gen_ai_operation_name" => "gen_ai_operation_name=\"zero_chat\",".to_owned(),
                name => format!("{name}=\"zero\","),
            })
            .collect();
        let suffix = if matches!(metric.shape, Shape::Histogram(_)) { "_count" } else { "" };
        for word in *words {
            let series = format!("{}{suffix}{{{others}{name}=\"{word}\"}}", metric.name);
            assert_eq!(value(&text, &series), Some(0.0), "{series}");
        }
        sets += 1;
    }
    assert_eq!(sets, 11);
}

#[test]
fn handles_count() {
    let topics = ["count.topic".to_owned()];
    let (stage, window) = (stage("count/stage"), window("count/stage"));
    let hop = hop("count", &topics);
    stage.count("ok");
    stage.clone().count("ok");
    stage.count("a_word_of_its_own");
    stage.took(Duration::from_millis(7));
    window.closed(CloseReason::Age);
    hop.rebalanced();
    hop.transaction(true, Duration::from_millis(12));
    hop.transaction(false, Duration::from_secs(1));
    hop.in_flight(1 << 20);
    hop.lag("count.topic", 42, 1.5);
    hop.lag("nobody.reads.it", 42, 1.5);
    inserted("count_rows", 10, Duration::from_millis(3));
    dead_letter("count.topic", "malformed");
    let text = render();
    for (series, expected) in [
        ("signalmill_records_total{stage=\"count/stage\",outcome=\"ok\"}", 2.0),
        ("signalmill_records_total{stage=\"count/stage\",outcome=\"a_word_of_its_own\"}", 1.0),
        ("signalmill_stage_seconds_bucket{stage=\"count/stage\",le=\"0.005\"}", 0.0),
        ("signalmill_stage_seconds_bucket{stage=\"count/stage\",le=\"0.01\"}", 1.0),
        ("signalmill_batches_closed_total{stage=\"count/stage\",reason=\"age\"}", 1.0),
        ("signalmill_rebalances_total{hop=\"count\"}", 1.0),
        ("signalmill_transactions_total{hop=\"count\",outcome=\"committed\"}", 1.0),
        ("signalmill_transactions_total{hop=\"count\",outcome=\"aborted\"}", 1.0),
        ("signalmill_transaction_seconds_count{hop=\"count\"}", 2.0),
        ("signalmill_in_flight_bytes{hop=\"count\"}", 1_048_576.0),
        ("signalmill_consumer_lag_records{hop=\"count\",topic=\"count.topic\"}", 42.0),
        ("signalmill_consumer_lag_seconds{hop=\"count\",topic=\"count.topic\"}", 1.5),
        ("signalmill_sink_rows_total{table=\"count_rows\"}", 10.0),
        ("signalmill_dead_letters_total{topic=\"count.topic\",reason=\"malformed\"}", 1.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
    assert!(!text.contains("nobody.reads.it"));
    if cfg!(target_os = "linux") {
        assert!(value(&text, "signalmill_process_resident_memory_bytes").unwrap() > 1e6);
        assert!(value(&text, "signalmill_process_cpu_seconds_total").is_some());
    }
}

#[test]
fn what_costs_is_counted_to_the_nano_dollar() {
    let provider = provider("cost", &["ask", "count"]);
    provider.requested("ask", "ok", Duration::from_millis(1_500));
    provider.requested("a_question_of_its_own", "ok", Duration::from_secs(400));
    provider.in_flight(0, 3);
    provider.in_flight(3, 1);
    provider.limit(0, 64);
    provider.breaker(Breaker::HalfOpen);
    let spend = spend("cost", "model \"1\"");
    spend.spent(NanoUsd(1));
    spend.clone().spent(NanoUsd(300_000_000));
    spend.tokens(1_000, 400, 50);
    let gen_ai = gen_ai("chat", "cost", "model");
    gen_ai.tokens(1_000, 50);
    gen_ai.took(Duration::from_millis(700), None);
    gen_ai.took(Duration::from_secs(90), Some("lost"));
    quota("cost").used(20);
    let (mut budget, mut backlog) = (budget(), backlog());
    budget.stands(Budget::Daily, Some(NanoUsd(300_000_000)), NanoUsd(200_000_000), NanoUsd(50_000_000));
    budget.stands(Budget::Monthly, None, NanoUsd(7), NanoUsd(0));
    budget.summaries_stand(NanoUsd(75_000_000), NanoUsd(9), NanoUsd(0));
    journal().hit(2);
    backlog.stands(NanoUsd(1_250_000_000), Duration::from_secs(90));
    let text = render();
    for (series, expected) in [
        ("signalmill_provider_requests_total{provider=\"cost\",operation=\"ask\",outcome=\"ok\"}", 1.0),
        ("signalmill_provider_requests_total{provider=\"cost\",operation=\"count\",outcome=\"lost\"}", 0.0),
        (
            "signalmill_provider_requests_total{provider=\"cost\",operation=\"a_question_of_its_own\",outcome=\"ok\"}",
            1.0,
        ),
        ("signalmill_provider_request_seconds_bucket{provider=\"cost\",le=\"2.5\"}", 1.0),
        ("signalmill_provider_request_seconds_bucket{provider=\"cost\",le=\"300\"}", 1.0),
        ("signalmill_provider_request_seconds_count{provider=\"cost\"}", 2.0),
        ("signalmill_provider_in_flight{provider=\"cost\"}", 1.0),
        ("signalmill_provider_concurrency_limit{provider=\"cost\"}", 64.0),
        ("signalmill_breaker_state{provider=\"cost\"}", 1.0),
        ("signalmill_spend_usd_total{provider=\"cost\",model=\"model \\\"1\\\"\"}", 0.300_000_001),
        ("signalmill_tokens_total{provider=\"cost\",model=\"model \\\"1\\\"\",kind=\"input\"}", 600.0),
        ("signalmill_tokens_total{provider=\"cost\",model=\"model \\\"1\\\"\",kind=\"cached\"}", 400.0),
        ("signalmill_tokens_total{provider=\"cost\",model=\"model \\\"1\\\"\",kind=\"output\"}", 50.0),
        ("signalmill_quota_units_total{provider=\"cost\"}", 20.0),
        ("signalmill_budget_limit_usd{budget=\"daily\"}", 0.3),
        ("signalmill_budget_spent_usd{budget=\"daily\"}", 0.2),
        ("signalmill_budget_reserved_usd{budget=\"daily\"}", 0.05),
        ("signalmill_budget_limit_usd{budget=\"monthly\"}", 0.0),
        ("signalmill_journal_hits_total", 2.0),
        ("signalmill_backlog_cost_usd", 1.25),
        ("signalmill_drain_seconds", 90.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
    assert!(breakers().contains(&("cost".to_owned(), "half_open")), "{:?}", breakers());
    let labels = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"cost\",gen_ai_request_model=\"model\"";
    for (series, expected) in [
        (format!("gen_ai_client_token_usage_sum{{{labels},gen_ai_token_type=\"input\"}}"), 1_000.0),
        (format!("gen_ai_client_token_usage_bucket{{{labels},gen_ai_token_type=\"output\",le=\"64\"}}"), 1.0),
        (format!("gen_ai_client_operation_duration_seconds_count{{{labels},error_type=\"\"}}"), 1.0),
        (format!("gen_ai_client_operation_duration_seconds_count{{{labels},error_type=\"lost\"}}"), 1.0),
    ] {
        assert_eq!(value(&text, &series), Some(expected), "{series}\n{text}");
    }
}

/// Status line and body of one request.
async fn ask(address: std::net::SocketAddr, method: &str, path: &str) -> (String, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn the_pages_say_how_the_parts_are() {
    let (clock, hand) = Clock::manual(Timestamp(1_795_305_600_000));
    let health = Health::new(clock);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = serve(listener, router(health.clone()), async {
        let _ = stopped.await;
    });
    let asking = async {
        assert_eq!(ask(address, "GET", "/ready").await.0, "503", "nothing has started");
        let hop = health.component(Kind::Hop, "score");
        let database = health.component(Kind::Service, "clickhouse");
        let (status, _, body) = ask(address, "GET", "/ready").await;
        assert!(status == "503" && body.contains("\"state\":\"starting\""), "{body}");
        assert_eq!(value(&render(), "signalmill_hop_ready{hop=\"score\"}"), Some(0.0), "there from the start");
        assert!(!render().contains("hop_ready{hop=\"clickhouse\""), "a service is no hop");
        hand.advance(Duration::from_secs(5));
        hop.ready();
        database.waiting("connection refused");
        assert_eq!(ask(address, "GET", "/ready").await.0, "200", "a service is no reason");
        hand.advance(Duration::from_secs(5));
        hop.ready();
        let whole = ask(address, "GET", "/health").await.2;
        insta::assert_snapshot!("health", whole.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
        assert_eq!(value(&render(), "signalmill_hop_ready{hop=\"score\"}"), Some(1.0));
        hop.waiting("broker away");
        assert_eq!(value(&render(), "signalmill_hop_ready{hop=\"score\"}"), Some(0.0));
        assert_eq!(ask(address, "GET", "/live").await.0, "200", "waiting is alive");
        hop.failed("task ended");
        let (status, _, body) = ask(address, "GET", "/live").await;
        assert!(status == "503" && body.contains("task ended"), "{body}");
        let (status, head, body) = ask(address, "GET", "/metrics").await;
        assert!(status == "200" && head.contains("text/plain; version=0.0.4"), "{head}");
        assert!(body.contains("signalmill_build_info{version="), "{body}");
        for (method, path, expected) in [("GET", "/", "404"), ("POST", "/live", "405")] {
            let (status, _, body) = ask(address, method, path).await;
            assert_eq!(status, expected);
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string());
        }
        // A connection that says nothing does not hold up the end.
        let silent = TcpStream::connect(address).await.unwrap();
        stop.send(()).unwrap();
        silent
    };
    let (served, _silent) = tokio::join!(serving, asking);
    served.unwrap();
}
