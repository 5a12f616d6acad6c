//! Bodies that are kept whole, plain and packed, with a tag by which whoever has one already is spared it (304).
//!
//! The tag is weak: both ways of packing have the same.

use std::io::Write as _;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Effort of packing: a body is packed once and sent often, but a change is to be seen soon.
const EFFORT: u32 = 4;

/// A body of JSON.
#[derive(Debug, Clone)]
pub(super) struct Tagged {
    plain: Bytes,
    /// `None`: whoever sends it may pack it.
    packed: Option<Bytes>,
    tag: HeaderValue,
}

impl Tagged {
    /// A body that is sent often: packs it, which takes a while.
    pub(super) fn packed(plain: Bytes, tag: &str) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::new(EFFORT));
        let packed = gzip.write_all(&plain).and_then(|()| gzip.finish());
        Self { packed: packed.ok().map(Bytes::from), ..Self::plain(plain, tag) }
    }

    /// A body that is sent once.
    pub(super) fn plain(plain: Bytes, tag: &str) -> Self {
        let tag = HeaderValue::try_from(format!("W/\"{tag}\"")).unwrap_or(HeaderValue::from_static("W/\"0\""));
        Self { plain, packed: None, tag }
    }

    /// The body as it is.
    pub(super) fn text(&self) -> &Bytes {
        &self.plain
    }

    /// The answer to whoever sent these headers.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let mut response = match (has(asked, &self.tag), &self.packed) {
            (true, _) => StatusCode::NOT_MODIFIED.into_response(),
            (false, Some(packed)) if takes_gzip(asked) => {
                let mut response = packed.clone().into_response();
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                response
            }
            (false, _) => self.plain.clone().into_response(),
        };
        let headers = response.headers_mut();
        if response_has_body(headers) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

/// `Bytes` are answered with a type of their own, which is not JSON's.
fn response_has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_TYPE)
}

/// Whether the caller has what `tag` names.
fn has(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = opaque(tag.to_str().unwrap_or_default());
    let named = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|named| named.trim() == "*" || opaque(named) == tag)
}

/// Whether the caller takes gzip: it is named, and not refused.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let named = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        matches!(name.trim(), "gzip" | "x-gzip" | "*") && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_it_is_spared_and_others_get_it_as_they_take_it() {
        let body = Tagged::packed(Bytes::from("[1]".repeat(100)), "a1");
        let ask = |name: header::HeaderName, value: &'static str| {
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
            let response = body.answer(&headers);
            (response.status().as_u16(), response.headers().contains_key(header::CONTENT_ENCODING))
        };
        for held in ["W/\"a1\"", "\"a1\"", "*", "\"b\", W/\"a1\""] {
            assert_eq!(ask(header::IF_NONE_MATCH, held).0, 304, "{held}");
        }
        for other in ["W/\"a\"", "a2", ""] {
            assert_eq!(ask(header::IF_NONE_MATCH, other), (200, false), "{other}");
        }
        for (coding, packed) in
            [("gzip", true), ("br, gzip;q=0.5", true), ("*", true), ("gzip;q=0", false), ("identity", false)]
        {
            assert_eq!(ask(header::ACCEPT_ENCODING, coding), (200, packed), "{coding}");
        }
        assert_eq!(body.answer(&HeaderMap::new()).headers()[header::CONTENT_TYPE], "application/json");
    }
}
