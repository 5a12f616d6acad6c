//! The table of all keys, from which files are checked and the reference is printed.

use super::leaf::{Leaf, Rule};
use super::secret::Custody;
use super::sections::Config;
use super::visit::{Section, Visitor};
use super::{ALIASES, PREFIX, SEPARATOR};

/// One key, as the reference shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// `articles.batch_size`.
    pub path: String,
    /// The type, in words.
    pub kind: String,
    /// What is allowed beyond the type; empty where everything is.
    pub allowed: String,
    /// As the file would say it; `unset` where there is none.
    pub default: String,
    /// What it means.
    pub meaning: String,
    /// Environment variables that set it, the strongest first.
    pub variables: Vec<String>,
    /// Set by the environment only, and never shown.
    pub secret: bool,
}

impl Config {
    /// Every key in the order of the sections, with the default that [`Config::default`] has.
    #[must_use]
    pub fn entries() -> Vec<Entry> {
        let mut describe = Describe::default();
        Self::default().visit(&mut describe);
        describe.entries
    }
}

/// The environment variable of a key.
pub(super) fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', SEPARATOR).to_ascii_uppercase())
}

#[derive(Default)]
struct Describe {
    path: Vec<&'static str>,
    entries: Vec<Entry>,
}

impl Describe {
    fn path(&self, name: &str) -> String {
        [self.path.as_slice(), &[name]].concat().join(".")
    }
}

impl Visitor for Describe {
    fn key<T: Leaf>(&mut self, name: &'static str, meaning: &str, value: &mut T, rule: &Rule<T::Scalar>) {
        let path = self.path(name);
        let aliases = ALIASES.iter().filter(|alias| alias.key == path);
        self.entries.push(Entry {
            kind: T::kind(),
            allowed: rule.allowed.clone(),
            default: value.show(),
            meaning: one_line(meaning),
            variables: std::iter::once(variable(&path)).chain(aliases.map(|alias| alias.variable.to_owned())).collect(),
            secret: false,
            path,
        });
    }

    fn secret<T: Custody>(&mut self, name: &'static str, meaning: &str, _value: &mut T, variable: &'static str) {
        self.entries.push(Entry {
            path: self.path(name),
            kind: "secret".to_owned(),
            allowed: String::new(),
            default: "unset".to_owned(),
            meaning: one_line(meaning),
            variables: vec![variable.to_owned(), format!("{variable}_FILE")],
            secret: true,
        });
    }

    fn section<S: Section>(&mut self, name: &'static str, section: &mut S) {
        self.path.push(name);
        section.visit(self);
        self.path.pop();
    }
}

fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
