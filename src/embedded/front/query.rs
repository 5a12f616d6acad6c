//! A request of ClickHouse's HTTP interface, read from the URL and the headers.
//!
//! Parameters of the URL come in three kinds: those that steer the request itself, `param_*` for placeholders
//! in the statement, and all others, which are settings of the engine.

use std::time::Duration;

use base64::Engine as _;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Uri};

use super::encoding::Packing;
use super::exception::{Exception, Result};
use super::form;

/// Parameters that one request may carry.
const PARAMETERS_MAX: usize = 1024;
/// Time that a session is kept when the request does not say (`default_session_timeout`).
const SESSION_TIMEOUT_DEFAULT: Duration = Duration::from_mins(1);
/// Longest time that a request may ask for (`max_session_timeout`).
const SESSION_TIMEOUT_MAX: Duration = Duration::from_hours(1);
/// Longest query id that is given back; a longer one is replaced by ours.
const QUERY_ID_BYTES_MAX: usize = 128;

/// What a request asks for, but for its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The statement as far as it stands in the URL; the body continues it.
    pub text: String,
    /// The id to give back; empty when the client named none.
    pub id: String,
    /// The database to work in, when named.
    pub database: Option<String>,
    /// The format of a result whose statement names none.
    pub format: String,
    /// Settings of the engine for this statement.
    pub settings: Vec<(String, String)>,
    /// Values of the statement's placeholders.
    pub parameters: Vec<(String, String)>,
    /// The session to run in.
    pub session: Option<Session>,
    /// The password that came, by any of the ways to send one.
    pub password: String,
    /// How the body is packed by HTTP.
    pub content_encoding: String,
    /// Set when the body is a form whose fields continue the parameters of the URL.
    pub form_boundary: Option<String>,
    /// Whether the body consists of ClickHouse's blocks.
    pub decompress: bool,
    /// How the answer is packed.
    pub packing: Packing,
    /// Whether the statement may only read, as with GET.
    pub reads_only: bool,
}

/// A session that outlives the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The client's name for it.
    pub id: String,
    /// Time without a request after which it ends.
    pub timeout: Duration,
    /// Whether it must exist already.
    pub must_exist: bool,
}

impl Query {
    /// Reads a request.
    ///
    /// # Errors
    /// When there are too many parameters, a setting's name is none, or a number is none.
    pub fn read(parts: &Parts) -> Result<Self> {
        let header = |name| text_of(&parts.headers, name);
        let mut query = Self {
            text: String::new(),
            id: header("x-clickhouse-query-id").to_owned(),
            database: Some(header("x-clickhouse-database").to_owned()).filter(|name| !name.is_empty()),
            format: header("x-clickhouse-format").to_owned(),
            settings: Vec::new(),
            parameters: Vec::new(),
            session: None,
            password: header("x-clickhouse-key").to_owned(),
            content_encoding: header(CONTENT_ENCODING.as_str()).to_owned(),
            form_boundary: form::boundary(header(CONTENT_TYPE.as_str())).map(str::to_owned),
            decompress: false,
            packing: Packing::Plain,
            reads_only: parts.method == Method::GET,
        };
        let mut url = Url::default();
        query.take_url(&parts.uri, &mut url)?;
        if let Some(password) = basic_password(header(AUTHORIZATION.as_str())) {
            query.password = password;
        }
        query.packing = Packing::negotiate(url.compress, url.http_compression, header(ACCEPT_ENCODING.as_str()));
        query.session = url.session()?;
        if query.format.is_empty() {
            "TabSeparated".clone_into(&mut query.format);
        }
        if query.id.len() > QUERY_ID_BYTES_MAX {
            query.id.clear();
        }
        Ok(query)
    }

    fn take_url(&mut self, uri: &Uri, url: &mut Url) -> Result<()> {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        for (seen, (name, value)) in pairs.enumerate() {
            if seen >= PARAMETERS_MAX {
                let what = format!("more than {PARAMETERS_MAX} URL parameters");
                return Err(Exception::new(36, "BAD_ARGUMENTS", what));
            }
            self.take(&name, value.into_owned(), url)?;
        }
        Ok(())
    }

    /// The same query continued by the fields of its form. What steers the request, such as its session, counts
    /// in the URL only.
    ///
    /// # Errors
    /// When a setting's name is none.
    pub fn with_form(&self, fields: Vec<(String, String)>) -> Result<Self> {
        let mut query = self.clone();
        for (name, value) in fields {
            query.take(&name, value, &mut Url::default())?;
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: String, url: &mut Url) -> Result<()> {
        match name {
            "query" => {
                if !self.text.is_empty() {
                    self.text.push('\n');
                }
                self.text.push_str(&value);
            }
            "database" => self.database = Some(value).filter(|name| !name.is_empty()),
            "default_format" => self.format = value,
            "query_id" => self.id = value,
            "password" => self.password = value,
            "compress" => url.compress = is_on(&value),
            "decompress" => self.decompress = is_on(&value),
            "enable_http_compression" => url.http_compression = is_on(&value),
            "session_id" => url.session_id = Some(value),
            "session_timeout" => url.session_timeout = Some(value),
            "session_check" => url.session_check = is_on(&value),
            // They change how a server sends, not what: nothing to do for them.
            "user"
            | "quota_key"
            | "role"
            | "close_session"
            | "buffer_size"
            | "stacktrace"
            | "wait_end_of_query"
            | "client_protocol_version"
            | "http_zlib_compression_level" => {}
            _ => match name.strip_prefix("param_") {
                Some(parameter) => self.parameters.push((parameter.to_owned(), value)),
                None => self.settings.push((setting_name(name)?, value)),
            },
        }
        Ok(())
    }
}

/// What the URL says that takes effect only together.
#[derive(Default)]
struct Url {
    compress: bool,
    http_compression: bool,
    session_id: Option<String>,
    session_timeout: Option<String>,
    session_check: bool,
}

impl Url {
    fn session(self) -> Result<Option<Session>> {
        let Some(id) = self.session_id.filter(|id| !id.is_empty()) else {
            return Ok(None);
        };
        let timeout = match self.session_timeout {
            None => SESSION_TIMEOUT_DEFAULT,
            Some(text) => text
                .parse()
                .map(Duration::from_secs)
                .ok()
                .filter(|timeout| *timeout <= SESSION_TIMEOUT_MAX)
                .ok_or_else(|| {
                    let what = format!("invalid session timeout: '{text}'");
                    Exception::new(374, "INVALID_SESSION_TIMEOUT", what)
                })?,
        };
        Ok(Some(Session { id, timeout, must_exist: self.session_check }))
    }
}

/// Settings go into a statement of ours, so a name must be one.
fn setting_name(name: &str) -> Result<String> {
    let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if valid {
        Ok(name.to_owned())
    } else {
        let what = format!("Setting {name:?} is neither a builtin setting nor a valid name");
        Err(Exception::new(115, "UNKNOWN_SETTING", what))
    }
}

fn is_on(value: &str) -> bool {
    matches!(value, "1" | "true")
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn basic_password(authorization: &str) -> Option<String> {
    let encoded = authorization.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let pair = String::from_utf8(decoded).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn read(uri: &str, headers: &[(&'static str, &str)]) -> Result<Query> {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Query::read(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn url_parameters_are_sorted_by_kind() {
        let uri = "/?query=SELECT+{a:UInt8}&param_a=1&max_threads=2&user=x&password=p&session_id=s\
                   &session_timeout=9&decompress=1&database=d&default_format=JSON&query_id=q";
        let query = read(uri, &[("x-clickhouse-database", "other")]).unwrap();
        assert_eq!(query.text, "SELECT {a:UInt8}");
        assert_eq!(query.parameters, [("a".to_owned(), "1".to_owned())]);
        assert_eq!(query.settings, [("max_threads".to_owned(), "2".to_owned())]);
        assert_eq!(query.database.as_deref(), Some("d"));
        assert_eq!((query.format.as_str(), query.id.as_str()), ("JSON", "q"));
        assert_eq!(query.password, "p");
        assert!(query.decompress && !query.reads_only);
        let session = query.session.unwrap();
        assert_eq!((session.id.as_str(), session.timeout.as_secs()), ("s", 9));
    }

    #[test]
    fn headers_count_where_the_url_is_silent() {
        // "user:pa:ss"
        let headers =
            [("authorization", "Basic dXNlcjpwYTpzcw=="), ("x-clickhouse-format", "CSV"), ("accept-encoding", "gzip")];
        let query = read("/?enable_http_compression=1", &headers).unwrap();
        assert_eq!((query.password.as_str(), query.format.as_str()), ("pa:ss", "CSV"));
        assert_eq!(query.packing, Packing::Gzip);
        assert_eq!((query.database, query.session), (None, None));
    }

    #[test]
    fn hostile_parameters_are_refused() {
        assert_eq!(read("/?a%3D1,b=1", &[]).unwrap_err().code(), 115);
        assert_eq!(read("/?session_id=s&session_timeout=x", &[]).unwrap_err().code(), 374);
        let many = format!("/?{}", "a=1&".repeat(PARAMETERS_MAX + 1));
        assert_eq!(read(&many, &[]).unwrap_err().code(), 36);
    }
}
