//! Errors as ClickHouse's clients know them: a code and `Code: N. DB::Exception: text (NAME)`.

use std::fmt;

/// Code of an error whose text names none (`POCO_EXCEPTION`).
const CODE_UNKNOWN: u16 = 1000;

/// What a call into the engine or the front returns.
pub type Result<T> = std::result::Result<T, Exception>;

/// An error of the engine, or one that a ClickHouse server would give in this place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    code: u16,
    text: String,
}

impl Exception {
    /// An error of the front; `name` is the code's name in ClickHouse's list of error codes.
    #[must_use]
    pub fn new(code: u16, name: &str, what: impl fmt::Display) -> Self {
        Self { code, text: format!("Code: {code}. DB::Exception: {what} ({name})") }
    }

    /// An error of the engine, which gives its code only inside the text.
    #[must_use]
    pub fn from_engine(text: &str) -> Self {
        let code = text
            .split_once("Code: ")
            .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next())
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(CODE_UNKNOWN);
        Self { code, text: text.trim_end().to_owned() }
    }

    /// ClickHouse's number of the error.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The HTTP status that ClickHouse's `HTTPHandler` answers with (`exceptionCodeToHTTPStatus`).
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self.code {
            193 | 194 | 497 | 516 => 403,
            // What cannot be parsed: text, escapes, quotes, dates, numbers, UUIDs, syntax, data, types.
            6 | 26 | 27 | 33 | 36 | 38 | 41 | 53 | 62 | 69 | 72 | 117 | 131 | 321 | 386 | 456 | 457 => 400,
            // What is unknown: function, identifier, type, storage, table, database, setting, format.
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 81 | 115 => 404,
            159 => 408,
            307 => 413,
            202 => 429,
            48 => 501,
            _ => 500,
        }
    }

    /// The text with the server's version at its end, as a client expects it.
    #[must_use]
    pub fn message(&self, version: &str) -> String {
        if self.text.contains("(version ") {
            self.text.clone()
        } else {
            format!("{} (version {version} (chdb))", self.text)
        }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Exception {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_read_from_the_text() {
        let text = "Code: 60. DB::Exception: Table default.t does not exist. (UNKNOWN_TABLE)\n";
        let exception = Exception::from_engine(text);
        assert_eq!((exception.code(), exception.http_status()), (60, 404));
        assert!(exception.message("26.7").ends_with("(UNKNOWN_TABLE) (version 26.7 (chdb))"));
        for odd in ["", "Code: ", "Code: x", "Code: 99999999999."] {
            assert_eq!(Exception::from_engine(odd).code(), CODE_UNKNOWN, "{odd:?}");
        }
    }
}
