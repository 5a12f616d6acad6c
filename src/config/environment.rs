//! The one door to the environment. Everything else is handed what it needs, so that tests need no process of their
//! own.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// A snapshot of the environment variables.
///
/// It does not print: it holds the secrets before anybody took them into custody.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The variables of this process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// Just these variables.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.into(), value.into());
        Self(variables.iter().map(owned).collect())
    }

    /// The same with one variable more, or another value of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The value of a variable; `None` where it is not set, empty, or not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.read(name).ok().flatten().filter(|value| !value.is_empty())
    }

    /// The value of a variable where it is set, also where it is empty.
    ///
    /// # Errors
    /// The value is not UTF-8.
    pub(super) fn read(&self, name: &str) -> Result<Option<&str>, NotText> {
        match self.0.get(std::ffi::OsStr::new(name)) {
            Some(value) => value.to_str().map(Some).ok_or(NotText),
            None => Ok(None),
        }
    }

    /// The names that start with `prefix`, sorted. Names that are not UTF-8 are nobody's.
    pub(super) fn names(&self, prefix: &str) -> Vec<&str> {
        self.0.keys().filter_map(|name| name.to_str()).filter(|name| name.starts_with(prefix)).collect()
    }
}

/// A value is not UTF-8.
#[derive(Debug)]
pub(super) struct NotText;
