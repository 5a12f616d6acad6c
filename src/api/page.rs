//! The web page: the files of `page/`, which are in the binary. They need no build step and nothing from elsewhere.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::Embed;

use super::{Api, Problem};

/// The page itself may change with the next version of the binary; a browser asks each time whether it has.
const CACHE: &str = "no-cache";
/// Smaller files are sent as they are.
const GZIP_BYTES_MIN: usize = 512;

#[derive(Embed)]
#[folder = "src/api/page"]
struct Files;

/// One file, in both forms.
struct File {
    kind: String,
    etag: String,
    plain: Bytes,
    /// Where it is smaller.
    gzip: Option<Bytes>,
}

static FILES: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    let file = |path: &str| {
        let found = Files::get(path)?;
        let plain = Bytes::from(found.data.into_owned());
        let etag = format!("\"{}\"", &blake3::hash(&plain).to_hex()[..32]);
        let kind = match found.metadata.mimetype() {
            text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
            other => other.to_owned(),
        };
        Some(File { kind, etag, gzip: gzip(&plain), plain })
    };
    Files::iter().filter_map(|path| Some((path.to_string(), file(&path)?))).collect()
});

fn gzip(plain: &[u8]) -> Option<Bytes> {
    if plain.len() < GZIP_BYTES_MIN {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < plain.len()).then(|| Bytes::from(packed))
}

/// `/` is `index.html`, `/assets/NAME` any other file of the folder.
pub(super) fn routes() -> Router<Api> {
    let index = |headers: HeaderMap| async move { answer("index.html", &headers) };
    let asset = |Path(name): Path<String>, headers: HeaderMap| async move { answer(&name, &headers) };
    Router::new().route("/", get(index)).route("/assets/{*name}", get(asset))
}

fn answer(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = FILES.get(path) else {
        return Problem::not_found("the page has no such file").into_response();
    };
    let says = |name, word: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.split([',', ';']).any(|part| part.trim().trim_start_matches("W/") == word))
    };
    let common =
        [(header::ETAG, file.etag.as_str()), (header::CACHE_CONTROL, CACHE), (header::VARY, "accept-encoding")];
    if says(header::IF_NONE_MATCH, &file.etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.kind.as_str())];
    match &file.gzip {
        Some(packed) if says(header::ACCEPT_ENCODING, "gzip") => {
            (common, kind, [(header::CONTENT_ENCODING, "gzip")], packed.clone()).into_response()
        }
        _ => (common, kind, file.plain.clone()).into_response(),
    }
}
