//! Fills a [`Config`] from what was given, and checks what no single key can know.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::FILE_VARIABLE;
use super::environment::Environment;
use super::leaf::{Leaf, Rule};
use super::problem::{Problem, Problems};
use super::secret::Custody;
use super::sections::Config;
use super::source::{Source, read_text};
use super::value::Place;
use super::visit::{Section, Visitor};

/// The file that is read from the working directory where none is named.
const FILE_DEFAULT: &str = "signalmill.toml";
/// Largest file that is taken for a secret.
const SECRET_BYTES_MAX: u64 = 1 << 16;

impl Config {
    /// Reads the file (`file`, or the one that `SIGNALMILL_CONFIG` names, or `signalmill.toml` of the working directory
    /// where there is one) and the environment above it.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, Problems> {
        let entries = Self::entries();
        let mut source = Source::default();
        if let Some(path) = Self::file(file, environment) {
            source.file(&path, &entries);
        }
        source.environment(environment, &entries);
        Self::fill(source, environment)
    }

    /// As [`Config::load`], with the content of a file.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub(crate) fn parse(content: &str, environment: &Environment) -> Result<Self, Problems> {
        let entries = Self::entries();
        let mut source = Source::default();
        source.content(&Path::new(FILE_DEFAULT).into(), content, &entries);
        source.environment(environment, &entries);
        Self::fill(source, environment)
    }

    /// The file that [`Config::load`] reads, if any.
    #[must_use]
    pub fn file(named: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
        named
            .map(Path::to_path_buf)
            .or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from))
            .or_else(|| Some(PathBuf::from(FILE_DEFAULT)).filter(|path| path.exists()))
    }

    fn fill(source: Source, environment: &Environment) -> Result<Self, Problems> {
        let mut config = Self::default();
        let mut fill = Fill { path: Vec::new(), source, environment };
        config.visit(&mut fill);
        let mut problems = fill.source.problems;
        let broken: BTreeSet<String> = problems.iter().map(|problem| problem.key.clone()).collect();
        problems.extend(
            config
                .contradictions()
                .into_iter()
                // Says nothing of a value that could not be read: the default stands in its place.
                .filter(|rule| rule.violated && rule.keys.iter().all(|key| !broken.contains(*key)))
                .map(|rule| Problem::new(rule.keys[0], Place::Settings, rule.what.to_owned())),
        );
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    fn contradictions(&self) -> Vec<Contradiction> {
        let security = &self.kafka.security;
        let login = security.protocol.has_login();
        vec![
            Contradiction {
                keys: &["kafka.security.username", "kafka.security.protocol"],
                violated: login && security.username.is_none(),
                what: "missing, kafka.security.protocol asks for a login",
            },
            Contradiction {
                keys: &["kafka.security.password", "kafka.security.protocol"],
                violated: login && security.password.is_none(),
                what: "missing, kafka.security.protocol asks for a login: set KAFKA_PASSWORD or KAFKA_PASSWORD_FILE",
            },
            Contradiction {
                keys: &["kafka.security.username", "kafka.security.protocol"],
                violated: !login && security.username.is_some(),
                what: "has no effect unless kafka.security.protocol is sasl_plaintext or sasl_ssl",
            },
            Contradiction {
                keys: &["kafka.security.ca_file", "kafka.security.protocol"],
                violated: !security.protocol.is_encrypted()
                    && [&security.ca_file, &security.cert_file, &security.key_file].iter().any(|file| file.is_some()),
                what: "certificates have no effect unless kafka.security.protocol is ssl or sasl_ssl",
            },
            Contradiction {
                keys: &["kafka.security.cert_file", "kafka.security.key_file"],
                violated: security.cert_file.is_some() != security.key_file.is_some(),
                what: "cert_file and key_file belong together, one is missing",
            },
            Contradiction {
                keys: &["articles.ready_chars", "articles.min_chars"],
                violated: self.articles.ready_chars < self.articles.min_chars,
                what: "less than articles.min_chars",
            },
        ]
    }
}

/// A rule over several keys, the first being the one to look at.
struct Contradiction {
    keys: &'static [&'static str],
    violated: bool,
    what: &'static str,
}

struct Fill<'a> {
    path: Vec<&'static str>,
    source: Source,
    environment: &'a Environment,
}

impl Fill<'_> {
    fn path(&self, name: &str) -> String {
        [self.path.as_slice(), &[name]].concat().join(".")
    }

    /// The text of a secret from its variable, or from the file that `<variable>_FILE` names.
    fn secret_text(&self, variable: &str) -> Result<Option<String>, (String, String)> {
        let file_variable = format!("{variable}_FILE");
        let read = |name: &str| match self.environment.read(name) {
            Ok(text) => Ok(text.filter(|text| !text.is_empty())),
            Err(_) => Err((name.to_owned(), "the value is not UTF-8".to_owned())),
        };
        match (read(variable)?, read(&file_variable)?) {
            (Some(_), Some(_)) => Err((file_variable, format!("{variable} is set too, keep one of them"))),
            (text, None) => Ok(text.map(str::to_owned)),
            (None, Some(path)) => read_text(Path::new(path), SECRET_BYTES_MAX)
                // Editors and `echo` end a file with a line break that is no part of the secret.
                .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .and_then(|text| if text.is_empty() { Err("is empty".to_owned()) } else { Ok(Some(text)) })
                .map_err(|what| (file_variable, format!("the file it names {what}"))),
        }
    }
}

impl Visitor for Fill<'_> {
    fn key<T: Leaf>(&mut self, name: &'static str, _meaning: &str, value: &mut T, rule: &Rule<T::Scalar>) {
        let path = self.path(name);
        let Some(given) = self.source.given.remove(&path) else {
            return;
        };
        match T::read(&given.value) {
            Some(read) if read.scalar().is_none_or(|scalar| rule.holds(scalar)) => *value = read,
            _ => {
                let problem = Problem::refused(&path, &given, &T::kind(), &rule.allowed);
                self.source.problems.push(problem);
            }
        }
    }

    fn secret<T: Custody>(&mut self, name: &'static str, _meaning: &str, value: &mut T, variable: &'static str) {
        let taken = self.secret_text(variable).and_then(|text| {
            let text = text.unwrap_or_default();
            T::take(&text).map_err(|what| (variable.to_owned(), what))
        });
        match taken {
            Ok(taken) => *value = taken,
            Err((variable, what)) => {
                let problem = Problem::new(&self.path(name), Place::Variable(variable), what);
                self.source.problems.push(problem);
            }
        }
    }

    fn section<S: Section>(&mut self, name: &'static str, section: &mut S) {
        self.path.push(name);
        section.visit(self);
        self.path.pop();
    }
}
