//! Runs one request on the engine, on a blocking thread, and reports by [`Event`]s.
//!
//! # Why each request opens a connection of its own
//! Opening one takes 0.2 ms. In return no `USE`, `SET` or temporary table of one client is ever seen by
//! another, and there is no pool to bound. Only a named session keeps its connection.
//!
//! Statements run in one of three ways, because the engine has traps in each of the others: an INSERT with data
//! is streamed in (data inside the text loses rows), a SELECT in a format that can be cut is streamed out,
//! everything else, all DDL among it, is one plain call whose result is kept in memory.

use std::io::{self, Read};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::body;
use super::connection::{Connection, Statistics};
use super::encoding::{self, Encoder};
use super::exception::{Exception, Result};
use super::ffi::Engine;
use super::form;
use super::formats::Header;
use super::query::Query;
use super::sessions::Sessions;
use super::statement::{self, InsertParts, Statement};

/// Longest statement, without the data of an INSERT. The engine's own limit (`max_query_size`, 256 KiB by
/// default) comes first unless a client raises it.
const STATEMENT_BYTES_MAX: u64 = 16 << 20;
/// Data handed to the engine at once.
const APPEND_BYTES: usize = 256 << 10;

/// What happens while a request runs, in this order: one `Head` or `Failed`; after `Head` any number of
/// `Data`, and `Broken` when the rest cannot be sent.
#[derive(Debug)]
pub enum Event {
    /// The statement runs, or has run.
    Head(Head),
    /// Packed bytes of the result.
    Data(Bytes),
    /// The statement failed before anything of its result was sent.
    Failed(Exception),
    /// The statement failed amid its result: its error, packed, is the last that is sent before the connection is cut.
    Broken(Bytes),
}

/// What is known before the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The format of the result; empty when there is none.
    pub format: String,
    /// What the statement did; `None` while it is running.
    pub statistics: Option<Statistics>,
}

/// The engine, ready to run statements.
#[derive(Debug)]
pub struct Executor {
    engine: &'static Engine,
    arguments: Vec<String>,
    version: String,
    sessions: Sessions,
}

impl Executor {
    /// Opens the data folder named in `arguments`; `anchor` has to be kept as long as the executor is used,
    /// since the engine closes the folder with the last connection.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn open(engine: &'static Engine, arguments: Vec<String>) -> Result<(Self, Connection)> {
        let mut anchor = Connection::open(engine, &arguments)?;
        let answer = anchor.query(b"SELECT version()", "TabSeparated", &[])?;
        let version = String::from_utf8_lossy(answer.bytes()).trim().to_owned();
        drop(answer);
        let executor = Self { engine, arguments, version, sessions: Sessions::default() };
        Ok((executor, anchor))
    }

    /// The version of ClickHouse.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Ends all sessions.
    pub fn end_sessions(&self) {
        self.sessions.clear();
    }

    /// Runs a request to its end. `tag` marks an error amid a result.
    pub fn execute(&self, query: &Query, body: body::Reader, tag: &str, events: &mpsc::Sender<Event>) {
        let run = |query: &Query, body: &mut dyn Read| {
            let run = Run { executor: self, query, tag, events };
            run.with_connection(body)
        };
        let ended = match unpacked(query, body) {
            Ok((None, mut body)) => run(query, &mut body),
            Ok((Some(query), mut body)) => run(&query, &mut body),
            Err(error) => Err(error.into()),
        };
        if let Err(Stop::Failed(error)) = ended {
            let _ = events.blocking_send(Event::Failed(error));
        }
    }
}

/// The plain body; when that is a form, nothing is left of it and the query is continued by its fields.
fn unpacked(query: &Query, body: body::Reader) -> Result<(Option<Query>, Box<dyn Read>)> {
    let mut body = encoding::decode(body, &query.content_encoding, query.decompress)?;
    let Some(boundary) = &query.form_boundary else {
        return Ok((None, body));
    };
    let text = read_bounded(&mut body)?;
    let query = query.with_form(form::fields(&text, boundary)?)?;
    Ok((Some(query), Box::new(io::empty())))
}

/// Reads up to the longest statement; what did not fit stays in `body`.
fn read_bounded(body: &mut dyn Read) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let read = body.take(STATEMENT_BYTES_MAX).read_to_end(&mut text);
    read.map(|_bytes| text).map_err(|error| unreadable(&error))
}

/// Why a request ended before its end.
enum Stop {
    Failed(Exception),
    /// Nobody reads the answer any more.
    Unwanted,
}

impl From<Exception> for Stop {
    fn from(error: Exception) -> Self {
        Self::Failed(error)
    }
}

type Ended = std::result::Result<(), Stop>;

/// One request.
struct Run<'a> {
    executor: &'a Executor,
    query: &'a Query,
    tag: &'a str,
    events: &'a mpsc::Sender<Event>,
}

impl Run<'_> {
    fn with_connection(&self, body: &mut dyn Read) -> Ended {
        let Executor { engine, arguments, sessions, .. } = self.executor;
        let Some(session) = &self.query.session else {
            return self.prepared(&mut Connection::open(engine, arguments)?, body);
        };
        let mut lease = sessions.take(session, Instant::now())?;
        let connection = match &mut lease.connection {
            Some(connection) => connection,
            missing => missing.insert(Connection::open(engine, arguments)?),
        };
        self.prepared(connection, body)
    }

    fn prepared(&self, connection: &mut Connection, body: &mut dyn Read) -> Ended {
        let query = self.query;
        if let Some(database) = &query.database {
            connection.run(&format!("USE {}", quoted(database, '`')))?;
        }
        if !query.settings.is_empty() {
            let settings: Vec<_> =
                query.settings.iter().map(|(name, value)| format!("{name} = {}", quoted(value, '\''))).collect();
            connection.run(&format!("SET {}", settings.join(", ")))?;
        }
        let (text, statement) = self.read_statement(body)?;
        if query.reads_only && !statement.only_reads() {
            let what = "Cannot execute query in readonly mode. For queries over HTTP, method GET \
                        implies readonly. You should use method POST for modifying queries.";
            return Err(Exception::new(164, "READONLY", what).into());
        }
        match &statement.insert {
            Some(parts) => self.insert(connection, &text, parts, body),
            None => self.select(connection, &text, &statement),
        }
    }

    /// The statement: the URL's text, and the body's as well unless it is an INSERT's data.
    fn read_statement(&self, body: &mut dyn Read) -> Result<(Vec<u8>, Statement)> {
        let mut text = self.query.text.clone().into_bytes();
        let statement = statement::classify(&text);
        if statement.insert.is_some() {
            return Ok((text, statement));
        }
        if !text.is_empty() {
            text.push(b'\n');
        }
        let mut rest = read_bounded(body)?;
        let read = rest.len();
        text.append(&mut rest);
        let statement = statement::classify(&text);
        // What did not fit is the data of an INSERT and is read later, or there should be nothing left.
        if read as u64 == STATEMENT_BYTES_MAX && statement.insert.is_none() {
            let what = format!("The statement is longer than {STATEMENT_BYTES_MAX} bytes");
            return Err(Exception::new(307, "TOO_MANY_BYTES", what));
        }
        Ok((text, statement))
    }

    fn insert(&self, connection: &mut Connection, text: &[u8], parts: &InsertParts, body: &mut dyn Read) -> Ended {
        let statement = &text[..parts.statement_end];
        let mut insert = connection.insert(statement, &parts.format, &self.query.parameters)?;
        if parts.data_start < text.len() {
            insert.append(&text[parts.data_start..])?;
        }
        let mut buffer = vec![0; APPEND_BYTES];
        loop {
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => insert.append(&buffer[..n])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The insert is dropped and thereby cancelled: no row of a cut body is acknowledged.
                Err(error) => return Err(unreadable(&error).into()),
            }
        }
        let statistics = insert.finish()?;
        self.head("", Some(statistics))
    }

    fn select(&self, connection: &mut Connection, text: &[u8], statement: &Statement) -> Ended {
        let format = statement.format.as_ref().unwrap_or(&self.query.format);
        let streams = matches!(statement.verb.as_str(), "SELECT" | "WITH")
            && !statement.totals
            && !self.query.settings.iter().any(|(name, _)| changes_document(name));
        match Header::of(format).filter(|_| streams) {
            Some(header) => self.stream(connection, text, format, header),
            None => self.plain(connection, text, format),
        }
    }

    fn plain(&self, connection: &mut Connection, text: &[u8], format: &str) -> Ended {
        let outcome = connection.query(text, format, &self.query.parameters)?;
        self.head(format, Some(outcome.statistics()))?;
        let mut encoder = Encoder::new(self.query.packing);
        if !outcome.bytes().is_empty() {
            self.send(encoder.pack(outcome.bytes()))?;
        }
        self.send(encoder.finish())
    }

    fn stream(&self, connection: &mut Connection, text: &[u8], format: &str, header: Header) -> Ended {
        let mut stream = connection.stream(text, format, &self.query.parameters)?;
        let Some(first) = stream.next_chunk()? else {
            drop(stream);
            // An empty result has no chunk, and a format with a header must still send it.
            return self.plain(connection, text, format);
        };
        self.head(format, None)?;
        let mut encoder = Encoder::new(self.query.packing);
        self.send(encoder.pack(first.bytes()))?;
        drop(first);
        loop {
            match stream.next_chunk() {
                Ok(None) => return self.send(encoder.finish()),
                Ok(Some(chunk)) => self.send(encoder.pack(header.strip(chunk.bytes())))?,
                Err(error) => {
                    let error = encoder.pack(self.amid_result(&error).as_bytes());
                    let _ = self.events.blocking_send(Event::Broken(error));
                    return Err(Stop::Unwanted);
                }
            }
        }
    }

    /// An error amid a result, as clients of ClickHouse 25 and later look for it at the end of what came.
    fn amid_result(&self, error: &Exception) -> String {
        let (tag, text) = (self.tag, error.message(&self.executor.version));
        let length = text.len() + 1;
        format!("\r\n__exception__\r\n{tag}\r\n{text}\n{length} {tag}\r\n__exception__\r\n")
    }

    fn head(&self, format: &str, statistics: Option<Statistics>) -> Ended {
        let format = format.to_owned();
        let head = Event::Head(Head { format, statistics });
        self.events.blocking_send(head).map_err(|_gone| Stop::Unwanted)
    }

    fn send(&self, data: Bytes) -> Ended {
        if data.is_empty() {
            return Ok(());
        }
        self.events.blocking_send(Event::Data(data)).map_err(|_gone| Stop::Unwanted)
    }
}

/// Whether a setting puts something around all rows, so that chunks cannot be joined.
fn changes_document(setting: &str) -> bool {
    matches!(setting, "output_format_json_array_of_rows" | "extremes")
}

fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push(quote);
    out
}

fn unreadable(error: &io::Error) -> Exception {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Exception::new(307, "TOO_MANY_BYTES", error),
        io::ErrorKind::TimedOut => Exception::new(209, "SOCKET_TIMEOUT", error),
        io::ErrorKind::UnexpectedEof => Exception::new(33, "CANNOT_READ_ALL_DATA", error),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Exception::new(271, "CANNOT_DECOMPRESS", error),
        _ => Exception::new(210, "NETWORK_ERROR", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_cannot_leave_their_quotes() {
        assert_eq!(quoted("a'b\\", '\''), "'a\\'b\\\\'");
        assert_eq!(quoted("a`; DROP", '`'), "`a\\`; DROP`");
    }
}
