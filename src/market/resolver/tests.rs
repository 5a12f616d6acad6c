//! Series as files name them, against a list of markets in the shapes of ten venues.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn market(symbol: &str, own: &str, base: &str, quote: &str, margined: &str) -> Market {
    Market {
        symbol: symbol.to_owned(),
        exchange: symbol.rsplit_once('.').unwrap().1.to_owned(),
        symbol_on_exchange: own.to_owned(),
        base_asset: base.to_owned(),
        quote_asset: quote.to_owned(),
        is_perpetual: true,
        margined: margined.to_owned(),
        denominated_in: "BASE_ASSET".to_owned(),
        has_long_short_ratio: true,
    }
}

fn list() -> Vec<Market> {
    let (stable, coin) = ("STABLE", "COIN");
    let dated = |market: Market| Market { is_perpetual: false, ..market };
    vec![
        dated(market("BTCUSDT_270326.A", "BTCUSDT_270326", "BTC", "USDT", stable)),
        market("BTCUSD_PERP.A", "BTCUSD_PERP", "BTC", "USD", coin),
        market("BTCUSDC_PERP.A", "BTCUSDC", "BTC", "USDC", stable),
        market("BTCUSDT_PERP.A", "BTCUSDT", "BTC", "USDT", stable),
        market("ETHUSDT_PERP.A", "ETHUSDT", "ETH", "USDT", stable),
        market("ETHBTC_PERP.A", "ETHBTC", "ETH", "BTC", stable),
        market("1000PEPEUSDT_PERP.A", "1000PEPEUSDT", "1000PEPE", "USDT", stable),
        market("1MBABYDOGEUSDT_PERP.A", "1MBABYDOGEUSDT", "1MBABYDOGE", "USDT", stable),
        market("1INCHUSDT_PERP.A", "1INCHUSDT", "1INCH", "USDT", stable),
        market("SUSDT_PERP.A", "SUSDT", "S", "USDT", stable),
        market("PIUSDT_PERP.A", "PIUSDT", "PI", "USDT", stable),
        market("BTCUSD.6", "BTCUSD", "BTC", "USD", coin),
        market("BTCUSDT.6", "BTCUSDT", "BTC", "USDT", stable),
        market("BTCPERP.6", "BTCPERP", "BTC", "USDC", stable),
        market("SHIB1000USDT.6", "SHIB1000USDT", "SHIB1000", "USDT", stable),
        market("1000000MOGUSDT.6", "1000000MOGUSDT", "1000000MOG", "USDT", stable),
        market("10000LADYSUSDT.6", "10000LADYSUSDT", "10000LADYS", "USDT", stable),
        market("BTCUSDT_PERP.3", "BTC-USDT-SWAP", "BTC", "USDT", stable),
        market("BTCUSD_PERP.3", "BTC-USD-SWAP", "BTC", "USD", coin),
        market("PEPEUSDT_PERP.3", "PEPE-USDT-SWAP", "PEPE", "USDT", stable),
        market("BTC_USDT.Y", "BTC_USDT", "BTC", "USDT", stable),
        market("RARE_USDT.Y", "RARE_USDT", "RARE", "USDT", stable),
        market("BTCUSDT_PERP.4", "BTC-USDT", "BTC", "USDT", stable),
        market("BTC.H", "BTC", "BTC", "USDC", stable),
        market("kPEPE.H", "kPEPE", "kPEPE", "USDC", stable),
        market("HYPE.H", "HYPE", "HYPE", "", stable),
        market("XBTUSD.0", "XBTUSD", "XBT", "USD", coin),
        market("XBTUSDT.0", "XBTUSDT", "XBT", "USDT", stable),
        market("BTC-PERPETUAL.2", "BTC-PERPETUAL", "BTC", "USD", coin),
        market("BTC_USDC-PERPETUAL.2", "BTC_USDC-PERPETUAL", "BTC", "USDC", stable),
        market("ONLYCOINUSD.0", "ONLYCOINUSD", "ONLYCOIN", "USD", coin),
        market("PF_XBTUSD.K", "PF_XBTUSD", "XBT", "USD", stable),
        market("NEWUSDT.Z", "NEWUSDT", "NEW", "USDT", stable),
    ]
}

/// Status, market and multiplier of a series.
fn check(exchange: &str, symbol: &str, status: OiStatus, market: &str, multiplier: f64) {
    let forward = Markets::new(list());
    let found = forward.resolve(exchange, symbol);
    let name = found.instrument.as_ref().map_or("", |instrument| &instrument.coinalyze_symbol);
    assert_eq!((found.status, name), (status, market), "{exchange} {symbol}");
    assert!((found.multiplier - multiplier).abs() < 1e-12, "{exchange} {symbol}: {}", found.multiplier);
    let backward = Markets::new(list().into_iter().rev());
    assert_eq!(backward.resolve(exchange, symbol), found, "the order of the list says nothing: {exchange} {symbol}");
}

#[test]
fn the_files_own_exchange_comes_first_in_every_spelling() {
    for (exchange, symbol, market) in [
        ("binance", "BTCUSDT", "BTCUSDT_PERP.A"),
        ("Binance USDM", "btcusdt", "BTCUSDT_PERP.A"),
        ("binanceusdm", "BTC/USDT:USDT", "BTCUSDT_PERP.A"),
        ("binance", "BTC/USDT", "BTCUSDT_PERP.A"),
        ("BINANCE", "BINANCE:BTCUSDT.P", "BTCUSDT_PERP.A"),
        ("binance", "BTCUSDT_PERP", "BTCUSDT_PERP.A"),
        ("binance", "BTCUSDT_PERP.A", "BTCUSDT_PERP.A"),
        ("binance", "BTCUSDC", "BTCUSDC_PERP.A"),
        ("binance", "BTCFDUSD", "BTCUSDT_PERP.A"),
        ("binance", "BTC-EUR", "BTCUSDT_PERP.A"),
        ("binance", "BTCUSD_PERP", "BTCUSD_PERP.A"),
        // In dollars without a market of its own: margined in dollars comes before margined in coins.
        ("binance", "BTCUSD", "BTCUSDT_PERP.A"),
        ("binance", "ETHBTC", "ETHBTC_PERP.A"),
        ("binance", "1INCHUSDT", "1INCHUSDT_PERP.A"),
        ("binance", "PI_USDT", "PIUSDT_PERP.A"),
        // A contract that ends, and one that ends and is not in the list.
        ("binance", "BTCUSDT_270326", "BTCUSDT_270326.A"),
        ("binance", "BTCUSDT_261225", "BTCUSDT_PERP.A"),
        ("bybit", "BTCPERP", "BTCPERP.6"),
        ("bybit", "BTCUSD", "BTCUSD.6"),
        ("okex", "BTC-USDT", "BTCUSDT_PERP.3"),
        ("okx", "BTC-USD-SWAP", "BTCUSD_PERP.3"),
        ("okx", "BTC-USDT-270326", "BTCUSDT_PERP.3"),
        ("gateio", "btc_usdt", "BTC_USDT.Y"),
        ("htx", "btcusdt", "BTCUSDT_PERP.4"),
        ("huobi", "BTC-USDT", "BTCUSDT_PERP.4"),
        ("hyperliquid", "BTC", "BTC.H"),
        ("hyperliquid", "BTC/USDC:USDC", "BTC.H"),
        ("hyperliquid", "HYPEUSD", "HYPE.H"),
        ("bitmex", "BTCUSDT", "XBTUSDT.0"),
        ("bitmex", "XBTUSD", "XBTUSD.0"),
        ("bitmex", "ONLYCOINUSDT", "ONLYCOINUSD.0"),
        ("deribit", "BTC-PERPETUAL", "BTC-PERPETUAL.2"),
        ("deribit", "BTC-28JUN27", "BTC_USDC-PERPETUAL.2"),
        ("krakenfutures", "PF_XBTUSD", "PF_XBTUSD.K"),
        ("kraken", "XXBTZUSD", "PF_XBTUSD.K"),
    ] {
        check(exchange, symbol, OiStatus::Resolved, market, 1.0);
    }
}

#[test]
fn another_venue_stands_in_by_liquidity_in_dollars_only() {
    for (exchange, symbol, market) in [
        ("mexc", "BTC_USDT", "BTCUSDT_PERP.A"),
        ("unknown", "BTCUSDC", "BTCUSDC_PERP.A"),
        ("", "XBTUSDT", "BTCUSDT_PERP.A"),
        ("kucoin", "XBTUSDTM", "BTCUSDT_PERP.A"),
        ("bitget", "BTCUSDT_UMCBL", "BTCUSDT_PERP.A"),
        ("woo", "PERP_BTC_USDT", "BTCUSDT_PERP.A"),
        ("bitfinex", "tBTCF0:USTF0", "BTCUSDT_PERP.A"),
        ("upbit", "BTC/KRW", "BTCUSDT_PERP.A"),
        ("coinbase", "BTC-USD", "BTCUSDT_PERP.A"),
        ("bybit", "RAREUSDT", "RARE_USDT.Y"),
        ("mexc", "HYPE_USDT", "HYPE.H"),
        ("unknown", "ETHBTC", "ETHBTC_PERP.A"),
    ] {
        check(exchange, symbol, OiStatus::Aggregated, market, 1.0);
    }
}

#[test]
fn coins_by_the_thousand() {
    use OiStatus::{Aggregated, Resolved};
    for (exchange, symbol, status, market, multiplier) in [
        ("binance", "PEPEUSDT", Resolved, "1000PEPEUSDT_PERP.A", 1_000.0),
        ("binance", "1000PEPEUSDT", Resolved, "1000PEPEUSDT_PERP.A", 1.0),
        ("mexc", "1000PEPE_USDT", Aggregated, "1000PEPEUSDT_PERP.A", 1.0),
        ("okx", "1000PEPE-USDT", Resolved, "PEPEUSDT_PERP.3", 0.001),
        ("hyperliquid", "kPEPE", Resolved, "kPEPE.H", 1.0),
        ("hyperliquid", "KPEPE/USDC:USDC", Resolved, "kPEPE.H", 1.0),
        ("hyperliquid", "PEPEUSD", Resolved, "kPEPE.H", 1_000.0),
        ("mexc", "BABYDOGEUSDT", Aggregated, "1MBABYDOGEUSDT_PERP.A", 1_000_000.0),
        ("mexc", "1000BABYDOGEUSDT", Aggregated, "1MBABYDOGEUSDT_PERP.A", 1_000.0),
        ("bybit", "SHIBUSDT", Resolved, "SHIB1000USDT.6", 1_000.0),
        ("gate", "1000SHIB_USDT", Aggregated, "SHIB1000USDT.6", 1.0),
        ("gate", "MOG_USDT", Aggregated, "1000000MOGUSDT.6", 1_000_000.0),
        ("gate", "LADYS_USDT", Aggregated, "10000LADYSUSDT.6", 10_000.0),
    ] {
        check(exchange, symbol, status, market, multiplier);
    }
    for (name, coin, coins) in [
        ("1INCH", "1INCH", 1),
        ("10SET", "10SET", 1),
        ("1000X", "X", 1_000),
        ("1000000", "1000000", 1),
        ("1M", "1M", 1),
        ("1MC", "1MC", 1),
        ("10MATIC", "MATIC", 10),
        ("100SHIB", "SHIB", 100),
        ("KSM", "KSM", 1),
        ("kavausdt", "KAVAUSDT", 1),
        ("k", "K", 1),
        ("KSHIB", "SHIB", 1_000),
        ("xbt", "BTC", 1),
        ("1000XBT", "BTC", 1_000),
        ("", "", 1),
    ] {
        assert_eq!(Asset::read(name), Asset { coin: coin.to_owned(), coins }, "{name}");
    }
}

#[test]
fn what_is_not_known_is_neutral() {
    let long = "B".repeat(10_000);
    for (exchange, symbol) in [
        ("binance", "NOSUCHUSDT"),
        ("binance", "BTCETH"),
        ("mexc", "BTC-XYZ"),
        // No venue of dollars has it.
        ("mexc", "ONLYCOIN_USDT"),
        // A venue without a name.
        ("z", "NEWUSDT"),
        ("deribit", "BTC-28JUN27-60000-C"),
        ("binance", "10SETUSDT"),
        ("binance", "SPYUSDX"),
        ("binance", ""),
        ("", ""),
        ("binance", "USDT"),
        ("binance", "_-./"),
        ("binance", ":"),
        ("binance", "币安人生USDT"),
        ("ﷺ", "ﷺ\u{0}\u{202e}"),
        ("binance", &long),
    ] {
        check(exchange, symbol, OiStatus::Neutral, "", 1.0);
    }
    assert_eq!(Markets::default().resolve("binance", "BTCUSDT"), Resolution::NEUTRAL);
}

#[test]
fn rows_are_read_one_by_one() {
    let body = br#"[
        {"symbol":"BTCUSDT_PERP.A","exchange":"A","symbol_on_exchange":"BTCUSDT","base_asset":"BTC","quote_asset":"USDT",
         "is_perpetual":true,"margined":"STABLE","expire_at":null,"oi_lq_vol_denominated_in":"BASE_ASSET",
         "has_long_short_ratio_data":false,"has_ohlcv_data":true,"has_buy_sell_data":true},
        {"symbol":"SHORT.A","exchange":"A","base_asset":"SHORT","is_perpetual":true,"new_field":[1e999]},
        {"symbol":"A,B.A","exchange":"A","base_asset":"A","is_perpetual":true},
        {"symbol":"","exchange":"A","base_asset":"A","is_perpetual":true},
        {"symbol":7}, null, [], "text", {"symbol":"X.A","exchange":"A","base_asset":"X","is_perpetual":"yes"}
    ]"#;
    let markets = Market::read_all(body).unwrap();
    assert_eq!(markets.iter().map(|market| market.symbol.as_str()).collect::<Vec<_>>(), ["BTCUSDT_PERP.A", "SHORT.A"]);
    assert_eq!(markets.iter().map(|market| market.has_long_short_ratio).collect::<Vec<_>>(), [false, true]);
    assert_eq!(Markets::new(markets).resolve("bybit", "SHORTUSDT").status, OiStatus::Aggregated);
    for body in [&b"{}"[..], b"", b"[", b"null", b"<html>"] {
        assert!(Market::read_all(body).is_err());
    }
}

fn odd() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "BTC", "btc", "XBT", "1000", "PEPE", "k", "K", "USDT", "USDC", "USD", "M", "PERP", "SWAP", "P", "_", "-", "/",
        ":", ".", "240628", "28JUN24", "t", "F0", "UST", "ETH", "1M", "10", "é", "ß", "ﬁ", "", " ", "PF", "binance",
    ]);
    prop_oneof![prop::collection::vec(parts, 0..8).prop_map(|parts| parts.concat()), any::<String>()]
}

proptest! {
    #[test]
    fn what_is_resolved_is_in_the_list(exchange in odd(), symbol in odd()) {
        let known: HashSet<String> = list().into_iter().map(|market| market.symbol).collect();
        let found = Markets::new(list()).resolve(&exchange, &symbol);
        prop_assert!(found.multiplier.is_finite() && found.multiplier > 0.0);
        if let Some(instrument) = found.instrument {
            prop_assert!(known.contains(&*instrument.coinalyze_symbol));
            let (_, code) = instrument.coinalyze_symbol.rsplit_once('.').unwrap();
            prop_assert_eq!(venue::coded(code).map(|venue| venue.name), Some(instrument.venue));
            let is_own = venue::of(&exchange).is_some_and(|venue| venue.code == code);
            prop_assert_eq!(found.status, if is_own { OiStatus::Resolved } else { OiStatus::Aggregated });
        } else {
            prop_assert_eq!(found.status, OiStatus::Neutral);
        }
    }
}
