//! Settings that are one of a few words, and texts that must have a form.

use std::fmt;
use std::net::Ipv6Addr;

use super::leaf::{Leaf, leaf, list, quoted};
use super::value::Value;
use crate::model::Strategy;

/// Longest name (worker, session, account, database, prefix).
const NAME_CHARS_MAX: usize = 64;
/// Longest URL.
const URL_BYTES_MAX: usize = 2048;

macro_rules! choice {
    ($(#[doc = $about:literal])+ $Name:ident, default $Default:ident {
        $($(#[doc = $doc:literal])+ $Variant:ident = $word:literal,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Name { $($(#[doc = $doc])+ $Variant,)+ }

        impl $Name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),+];

            /// As the configuration writes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $word,)+ }
            }
        }

        impl Default for $Name {
            fn default() -> Self { Self::$Default }
        }

        leaf!(
            $Name,
            [$($word),+].join(", "),
            |value| { let text = value.text()?; Self::ALL.iter().copied().find(|it| it.as_str() == text) },
            |it| quoted(&it.as_str())
        );
    };
}

choice! {
    /// How bytes travel to the brokers.
    Protocol, default Plaintext {
        /// As they are.
        Plaintext = "plaintext",
        /// Encrypted.
        Ssl = "ssl",
        /// As they are, after a login.
        SaslPlaintext = "sasl_plaintext",
        /// Encrypted, after a login.
        SaslSsl = "sasl_ssl",
    }
}

impl Protocol {
    /// Whether there is a login.
    #[must_use]
    pub fn has_login(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    /// Whether bytes are encrypted.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }
}

choice! {
    /// How a login proves itself.
    Mechanism, default Plain {
        /// User and password as they are.
        Plain = "PLAIN",
        /// A challenge over SHA-256.
        ScramSha256 = "SCRAM-SHA-256",
        /// A challenge over SHA-512.
        ScramSha512 = "SCRAM-SHA-512",
    }
}

choice! {
    /// Who analyses articles.
    Provider, default Lexicon {
        /// Built in: words and their weights, no key, no cost.
        Lexicon = "lexicon",
        /// Google's Gemini.
        Gemini = "gemini",
        /// OpenAI, or whatever speaks its protocol.
        Openai = "openai",
    }
}

leaf!(
    Strategy,
    Strategy::ALL.iter().map(|strategy| strategy.as_str()).collect::<Vec<_>>().join(", "),
    |value| Strategy::parse(value.text()?),
    |strategy| quoted(&strategy.as_str())
);

leaf!(
    Vec<Strategy>,
    format!("all, or a list of {}", <Strategy as Leaf>::kind()),
    |value| match value.text() {
        Some("all") => Some(Strategy::ALL.to_vec()),
        _ => value.list()?.iter().map(Strategy::read).collect(),
    },
    |strategies| if strategies.len() == Strategy::ALL.len() { quoted(&"all") } else { list(strategies) }
);

/// What is done when a budget runs low.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Another model goes on.
    CheaperModel {
        /// Its name.
        model: String,
    },
    /// No research.
    NoValidation,
    /// The built-in analyzer goes on.
    Lexicon,
    /// The rest waits for the next session.
    Defer,
}

/// One step of `budget.ladder`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// Share of the budget, 0 to 1, from which on the step holds.
    pub at: f64,
    /// What it does.
    pub action: Action,
}

impl Rung {
    fn read(value: &Value) -> Option<Self> {
        let table = value.table()?;
        let at = f64::read(table.get("at")?).filter(|at| (0.0..=1.0).contains(at))?;
        let model = table.get("model").and_then(Value::text).filter(|model| !model.is_empty());
        let action = match (table.get("action")?.text()?, model) {
            ("cheaper_model", Some(model)) => Action::CheaperModel { model: model.to_owned() },
            ("no_validation", None) => Action::NoValidation,
            ("lexicon", None) => Action::Lexicon,
            ("defer", None) => Action::Defer,
            _ => return None,
        };
        // Two keys, and `model` where the action has one: nothing unknown beside them.
        let keys = 2 + usize::from(model.is_some());
        (table.len() == keys).then_some(Self { at, action })
    }

    fn show(&self) -> String {
        let action = match &self.action {
            Action::CheaperModel { model } => {
                format!("\"cheaper_model\", model = {}", quoted(model))
            }
            Action::NoValidation => "\"no_validation\"".to_owned(),
            Action::Lexicon => "\"lexicon\"".to_owned(),
            Action::Defer => "\"defer\"".to_owned(),
        };
        format!("{{at = {:?}, action = {action}}}", self.at)
    }
}

leaf!(
    Vec<Rung>,
    "list of {at = 0 to 1, action = \"cheaper_model\" (with model), \"no_validation\", \"lexicon\" or \"defer\"}, \
     `at` rising",
    |value| {
        let rungs: Vec<Rung> = value.list()?.iter().map(Rung::read).collect::<Option<_>>()?;
        rungs.is_sorted_by(|low, high| low.at < high.at).then_some(rungs)
    },
    |rungs| format!("[{}]", rungs.iter().map(Rung::show).collect::<Vec<_>>().join(", "))
);

/// An `http` or `https` URL without a trailing slash, to which paths are appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// `None` unless it has a scheme, a host and nothing but a port and a path behind it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
        let authority = rest.split('/').next().unwrap_or(rest);
        let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "?#@\\\"<>".contains(letter);
        if text.len() > URL_BYTES_MAX || text.contains(odd) {
            return None;
        }
        let has_host = match authority.rsplit_once(':') {
            Some(_) if !authority.ends_with(']') => host_port(authority),
            _ => host(authority),
        };
        has_host.then(|| Self(text.trim_end_matches('/').to_owned()))
    }

    /// A default of the table; a test reads every one of them back.
    pub(super) fn literal(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `host:port`, comma-separated.
pub(super) fn host_ports(text: &str) -> bool {
    text.split(',').all(|part| host_port(part.trim()))
}

/// A scheme, a host and perhaps a port: what a browser sends as `Origin`.
pub(super) fn origin(text: &str) -> bool {
    HttpUrl::parse(text).is_some_and(|url| url.as_str() == text && text.matches('/').count() == 2)
}

/// Letters, digits, `.`, `_` and `-`: what Kafka takes as the name of a topic, a group or a client.
pub(super) fn name(text: &str) -> bool {
    !text.is_empty() && prefix(text)
}

/// A [`name`], or nothing.
pub(super) fn prefix(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.len() <= NAME_CHARS_MAX && text.bytes().all(legal)
}

/// A name that stands in SQL without quotes.
pub(super) fn identifier(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name(text) && text.bytes().all(legal) && !text.as_bytes()[0].is_ascii_digit()
}

/// Two lower-case letters.
pub(super) fn language(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Something, and not too much of it.
pub(super) fn filled(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= URL_BYTES_MAX && !text.contains(char::is_control)
}

fn host_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(name, port)| host(name) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, read) in [
            ("http://127.0.0.1:8123", Some("http://127.0.0.1:8123")),
            ("https://host/v1beta/", Some("https://host/v1beta")),
            ("http://[::1]:8123", Some("http://[::1]:8123")),
            ("http://[::1]", Some("http://[::1]")),
            ("host:8123", None),
            ("http://", None),
            ("http://host:0", None),
            ("http://host:port", None),
            ("http://user:secret@host", None),
            ("http://host/?key=secret", None),
            ("ftp://host", None),
        ] {
            assert_eq!(HttpUrl::parse(text).as_ref().map(HttpUrl::as_str), read, "{text}");
        }
        assert!(origin("https://desk.example.com") && origin("http://localhost:3000"));
        assert!(!origin("https://desk.example.com/") && !origin("https://desk.example.com/page") && !origin("*"));
        assert!(host_ports("a:1, b.c-d:9092,[::1]:9092"));
        assert!(!host_ports("a") && !host_ports("a:1,") && !host_ports("a:70000"));
    }
}
