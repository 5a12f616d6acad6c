//! One article: judged when it is JSON already, written as JSON when it is not.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Entry;

/// The fields of the contract, their values as they stand in the input.
#[derive(Deserialize, Serialize)]
struct Raw<'a> {
    #[serde(borrow, default, skip_serializing)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    title: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    publisher: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    url: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    published_at: Option<&'a RawValue>,
}

/// [`Raw`] with its id as text.
#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    #[serde(flatten)]
    raw: Raw<'a>,
}

/// An article of another format; empty text means that the field is missing.
#[derive(Debug, Default, Serialize)]
pub struct Fields {
    /// Made by [`made_id`] when empty.
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Written even when empty: the pipeline screens such an article as short.
    pub body: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub publisher: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    #[serde(skip_serializing_if = "String::is_empty", serialize_with = "date")]
    pub published_at: String,
}

/// Digits alone are epoch seconds or milliseconds, which the contract wants as a number.
#[expect(clippy::ptr_arg, reason = "serde hands a reference to the field")]
fn date<S: serde::Serializer>(text: &String, serializer: S) -> Result<S::Ok, S::Error> {
    match text.parse::<i64>() {
        Ok(number) => serializer.serialize_i64(number),
        Err(_) => serializer.serialize_str(text),
    }
}

impl Fields {
    /// The entry for the article that begins on `line`.
    pub fn into_entry(mut self, line: u64) -> Entry {
        if self.id.is_empty() {
            self.id = made_id(&self.url, &self.title, &self.body);
        }
        match serde_json::to_vec(&self) {
            Ok(json) => Entry::Article { line, json, id: self.id },
            Err(error) => Entry::Bad { line, why: error.to_string() },
        }
    }
}

/// The id of an article that came without: 32 hex digits of BLAKE3 over its address or, without one, over title, a NUL and body.
pub fn made_id(url: &str, title: &str, body: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    if url.is_empty() {
        hasher.update(title.as_bytes()).update(b"\0").update(body.as_bytes());
    } else {
        hasher.update(url.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Judges a JSON text: passed on byte for byte when it is an object with a non-empty string id and a string body; a number as
/// id is turned to text, the fields of the contract kept.
pub fn judge(line: u64, json: &[u8]) -> Entry {
    match accept(json.trim_ascii()) {
        Ok((json, id)) => Entry::Article { line, json, id },
        Err(why) => Entry::Bad { line, why },
    }
}

fn accept(json: &[u8]) -> Result<(Vec<u8>, String), String> {
    let text = std::str::from_utf8(json).map_err(|error| format!("not UTF-8: {error}"))?;
    if !text.starts_with('{') {
        return Err("not a JSON object".to_owned());
    }
    // The line number of serde_json's message would be that of the entry's own lines: only the column helps.
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?;
    let body = raw.body.ok_or("no body")?;
    if !body.get().starts_with('"') {
        return Err("body is not a string".to_owned());
    }
    serde_json::from_str::<String>(body.get()).map_err(|error| format!("body: {error}"))?;
    let id = raw.id.ok_or("no id")?.get();
    if id.starts_with('"') {
        let id: String = serde_json::from_str(id).map_err(|error| format!("id: {error}"))?;
        return if id.trim().is_empty() { Err("id is empty".to_owned()) } else { Ok((json.to_vec(), id)) };
    }
    if !id.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err("id is neither a string nor a number".to_owned());
    }
    let id = id.to_owned();
    let json = serde_json::to_vec(&Named { id: &id, raw }).map_err(|error| error.to_string())?;
    Ok((json, id))
}
