//! Tests of the feed: its bytes, its two forms, and what becomes of the file when something fails.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use super::file::replace;
use super::*;

fn signal(symbol: &str, strategy: &str, score: f64) -> FeedSignal {
    FeedSignal {
        symbol: symbol.to_owned(),
        exchange: "binance".to_owned(),
        interval: "1h".to_owned(),
        strategy: strategy.to_owned(),
        score,
        direction: Direction::Bullish,
        confidence: 0.75,
        strength: 0.4,
        components: BTreeMap::from([("trend".to_owned(), 14.5), ("volume".to_owned(), 10.0)]),
        oi_metadata: OiMetadata::default(),
        observability: RawValue::from_string(r#"{"trendlines":[],"levels":[]}"#.to_owned()).unwrap().into(),
        event_time: Timestamp(1_795_168_800_000),
    }
}

fn context() -> MarketContext {
    MarketContext {
        exchange: "mexc".to_owned(),
        symbol: "BTCUSDT".to_owned(),
        oi_status: OiStatus::Aggregated,
        venue: "binance".to_owned(),
        open_interest_usd: Some(1.5e9),
        open_interest_change: Some(0.05),
        funding_rate: Some(0.01),
        long_short_ratio: None,
        liquidations_long_usd: Some(0.0),
        liquidations_short_usd: Some(12.5),
        as_of: Some(Timestamp(1_795_168_740_500)),
        fetched_at: Some(Timestamp(1_795_168_790_000)),
        run_id: "live".to_owned(),
    }
}

fn bytes(feed: &MasterFeed) -> Vec<u8> {
    serde_json::to_vec(feed).unwrap()
}

#[test]
fn a_feed_is_what_the_contract_says() {
    let mut first = signal("BTCUSDT", "momentum", 70.0);
    first.oi_metadata = OiMetadata::of(Some(&context()), &["long_short"], Timestamp(1_795_168_800_000));
    let feed = MasterFeed::new(Timestamp(1_795_168_800_123), vec![first]);
    let expected = json!({
        "last_updated": 1_795_168_800_123_i64,
        "signals": [{
            "symbol": "BTCUSDT", "exchange": "binance", "interval": "1h", "strategy": "momentum",
            "score": 70.0, "direction": "bullish", "confidence": 0.75, "strength": 0.4,
            "components": {"trend": 14.5, "volume": 10.0},
            "oi_metadata": {
                "status": "aggregated", "venue": "binance", "age_s": 59.5, "missing": ["long_short"],
                "open_interest_usd": 1.5e9, "open_interest_change": 0.05, "funding_rate": 0.01,
                "long_short_ratio": null, "liquidations_long_usd": 0.0, "liquidations_short_usd": 12.5,
            },
            "observability": {"trendlines": [], "levels": []},
            "event_time": 1_795_168_800_000_i64,
        }],
    });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes(&feed)).unwrap(), expected);
    let unknown = OiMetadata::of(None, &["funding"], Timestamp(0));
    assert_eq!((unknown.status, unknown.age_s, unknown.missing.len()), (OiStatus::Neutral, None, 1));
}

#[test]
fn the_same_signals_make_the_same_bytes() {
    let signals = || {
        vec![
            signal("ETHUSDT", "reversal", 50.0),
            signal("BTCUSDT", "reversal", 50.0),
            signal("BTCUSDT", "breakout", 50.0),
            signal("XRPUSDT", "momentum", 12.0),
            signal("SOLUSDT", "momentum", 88.0),
        ]
    };
    let feed = MasterFeed::new(Timestamp(1), signals());
    let names: Vec<_> = feed.signals.iter().map(|signal| format!("{} {}", signal.symbol, signal.strategy)).collect();
    let expected = ["SOLUSDT momentum", "BTCUSDT breakout", "BTCUSDT reversal", "ETHUSDT reversal", "XRPUSDT momentum"];
    assert_eq!(names, expected);
    let reversed = MasterFeed::new(Timestamp(1), signals().into_iter().rev().collect());
    assert_eq!(bytes(&feed), bytes(&reversed));
    assert_eq!(bytes(&read(&bytes(&feed)).unwrap()), bytes(&feed), "reading loses nothing");
}

#[test]
fn both_forms_are_read_and_what_is_no_feed_is_refused() {
    let feed = MasterFeed::new(Timestamp(1), vec![signal("BTCUSDT", "momentum", 70.0)]);
    let bare = read(&serde_json::to_vec(&feed.signals).unwrap()).unwrap();
    assert_eq!((bare.last_updated, bare.signals.len()), (Timestamp(1_795_168_800_000), 1));
    for (text, last_updated, signals) in [
        (r#"{"last_updated": 5, "signals": []}"#, 5, 0),
        (r#"{"signals": [], "version": {"major": 3}}"#, 0, 0),
        (r#"{"last_updated": null, "signals": [{"symbol": "A", "score": 1, "event_time": 7}]}"#, 7, 1),
        (" \n[]", 0, 0),
        (r#"[{"symbol": "A", "score": 1, "rank": [1, 2]}, {"symbol": "B", "score": 2.5, "event_time": 9}]"#, 9, 2),
        (r#"[{"symbol": "A", "score": 1, "oi_metadata": {"status": "resolved", "source": "x"}}]"#, 0, 1),
    ] {
        let found = read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((found.last_updated, found.signals.len()), (Timestamp(last_updated), signals), "{text}");
    }
    for text in [
        "",
        "null",
        "7",
        r#""signals""#,
        "{}",
        r#"{"signals": {}}"#,
        r#"{"signals": [}"#,
        "[] []",
        r#"[{"symbol": "A"}]"#,
        r#"[{"score": 1}]"#,
        r#"[{"symbol": "A", "score": null}]"#,
        r#"[{"symbol": "A", "score": 1, "direction": "up"}]"#,
        r#"{"last_updated": "yesterday", "signals": []}"#,
    ] {
        assert!(matches!(read(text.as_bytes()), Err(ReadError::Malformed(_))), "{text}");
    }
    let deep = format!("[{{\"symbol\":\"A\",\"score\":1,\"observability\":{}}}]", "[".repeat(1_000_000));
    assert!(read(deep.as_bytes()).is_err(), "depth ends no process");
    let many = format!("[{}{{}}]", "{\"symbol\":\"\",\"score\":0},".repeat(SIGNALS_MAX));
    assert!(read(many.as_bytes()).is_err(), "more signals than are read");
}

#[test]
fn a_feed_that_is_streamed_is_the_same_feed() {
    let feed = MasterFeed::new(Timestamp(7), ["A", "B", "C"].map(|name| signal(name, "momentum", 50.0)).to_vec());
    let mut streamed = Vec::new();
    stream(&mut streamed, feed.last_updated, feed.signals.iter().cloned().map(Ok)).unwrap();
    assert_eq!(streamed, bytes(&feed));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.json");
    stream_atomically(&path, Timestamp(7), feed.signals.iter().cloned().map(Ok)).unwrap();
    let cut = [Ok(signal("D", "momentum", 1.0)), Err(io::Error::other("the server went away"))];
    assert!(stream_atomically(&path, Timestamp(8), cut).is_err());
    assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (bytes(&feed), vec!["feed.json".to_owned()]));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_whole_with_its_permissions_and_through_links() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master_feed.json");
    let feed = MasterFeed::new(Timestamp(1), vec![signal("BTCUSDT", "momentum", 70.0)]);
    write_atomically(&path, &feed).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes(&feed));
    File::create(folder.path().join("plain")).unwrap();
    assert_eq!(mode(&path), mode(&folder.path().join("plain")), "as any new file");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let newer = MasterFeed::new(Timestamp(2), vec![]);
    write_atomically(&link, &newer).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!((fs::read(&path).unwrap(), mode(&path)), (bytes(&newer), 0o666));
    assert_eq!(names(folder.path()), ["link.json", "master_feed.json", "plain"]);
}

#[test]
fn a_failure_leaves_the_old_file_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master_feed.json");
    fs::write(&path, "old").unwrap();
    let failed = replace(&path, |file| {
        file.write_all(&vec![b'x'; 1 << 20])?;
        Err(io::Error::from(io::ErrorKind::StorageFull))
    });
    assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    let feed = MasterFeed::new(Timestamp(1), vec![]);
    assert!(write_atomically(folder.path(), &feed).is_err(), "a folder");
    assert!(write_atomically(Path::new("/dev/null"), &feed).is_err(), "a device stays a device");
    assert!(write_atomically(&folder.path().join("none/feed.json"), &feed).is_err(), "no such folder");
    assert_eq!(names(folder.path()), ["master_feed.json"]);
}
