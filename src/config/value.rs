//! Values as somebody wrote them, before anybody knows what they should be.
//!
//! Numbers keep their literal text, because money is read from it digit by digit: a float on the way would lose the
//! cent. A value from the environment also keeps its raw text, since `1` may be meant as a name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeValue;

/// Characters of a given value that an error repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// One TOML value, or the text of an environment variable.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    /// An integer or a float: the literal, without underscores.
    Number(String),
    Bool(bool),
    Date(String),
    List(Vec<Value>),
    Table(BTreeMap<String, Value>),
    /// An environment variable: what was set, and what it is when read as TOML.
    Variable {
        raw: String,
        parsed: Option<Box<Value>>,
    },
}

/// A value with the place it was set at.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A file and a line of it, counted from 1.
    File(Arc<Path>, usize),
    /// A file as a whole.
    WholeFile(Arc<Path>),
    /// An environment variable.
    Variable(String),
    /// Nowhere: it follows from several settings.
    Settings,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{} line {line}", path.display()),
            Self::WholeFile(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Settings => f.write_str("several settings together"),
        }
    }
}

impl Value {
    /// The value of an environment variable.
    pub(super) fn variable(raw: &str) -> Self {
        let parsed = DeValue::parse(raw).ok().map(|value| Box::new(Self::of(value.get_ref())));
        Self::Variable { raw: raw.to_owned(), parsed }
    }

    /// The same value, owned.
    pub(super) fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.clone().into_owned()),
            DeValue::Integer(number) => Self::Number(number.to_string().replace('_', "")),
            DeValue::Float(number) => Self::Number(number.to_string().replace('_', "")),
            DeValue::Boolean(value) => Self::Bool(*value),
            DeValue::Datetime(date) => Self::Date(date.to_string()),
            DeValue::Array(items) => Self::List(items.iter().map(|item| Self::of(item.get_ref())).collect()),
            DeValue::Table(entries) => Self::Table(
                entries.iter().map(|(key, value)| (key.get_ref().to_string(), Self::of(value.get_ref()))).collect(),
            ),
        }
    }

    fn parsed(&self) -> &Self {
        match self {
            Self::Variable { parsed: Some(value), .. } => value,
            other => other,
        }
    }

    /// The text, where it is one. From the environment everything is.
    pub(super) fn text(&self) -> Option<&str> {
        match (self, self.parsed()) {
            (_, Self::Text(text)) => Some(text),
            (Self::Variable { raw, .. }, _) => Some(raw),
            _ => None,
        }
    }

    /// The literal of a number.
    pub(super) fn number(&self) -> Option<&str> {
        match self.parsed() {
            Self::Number(literal) => Some(literal),
            _ => None,
        }
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.parsed() {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The items of a list; from the environment also of `a,b,c`.
    pub(super) fn list(&self) -> Option<Vec<Self>> {
        match (self, self.parsed()) {
            (_, Self::List(items)) => Some(items.clone()),
            (Self::Variable { raw, .. }, _) => Some(
                raw.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| Self::Text(item.to_owned()))
                    .collect(),
            ),
            _ => None,
        }
    }

    pub(super) fn table(&self) -> Option<&BTreeMap<String, Self>> {
        match self.parsed() {
            Self::Table(entries) => Some(entries),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    /// As an error repeats it: short, and without what a URL carries before its `@`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Text(text) => format!("{:?}", without_credentials(text)),
            Self::Variable { raw, .. } => format!("{:?}", without_credentials(raw)),
            Self::Number(literal) | Self::Date(literal) => literal.clone(),
            Self::Bool(value) => value.to_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Table(_) => "a table".to_owned(),
        };
        match text.char_indices().nth(SHOWN_CHARS_MAX) {
            Some((end, _)) => write!(f, "{}…", &text[..end]),
            None => f.write_str(&text),
        }
    }
}

/// Replaces everything up to the last `@`: in `http://user:password@host` the password stands there.
fn without_credentials(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => text.to_owned(),
    }
}
