//! What a key of an object or a column of a table means. Case and separators do not count (`openTime`, `open_time`,
//! `Open Time`), except in single letters: streams write `t` for the opening beside `T` for the close, `l` for the low
//! beside `L` for a trade, so a small letter goes before a capital.

/// A key longer than this, separators aside, means nothing.
const KEY_LETTERS_MAX: usize = 24;

/// What stands under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// When the bar opened.
    Time,
    /// A number of the bar, by its place in open, high, low, close, volume.
    Field(usize),
    /// The market.
    Symbol,
    /// The exchange.
    Exchange,
    /// The interval.
    Interval,
    /// None of our business.
    Other,
}

/// A role, and how surely it is meant: of two keys of one role the lower rank counts, the first one of equals.
pub(super) type Ranked = (Role, u8);

/// The open, the high, the low, the close and the volume.
pub(super) const OPEN: usize = 0;
pub(super) const HIGH: usize = 1;
pub(super) const LOW: usize = 2;
pub(super) const CLOSE: usize = 3;
pub(super) const VOLUME: usize = 4;

/// The role of a key.
pub(super) fn role(key: &[u8]) -> Ranked {
    use Role::{Exchange, Field, Interval, Other, Symbol, Time};
    if let [letter] = key {
        return letter_role(*letter);
    }
    let mut letters = [0; KEY_LETTERS_MAX];
    let mut length = 0;
    // Some answers number their keys: `1. open`.
    for byte in key.iter().filter(|byte| byte.is_ascii_alphanumeric()).skip_while(|byte| byte.is_ascii_digit()) {
        let Some(slot) = letters.get_mut(length) else { return (Other, 0) };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    match &letters[..length] {
        b"opentime" | b"opentimestamp" | b"opentimems" | b"openat" | b"candledatetimeutc" => (Time, 0),
        b"starttime" | b"start" | b"startat" | b"timestart" | b"timeopen" | b"begin" | b"bucket" => (Time, 1),
        b"timestamp" | b"timestampms" | b"unix" | b"unixtime" | b"epoch" | b"ts" => (Time, 3),
        b"time" | b"candletime" | b"klinetime" => (Time, 4),
        b"datetime" | b"dateutc" | b"datetimeutc" => (Time, 5),
        b"date" | b"day" => (Time, 6),
        b"open" | b"openprice" | b"priceopen" | b"openingprice" => (Field(OPEN), 0),
        b"high" | b"highprice" | b"pricehigh" | b"highestprice" => (Field(HIGH), 0),
        b"low" | b"lowprice" | b"pricelow" | b"lowestprice" => (Field(LOW), 0),
        b"close" | b"closeprice" | b"priceclose" | b"closingprice" | b"tradeprice" => (Field(CLOSE), 0),
        b"volume" | b"basevolume" | b"volumebase" | b"basevol" => (Field(VOLUME), 0),
        b"vol" => (Field(VOLUME), 2),
        b"tickvolume" | b"candleacctradevolume" => (Field(VOLUME), 4),
        b"amount" => (Field(VOLUME), 5),
        // `Volume BTC`, `volumefrom`, `volume(btc)`; the first of several is the base's.
        [b'v', b'o', b'l', b'u', b'm', b'e', ..] => (Field(VOLUME), 3),
        b"symbol" => (Symbol, 0),
        b"pair" | b"instid" | b"instrument" | b"instrumentname" | b"productid" | b"currencypair" => (Symbol, 1),
        b"contract" | b"ticker" | b"market" => (Symbol, 2),
        b"exchange" | b"exchangename" | b"exchangeid" => (Exchange, 0),
        b"venue" => (Exchange, 1),
        b"interval" | b"timeframe" | b"tf" | b"candleinterval" | b"klineinterval" | b"barsize" => (Interval, 0),
        b"granularity" | b"resolution" | b"frequency" | b"freq" | b"period" => (Interval, 1),
        _ => (Other, 0),
    }
}

fn letter_role(letter: u8) -> Ranked {
    let rank = if letter.is_ascii_lowercase() { 1 } else { 7 };
    let role = match letter.to_ascii_lowercase() {
        b't' => Role::Time,
        b'o' => Role::Field(OPEN),
        b'h' => Role::Field(HIGH),
        b'l' => Role::Field(LOW),
        b'c' => Role::Field(CLOSE),
        b'v' => Role::Field(VOLUME),
        b's' => Role::Symbol,
        b'i' if letter == b'i' => Role::Interval,
        _ => Role::Other,
    };
    // `t` stands below `openTime` and above `timestamp`.
    (role, rank + u8::from(role == Role::Time))
}
