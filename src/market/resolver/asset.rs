//! What is traded: the same coin under its several names, and how many of it a contract's unit holds.
//!
//! Cheap coins are traded by the thousand: `1000PEPE` is a thousand PEPE, `kPEPE` is the same at Hyperliquid, `1MBABYDOGE`
//! a million, `SHIB1000` a thousand. Some venues use names of their own: `XBT` is BTC. A name that only looks so stays
//! what it is: `1INCH` is a coin, and so is `10SET`.

/// Names of the same coin.
const ALIASES: &[(&str, &str)] = &[
    ("XBT", "BTC"),
    ("XXBT", "BTC"),
    ("XETH", "ETH"),
    ("XDG", "DOGE"),
    ("XXDG", "DOGE"),
    ("XXRP", "XRP"),
    ("XLTC", "LTC"),
    ("XETC", "ETC"),
    ("XXLM", "XLM"),
    ("XXMR", "XMR"),
    ("XZEC", "ZEC"),
];

/// Thousands of Hyperliquid where a file wrote them in capitals; written `kPEPE` they are read by rule.
const CAPITAL_THOUSANDS: &[(&str, &str)] = &[
    ("KPEPE", "PEPE"),
    ("KSHIB", "SHIB"),
    ("KBONK", "BONK"),
    ("KFLOKI", "FLOKI"),
    ("KLUNC", "LUNC"),
    ("KDOGS", "DOGS"),
    ("KNEIRO", "NEIRO"),
];

/// Prefixes, how many coins they mean, and the shortest name that may follow. A short name behind 10 or 100 is rather
/// part of the name (`10SET`), and `1M` before few letters as well.
const PREFIXES: &[(&str, u32, usize)] = &[
    ("1000000", 1_000_000, 1),
    ("10000", 10_000, 1),
    ("1000", 1_000, 1),
    ("100", 100, 4),
    ("10", 10, 4),
    ("1M", 1_000_000, 4),
];

/// Bybit writes some thousands behind the name: `SHIB1000`.
const SUFFIX: (&str, u32, usize) = ("1000", 1_000, 3);

/// A coin, and how many of it one unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asset {
    /// The one name under which all of its names are found.
    pub coin: String,
    /// 1, or a power of ten.
    pub coins: u32,
}

impl Asset {
    /// Reads a base as a venue or a file writes it.
    pub fn read(base: &str) -> Self {
        if let Some(rest) = base.strip_prefix('k')
            && rest.len() > 1
            && !rest.chars().any(char::is_lowercase)
        {
            return Self::of(&rest.to_uppercase(), 1_000);
        }
        let base = base.to_uppercase();
        if let Some((_, coin)) = CAPITAL_THOUSANDS.iter().find(|(name, _)| *name == base) {
            return Self::of(coin, 1_000);
        }
        for (prefix, coins, chars_min) in PREFIXES {
            if let Some(rest) = base.strip_prefix(prefix)
                && rest.chars().count() >= *chars_min
                && rest.starts_with(char::is_alphabetic)
            {
                return Self::of(rest, *coins);
            }
        }
        let (suffix, coins, chars_min) = SUFFIX;
        match base.strip_suffix(suffix) {
            Some(rest) if rest.chars().count() >= chars_min && rest.chars().all(char::is_alphabetic) => {
                Self::of(rest, coins)
            }
            _ => Self::of(&base, 1),
        }
    }

    fn of(name: &str, coins: u32) -> Self {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        Self { coin: alias.map_or(name, |(_, coin)| coin).to_owned(), coins }
    }
}
