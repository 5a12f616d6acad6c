//! Reads the file and the environment into one flat map from key to value, the environment above the file.
//!
//! Whatever is wrong becomes a [`Problem`], and the reading goes on: the user sees all mistakes at once. No problem
//! repeats a line of the file, since a secret may stand in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::entries::{Entry, variable};
use super::environment::Environment;
use super::problem::{Problem, SHOWN_MAX, printable};
use super::value::{Given, Place, Value};
use super::{ALIASES, PREFIX, SEPARATOR};

/// Largest file that is taken for a configuration.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What was set, by key, and what was wrong with it.
#[derive(Default)]
pub(super) struct Source {
    pub(super) given: BTreeMap<String, Given>,
    pub(super) problems: Vec<Problem>,
}

/// Reads at most `bytes_max` of a text file.
///
/// # Errors
/// In words: it cannot be read, is larger, or is not UTF-8.
pub(super) fn read_text(path: &Path, bytes_max: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > bytes_max) {
        return Err(format!("is larger than {bytes_max} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

impl Source {
    /// Takes the keys of a TOML file.
    pub(super) fn file(&mut self, path: &Path, entries: &[Entry]) {
        let path: Arc<Path> = path.into();
        let content = match read_text(&path, FILE_BYTES_MAX) {
            Ok(content) => content,
            Err(what) => {
                let place = Place::WholeFile(path);
                return self.problems.push(Problem::new("", place, what));
            }
        };
        self.content(&path, &content, entries);
    }

    /// Takes the keys of the text that `path` holds.
    pub(super) fn content(&mut self, path: &Arc<Path>, content: &str, entries: &[Entry]) {
        let lines = Lines::of(content);
        let (table, errors) = DeTable::parse_recoverable(content);
        if errors.is_empty() {
            let place = |at: usize| Place::File(Arc::clone(path), lines.line(at));
            return self.table(table.get_ref(), "", &place, entries);
        }
        self.problems.extend(errors.iter().map(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let place = Place::File(Arc::clone(path), lines.line(at));
            Problem::new("", place, format!("not TOML: {}", error.message()))
        }));
    }

    /// Depth is bounded twice: by the parser, and because only known sections are entered.
    fn table(&mut self, table: &DeTable<'_>, above: &str, place: &dyn Fn(usize) -> Place, entries: &[Entry]) {
        for (key, value) in table {
            let path = match above {
                "" => key.get_ref().to_string(),
                above => format!("{above}.{}", key.get_ref()),
            };
            let place_here = place(key.span().start);
            match (known(&path, entries), value.get_ref()) {
                (Known::Section, DeValue::Table(inner)) => {
                    self.table(inner, &path, place, entries);
                }
                (Known::Section, _) => {
                    self.problems.push(Problem::section(&path, place_here));
                }
                (Known::Secret(entry), _) => {
                    self.problems.push(Problem::misplaced_secret(entry, place_here));
                }
                (Known::Key, value) => {
                    let value = Value::of(value);
                    let given = Given { value, place: place_here };
                    self.given.insert(path, given);
                }
                (Known::Nothing, _) => {
                    self.unknown(&path, place_here, entries);
                }
            }
        }
    }

    fn unknown(&mut self, path: &str, place: Place, entries: &[Entry]) {
        // Beyond what is shown the nearest key is not searched: thousands of searches would take seconds.
        let searched = if self.problems.len() < SHOWN_MAX { entries } else { &[] };
        self.problems.push(Problem::unknown(path, place, searched));
    }

    /// Takes the `SIGNALMILL__…` variables and the aliases.
    pub(super) fn environment(&mut self, environment: &Environment, entries: &[Entry]) {
        for alias in ALIASES {
            // A bare number of an alias is in seconds where the key is a duration.
            self.variable(environment, alias.variable, alias.key, |raw| {
                let digits = !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit());
                let unit = if alias.seconds && digits { "s" } else { "" };
                Value::variable(&format!("{raw}{unit}"))
            });
        }
        for name in environment.names(PREFIX) {
            let path = name[PREFIX.len()..].to_ascii_lowercase().replace(SEPARATOR, ".");
            let place = Place::Variable(printable(name));
            match known(&path, entries) {
                // One spelling a key: a second one could not be told from an override that is lost.
                Known::Key if name == variable(&path) => {
                    self.variable(environment, name, &path, Value::variable);
                }
                Known::Secret(entry) => {
                    self.problems.push(Problem::misplaced_secret(entry, place));
                }
                Known::Section => self.problems.push(Problem::section(&path, place)),
                Known::Key | Known::Nothing => {
                    self.unknown(&path, place, entries);
                }
            }
        }
    }

    fn variable(&mut self, environment: &Environment, name: &str, key: &str, value: impl Fn(&str) -> Value) {
        let place = Place::Variable(name.to_owned());
        match environment.read(name) {
            Ok(None) => {}
            Ok(Some(raw)) => {
                let value = value(raw);
                self.given.insert(key.to_owned(), Given { value, place });
            }
            Err(_) => {
                self.problems.push(Problem::new(key, place, "the value is not UTF-8".to_owned()));
            }
        }
    }
}

enum Known<'a> {
    Key,
    Secret(&'a Entry),
    Section,
    Nothing,
}

fn known<'a>(path: &str, entries: &'a [Entry]) -> Known<'a> {
    for entry in entries {
        match entry.path.strip_prefix(path) {
            Some("") if entry.secret => return Known::Secret(entry),
            Some("") => return Known::Key,
            Some(rest) if rest.starts_with('.') => return Known::Section,
            _ => {}
        }
    }
    Known::Nothing
}

/// Where the lines of a text end, to find a line without reading the text again.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// Counted from 1.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}
