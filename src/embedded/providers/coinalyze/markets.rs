//! The list of markets: some three thousand rows of 24 venues, in the spellings that `wire-formats.md` 1.2 shows.
//!
//! Coins are known ones, most traded first, then invented ones; a venue has the first of its part of them and every so
//! many of the others. Nothing is drawn: the list is the same in every run. Some markets were delisted: they are in the
//! list and have no data.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// Coins that there are, the most traded first.
const KNOWN: &str = "BTC ETH SOL XRP BNB DOGE ADA TRX LINK AVAX SUI LTC BCH DOT TON XLM HBAR UNI AAVE NEAR APT ICP ETC ARB OP \
    FIL ATOM INJ SEI TIA RENDER WLD FET GRT ALGO VET SAND MANA AXS GALA CHZ CRV LDO MKR SNX COMP DYDX GMX ENS IMX STX \
    RUNE KAVA KSM EOS XTZ NEO IOTA ZEC DASH XMR QTUM ENJ BAT ZRX 1INCH JTO JUP PYTH ENA ONDO PENDLE TAO HYPE POL S PI \
    PEPE SHIB BONK FLOKI LUNC SATS RATS MOG BABYDOGE LADYS WIF POPCAT NOT DOGS NEIRO TURBO MEME ORDI";
/// Coins altogether.
const COINS: usize = 620;
const CONSONANTS: &[u8] = b"BCDFGHJLMNPRSTVWZ";
const VOWELS: &[u8] = b"AEIOU";
/// Every so many markets, a delisted one.
const DELISTED_EVERY: usize = 61;
/// 2027-03-26T08:00:00Z, when dated contracts end.
const EXPIRY_S: i64 = 1_806_048_000;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is said of a market apart from the others")]
pub struct Listed {
    /// By which it is asked for.
    pub symbol: String,
    /// The venue's code.
    pub exchange: &'static str,
    /// As the venue writes it.
    pub own: String,
    /// As the venue writes it.
    pub base: String,
    /// As the venue writes it.
    pub quote: &'static str,
    /// It does not end.
    pub is_perpetual: bool,
    /// Margined in the coin, and counted in dollars.
    pub is_inverse: bool,
    /// Whether there is a ratio of long to short accounts.
    pub has_long_short_ratio: bool,
    /// Without data.
    pub is_delisted: bool,
    /// Place of its coin among all, the most traded first.
    pub(super) rank: usize,
}

/// How a venue writes a coin's perpetual in a currency: `{}` is the base.
struct Style {
    code: &'static str,
    /// The symbol before its dot, and the venue's own.
    linear: (&'static str, &'static str),
    quote: &'static str,
    /// It has this many of the most traded coins, and one in so many of the others.
    first: usize,
    one_in: usize,
    /// How it writes cheap coins.
    cheap: Cheap,
    /// Perpetuals in other currencies, for the most traded coins: symbol, own, currency, how many, inverse.
    more: &'static [(&'static str, &'static str, &'static str, usize, bool)],
    has_long_short_ratio: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cheap {
    One,
    Thousands,
    ThousandsBehind,
    Kilo,
}

const fn style(
    code: &'static str,
    linear: (&'static str, &'static str),
    quote: &'static str,
    first: usize,
    one_in: usize,
) -> Style {
    Style { code, linear, quote, first, one_in, cheap: Cheap::One, more: &[], has_long_short_ratio: false }
}

const STYLES: &[Style] = &[
    Style {
        cheap: Cheap::Thousands,
        more: &[("{}USDC_PERP", "{}USDC", "USDC", 40, false), ("{}USD_PERP", "{}USD_PERP", "USD", 30, true)],
        has_long_short_ratio: true,
        ..style("A", ("{}USDT_PERP", "{}USDT"), "USDT", 400, 2)
    },
    Style {
        cheap: Cheap::ThousandsBehind,
        more: &[("{}PERP", "{}PERP", "USDC", 30, false), ("{}USD", "{}USD", "USD", 12, true)],
        has_long_short_ratio: true,
        ..style("6", ("{}USDT", "{}USDT"), "USDT", 380, 2)
    },
    Style {
        more: &[("{}USD_PERP", "{}-USD-SWAP", "USD", 20, true), ("{}USDC_PERP", "{}-USDC-SWAP", "USDC", 8, false)],
        has_long_short_ratio: true,
        ..style("3", ("{}USDT_PERP", "{}-USDT-SWAP"), "USDT", 220, 5)
    },
    Style { more: &[("{}_USD", "{}_USD", "USD", 2, true)], ..style("Y", ("{}_USDT", "{}_USDT"), "USDT", 420, 2) },
    Style { has_long_short_ratio: true, ..style("4", ("{}USDT_PERP", "{}-USDT"), "USDT", 150, 6) },
    Style { cheap: Cheap::Kilo, ..style("H", ("{}", "{}"), "USDC", 140, 9) },
    Style { more: &[("{}USD", "{}USD", "USD", 6, true)], ..style("0", ("{}USDT", "{}USDT"), "USDT", 40, 20) },
    Style {
        more: &[("{}-PERPETUAL", "{}-PERPETUAL", "USD", 2, true)],
        ..style("2", ("{}_USDC-PERPETUAL", "{}_USDC-PERPETUAL"), "USDC", 20, 40)
    },
    style("7", ("{}USDT", "{}USDT"), "USDT", 110, 8),
    style("8", ("{}-USD", "{}-USD"), "USD", 90, 12),
    style("K", ("PF_{}USD", "PF_{}USD"), "USD", 130, 8),
    style("W", ("PERP_{}_USDT", "PERP_{}_USDT"), "USDT", 100, 12),
    style("F", ("t{}F0:USTF0", "t{}F0:USTF0"), "USDT", 40, 30),
    style("P", ("{}USDTPERP", "{}USDTPERP"), "USDT", 50, 20),
    style("V", ("{}-PERP", "{}-PERP"), "USDC", 30, 40),
    style("C", ("{}-PERP", "{}-PERP-INTX"), "USDC", 60, 25),
    style("D", ("{}USDT", "swap-usdt-{}"), "USDT", 30, 40),
    style("G", ("{}GUSDPERP", "{}GUSDPERP"), "USD", 8, 300),
    style("B", ("{}USD-PERP", "{}/USD-PERP"), "USD", 10, 300),
    style("L", ("FX_{}_JPY", "FX_{}_JPY"), "JPY", 2, 600),
    style("U", ("{}-PERP", "{}-PERP"), "USDT", 12, 300),
    style("E", ("{}-PERP", "{}-PERP"), "USDT", 4, 500),
    style("J", ("{}-PERP", "{}-PERP"), "USDT", 4, 500),
    style("M", ("{}-PERP", "{}-PERP"), "USDT", 4, 500),
];

static COIN_NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut coins: Vec<String> = KNOWN.split_whitespace().map(str::to_owned).collect();
    let mut number = 0;
    while coins.len() < COINS {
        number += 1;
        let coin = invented(number * 37);
        if !coins.contains(&coin) {
            coins.push(coin);
        }
    }
    coins
});

static LISTED: LazyLock<Vec<Listed>> = LazyLock::new(|| {
    let mut rows: Vec<Listed> = STYLES.iter().flat_map(perpetuals).chain(dated()).collect();
    for (at, row) in rows.iter_mut().enumerate() {
        row.is_delisted = at % DELISTED_EVERY == DELISTED_EVERY - 1;
    }
    rows
});

/// The coins of the list under their plain names, the most traded first.
#[must_use]
pub fn coins() -> &'static [String] {
    &COIN_NAMES
}

/// All rows.
#[must_use]
pub fn listed() -> &'static [Listed] {
    &LISTED
}

impl Listed {
    /// As `/future-markets` answers it.
    pub(super) fn row(&self) -> Value {
        json!({
            "symbol": self.symbol,
            "exchange": self.exchange,
            "symbol_on_exchange": self.own,
            "base_asset": self.base,
            "quote_asset": self.quote,
            "is_perpetual": self.is_perpetual,
            "margined": if self.is_inverse { "COIN" } else { "STABLE" },
            "expire_at": if self.is_perpetual { Value::Null } else { json!(EXPIRY_S) },
            "oi_lq_vol_denominated_in": if self.is_inverse { "QUOTE_ASSET" } else { "BASE_ASSET" },
            "has_long_short_ratio_data": self.has_long_short_ratio,
            "has_ohlcv_data": true,
            "has_buy_sell_data": self.has_long_short_ratio,
        })
    }
}

/// Four letters that can be spoken.
fn invented(number: usize) -> String {
    let pick = |letters: &[u8], digit: usize| char::from(letters[digit % letters.len()]);
    let (consonants, vowels) = (CONSONANTS.len(), VOWELS.len());
    let second = number / consonants;
    let third = second / vowels;
    [pick(CONSONANTS, number), pick(VOWELS, second), pick(CONSONANTS, third), pick(VOWELS, third / consonants)]
        .iter()
        .collect()
}

fn perpetuals(style: &'static Style) -> impl Iterator<Item = Listed> {
    let has = move |rank: usize| rank < style.first || rank.is_multiple_of(style.one_in);
    let linear = (style.linear.0, style.linear.1, style.quote, COINS, false);
    let kinds = std::iter::once(linear).chain(style.more.iter().copied());
    kinds.flat_map(move |(symbol, own, quote, ranks, is_inverse)| {
        let ranked = COIN_NAMES.iter().enumerate().take(ranks).filter(move |(rank, _)| has(*rank));
        ranked.map(move |(rank, coin)| {
            let base = base(style, coin);
            Listed {
                symbol: format!("{}.{}", symbol.replace("{}", &base), style.code),
                exchange: style.code,
                own: own.replace("{}", &base),
                base,
                quote,
                is_perpetual: true,
                is_inverse,
                has_long_short_ratio: style.has_long_short_ratio && !is_inverse,
                is_delisted: false,
                rank,
            }
        })
    })
}

/// As the venue writes the coin.
fn base(style: &Style, coin: &str) -> String {
    let is_cheap = ["PEPE", "SHIB", "BONK", "FLOKI", "LUNC", "SATS", "RATS"].contains(&coin);
    match (style.cheap, coin) {
        (Cheap::Thousands, "BABYDOGE") => "1MBABYDOGE".to_owned(),
        (Cheap::Thousands | Cheap::ThousandsBehind, "MOG") => "1000000MOG".to_owned(),
        (Cheap::ThousandsBehind, "BABYDOGE") => "1000000BABYDOGE".to_owned(),
        (Cheap::ThousandsBehind, "LADYS") => "10000LADYS".to_owned(),
        (Cheap::ThousandsBehind, "SHIB") => "SHIB1000".to_owned(),
        (Cheap::Thousands | Cheap::ThousandsBehind, _) if is_cheap => format!("1000{coin}"),
        (Cheap::Kilo, _) if is_cheap => format!("k{coin}"),
        _ if coin == "BTC" && ["0", "K"].contains(&style.code) => "XBT".to_owned(),
        _ => coin.to_owned(),
    }
}

/// Contracts that end, of the two most traded coins.
fn dated() -> impl Iterator<Item = Listed> {
    COIN_NAMES.iter().enumerate().take(2).flat_map(|(rank, coin)| {
        [
            ("A", format!("{coin}USDT_270326"), "USDT", false),
            ("A", format!("{coin}USD_270326"), "USD", true),
            ("3", format!("{coin}-USDT-270326"), "USDT", false),
        ]
        .map(|(exchange, own, quote, is_inverse)| Listed {
            symbol: format!("{own}.{exchange}"),
            exchange,
            own,
            base: coin.clone(),
            quote,
            is_perpetual: false,
            is_inverse,
            has_long_short_ratio: false,
            is_delisted: false,
            rank,
        })
    })
}
