//! What is wrong with a configuration, said so that it can be put right: the key, what was given, what is allowed,
//! where.

use std::fmt;

use super::entries::{Entry, variable};
use super::value::{Given, Place};

/// Problems that are told; the number of the others is.
pub(super) const SHOWN_MAX: usize = 50;
/// Characters of a name that somebody made up.
const NAME_CHARS_MAX: usize = 100;
/// How much worse a key of another section is than a misspelt one of the same.
const OTHER_SECTION: usize = 2;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key's path; empty where the whole file is meant.
    pub key: String,
    /// What is wrong and what is allowed. Never a secret's value.
    pub what: String,
    place: Place,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in self.0.iter().take(SHOWN_MAX) {
            write!(f, "\n  {problem}")?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}", self.place, self.what),
            key => write!(f, "{key}: {} ({})", self.what, self.place),
        }
    }
}

impl Problem {
    pub(super) fn new(key: &str, place: Place, what: String) -> Self {
        Self { key: printable(key), what, place }
    }

    /// A key that does not exist. Its value is not repeated: it may be a secret under a wrong name.
    pub(super) fn unknown(path: &str, place: Place, entries: &[Entry]) -> Self {
        let Some(entry) = nearest(path, entries) else {
            return Self::new(path, place, "unknown key".to_owned());
        };
        if let (Place::Variable(_), Some(name)) = (&place, entry.variables.first()) {
            let what = format!("sets no key, the nearest one that does is {name}");
            return Self::new("", place, what);
        }
        let what = format!("unknown key, the nearest known one is {}", entry.path);
        Self::new(path, place, what)
    }

    pub(super) fn section(path: &str, place: Place) -> Self {
        let what = match place {
            Place::Variable(_) => {
                format!("a section, set its keys one by one as {}__…", variable(path))
            }
            _ => format!("a section, write its keys below [{path}]"),
        };
        Self::new(path, place, what)
    }

    pub(super) fn misplaced_secret(entry: &Entry, place: Place) -> Self {
        let what = format!(
            "a secret, taken only from the environment: set {}, or {} to the path of a file that holds it",
            entry.variables[0], entry.variables[1],
        );
        Self::new(&entry.path, place, what)
    }

    /// A value of the wrong type or outside its range.
    pub(super) fn refused(path: &str, given: &Given, kind: &str, allowed: &str) -> Self {
        let allowed = match allowed {
            "" => kind.to_owned(),
            allowed => format!("{kind}, {allowed}"),
        };
        let what = format!("{} is not allowed, allowed is: {allowed}", given.value);
        Self::new(path, given.place.clone(), what)
    }
}

/// A name as it can be printed: without control characters, and not too long.
pub(super) fn printable(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// The key that was most likely meant: the fewest edits of the whole path, or of its last part.
fn nearest<'a>(path: &str, entries: &'a [Entry]) -> Option<&'a Entry> {
    let path = printable(path);
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let edits = strsim::damerau_levenshtein;
    entries.iter().min_by_key(|entry| {
        let elsewhere = edits(&last(&path), &last(&entry.path)) + OTHER_SECTION;
        edits(&path, &entry.path).min(elsewhere)
    })
}
