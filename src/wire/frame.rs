//! What a record's first bytes say about the rest. The three formats cannot be mistaken for each other: JSON text holds
//! no byte 0, and `C3 01` is not UTF-8.

use super::canonical::Fingerprint;
use super::registry::SchemaId;

/// How single-object encoding begins (Avro specification, "Single-object encoding").
pub(super) const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];
/// How Confluent framing begins ("Wire format" in the documentation of its schema registry).
pub(super) const CONFLUENT: u8 = 0;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What the first bytes of a record say about the rest.
pub(super) enum Frame<'a> {
    SingleObject(Fingerprint, &'a [u8]),
    Confluent(SchemaId, &'a [u8]),
    Json(&'a [u8]),
    Unknown(String),
}

/// Whether a record begins as Avro does, in one framing or the other.
#[must_use]
pub fn is_framed(bytes: &[u8]) -> bool {
    bytes.starts_with(&SINGLE_OBJECT) || bytes.starts_with(&[CONFLUENT])
}

impl<'a> Frame<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let truncated = || Self::Unknown(format!("truncated: {} bytes of a header", bytes.len()));
        if let Some(rest) = bytes.strip_prefix(&SINGLE_OBJECT) {
            return match rest.split_first_chunk() {
                Some((fingerprint, body)) => Self::SingleObject(*fingerprint, body),
                None => truncated(),
            };
        }
        if let Some(rest) = bytes.strip_prefix(&[CONFLUENT]) {
            return match rest.split_first_chunk() {
                Some((id, body)) => Self::Confluent(SchemaId(u32::from_be_bytes(*id)), body),
                None => truncated(),
            };
        }
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        // JSON's white space, which is less than ASCII's.
        let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        match start.map(|start| (&text[start..], text[start])) {
            Some((json, b'{')) => Self::Json(json),
            Some((_, byte)) => Self::Unknown(format!("wrong magic byte 0x{byte:02x}: neither a JSON object nor Avro")),
            None => Self::Unknown("an empty value".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_format() {
        let name = |bytes: &[u8]| match Frame::of(bytes) {
            Frame::SingleObject(..) => "single object".to_owned(),
            Frame::Confluent(SchemaId(id), _) => format!("confluent {id}"),
            Frame::Json(json) => String::from_utf8_lossy(json).into_owned(),
            Frame::Unknown(error) => error,
        };
        for (bytes, expected) in [
            (&b"\xC3\x0112345678"[..], "single object"),
            (b"\x00\x00\x00\x01\x02", "confluent 258"),
            (b"{}", "{}"),
            (b"\xEF\xBB\xBF \r\n\t{ ", "{ "),
            (b"", "an empty value"),
            (b" \n", "an empty value"),
            (b"[]", "wrong magic byte 0x5b: neither a JSON object nor Avro"),
            (b"\xC3\x02", "wrong magic byte 0xc3: neither a JSON object nor Avro"),
            (b"\xC3\x011234567", "truncated: 9 bytes of a header"),
            (b"\x00\x00\x00\x01", "truncated: 4 bytes of a header"),
        ] {
            assert_eq!(name(bytes), expected);
        }
    }
}
