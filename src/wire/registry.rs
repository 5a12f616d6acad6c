//! The schema registry: schemas to ids and back, over the HTTP interface that Confluent's registry and its
//! replacements (Karapace, Redpanda, Apicurio's compatible one) share.
//!
//! Errors are sorted by what the caller does. [`Error::Unavailable`] is worth another try and is no property of any
//! record; [`Error::NoSchema`] is one; everything else needs a person, and stops the hop at its start.
//!
//! Invariants: credentials stand in no error and no debug output; answers above [`ANSWER_BYTES_MAX`] are not read;
//! every request ends within [`Settings::timeout`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;

use super::schema::{SCHEMA_BYTES_MAX, Unfit};
use crate::clock::Clock;
use crate::model::Timestamp;

/// The media type of the interface's first version, which every registry speaks.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// The longest answer that is read: a schema, escaped as JSON text, and what stands around it.
const ANSWER_BYTES_MAX: usize = SCHEMA_BYTES_MAX * 3;
/// The longest message of a server that is shown, in characters: the reasons of an incompatibility can be many.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// How many schemas, and how many ids, are kept. Beyond it, all are forgotten and asked for again.
const CACHED_MAX: usize = 256;
const REDIRECTS_MAX: usize = 3;
/// `error_code` of a schema id that does not exist.
const CODE_NO_SCHEMA: u32 = 40_403;
/// Ids are Java integers. A record that claims a larger one is not worth a request, whose path would not even match.
const ID_MAX: u32 = i32::MAX.unsigned_abs();

/// A registry's name for a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct SchemaId(pub u32);

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the registry is and how to enter.
#[derive(Clone)]
pub struct Settings {
    /// Such as `http://127.0.0.1:8081`, with a path where it has one.
    pub url: String,
    /// User name and password of basic authentication.
    pub credentials: Option<(String, String)>,
    /// For one request, from the first connection attempt to the last byte.
    pub timeout: Duration,
}

impl Settings {
    /// The registry at `url`, without authentication, five seconds for a request.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), credentials: None, timeout: Duration::from_secs(5) }
    }
}

/// Why a registry did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not answer, or says that it cannot now: try again later, lose nothing.
    #[error("schema registry unavailable: {0}")]
    Unavailable(String),
    /// It has no schema of this id that anybody could read: a property of the record that names the id.
    #[error("schema registry: id {id}: {message}")]
    NoSchema {
        /// The id.
        id: SchemaId,
        /// Why not.
        message: String,
    },
    /// It has versions of the subject that this schema cannot follow.
    #[error("schema registry: the schema is incompatible with subject {subject}: {message}")]
    Incompatible {
        /// Such as `signals-value`.
        subject: String,
        /// The registry's words.
        message: String,
    },
    /// It refuses: credentials, rights, an invalid schema, or an address that is no registry's.
    #[error("schema registry refuses ({status}): {message}")]
    Refused {
        /// HTTP status; 0 where there was none.
        status: u16,
        /// The registry's words, or ours.
        message: String,
    },
}

impl Error {
    /// Whether the same request may succeed later without anybody's doing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    fn refused(message: impl Into<String>) -> Self {
        Self::Refused { status: 0, message: message.into() }
    }
}

impl From<Unfit> for Error {
    fn from(unfit: Unfit) -> Self {
        Self::refused(unfit.0)
    }
}

/// A schema registry, with what it said before.
pub struct Registry {
    http: reqwest::Client,
    base: String,
    credentials: Option<(String, String)>,
    clock: Clock,
    schemas: RwLock<HashMap<SchemaId, Arc<str>>>,
    ids: RwLock<HashMap<(String, String), SchemaId>>,
}

impl Registry {
    /// A registry; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Refused`] for an address that is none.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, Error> {
        let url = Url::parse(&settings.url).map_err(|error| Error::refused(format!("schema_registry.url: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() {
            let message = "schema_registry.url: http or https, and credentials apart from it";
            return Err(Error::refused(message));
        }
        let http = reqwest::Client::builder()
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX))
            .build()
            .map_err(|error| Error::refused(error.without_url().to_string()))?;
        Ok(Self {
            http,
            base: url.as_str().trim_end_matches('/').to_owned(),
            credentials: settings.credentials,
            clock,
            schemas: RwLock::default(),
            ids: RwLock::default(),
        })
    }

    /// The id of `schema` under `subject` (such as `signals-value`), registered where it is new.
    ///
    /// # Errors
    /// [`Error::Incompatible`] with the registry's reasons; [`Error::Unavailable`]; [`Error::Refused`].
    pub async fn register(&self, subject: &str, schema: &str) -> Result<SchemaId, Error> {
        #[derive(Deserialize)]
        struct Registered {
            id: SchemaId,
        }
        let key = (subject.to_owned(), schema.to_owned());
        if let Some(id) = self.ids.read().get(&key) {
            return Ok(*id);
        }
        let url = format!("{}/subjects/{subject}/versions", self.base);
        let body = serde_json::json!({ "schema": schema }).to_string();
        let request = self.http.post(url).header(CONTENT_TYPE, MEDIA_TYPE);
        let answer = self.ask(request.body(body)).await?;
        if answer.status == StatusCode::CONFLICT {
            let subject = subject.to_owned();
            let message = answer.complaint().1;
            return Err(Error::Incompatible { subject, message });
        }
        let Registered { id } = answer.read()?;
        keep(&self.ids, key, id);
        Ok(id)
    }

    /// The text of the schema that is called `id`.
    ///
    /// # Errors
    /// [`Error::NoSchema`]; [`Error::Unavailable`]; [`Error::Refused`].
    pub async fn schema(&self, id: SchemaId) -> Result<Arc<str>, Error> {
        #[derive(Deserialize)]
        struct Stored {
            schema: String,
        }
        if let Some(schema) = self.schemas.read().get(&id) {
            return Ok(Arc::clone(schema));
        }
        let none = |message: &str| {
            let message = message.to_owned();
            Err(Error::NoSchema { id, message })
        };
        if id.0 > ID_MAX {
            return none("no schema registry gives such an id");
        }
        let answer = self.ask(self.http.get(format!("{}/schemas/ids/{id}", self.base))).await?;
        // Only the registry's own code: a 404 without it is a wrong address, which no record can help.
        if answer.status == StatusCode::NOT_FOUND && answer.complaint().0 == CODE_NO_SCHEMA {
            return none("the registry has no such schema");
        }
        if answer.oversized {
            return none("its schema is too large");
        }
        let Stored { schema } = answer.read()?;
        let schema: Arc<str> = schema.into();
        keep(&self.schemas, id, Arc::clone(&schema));
        Ok(schema)
    }

    /// The time of the registry's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Answer, Error> {
        let unavailable = |error: reqwest::Error| Error::Unavailable(story(&error.without_url()));
        let request = request.header(ACCEPT, MEDIA_TYPE);
        let request = match &self.credentials {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        let mut response = request.send().await.map_err(unavailable)?;
        let status = response.status();
        let mut answer = Answer { status, body: Vec::new(), oversized: false };
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            if answer.body.len() + chunk.len() > ANSWER_BYTES_MAX {
                answer.oversized = true;
                break;
            }
            answer.body.extend_from_slice(&chunk);
        }
        let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        if status.is_server_error() || later.contains(&status) {
            let message = answer.complaint().1;
            return Err(Error::Unavailable(format!("{status}: {message}")));
        }
        Ok(answer)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({})", self.base)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url)
            .field("credentials", &self.credentials.is_some())
            .field("timeout", &self.timeout)
            .finish()
    }
}

struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    /// There was more than `body` holds.
    oversized: bool,
}

impl Answer {
    fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        let refused = |message| Error::Refused { status: self.status.as_u16(), message };
        if !self.status.is_success() {
            return Err(refused(self.complaint().1));
        }
        serde_json::from_slice(&self.body).map_err(|_| refused("not the answer of a schema registry".into()))
    }

    /// The registry's `error_code` and its words; 0 and the status's name where it has none.
    fn complaint(&self) -> (u32, String) {
        #[derive(Deserialize)]
        struct Complaint {
            error_code: u32,
            #[serde(default)]
            message: String,
        }
        let Ok(complaint) = serde_json::from_slice::<Complaint>(&self.body) else {
            let name = self.status.canonical_reason().unwrap_or("no reason given");
            return (0, name.to_owned());
        };
        let words = complaint.message.chars().take(MESSAGE_CHARS_MAX).collect();
        (complaint.error_code, words)
    }
}

fn keep<K: Eq + std::hash::Hash, V>(cache: &RwLock<HashMap<K, V>>, key: K, value: V) {
    let mut cache = cache.write();
    if cache.len() >= CACHED_MAX {
        cache.clear();
    }
    cache.insert(key, value);
}

/// An error and what caused it: reqwest's own text stops at "error sending request".
fn story(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
