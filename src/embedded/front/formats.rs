//! What the front must know about output formats: which can be streamed, and how long their header is.
//!
//! The engine formats every chunk of a streamed result as a document of its own, so a format with a header
//! repeats it and one with brackets around everything cannot be streamed at all. Headers of all chunks but
//! the first are cut off here.

/// How the header of a streamed chunk is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// There is none.
    None,
    /// Lines of text.
    Lines(usize),
    /// A count, then as many times this number of texts, one after the other.
    Binary {
        /// 1 for names, 2 for names and types.
        texts_per_column: usize,
    },
}

impl Header {
    /// The header of a format; `None` when results in it cannot be streamed.
    #[must_use]
    pub fn of(format: &str) -> Option<Self> {
        Some(match format {
            "RowBinary" | "Native" | "JSONEachRow" | "JSONCompactEachRow" | "TabSeparated" | "TSV"
            | "TabSeparatedRaw" | "TSVRaw" | "CSV" | "LineAsString" => Self::None,
            "TabSeparatedWithNames" | "TSVWithNames" => Self::Lines(1),
            "TabSeparatedWithNamesAndTypes" | "TSVWithNamesAndTypes" => Self::Lines(2),
            "RowBinaryWithNames" => Self::Binary { texts_per_column: 1 },
            "RowBinaryWithNamesAndTypes" => Self::Binary { texts_per_column: 2 },
            _ => return None,
        })
    }

    /// The bytes of `chunk` after its header; all of them when the header is not as expected.
    #[must_use]
    pub fn strip(self, chunk: &[u8]) -> &[u8] {
        let rest = match self {
            Self::None => Some(chunk),
            Self::Lines(lines) => after_lines(chunk, lines),
            Self::Binary { texts_per_column } => after_texts(chunk, texts_per_column),
        };
        rest.unwrap_or(chunk)
    }
}

fn after_lines(mut chunk: &[u8], lines: usize) -> Option<&[u8]> {
    for _ in 0..lines {
        let end = chunk.iter().position(|byte| *byte == b'\n')?;
        chunk = &chunk[end + 1..];
    }
    Some(chunk)
}

fn after_texts(mut chunk: &[u8], texts_per_column: usize) -> Option<&[u8]> {
    let columns = number(&mut chunk)?;
    for _ in 0..columns.checked_mul(texts_per_column)? {
        let length = number(&mut chunk)?;
        chunk = chunk.get(length..)?;
    }
    Some(chunk)
}

/// An unsigned LEB128 number.
fn number(chunk: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, rest) = chunk.split_first()?;
        *chunk = rest;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The `Content-Type` of an answer in a format.
#[must_use]
pub fn content_type(format: &str) -> &'static str {
    match format {
        "JSONEachRow" | "JSONCompactEachRow" | "JSONStringsEachRow" => "application/x-ndjson; charset=UTF-8",
        _ if format.starts_with("JSON") => "application/json; charset=UTF-8",
        _ if format.starts_with("CSV") => "text/csv; charset=UTF-8; header=absent",
        _ if format.starts_with("TabSeparated") || format.starts_with("TSV") => {
            "text/tab-separated-values; charset=UTF-8"
        }
        "Native" | "Parquet" | "Arrow" | "ArrowStream" | "ORC" | "Avro" => "application/octet-stream",
        _ if format.starts_with("RowBinary") => "application/octet-stream",
        _ => "text/plain; charset=UTF-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_cut_off() {
        for (format, chunk, rest) in [
            ("TSV", "a\nb\n", "a\nb\n"),
            ("TSVWithNames", "a\n1\n", "1\n"),
            ("TSVWithNamesAndTypes", "a\nUInt8\n1\n", "1\n"),
            ("RowBinaryWithNamesAndTypes", "\x02\x01a\x01b\x05UInt8\x06String\x07", "\x07"),
            ("RowBinaryWithNames", "\x01\x01a\x07", "\x07"),
            ("RowBinaryWithNames", "\x7f\x01a", "\x7f\x01a"),
            ("TSVWithNames", "no line end", "no line end"),
        ] {
            let header = Header::of(format).unwrap();
            assert_eq!(header.strip(chunk.as_bytes()), rest.as_bytes(), "{format}");
        }
        assert_eq!(Header::of("JSON"), None);
        assert_eq!(number(&mut &[0xff_u8; 32][..]), None);
    }
}
