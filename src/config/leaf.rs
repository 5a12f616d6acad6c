//! What a value may be: one implementation of [`Leaf`] a type, and the [`Rule`] that narrows it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::{Cadence, NanoUsd};

use super::choice::HttpUrl;
use super::units::{Bytes, parse_duration, show_duration};
use super::value::Value;

/// A type that one key can have.
pub(super) trait Leaf: Clone {
    /// What a [`Rule`] looks at: the type itself, or what an `Option` holds.
    type Scalar;

    /// As the reference names the type, and errors what was expected: `duration such as 5s`.
    fn kind() -> String;

    /// `None` where the value is not of the type.
    fn read(value: &Value) -> Option<Self>;

    /// As the file would say it; `unset` where there is none.
    fn show(&self) -> String;

    /// What the rule looks at, where there is something.
    fn scalar(&self) -> Option<&Self::Scalar>;
}

/// What a key takes beyond its type.
pub(super) struct Rule<T> {
    /// In words, for errors and the reference; empty where everything is taken.
    pub(super) allowed: String,
    holds: Box<dyn Fn(&T) -> bool>,
}

impl<T> Rule<T> {
    /// Whether a value obeys.
    pub(super) fn holds(&self, value: &T) -> bool {
        (self.holds)(value)
    }
}

/// Everything of the type.
pub(super) fn any<T>() -> Rule<T> {
    Rule { allowed: String::new(), holds: Box::new(|_| true) }
}

/// From the one end to the other.
pub(super) fn within<T>(range: RangeInclusive<T>) -> Rule<T>
where
    T: Leaf + PartialOrd + 'static,
{
    Rule {
        allowed: format!("{} to {}", range.start().show(), range.end().show()),
        holds: Box::new(move |value| range.contains(value)),
    }
}

/// Texts that `holds` accepts, described by `allowed`.
pub(super) fn text(allowed: &str, holds: fn(&str) -> bool) -> Rule<String> {
    Rule { allowed: allowed.to_owned(), holds: Box::new(move |value| holds(value)) }
}

/// Lists of which every item is accepted.
pub(super) fn each(allowed: &str, holds: fn(&str) -> bool) -> Rule<Vec<String>> {
    Rule {
        allowed: allowed.to_owned(),
        holds: Box::new(move |items: &Vec<String>| items.iter().all(|item| holds(item))),
    }
}

/// A [`Leaf`] that is its own scalar: kind, how to read it, how to show it.
macro_rules! leaf {
    ($Type:ty, $kind:expr, $read:expr, $show:expr) => {
        impl Leaf for $Type {
            type Scalar = Self;

            fn kind() -> String {
                ($kind).to_string()
            }

            fn read(value: &Value) -> Option<Self> {
                let read: fn(&Value) -> Option<Self> = $read;
                read(value)
            }

            fn show(&self) -> String {
                let show: fn(&Self) -> String = $show;
                show(self)
            }

            fn scalar(&self) -> Option<&Self> {
                Some(self)
            }
        }
    };
}
pub(super) use leaf;

fn number<T: std::str::FromStr>(value: &Value) -> Option<T> {
    value.number()?.parse().ok()
}

/// A text in quotes, as TOML writes it.
pub(super) fn quoted(text: &dyn Display) -> String {
    toml::Value::String(text.to_string()).to_string()
}

leaf!(bool, "true or false", Value::boolean, ToString::to_string);
leaf!(i32, "whole number", number, ToString::to_string);
leaf!(u32, "whole number", number, ToString::to_string);
leaf!(usize, "whole number", number, ToString::to_string);
leaf!(f64, "number", |value| number(value).filter(|number: &f64| number.is_finite()), |number| format!("{number:?}"));
leaf!(Duration, "duration such as 5s, 200ms, 1h 30m", |value| parse_duration(value.text()?), |duration| quoted(
    &show_duration(*duration)
));
leaf!(
    Bytes,
    "bytes such as 8 MiB or 8388608",
    |value| Bytes::parse(value.number().or_else(|| value.text())?),
    |bytes| quoted(bytes)
);
leaf!(
    NanoUsd,
    "dollars such as 0.30, at most nine decimals",
    |value| value.number().or_else(|| value.text())?.parse().ok(),
    |amount| quoted(amount)
);
leaf!(String, "text", |value| Some(value.text()?.to_owned()), |text| quoted(text));
leaf!(PathBuf, "path of a file", |value| value.text().filter(|text| !text.is_empty()).map(PathBuf::from), |path| {
    quoted(&path.display())
});
leaf!(SocketAddr, "IP address and port such as 127.0.0.1:8080", |value| value.text()?.parse().ok(), |address| quoted(
    address
));
leaf!(
    HttpUrl,
    "http or https URL without user, password, query or fragment",
    |value| HttpUrl::parse(value.text()?),
    |url| quoted(url)
);
leaf!(
    Cadence,
    "hourly, daily, or a name of letters, digits, . _ - (at most 64)",
    |value| Some(value.text()?).filter(|text| super::choice::name(text)).map(Cadence::parse),
    |cadence| quoted(&match cadence {
        Cadence::Hourly => "hourly",
        Cadence::Daily => "daily",
        Cadence::Named(name) => name,
    })
);
leaf!(Vec<String>, "list of texts", |value| value.list()?.iter().map(String::read).collect(), |items| list(items));

impl<T: Leaf> Leaf for Option<T> {
    type Scalar = T::Scalar;

    fn kind() -> String {
        T::kind()
    }

    /// The empty text unsets a key, since TOML has no other word for it.
    fn read(value: &Value) -> Option<Self> {
        if value.text() == Some("") {
            return Some(None);
        }
        T::read(value).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "unset".to_owned(), T::show)
    }

    fn scalar(&self) -> Option<&T::Scalar> {
        self.as_ref().and_then(T::scalar)
    }
}

/// A list as TOML writes it.
pub(super) fn list<T: Leaf>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::show).collect();
    format!("[{}]", items.join(", "))
}
