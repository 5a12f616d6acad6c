//! Which stages of the pipeline a process runs.

use std::fmt;
use std::str::FromStr;

use crate::pipeline::HOPS;

/// The stage that is no hop: the API and the page.
pub const SERVE: &str = "serve";

/// Every stage that can be chosen, in the order of the data's way. A word before the slash chooses all of its stages.
fn known() -> Vec<&'static str> {
    HOPS.iter().map(|hop| hop.name).chain([SERVE]).collect()
}

/// A choice of stages, without repetition, in the order of the data's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stages(Vec<&'static str>);

impl Stages {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Self(known())
    }

    /// Whether `stage`, such as `window/articles`, is chosen.
    #[must_use]
    pub fn has(&self, stage: &str) -> bool {
        self.0.contains(&stage)
    }

    /// The chosen ones.
    #[must_use]
    pub fn names(&self) -> &[&'static str] {
        &self.0
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// A word that is no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no stage is called {word:?}, the nearest is {nearest}; there are {}", words().join(", "))]
pub struct Unknown {
    word: String,
    nearest: &'static str,
}

impl FromStr for Stages {
    type Err = Unknown;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut chosen = Vec::new();
        for word in list.split(',').map(str::trim) {
            let before = chosen.len();
            chosen.extend(known().into_iter().filter(|stage| *stage == word || kind(stage) == word));
            if chosen.len() == before {
                return Err(Unknown { word: word.to_owned(), nearest: nearest(word) });
            }
        }
        Ok(Self(known().into_iter().filter(|stage| chosen.contains(stage)).collect()))
    }
}

/// What can be said: each kind, and each stage.
fn words() -> Vec<&'static str> {
    let mut words: Vec<&str> = known().into_iter().map(kind).collect();
    words.extend(known());
    words.sort_unstable();
    words.dedup();
    words
}

fn kind(stage: &'static str) -> &'static str {
    stage.split('/').next().unwrap_or(stage)
}

fn nearest(word: &str) -> &'static str {
    let edits = |known: &&'static str| strsim::damerau_levenshtein(word, known);
    words().into_iter().min_by_key(edits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_chosen_by_kind_or_name() {
        for (list, chosen) in [
            ("window", "window/articles,window/market"),
            ("score,window/articles, score", "window/articles,score/articles,score/market"),
            ("sink", "sink"),
            ("serve,sink", "sink,serve"),
            ("window,enrich,score,analyze,sink,serve", &Stages::all().to_string()),
        ] {
            assert_eq!(list.parse::<Stages>().unwrap().to_string(), chosen);
        }
        let error = "scroe".parse::<Stages>().unwrap_err().to_string();
        assert!(error.contains("the nearest is score;") && error.contains("enrich/articles"), "{error}");
        assert!("".parse::<Stages>().is_err() && "score,".parse::<Stages>().is_err());
    }
}
