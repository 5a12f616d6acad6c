//! Files that nobody here wrote (`shared/data`), with what is in them.

use super::*;

/// A file of the data folder; `None` where the folder is not there.
fn file(path: &str) -> Option<Vec<u8>> {
    let environment = crate::config::Environment::process();
    let root = environment
        .get("SIGNALMILL_DATA")
        .map_or_else(|| format!("{}/../shared/data", env!("CARGO_MANIFEST_DIR")), str::to_owned);
    let full = format!("{root}/{path}");
    let bytes = std::fs::read(&full).ok();
    if bytes.is_none() {
        println!("skipped: no {full}");
    }
    bytes
}

/// Every file: what its series is called and how many bars it has, or why it is broken.
#[test]
fn real_files_are_read() {
    use Reason::{NoCandles, NoSymbol, TooFewBars};
    const MEXC: &str = "mexc-samples/";
    for (path, expected) in [
        ("candles-focus1691/klines_1d.json", Ok(("binance:BTCUSDT:1d", 600, Order::Ohlc))),
        ("candles-focus1691/klines_30m.json", Ok(("binance:BTCUSDT:30m", 606, Order::Ohlc))),
        ("candles-jesse/test_candles_0.py", Ok(("unknown:CALLED:1m", 1382, Order::Ochl))),
        ("candles-jesse/test_candles_1.py", Ok(("unknown:CALLED:1m", 55, Order::Ochl))),
        ("candles-jesse/test_candles_indicators.py", Ok(("unknown:CALLED:1h", 490, Order::Ochl))),
        ("candles-neurotrader/BTCUSDT3600.csv", Ok(("unknown:BTCUSDT:1h", 43_654, Order::Ohlc))),
        ("candles-neurotrader/BTCUSDT86400.csv", Ok(("unknown:BTCUSDT:1d", 1_825, Order::Ohlc))),
        ("indicators-talib/SPY_D.csv", Ok(("unknown:SPY:1d", 5_241, Order::Ohlc))),
        ("indicators-talib/skender_default_talib.jsonl", Ok(("unknown:CALLED:1d", 502, Order::Ohlc))),
        ("indicators-talib/spy_d_talib.jsonl", Ok(("unknown:SPY:1d", 5_241, Order::Ohlc))),
        ("indicators-skender/quotes_default.csv", Ok(("unknown:CALLED:1d", 502, Order::Ohlc))),
        ("indicators-talib/spy_d_cdl.json", Err(NoCandles)),
        ("indicators-skender/results_rsi.standard.json", Err(NoCandles)),
        ("mexc-samples/Endpoints__SpotApi__ExchangeData__GetExchangeInfo.txt", Err(NoCandles)),
        ("mexc-samples/Endpoints__SpotApi__ExchangeData__GetKlines.txt", Err(TooFewBars)),
        ("mexc-samples/JsonResponses__Spot__ExchangeData__GetExchangeInfoAsync.txt", Err(NoCandles)),
        ("mexc-samples/JsonResponses__Spot__ExchangeData__GetKlinesAsync.txt", Err(TooFewBars)),
        ("mexc-samples/Subscriptions__FuturesApi__Klines.txt", Err(TooFewBars)),
        ("mexc-samples/Subscriptions__SpotApi__Klines.txt", Err(TooFewBars)),
    ] {
        let Some(bytes) = file(path) else { return };
        let hints = |symbol| Hints { symbol, ..Hints::at(NOW) };
        // Only where neither content nor name says the market.
        let is_anonymous = matches!(expected, Ok((id, ..)) if id.contains("CALLED"));
        if is_anonymous {
            assert_eq!(read(&bytes, path, &hints(None)).unwrap_err().reason, NoSymbol, "{path}");
        }
        let found = read(&bytes, path, &hints(is_anonymous.then_some("CALLED")));
        let shown = found.as_ref().map(|read| (read.series.source_id(), read.series.candles.len(), read.order));
        match (&shown, expected) {
            (Ok((id, bars, order)), Ok(expected)) => assert_eq!((id.as_str(), *bars, *order), expected, "{path}"),
            (Err(broken), Err(reason)) => assert_eq!(broken.reason, reason, "{path}: {broken}"),
            _ => panic!("{path}: {shown:?}, not {expected:?}"),
        }
        let Ok(found) = found else { continue };
        let Counts { repaired, rejected, unfinished, .. } = found.counts;
        assert_eq!((repaired, rejected, unfinished), (0, 0, 0), "{path}");
        assert_eq!(found.contradicted, None, "{path}");
    }
    // One bar of each recorded answer: its numbers are where its venue says.
    let bytes = file(&format!("{MEXC}JsonResponses__Spot__ExchangeData__GetKlinesAsync.txt")).unwrap();
    let row = literal::read(&bytes).unwrap().best.rows[0];
    assert_eq!(row.time, 1_640_804_880_000);
    assert_eq!(
        row.fields.map(f64::to_bits),
        [47482.36, 47482.36, 47416.57, 47436.1, 3.550_717, 1_640_804_940_000.0].map(f64::to_bits)
    );
    let bytes = file(&format!("{MEXC}Subscriptions__FuturesApi__Klines.txt")).unwrap();
    let best = literal::search(&bytes).unwrap().unwrap().best;
    assert_eq!(format!("{:?}", &best.rows[0].fields[..4]), "[6894.5, 6910.5, 6885.0, 6885.0]");
    assert_eq!((best.labels.symbol, best.labels.interval), (Some(&b"BTC_USDT"[..]), Some(&b"Min60"[..])));
}

#[test]
fn prices_are_those_of_the_file() {
    let Some(bytes) = file("candles-neurotrader/BTCUSDT3600.csv") else { return };
    let found = read(&bytes, "BTCUSDT3600.csv", &Hints::at(NOW)).unwrap();
    // date,close,open,high,low
    let first = Candle {
        open_time: Timestamp(1_515_376_800_000),
        open: 15_847.866_112_393_416,
        high: 16_100.120_395_004_778,
        low: 15_827.197_912_571_532,
        close: 16_035.465_620_026_269,
        volume: 0.0,
    };
    assert_eq!(found.series.candles[0], first);
    let Some(bytes) = file("candles-jesse/test_candles_1.py") else { return };
    let hints = Hints { symbol: Some("ETHUSD"), ..Hints::at(NOW) };
    let found = read(&bytes, "", &hints).unwrap();
    let last = found.series.candles.last().unwrap();
    let [open, high, low, close, volume] = [125.98, 125.99, 124.43, 125.430_157_25, 10_479.307_658_08];
    assert_eq!(*last, Candle { open, high, low, close, volume, open_time: Timestamp(1_547_203_800_000) });
}
