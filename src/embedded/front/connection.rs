//! A session of the engine, made safe: who owns what, and who is freed when.
//!
//! A session runs one statement at a time. That is a matter of types here: a [`Stream`] and an [`Insert`]
//! borrow their [`Connection`] exclusively until they are dropped. A session may move between threads, but
//! two threads never use one at once (`Send`, not `Sync`).
//!
//! All calls block for as long as the statement takes.
#![expect(unsafe_code, reason = "calls of the engine's C functions")]

use std::ffi::{CString, c_char, c_int};
use std::ptr::NonNull;
use std::time::Duration;

use super::exception::{Exception, Result};
use super::ffi::{Engine, RawConnection, RawInsert, RawResult, text};

/// Named values for `{name:Type}` in a statement.
pub type Parameters = [(String, String)];

/// An open session.
#[derive(Debug)]
pub struct Connection {
    engine: &'static Engine,
    handle: NonNull<*mut RawConnection>,
}

// SAFETY: the engine binds a session to no thread; it only forbids two calls at once, which `&mut self`
// and the missing `Sync` rule out.
unsafe impl Send for Connection {}

impl Connection {
    /// Opens a session on the data folder named by `--path=` in `arguments`. All sessions of a process must
    /// have the same arguments.
    ///
    /// # Errors
    /// When the engine refuses, or an argument holds a zero byte.
    pub fn open(engine: &'static Engine, arguments: &[String]) -> Result<Self> {
        let refused = || Exception::new(1000, "POCO_EXCEPTION", "the engine opened no session");
        let arguments = std::iter::once("clickhouse")
            .chain(arguments.iter().map(String::as_str))
            .map(CString::new)
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|_zero| refused())?;
        let mut pointers: Vec<*mut c_char> = arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(pointers.len()).map_err(|_many| refused())?;
        // SAFETY: `count` pointers to C texts that live until the end of this function; the engine copies
        // them and does not write to them.
        let handle = unsafe { (engine.functions().chdb_connect)(count, pointers.as_mut_ptr()) };
        let handle = NonNull::new(handle).ok_or_else(refused)?;
        let connection = Self { engine, handle };
        if connection.raw().is_null() {
            return Err(refused());
        }
        Ok(connection)
    }

    /// Runs a statement to its end; the result is kept in memory in the given format.
    ///
    /// # Errors
    /// What the engine says.
    pub fn query(&mut self, sql: &[u8], format: &str, parameters: &Parameters) -> Result<Outcome> {
        let names = Texts::of(parameters.iter().map(|(name, _)| name));
        let values = Texts::of(parameters.iter().map(|(_, value)| value));
        // SAFETY: pointers and lengths of slices and vectors that live until the call returns; `names` and
        // `values` are both as long as `parameters`.
        let raw = unsafe {
            (self.engine.functions().chdb_query_with_params_n)(
                self.raw(),
                sql.as_ptr(),
                sql.len(),
                format.as_ptr(),
                format.len(),
                names.starts.as_ptr(),
                names.lengths.as_ptr(),
                values.starts.as_ptr(),
                values.lengths.as_ptr(),
                parameters.len(),
            )
        };
        Outcome::new(self.engine, raw)
    }

    /// Starts a statement whose result is taken in chunks.
    ///
    /// # Errors
    /// What the engine says, for example that a table is missing.
    pub fn stream(&mut self, sql: &[u8], format: &str, parameters: &Parameters) -> Result<Stream<'_>> {
        let names = Texts::of(parameters.iter().map(|(name, _)| name));
        let values = Texts::of(parameters.iter().map(|(_, value)| value));
        // SAFETY: as in `query`.
        let raw = unsafe {
            (self.engine.functions().chdb_stream_query_with_params_n)(
                self.raw(),
                sql.as_ptr(),
                sql.len(),
                format.as_ptr(),
                format.len(),
                names.starts.as_ptr(),
                names.lengths.as_ptr(),
                values.starts.as_ptr(),
                values.lengths.as_ptr(),
                parameters.len(),
            )
        };
        let started = Outcome::new(self.engine, raw)?;
        Ok(Stream { connection: self, started, ended: false })
    }

    /// Starts an insert. `sql` is the statement without its FORMAT or VALUES clause; the data, in `format`,
    /// is appended afterwards.
    ///
    /// # Errors
    /// What the engine says.
    pub fn insert(&mut self, sql: &[u8], format: &str, parameters: &Parameters) -> Result<Insert<'_>> {
        let names = Texts::of(parameters.iter().map(|(name, _)| name));
        let values = Texts::of(parameters.iter().map(|(_, value)| value));
        // SAFETY: as in `query`.
        let raw = unsafe {
            (self.engine.functions().chdb_stream_insert_with_params_n)(
                self.raw(),
                sql.as_ptr(),
                sql.len(),
                format.as_ptr(),
                format.len(),
                names.starts.as_ptr(),
                names.lengths.as_ptr(),
                values.starts.as_ptr(),
                values.lengths.as_ptr(),
                parameters.len(),
            )
        };
        let raw = NonNull::new(raw).ok_or_else(no_answer)?;
        let insert = Insert { connection: self, raw, ended: false };
        match insert.error() {
            Some(error) => Err(error),
            None => Ok(insert),
        }
    }

    /// Runs a statement whose result does not matter, such as `SET` or `USE`.
    ///
    /// # Errors
    /// What the engine says.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        self.query(sql.as_bytes(), "Null", &[]).map(drop)
    }

    fn raw(&self) -> *mut RawConnection {
        // SAFETY: the handle was returned by `chdb_connect` and is freed only by `drop`.
        unsafe { *self.handle.as_ptr() }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: returned by `chdb_connect`, not freed before; every `Stream` and `Insert` is gone, since
        // they borrow this connection.
        unsafe { (self.engine.functions().chdb_close_conn)(self.handle.as_ptr()) }
    }
}

/// What a statement did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Statistics {
    /// Rows read from tables.
    pub read_rows: u64,
    /// Bytes read from tables.
    pub read_bytes: u64,
    /// Rows written.
    pub written_rows: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Rows of the result.
    pub result_rows: u64,
    /// Time that the engine took.
    pub elapsed: Duration,
}

/// The result of a statement, or a chunk of it; freed when dropped.
#[derive(Debug)]
pub struct Outcome {
    engine: &'static Engine,
    raw: NonNull<RawResult>,
}

impl Outcome {
    fn new(engine: &'static Engine, raw: *mut RawResult) -> Result<Self> {
        let raw = NonNull::new(raw).ok_or_else(no_answer)?;
        let outcome = Self { engine, raw };
        // SAFETY: a result that is not freed; its error is a C text that lives as long as it.
        let error = unsafe { text((engine.functions().chdb_result_error)(raw.as_ptr())) };
        match error {
            Some(error) => Err(Exception::from_engine(&error)),
            None => Ok(outcome),
        }
    }

    /// The bytes in the format asked for.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let functions = self.engine.functions();
        // SAFETY: a result that is not freed; its buffer holds `length` bytes and does not change while the
        // result, borrowed by the slice, lives.
        unsafe {
            let length = (functions.chdb_result_length)(self.raw.as_ptr());
            let start = (functions.chdb_result_buffer)(self.raw.as_ptr());
            if length == 0 || start.is_null() {
                return &[];
            }
            std::slice::from_raw_parts(start, length)
        }
    }

    /// What the statement did.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let functions = self.engine.functions();
        let raw = self.raw.as_ptr();
        // SAFETY: each only reads a number of a result that is not freed.
        unsafe {
            Statistics {
                read_rows: (functions.chdb_result_storage_rows_read)(raw),
                read_bytes: (functions.chdb_result_storage_bytes_read)(raw),
                written_rows: (functions.chdb_result_rows_written)(raw),
                written_bytes: (functions.chdb_result_bytes_written)(raw),
                result_rows: (functions.chdb_result_rows_read)(raw),
                elapsed: Duration::try_from_secs_f64((functions.chdb_result_elapsed)(raw)).unwrap_or_default(),
            }
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        // SAFETY: returned by the engine and freed once, here.
        unsafe { (self.engine.functions().chdb_destroy_query_result)(self.raw.as_ptr()) }
    }
}

/// A statement whose result comes in chunks; cancelled when dropped before the end.
#[derive(Debug)]
pub struct Stream<'a> {
    connection: &'a mut Connection,
    started: Outcome,
    ended: bool,
}

impl Stream<'_> {
    /// The next chunk, `None` at the end. Each chunk is a whole document of the format: one with a header
    /// repeats it.
    ///
    /// # Errors
    /// What the engine says; nothing comes after an error.
    pub fn next_chunk(&mut self) -> Result<Option<Outcome>> {
        if self.ended {
            return Ok(None);
        }
        let engine = self.connection.engine;
        // SAFETY: the session is open, and `started` is its running statement.
        let raw =
            unsafe { (engine.functions().chdb_stream_fetch_result)(self.connection.raw(), self.started.raw.as_ptr()) };
        let chunk = Outcome::new(engine, raw).inspect_err(|_error| self.ended = true)?;
        if chunk.bytes().is_empty() {
            self.ended = true;
            return Ok(None);
        }
        Ok(Some(chunk))
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: the session is open, and `started` is its running statement.
            unsafe {
                (self.connection.engine.functions().chdb_stream_cancel_query)(
                    self.connection.raw(),
                    self.started.raw.as_ptr(),
                );
            }
        }
    }
}

/// An insert that takes data; cancelled when dropped before [`Insert::finish`].
#[derive(Debug)]
pub struct Insert<'a> {
    connection: &'a mut Connection,
    raw: NonNull<RawInsert>,
    ended: bool,
}

impl Insert<'_> {
    /// Hands over data, cut anywhere.
    ///
    /// # Errors
    /// What the engine says, for example that a row cannot be parsed.
    pub fn append(&mut self, data: &[u8]) -> Result<()> {
        let append = self.connection.engine.functions().chdb_stream_append;
        // SAFETY: an insert that is not freed; the engine copies the bytes before it returns.
        let status = unsafe { append(self.raw.as_ptr(), data.as_ptr().cast(), data.len()) };
        if status == 0 { Ok(()) } else { Err(self.error().unwrap_or_else(no_answer)) }
    }

    /// Writes the rows and waits until they are visible. Success is the acknowledgement.
    ///
    /// # Errors
    /// What the engine says; then rows of the blocks before may have been written.
    pub fn finish(mut self) -> Result<Statistics> {
        self.ended = true;
        let engine = self.connection.engine;
        // SAFETY: an insert that is not freed, ended only once since `self` is consumed.
        let raw = unsafe { (engine.functions().chdb_stream_done)(self.raw.as_ptr()) };
        if raw.is_null() {
            return Err(self.error().unwrap_or_else(no_answer));
        }
        Ok(Outcome::new(engine, raw)?.statistics())
    }

    fn error(&self) -> Option<Exception> {
        let error = self.connection.engine.functions().chdb_stream_insert_error;
        // SAFETY: an insert that is not freed; its error is null or a C text that lives as long as it.
        unsafe { text(error(self.raw.as_ptr())) }.map(|error| Exception::from_engine(&error))
    }
}

impl Drop for Insert<'_> {
    fn drop(&mut self) {
        let functions = self.connection.engine.functions();
        // SAFETY: an insert that is not freed, on a session that is open; cancelled only when not ended.
        unsafe {
            if !self.ended {
                (functions.chdb_stream_cancel_insert)(self.raw.as_ptr());
            }
            (functions.chdb_destroy_insert_stream)(self.raw.as_ptr());
        }
    }
}

/// Texts as the engine takes them: starts and lengths. Valid as long as the texts.
struct Texts {
    starts: Vec<*const u8>,
    lengths: Vec<usize>,
}

impl Texts {
    fn of<'a>(texts: impl Iterator<Item = &'a String>) -> Self {
        let (starts, lengths) = texts.map(|text| (text.as_ptr(), text.len())).unzip();
        Self { starts, lengths }
    }
}

fn no_answer() -> Exception {
    Exception::new(1000, "POCO_EXCEPTION", "the engine gave no answer")
}
