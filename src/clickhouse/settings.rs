//! Where ClickHouse is, and how long to wait for it.
//!
//! The password is a [`Secret`]: it is in no log, error or URL. A URL that carries one is refused.

use std::time::Duration;

use clickhouse::error::Error;

use super::Failure;
use crate::config::Secret;

/// Where ClickHouse is, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `http://` or `https://`, host and port.
    pub url: String,
    /// Letters, digits and `_`.
    pub database: String,
    /// Whose rights we have.
    pub user: String,
    /// Empty: none.
    pub password: Option<Secret>,
    /// Set: replicated tables, and definitions that run on every server of this cluster.
    pub cluster: Option<String>,
    /// For one question.
    pub query_timeout: Duration,
    /// For one statement of a migration: on a cluster it waits for every server.
    pub migrate_timeout: Duration,
    /// For handing over one chunk of rows.
    pub send_timeout: Duration,
    /// For the server's word that a block is stored.
    pub insert_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8123".to_owned(),
            database: "signalmill".to_owned(),
            user: "default".to_owned(),
            password: None,
            cluster: None,
            query_timeout: Duration::from_secs(30),
            migrate_timeout: Duration::from_mins(5),
            send_timeout: Duration::from_secs(10),
            insert_timeout: Duration::from_mins(1),
        }
    }
}

/// Why settings cannot work, whatever the server says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Not a URL of a server.
    #[error("clickhouse.url must be http://HOST:PORT or https://HOST:PORT")]
    Url,
    /// A password in the URL would be logged by whoever logs the URL.
    #[error("clickhouse.url must not contain a user or password: use clickhouse.user and CLICKHOUSE_PASSWORD")]
    UrlSecret,
    /// Not a plain name.
    #[error("clickhouse.database {0:?} must consist of letters, digits and _ (at most {NAME_CHARS_MAX})")]
    Database(String),
    /// Not a name that can be quoted.
    #[error("clickhouse.cluster {0:?} must consist of letters, digits and _-.{{}} (at most {NAME_CHARS_MAX})")]
    Cluster(String),
}

const NAME_CHARS_MAX: usize = 100;

impl Settings {
    /// The failure that an error is, without the password, which a gateway may have repeated.
    pub(super) fn failure(&self, error: Error) -> Failure {
        let failure = Failure::from(error);
        match &self.password {
            Some(password) => Failure { message: password.redact(failure.message), ..failure },
            None => failure,
        }
    }

    /// Looks at what can be judged without a server.
    ///
    /// # Errors
    /// The first thing that cannot work.
    pub fn validate(&self) -> Result<(), Unusable> {
        let host = ["http://", "https://"].iter().find_map(|scheme| self.url.strip_prefix(scheme));
        let host = host.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
        match host {
            None | Some("") => return Err(Unusable::Url),
            Some(host) if host.contains('@') => return Err(Unusable::UrlSecret),
            Some(_) => {}
        }
        if !plain(&self.database, "_") {
            return Err(Unusable::Database(self.database.clone()));
        }
        match &self.cluster {
            // `{cluster}` is ClickHouse's own macro for the name.
            Some(name) if !plain(name, "_-.{}") => Err(Unusable::Cluster(name.clone())),
            _ => Ok(()),
        }
    }
}

fn plain(name: &str, marks: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_named() {
        let with = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.validate()
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|s| s.cluster = Some("{cluster}".into())), Ok(()));
        assert_eq!(with(|s| s.url = "https://ch.example:8443/".into()), Ok(()));
        assert_eq!(with(|s| s.url = "localhost:8123".into()), Err(Unusable::Url));
        assert_eq!(with(|s| s.url = "http://".into()), Err(Unusable::Url));
        assert_eq!(with(|s| s.url = "http://me:pw@host:1/".into()), Err(Unusable::UrlSecret));
        assert!(with(|s| s.database = "a`; DROP".into()).is_err());
        assert!(with(|s| s.database = String::new()).is_err());
        assert!(with(|s| s.cluster = Some("x' y".into())).is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let settings = Settings { password: Some(Secret::new("hunter22")), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("hunter22"));
        let repeated = Error::BadResponse("no such door: X-ClickHouse-Key: hunter22, hunter2".to_owned());
        assert_eq!(settings.failure(repeated).message.matches("hunter22").count(), 0);
    }
}
