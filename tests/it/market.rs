//! Markets as a user runs them: folders of candle files to signals, a feed and rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use signalmill::market::feed::{self, MasterFeed};

use self::market_files::shapes::SHAPES;
use crate::mill::Mill;
use crate::stack::{Stack, until};

#[path = "../../benches/market_files.rs"]
#[expect(dead_code, reason = "the tests of the readers ask more of it")]
mod market_files;

const PATIENCE: Duration = Duration::from_mins(2);
const FILES: usize = 56;
const BARS: usize = 120;
const BROKEN: usize = 30;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

/// The folder in which commands run.
fn folder(mill: &Mill) -> PathBuf {
    mill.file("here", "").parent().unwrap().to_owned()
}

fn read_feed(path: &Path) -> MasterFeed {
    feed::read(&fs::read(path).unwrap()).unwrap()
}

type Names = (String, String, String, String);

/// Scores by exchange, symbol, interval and strategy.
fn scores(feed: &MasterFeed) -> BTreeMap<Names, f64> {
    let names = |signal: &feed::FeedSignal| {
        let feed::FeedSignal { exchange, symbol, interval, strategy, .. } = signal.clone();
        ((exchange, symbol, interval, strategy), signal.score)
    };
    feed.signals.iter().map(names).collect()
}

/// What a scan of all shapes says, its feed, and the names of its series.
fn check_scan(scanned: &Value, feed: &MasterFeed, written: &market_files::Written) {
    let count = |name: &str| scanned[name].as_u64().unwrap();
    let [files, broken] = [FILES, BROKEN].map(|count| u64::try_from(count).unwrap());
    assert_eq!((count("files"), count("good"), count("series")), (files + broken, files, files), "{scanned}");
    assert_eq!((count("signals"), count("resolved") + count("aggregated") + count("neutral")), (3 * files, files));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found: BTreeMap<String, String> = scanned["broken"]
        .as_array()
        .unwrap()
        .iter()
        .map(|broken| (text(&broken["file"]), text(&broken["reason"])))
        .collect();
    let expected: BTreeMap<String, String> =
        written.broken.iter().map(|(file, reason)| (file.clone(), (*reason).to_owned())).collect();
    assert_eq!(found, expected);
    let expected: BTreeSet<Names> = written
        .good
        .values()
        .flat_map(|facts| {
            ["momentum", "breakout", "reversal"].map(|strategy| {
                (facts.exchange.to_owned(), facts.symbol.clone(), facts.interval.to_owned(), strategy.to_owned())
            })
        })
        .collect();
    assert_eq!(scores(feed).into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn a_folder_of_all_shapes_becomes_a_feed_and_rows_once() {
    let mill = Mill::on(Stack::shared(), "market_scan");
    let root = folder(&mill);
    let written = market_files::write(&root.join("files"), FILES, BARS, BROKEN, 5).unwrap();
    let feed = root.join("feed.json");
    let scan = ["scan", "files", "--out", "feed.json", "--json"];
    let rows = || {
        let candles = mill.ask("SELECT count() FROM candles_v");
        let signals = mill.ask("SELECT count(), uniqExact(source_id) FROM signals_v WHERE kind = 'market'");
        (candles, signals)
    };
    let expected = ((FILES * BARS).to_string(), format!("{}\t{FILES}", 3 * FILES));
    let mut last = None;
    for time in 1..=2 {
        let scanned = json(&mill.command(&scan, ""));
        check_scan(&scanned, &read_feed(&feed), &written);
        assert_eq!(rows(), expected, "scan {time}: rows stand when it ends, and only once");
        last = Some(read_feed(&feed));
    }
    let letters = mill.read("market.files.dlq");
    // One of them is too large for any record.
    assert_eq!(letters.len(), 2 * (BROKEN - 1));
    for letter in &letters {
        let name = letter.headers.iter().find(|(name, _)| name == "file").unwrap();
        let bytes = fs::read(root.join("files").join(String::from_utf8(name.1.clone()).unwrap())).unwrap();
        assert_eq!(letter.value.as_deref().unwrap(), bytes, "a dead letter keeps the bytes");
    }

    let exported = json(&mill.command(&["export", "master-feed", "--out", "exported.json", "--json"], ""));
    assert_eq!(exported["signals"], 3 * FILES);
    let exported = read_feed(&root.join("exported.json"));
    assert_eq!(scores(&exported), scores(&last.unwrap()));
    let printed = mill.command(&["export", "master-feed", "--out", "-"], "");
    assert_eq!(feed::read(&printed.stdout).unwrap().signals.len(), 3 * FILES, "{}", said(&printed));

    let strict = mill.command(&["scan", "files", "--out", "few.json", "--strategy", "reversal", "--strict"], "");
    assert_eq!(strict.status.code(), Some(1), "{}", said(&strict));
    assert!(
        said(&strict).contains("too_few_bars") && said(&strict).contains("30 files are broken"),
        "{}",
        said(&strict)
    );
    assert_eq!(read_feed(&root.join("few.json")).signals.len(), FILES);
    for (wrong, code) in [
        (&["scan", "files", "--out", "absent/feed.json"][..], 2),
        (&["scan", "files", "--strategy", "all,momentum"], 2),
        (&["scan", "absent"], 1),
    ] {
        assert_eq!(mill.command(wrong, "").status.code(), Some(code), "{wrong:?}");
    }
}

#[test]
fn a_file_that_no_record_holds_becomes_one_series() {
    let mill = Mill::on(Stack::shared(), "market_large").set("limits.record_bytes_max", "256 KiB");
    let root = folder(&mill).join("files");
    fs::create_dir_all(root.join("deep/deeper")).unwrap();
    let bars = 12_345;
    let facts = market_files::facts(3, bars, 9);
    fs::write(root.join("deep/deeper/all.json"), (SHAPES[12].write)(&facts)).unwrap();
    fs::write(root.join("deep/large.txt"), "x".repeat(300_000)).unwrap();
    fs::write(root.join(".hidden.json"), "x").unwrap();
    fs::File::create(root.join("vast.json")).unwrap().set_len((64 << 20) + 1).unwrap();
    std::os::unix::fs::symlink(root.join("nowhere"), root.join("dangling.json")).unwrap();
    let sent = json(&mill.command(&["ingest", "market", "files", "--json"], ""));
    assert_eq!((&sent["files"], &sent["sent"], &sent["records"]), (&4.into(), &1.into(), &3.into()), "{sent}");
    let skipped = |at: usize| (sent["skipped"][at]["file"].as_str(), sent["skipped"][at]["reason"].as_str());
    assert_eq!(skipped(0), (Some("dangling.json"), Some("unreadable")));
    assert_eq!(skipped(1), (Some("deep/large.txt"), Some("malformed")));
    assert_eq!(skipped(2), (Some("vast.json"), Some("too_large")), "no record holds what is not read");
    let _worker = mill.start();
    mill.until_answer("SELECT count(), uniqExact(open_time) FROM candles_v", &format!("{bars}\t{bars}"), PATIENCE);
    mill.until_answer("SELECT count(), uniqExact(source_id) FROM signals_v", "3\t1", PATIENCE);
    let closed = facts.bars.last().unwrap().time + facts.seconds * 1000;
    let newest = "SELECT DISTINCT toUnixTimestamp64Milli(event_time) FROM signals_v";
    mill.until_answer(newest, &closed.to_string(), PATIENCE);
}

#[test]
fn indicators_and_patterns_of_a_file_need_nothing_else() {
    let mill = Mill::on(Stack::shared(), "market_files").set("kafka.brokers", "127.0.0.1:1");
    let facts = market_files::facts(8, 400, 2);
    let text = (SHAPES[2].write)(&facts);
    mill.file("candles.json", &text);
    let lines = |output: &Output| -> Vec<Value> {
        assert_eq!(output.status.code(), Some(0), "{}", said(output));
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let bars = lines(&mill.command(&["indicators", "candles.json"], ""));
    assert_eq!((bars.len(), &bars[0]["rsi14"]), (400, &Value::Null));
    assert_eq!(bars[399]["time"], facts.bars[399].time);
    assert!(bars[399]["sma200"].is_number() && bars[399]["obv"].is_number(), "{}", bars[399]);
    assert_eq!(lines(&mill.command(&["indicators", "-"], &text)), bars);

    let shapes = lines(&mill.command(&["patterns", "candles.json", "--all", "--json"], ""));
    let patterns: Vec<_> = shapes.iter().filter(|shape| shape["kind"] == "pattern").collect();
    assert!(!patterns.is_empty() && patterns.len() < shapes.len(), "{shapes:?}");
    for pattern in &patterns {
        assert!(pattern["points"][0]["price"].is_number() && pattern["confirmed_at"].is_number(), "{pattern}");
    }
    let since = facts.bars[390].time;
    let recent = lines(&mill.command(&["patterns", "candles.json", "--last", "10", "--json"], ""));
    let recent = recent.iter().filter(|shape| shape["kind"] == "pattern").count();
    let expected = patterns.iter().filter(|pattern| pattern["confirmed_at"].as_i64().unwrap() >= since).count();
    assert!(recent == expected && recent < patterns.len());
    let sure = lines(&mill.command(&["patterns", "candles.json", "--all", "--min-confidence", "0.6", "--json"], ""));
    assert!(sure.len() < shapes.len() && sure.iter().all(|shape| shape["confidence"].as_f64().unwrap() >= 0.6));
    let table = said(&mill.command(&["patterns", "-"], &text));
    assert!(table.starts_with("confirmed at"), "{table}");

    for command in ["indicators", "patterns"] {
        let broken = mill.command(&[command, "-"], "[[1, 2, 3]]");
        assert_eq!(broken.status.code(), Some(1), "{}", said(&broken));
        assert!(said(&broken).contains("no_candles"), "{}", said(&broken));
    }
    assert_eq!(mill.command(&["patterns", "candles.json", "--min-confidence", "2"], "").status.code(), Some(2));
}

#[test]
fn a_scan_that_is_stopped_says_what_was_done() {
    let mill = Mill::on(Stack::shared(), "market_stopped");
    let root = folder(&mill);
    market_files::write(&root.join("files"), 300, 500, 0, 3).unwrap();
    let scan = mill.start_command(&["scan", "files", "--out", "feed.json"]);
    until("files are sent", PATIENCE, || {
        if mill.read("market.files").is_empty() { Err("none".to_owned()) } else { Ok(()) }
    });
    let (status, took) = scan.stop();
    let log = fs::read_to_string(root.join("run-0.log")).unwrap();
    assert!(status.code() == Some(1) && log.contains("stopped: the feed is written"), "{status}: {log}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(read_feed(&root.join("feed.json")).signals.len(), 900);
    // What was sent is nobody's any more, and whoever runs the stages next goes on with it.
    let sent = mill.read("market.files").len();
    let _worker = mill.start();
    mill.until_answer("SELECT uniqExact(source_id) FROM signals_v WHERE kind = 'market'", &sent.to_string(), PATIENCE);
}

#[test]
fn a_scan_can_do_without_services() {
    let nowhere = "127.0.0.1:1";
    let mill = Mill::on(Stack::shared(), "market_local")
        .set("kafka.brokers", nowhere)
        .set("clickhouse.url", &format!("http://{nowhere}"));
    let root = folder(&mill);
    market_files::write(&root.join("files"), 4, 60, 2, 3).unwrap();
    let scanned = json(&mill.command(&["scan", "files", "--local", "--json"], ""));
    assert_eq!((&scanned["good"], &scanned["signals"]), (&4.into(), &12.into()), "{scanned}");
    assert_eq!(read_feed(&root.join("master_feed.json")).signals.len(), 12);
}
