//! The C interface of the ClickHouse engine, `libchdb.so` 26.7, found at run time.
//!
//! Only the table of functions and the loading stand here; [`super::connection`] makes them safe to use.
//! Declarations follow `chdb.h` of chdb-core 26.7.
//!
//! Invariants: the library is loaded once and never unloaded, because its threads live on to the end of the
//! process; its signal handlers are off before anything else is called, because ours handle SIGTERM.
#![expect(unsafe_code, reason = "foreign functions of the engine")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;

use anyhow::{Context, Result};
use libloading::Library;

/// A session of the engine.
#[repr(C)]
pub struct RawConnection {
    _private: [u8; 0],
}

/// The outcome of a statement, or one chunk of a streamed one.
#[repr(C)]
pub struct RawResult {
    _private: [u8; 0],
}

/// An insert that is being fed.
#[repr(C)]
pub struct RawInsert {
    _private: [u8; 0],
}

/// Starts something with a statement, a format and parameters, each as pointer and length:
/// connection, statement, format, parameter names, parameter values, number of parameters.
type Start<T> = unsafe extern "C" fn(
    *mut RawConnection,
    *const u8,
    usize,
    *const u8,
    usize,
    *const *const u8,
    *const usize,
    *const *const u8,
    *const usize,
    usize,
) -> *mut T;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        /// The functions of the engine that the front uses, by their C names.
        #[derive(Debug)]
        pub struct Functions {
            $($(#[$doc])* pub $name: $type,)*
        }

        impl Functions {
            /// # Safety
            /// `library` must be libchdb 26.7, whose functions have these types.
            unsafe fn find(library: &'static Library) -> Result<Self, libloading::Error> {
                // SAFETY: the caller vouches for the types of the functions.
                unsafe {
                    Ok(Self { $($name: *library.get(concat!(stringify!($name), "\0"))?,)* })
                }
            }
        }
    };
}

functions! {
    /// Version of the library, a static text.
    chdb_version: unsafe extern "C" fn() -> *const c_char;
    /// Opens a session with command line arguments; null on failure.
    chdb_connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut *mut RawConnection;
    /// Ends a session.
    chdb_close_conn: unsafe extern "C" fn(*mut *mut RawConnection);
    /// Runs a statement; the whole result is kept in memory.
    chdb_query_with_params_n: Start<RawResult>;
    /// Starts a statement whose result is fetched in chunks.
    chdb_stream_query_with_params_n: Start<RawResult>;
    /// The next chunk; an empty one at the end.
    chdb_stream_fetch_result:
        unsafe extern "C" fn(*mut RawConnection, *mut RawResult) -> *mut RawResult;
    /// Ends a streamed statement before its end.
    chdb_stream_cancel_query: unsafe extern "C" fn(*mut RawConnection, *mut RawResult);
    /// Frees a result.
    chdb_destroy_query_result: unsafe extern "C" fn(*mut RawResult);
    /// Starts an insert whose data is appended.
    chdb_stream_insert_with_params_n: Start<RawInsert>;
    /// Appends data; other than 0 is an error.
    chdb_stream_append: unsafe extern "C" fn(*mut RawInsert, *const c_void, usize) -> c_int;
    /// Ends an insert and makes its rows visible.
    chdb_stream_done: unsafe extern "C" fn(*mut RawInsert) -> *mut RawResult;
    /// Ends an insert without the rows that were not written yet.
    chdb_stream_cancel_insert: unsafe extern "C" fn(*mut RawInsert);
    /// The error of an insert; null when there is none.
    chdb_stream_insert_error: unsafe extern "C" fn(*mut RawInsert) -> *const c_char;
    /// Frees an insert.
    chdb_destroy_insert_stream: unsafe extern "C" fn(*mut RawInsert);
    /// Start of a result's bytes; may be null when there are none.
    chdb_result_buffer: unsafe extern "C" fn(*mut RawResult) -> *const u8;
    /// Number of a result's bytes.
    chdb_result_length: unsafe extern "C" fn(*mut RawResult) -> usize;
    /// Seconds that the statement took.
    chdb_result_elapsed: unsafe extern "C" fn(*mut RawResult) -> f64;
    /// Rows of the result.
    chdb_result_rows_read: unsafe extern "C" fn(*mut RawResult) -> u64;
    /// Rows read from tables.
    chdb_result_storage_rows_read: unsafe extern "C" fn(*mut RawResult) -> u64;
    /// Bytes read from tables.
    chdb_result_storage_bytes_read: unsafe extern "C" fn(*mut RawResult) -> u64;
    /// Rows written by an insert.
    chdb_result_rows_written: unsafe extern "C" fn(*mut RawResult) -> u64;
    /// Bytes written by an insert.
    chdb_result_bytes_written: unsafe extern "C" fn(*mut RawResult) -> u64;
    /// The error of a statement; null when there is none.
    chdb_result_error: unsafe extern "C" fn(*mut RawResult) -> *const c_char;
    /// Turns the engine's own signal handlers on (1) or off (0).
    chdb_set_signal_handlers_enabled: unsafe extern "C" fn(c_int);
    /// Ends the engine's background work once no session is open.
    chdb_shutdown: unsafe extern "C" fn() -> c_int;
}

/// The loaded engine.
#[derive(Debug)]
pub struct Engine {
    functions: Functions,
}

impl Engine {
    /// Loads the library, which takes up to 8 s when it has to come from the disk.
    ///
    /// # Errors
    /// When the file cannot be loaded or lacks a function.
    pub fn load(library: &Path) -> Result<&'static Self> {
        // SAFETY: running the library's initialisers is what loading is for; the file is the pinned libchdb,
        // its archive checked by its SHA-256 when it was fetched.
        let loaded = unsafe { Library::new(library) }.with_context(|| {
            format!("loading {} (if it is damaged, remove its folder and run again)", library.display())
        })?;
        let loaded: &'static Library = Box::leak(Box::new(loaded));
        // SAFETY: as above, it is libchdb 26.7.
        let functions = unsafe { Functions::find(loaded) }
            .with_context(|| format!("{} is not the engine expected", library.display()))?;
        // SAFETY: takes a number, and no session is open yet.
        unsafe { (functions.chdb_set_signal_handlers_enabled)(0) };
        Ok(Box::leak(Box::new(Self { functions })))
    }

    /// The engine's functions.
    #[must_use]
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// The version of the library.
    #[must_use]
    pub fn version(&self) -> String {
        // SAFETY: the engine returns a static text that ends with a zero byte.
        unsafe { text((self.functions.chdb_version)()) }.unwrap_or_default()
    }

    /// Ends the background work. Every [`super::connection::Connection`] must be gone; the process must exit
    /// soon after.
    pub fn shut_down(&self) {
        // SAFETY: takes nothing; a session that is still open makes it a no-op.
        let _ = unsafe { (self.functions.chdb_shutdown)() };
    }
}

/// A C text, copied; `None` for null.
///
/// # Safety
/// `text` must be null or point to bytes that end with a zero byte and stay unchanged during the call.
#[must_use]
pub unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and the caller vouches for the rest.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}
