//! Articles and jobs as JSON, the form in which most producers send them.
//!
//! One pass, no tree: unknown fields are skipped, of a key that comes twice the last one counts, and `null` is the same
//! as no value. Errors name the field and the place, and hold nothing of the payload.

mod job;

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Unexpected, Visitor};

pub(super) use self::job::job;
use super::refusal::{Reason, Refusal};
use crate::model::RawArticle;

/// Epoch numbers below this are seconds, as `model::parse_date` has it.
const SECONDS_BELOW: f64 = 1e11;

/// The article that `text` says. `id` is text or a whole number; `published_at` is text or a number, which is kept as
/// the digits of whole seconds or milliseconds; the other fields are text, and all but `id` and `body` may be missing.
///
/// # Errors
/// [`Reason::Malformed`] for anything but one JSON object with fields of these types; [`Reason::Invalid`] where `id` or
/// `body` is missing or null. An empty `id` is for `Record::check` to refuse, an empty `body` is none of our business.
pub(super) fn article(text: &str) -> Result<RawArticle, Refusal> {
    let mut json = serde_json::Deserializer::from_str(text);
    let fields = json
        .deserialize_map(ArticleVisitor)
        .and_then(|fields| json.end().map(|()| fields))
        .map_err(|error| Refusal::malformed(error.to_string()))?;
    let missing = |name: &str| Refusal::new(Reason::Invalid, format!("{name}: missing or empty"));
    Ok(RawArticle {
        id: fields.id.ok_or_else(|| missing("id"))?,
        title: fields.title.unwrap_or_default(),
        body: fields.body.ok_or_else(|| missing("body"))?,
        publisher: fields.publisher.unwrap_or_default(),
        url: fields.url.unwrap_or_default(),
        published_at: fields.published_at.unwrap_or_default(),
    })
}

#[derive(Default)]
struct Fields {
    id: Option<String>,
    title: Option<String>,
    body: Option<String>,
    publisher: Option<String>,
    url: Option<String>,
    published_at: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Id,
    Title,
    Body,
    Publisher,
    Url,
    PublishedAt,
    #[serde(other)]
    Unknown,
}

struct ArticleVisitor;

impl<'de> Visitor<'de> for ArticleVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an article as a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key()? {
            let (slot, field) = match key {
                Key::Id => (&mut fields.id, Field("id", Numbers::Whole)),
                Key::Title => (&mut fields.title, Field("title", Numbers::None)),
                Key::Body => (&mut fields.body, Field("body", Numbers::None)),
                Key::Publisher => (&mut fields.publisher, Field("publisher", Numbers::None)),
                Key::Url => (&mut fields.url, Field("url", Numbers::None)),
                Key::PublishedAt => (&mut fields.published_at, Field("published_at", Numbers::Epoch)),
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *slot = map.next_value_seed(field)?;
        }
        Ok(fields)
    }
}

/// Which numbers a field takes beside text.
#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    None,
    Whole,
    Epoch,
}

/// One field's value: its name, for errors, and the numbers it takes.
#[derive(Clone, Copy)]
struct Field(&'static str, Numbers);

impl<'de> DeserializeSeed<'de> for Field {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Field {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = match self.1 {
            Numbers::None => "text",
            Numbers::Whole => "text or a whole number of at most 64 bits",
            Numbers::Epoch => "text or a number",
        };
        write!(f, "{kinds} in the field {}", self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        if self.1 == Numbers::None {
            return Err(E::invalid_type(Unexpected::Other("a number"), &self));
        }
        Ok(Some(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        if self.1 == Numbers::None {
            return Err(E::invalid_type(Unexpected::Other("a number"), &self));
        }
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        if self.1 != Numbers::Epoch {
            return Err(E::invalid_type(Unexpected::Other("such a number"), &self));
        }
        // Python's `time.time()` is seconds with a fraction; dates are read from whole numbers only.
        let seconds = number.fract() != 0.0 && number.abs() < SECONDS_BELOW;
        let whole = if seconds { number * 1000.0 } else { number };
        Ok(Some(format!("{whole:.0}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<[&str; 6], (Reason, &str)>) {
        match (article(text), expected) {
            (Ok(found), Ok(fields)) => {
                let found = [&found.id, &found.title, &found.body, &found.publisher, &found.url, &found.published_at];
                assert_eq!(found, fields, "{text}");
            }
            (Err(refusal), Err((reason, part))) => {
                assert_eq!(refusal.reason, reason, "{text}: {refusal}");
                assert!(refusal.error.contains(part), "{text}: {refusal}");
            }
            (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn articles_are_read_from_what_producers_send() {
        check(
            r#"{"id":"a","title":"T","body":"B","publisher":"P","url":"U","published_at":"2026-11-20"}"#,
            Ok(["a", "T", "B", "P", "U", "2026-11-20"]),
        );
        check(r#"{"id":"a","body":""}"#, Ok(["a", "", "", "", "", ""]));
        check(
            r#"{"id":7,"body":"b\n\"\u00e9\u0000","published_at":1795168800}"#,
            Ok(["7", "", "b\n\"é\0", "", "", "1795168800"]),
        );
        check(
            r#"{"id":-7,"body":"b","published_at":1795168800.25,"title":null,"url":null,"publisher":null}"#,
            Ok(["-7", "", "b", "", "", "1795168800250"]),
        );
        check(
            r#"{"id":18446744073709551615,"body":"b","published_at":1.7951688e9}"#,
            Ok(["18446744073709551615", "", "b", "", "", "1795168800"]),
        );
        check(
            r#"{"body":null,"id":"a","more":{"deep":[[["x"]]]},"body":"first","b\u006fdy":"last","published_at":null}"#,
            Ok(["a", "", "last", "", "", ""]),
        );
    }

    #[test]
    fn what_is_no_article_is_refused_with_its_place() {
        use Reason::{Invalid, Malformed};
        for (text, reason, part) in [
            (r"{}", Invalid, "id: missing"),
            (r#"{"body":"b"}"#, Invalid, "id: missing"),
            (r#"{"id":null,"body":"b"}"#, Invalid, "id: missing"),
            (r#"{"id":"a"}"#, Invalid, "body: missing"),
            (r#"{"id":"a","body":null}"#, Invalid, "body: missing"),
            (r#"{"id":1.5,"body":"b"}"#, Malformed, "field id at line 1"),
            (r#"{"id":true,"body":"b"}"#, Malformed, "field id at line 1"),
            (r#"{"id":["a"],"body":"b"}"#, Malformed, "field id"),
            (r#"{"id":"a","body":5}"#, Malformed, "text in the field body"),
            (r#"{"id":"a","body":{"html":"SECRET"}}"#, Malformed, "field body"),
            (r#"{"id":"a","body":"b","title":false}"#, Malformed, "field title"),
            (r#"{"id":"a","body":"b","url":-3}"#, Malformed, "field url"),
            (r#"{"id":"a","body":"b""#, Malformed, "EOF"),
            (r#"{"id":"a","body":"b"} x"#, Malformed, "trailing"),
            (r#"{"id":"a","body":"b"}{}"#, Malformed, "trailing"),
            (r#"{"id":"a","body":"\ud800"}"#, Malformed, "line 1"),
            ("{\"id\":\"a\",\"body\":\"a\nb\"}", Malformed, "control character"),
            (r#"["a"]"#, Malformed, "JSON object"),
            (r"{'id':'a'}", Malformed, "line 1 column 2"),
        ] {
            check(text, Err((reason, part)));
            let error = article(text).unwrap_err().error;
            assert!(!error.contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(1_000_000);
        let text = format!(r#"{{"id":"a","body":"b","x":{deep}"#);
        assert_eq!(article(&text).unwrap_err().reason, Reason::Malformed);
    }
}
