//! `evaluate` as a user runs it: over planted signals and candles, of which it is known who is right.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use serde_json::Value;
use signalmill::clickhouse::Store;
use signalmill::clickhouse::rows::SignalRow;
use signalmill::clock::Clock;
use signalmill::model::{Direction, OiStatus, Signal, SignalKind, Timestamp, identity};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::facts::signal;

/// 2024-01-01.
const START: i64 = 1_704_067_200_000;
const HOUR: i64 = 3_600_000;

/// Quarter-hour bars of 60 hours. At binance the price goes from 100 to 101 within every even hour, and back within the
/// next; at the smaller venue it goes the other way.
const CANDLES: &str = "INSERT INTO signalmill.candles
    (exchange, symbol, interval, open_time, open, high, low, close, volume, origin, version)
    SELECT venue.1, 'BTCUSDT', '15m', fromUnixTimestamp64Milli(toInt64(1704067200000 + number * 900000)),
        start + way * quarter, 102, 99, start + way * (quarter + 0.25), venue.2, '', 1
    FROM (
        SELECT number, arrayJoin([('binance', 1000, 0), ('bybit', 1, 1)]) AS venue, (number % 4) / 4 AS quarter,
            (intDiv(number, 4) + venue.3) % 2 = 0 AS rises, if(rises, 100, 101) AS start, if(rises, 1, -1) AS way
        FROM numbers(240)
    )";

fn article(hour: i64, direction: Direction) -> Signal {
    let score = match direction {
        Direction::Bullish => 80.0,
        Direction::Bearish => 20.0,
        Direction::Neutral => 50.0,
    };
    let at = Timestamp(START + hour * HOUR);
    Signal {
        direction,
        confidence: 0.6,
        event_time: at,
        available_at: at,
        produced_at: at,
        components: BTreeMap::from([("sentiment".to_owned(), score - 50.0)]),
        ..signal(&format!("hour {hour}"), 1, score)
    }
}

/// What momentum says of a chart; each time under the same id.
fn chart(hour: i64) -> Signal {
    Signal {
        signal_id: identity(&["market", "binance:BTCUSDT:15m", "momentum", "live"]),
        kind: SignalKind::Market,
        source_id: "binance:BTCUSDT:15m".to_owned(),
        subject: "BTCUSDT".to_owned(),
        exchange: "binance".to_owned(),
        interval: "15m".to_owned(),
        strategy: "momentum".to_owned(),
        oi_status: OiStatus::Neutral,
        analyzer: "chart".to_owned(),
        version: hour + 1,
        ..article(hour, Direction::Bullish)
    }
}

/// 48 hours of calls, of which three are wrong; two signals that say nothing, one about a coin without a price, and one
/// of just now.
fn articles() -> Vec<Signal> {
    let mut all: Vec<Signal> = (0..48)
        .map(|hour| {
            let rises = hour % 2 == 0 && hour > 4;
            article(hour, if rises { Direction::Bullish } else { Direction::Bearish })
        })
        .collect();
    all.extend([50, 51].map(|hour| article(hour, Direction::Neutral)));
    all.push(Signal { subject: "DOGE".to_owned(), ..article(52, Direction::Bullish) });
    let now = Clock::system().now();
    all.push(Signal { available_at: now, event_time: now, ..article(53, Direction::Bullish) });
    all
}

async fn put(store: &Store, signals: &[Signal]) {
    let rows: Vec<_> = signals.iter().map(SignalRow::from).collect();
    assert_eq!(store.insert_all::<SignalRow>(&rows, &()).await, vec![]);
}

struct User<'a> {
    engine: &'a Engine,
    folder: TempDir,
}

impl User<'_> {
    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalmill"));
        command.arg("evaluate").args(args).current_dir(self.folder.path());
        command.env("SIGNALMILL__CLICKHOUSE__URL", self.engine.url()).output().unwrap()
    }

    fn text(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[&["--json"], args].concat())).unwrap()
    }
}

fn finding<'a>(evaluation: &'a Value, by: &str, group: &str, horizon: &str) -> &'a Value {
    let findings = evaluation["findings"].as_array().unwrap();
    let is_wanted =
        |finding: &&Value| finding["by"] == by && finding["group"] == group && finding["horizon"] == horizon;
    findings.iter().find(is_wanted).unwrap_or_else(|| panic!("{by} {group} {horizon}: {evaluation}"))
}

fn near(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((found - expected).abs() < 1e-9, "{found} and not {expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_signals_are_as_right_as_they_were_made() {
    let engine = Engine::start().await;
    let store = engine.store("signalmill");
    store.migrate().await.unwrap();
    let user = User { engine: &engine, folder: tempfile::tempdir().unwrap() };
    assert!(user.text(&[]).contains("no signals to evaluate"));
    engine.ask(CANDLES).await;
    put(&store, &articles()).await;
    for hour in [0, 1, 2, 2] {
        put(&store, &[chart(hour)]).await;
    }
    let all = ["--horizon", "4h,1h,30m", "--by", "all,kind,component,subject,model", "--out", "calibration.svg"];
    let evaluation = user.json(&all);
    said_of_articles(&evaluation);

    // The newest version is all that the table shows of a chart; all three that were said are evaluated.
    assert_eq!(engine.ask("SELECT count() FROM signalmill.signals_v WHERE kind = 'market'").await, "1");
    let charts = finding(&evaluation, "kind", "market", "1h");
    assert_eq!((&charts["signals"], &charts["measured"]), (&3.into(), &3.into()), "{charts}");
    near(&charts["hit_rate"], 2.0 / 3.0);
    assert_eq!(charts["hit_rate_range"], Value::Null, "three hours are too few");

    // What comes later changes nothing that is known.
    let later = CANDLES.replace("1704067200000", "1704283200000");
    engine.ask(&later).await;
    let again = user.json(&all);
    for by in ["kind", "component"] {
        let name = if by == "kind" { "article" } else { "news:sentiment" };
        assert_eq!(finding(&again, by, name, "1h"), finding(&evaluation, by, name, "1h"));
    }

    let kept = "SELECT uniqExact(evaluation_id), countIf(`by` = 'kind' AND `group` = 'article' AND horizon = '1h'), \
                maxIf(hit_rate, `by` = 'kind' AND `group` = 'article' AND horizon = '1h'), countIf(`by` = 'strategy') > 0 \
                FROM signalmill.evaluations_v WHERE filter = ''";
    assert_eq!(engine.ask(kept).await, "2\t2\t0.9375\t1");
    let svg = std::fs::read_to_string(user.folder.path().join("calibration.svg")).unwrap();
    assert!(svg.contains("<svg") && svg.contains("stated 80.0%, came"), "{svg}");
    shown_to_people(&user);
}

/// After an hour: 45 of 48 calls right; 21 are bullish, and 24 of the hours rise.
fn said_of_articles(evaluation: &Value) {
    let hour = finding(evaluation, "kind", "article", "1h");
    for (name, count) in [("signals", 52), ("measured", 50), ("pending", 1), ("no_price", 1), ("neutral", 2)] {
        assert_eq!(hour[name], count, "{name} of {hour}");
    }
    near(&hour["hit_rate"], 45.0 / 48.0);
    near(&hour["always_long"], 0.5);
    near(&hour["by_chance"], 0.5);
    near(&hour["edge"], 45.0 / 48.0 - 0.5);
    // Rises are 1 of 100, falls 1 of 101.
    let (rise, fall) = (0.01, 1.0 / 101.0);
    near(&hour["mean_return"], (21.0 * rise + 24.0 * fall - 3.0 * rise) / 48.0);
    near(&hour["brier"], (45.0 * 0.04 + 3.0 * 0.64) / 48.0);
    let parts = &hour["brier_parts"];
    // Stated 0.8 of 21, which all rose, and 0.2 of 27, of which 3 did.
    near(&parts["reliability"], (21.0 * 0.04 + 27.0 * (0.2_f64 - 1.0 / 9.0).powi(2)) / 48.0);
    near(&parts["resolution"], (21.0 * 0.25 + 27.0 * (0.5_f64 - 1.0 / 9.0).powi(2)) / 48.0);
    near(&parts["uncertainty"], 0.25);
    near(&parts["within_bins"], 0.0);
    let range = &hour["hit_rate_range"];
    assert!(range["low"].as_f64().unwrap() < 0.9375 && range["high"].as_f64().unwrap() > 0.9375, "{hour}");
    assert!(hour["rank_ic"].as_f64().unwrap() > 0.8, "{hour}");
    // After four hours the price is where it was: nobody is right.
    let hours = finding(evaluation, "kind", "article", "4h");
    near(&hours["hit_rate"], 0.0);
    near(&hours["always_long"], 0.0);
    near(&finding(evaluation, "kind", "article", "30m")["hit_rate"], 45.0 / 48.0);
    let doge = finding(evaluation, "subject", "DOGE", "1h");
    assert_eq!((&doge["no_price"], &doge["hit_rate"]), (&1.into(), &Value::Null), "{doge}");
    let component = finding(evaluation, "component", "news:sentiment", "1h");
    assert_eq!((&component["hit_rate"], &component["brier_parts"]), (&Value::Null, &Value::Null));
    assert!(component["rank_ic"].as_f64().unwrap() > 0.8, "{component}");
}

fn shown_to_people(user: &User<'_>) {
    let narrow = ["--kind", "article", "--from", "2024-01-01", "--to", "2024-01-02T00:00:00Z"];
    let table = user.text(&[&narrow[..], &["--dry-run", "--horizon", "1h", "--out", "calibration.png"]].concat());
    let row = table.lines().find(|line| line.starts_with("strategy") && line.contains("news")).unwrap();
    assert!(row.contains("87.5%") && row.contains(" 24 "), "{table}");
    assert!(table.contains("Brier score") && !table.contains("momentum"), "{table}");
    let png = std::fs::read(user.folder.path().join("calibration.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    for wrong in [&["--horizon", "1y"][..], &["--by", "moon"], &["--out", "a.gif"], &["--from", "someday"]] {
        assert_eq!(user.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let nobody = user.json(&["--run-id", "replay-1"]);
    assert_eq!((nobody["findings"].as_array().unwrap().len(), &nobody["first_at"]), (0, &Value::Null));
}
