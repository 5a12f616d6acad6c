//! The list of odd records.

use serde_json::{Value, json};
use signalmill::model::RawArticle;
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec};

use crate::texts;

/// Where bodies of cases are taken from: numbers that no sound article has.
const FIRST_TEXT: usize = 900_000;
/// Bytes of the body that is larger than `limits.record_bytes_max`.
const LARGE_BYTES: usize = 20 << 20;

/// What becomes of a record.
pub enum Becomes {
    /// A dead letter with this reason, and this in its error.
    DeadLetter(&'static str, &'static str),
    /// The row of this article with this screen, and nothing else.
    Screened(&'static str, &'static str),
    /// Row, analysis and signal of this article; and an expression over the row with its value.
    Analysed(&'static str, &'static str, &'static str),
    /// An older version of this article.
    Superseded(&'static str),
    /// Nothing but a count in this sample.
    Counted(&'static str),
}

/// One odd record.
pub struct Case {
    pub name: &'static str,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub becomes: Becomes,
}

fn case(name: &'static str, value: impl Into<Vec<u8>>, becomes: Becomes) -> Case {
    Case { name, key: Some(b"key \xff\x00".to_vec()), value: Some(value.into()), becomes }
}

/// A sound article of this id, changed.
fn changed(id: &str, text: usize, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut article = texts::object(FIRST_TEXT + text);
    article["id"] = json!(id);
    change(&mut article);
    article.to_string().into_bytes()
}

fn avro(id: &str) -> Vec<u8> {
    let (title, body) = texts::text(FIRST_TEXT + 99);
    let published_at = "2026-01-15T10:00:00Z".to_owned();
    let article = RawArticle { id: id.to_owned(), title, body, published_at, ..RawArticle::default() };
    let mut value = Vec::new();
    Codec::new(ALLOCATION_BYTES_MAX).unwrap().encode(&article, &mut value).unwrap();
    value
}

/// Every case; no two share an id unless that is the case.
pub fn cases() -> Vec<Case> {
    let mut cases = undecodable();
    cases.extend(incomplete());
    cases.extend(dates());
    cases.extend(hostile());
    cases.extend(repeated());
    cases
}

fn undecodable() -> Vec<Case> {
    use Becomes::DeadLetter;
    let dead = |name, value: Vec<u8>, reason, part| case(name, value, DeadLetter(reason, part));
    let good = avro("avro");
    let with = |head: &[u8]| [head, &good[10..]].concat();
    let mut not_utf8 = changed("x", 0, |article| article["body"] = json!("bad byte: @"));
    let at = not_utf8.iter().position(|byte| *byte == b'@').unwrap();
    not_utf8[at] = 0xFF;
    let mut avro_not_utf8 = good.clone();
    let end = avro_not_utf8.len() - 60;
    avro_not_utf8[end] = 0xFF;
    vec![
        dead("not JSON", b"{'id': 'SECRET'}".to_vec(), "malformed", "line 1 column 2"),
        dead("half a JSON object", b"{\"id\":\"SECRET\",\"body\":\"".to_vec(), "malformed", "EOF"),
        dead("JSON that is no object", b"[\"SECRET\"]".to_vec(), "malformed", "magic byte 0x5b"),
        dead("wrong magic byte", b"SECRET".to_vec(), "malformed", "wrong magic byte 0x53"),
        dead("empty value", Vec::new(), "malformed", "empty value"),
        dead("unknown fingerprint", with(b"\xC3\x01SECRETSE"), "unknown_schema", "fingerprint"),
        dead("Confluent framing without a registry", with(b"\x00\x00\x00\x00\x07"), "unknown_schema", "registry"),
        dead("truncated Avro", good[..good.len() / 2].to_vec(), "malformed", "truncated"),
        dead("Avro with bytes behind it", [&good[..], b"SECRET"].concat(), "malformed", "6 bytes after"),
        dead("invalid UTF-8 in JSON", not_utf8, "malformed", "UTF-8"),
        dead("invalid UTF-8 in Avro", avro_not_utf8, "malformed", "UTF-8"),
        dead(
            "a field of the wrong type",
            b"{\"id\":\"a\",\"body\":{\"html\":\"SECRET\"}}".to_vec(),
            "malformed",
            "field body",
        ),
        dead("20 MB body", changed("x", 0, |a| a["body"] = json!("x".repeat(LARGE_BYTES))), "too_large", "8388608"),
        Case { key: None, ..dead("bad without a key", b"SECRET".to_vec(), "malformed", "magic byte") },
        Case { key: Some(Vec::new()), ..dead("bad with an empty key", b"SECRET".to_vec(), "malformed", "magic byte") },
    ]
}

fn incomplete() -> Vec<Case> {
    use Becomes::{Analysed, Counted, DeadLetter, Screened};
    let without = |field: &'static str| {
        changed("x", 1, |article| {
            article.as_object_mut().unwrap().remove(field);
        })
    };
    let bare = changed("bare", 2, |article| {
        for field in ["title", "url", "publisher", "published_at"] {
            article.as_object_mut().unwrap().remove(field);
        }
    });
    let tombstone = "signalmill_records_total{stage=\"window/decode\",outcome=\"tombstone\"}";
    vec![
        case("missing id", without("id"), DeadLetter("invalid", "id: missing")),
        case("empty id", changed("", 1, |_| ()), DeadLetter("invalid", "id")),
        case("long id", changed(&"x".repeat(513), 1, |_| ()), DeadLetter("invalid", "id: more than 512 bytes")),
        case("control character in the id", changed("a\0b", 1, |_| ()), DeadLetter("invalid", "a control character")),
        case("missing body", without("body"), DeadLetter("invalid", "body: missing")),
        case("empty body", changed("empty", 1, |a| a["body"] = json!("")), Screened("empty", "short")),
        case(
            "body of markup only",
            changed("hollow", 1, |a| a["body"] = json!("<p></p>".repeat(400))),
            Screened("hollow", "short"),
        ),
        case("only id and body", bare, Analysed("bare", "title, url, date_inferred", "\t\ttrue")),
        case(
            "unknown fields",
            changed("more", 3, |a| a["more"] = json!({"deep": [1]})),
            Analysed("more", "screen", ""),
        ),
        case("valid Avro", avro("avro"), Analysed("avro", "date_inferred", "false")),
        Case {
            key: None,
            ..case("no key", changed("keyless", 4, |_| ()), Analysed("keyless", "length(text) > 1000", "1"))
        },
        Case { value: None, ..case("tombstone", "", Counted(tombstone)) },
    ]
}

fn dates() -> Vec<Case> {
    let inferred = "date_inferred AND published_at = received_at";
    let dated = |name, id: &'static str, text, date: Value, expected: (&'static str, &'static str)| {
        let value = changed(id, text, |article| article["published_at"] = date);
        case(name, value, Becomes::Analysed(id, expected.0, expected.1))
    };
    let read = ("date_inferred, toUnixTimestamp64Milli(published_at)", "false\t1768471200000");
    vec![
        dated("1970", "in-1970", 10, json!("1970-01-01T00:00:00Z"), (inferred, "true")),
        dated("epoch 0", "epoch-0", 11, json!(0), (inferred, "true")),
        dated("2100", "in-2100", 12, json!("2100-01-01T00:00:00Z"), (inferred, "true")),
        dated("no date", "no-date", 13, json!("the day before yesterday"), (inferred, "true")),
        dated("epoch seconds", "seconds", 14, json!(1_768_471_200), read),
        dated("epoch milliseconds", "millis", 15, json!("1768471200000"), read),
    ]
}

fn hostile() -> Vec<Case> {
    use Becomes::Analysed;
    let wrapped = |id: &'static str, text, wrap: fn(&str) -> String| {
        changed(id, text, |article| {
            let body = wrap(article["body"].as_str().unwrap());
            article["body"] = json!(body);
        })
    };
    let controls = "match(text, '[\\\\x00-\\\\x09\\\\x0B-\\\\x1F]') OR position(text, unhex('E280AE')) > 0";
    let clean = "position(text, '<') + position(text, 'SECRET'), length(text) > 1000";
    vec![
        case(
            "control characters",
            wrapped("controls", 20, |body| format!("\0\u{1}\u{1b}[31m{body}\u{202e}\u{0}\r\n\t{body}")),
            Analysed("controls", controls, "0"),
        ),
        case(
            "tags without end",
            wrapped("nested", 21, |body| format!("{}{body}", "<div><b>".repeat(100_000))),
            Analysed("nested", clean, "0\t1"),
        ),
        case(
            "entities inside entities",
            wrapped("entities", 22, |body| format!("<p>{body}</p>&{}lt;script&gt;", "amp;".repeat(100_000))),
            Analysed("entities", clean, "0\t1"),
        ),
        case(
            "script and style",
            wrapped("script", 23, |body| format!("<script>SECRET</script><style>SECRET</style><p>{body}</p>")),
            Analysed("script", clean, "0\t1"),
        ),
        case(
            "attributes without end",
            wrapped("attributes", 24, |body| format!("<p>{body}</p><a {}", "x=\"<".repeat(200_000))),
            Analysed("attributes", "length(text) > 1000", "1"),
        ),
    ]
}

fn repeated() -> Vec<Case> {
    use Becomes::{Analysed, Superseded};
    let same = changed("same-text", 30, |_| ());
    vec![
        // The first of the two in a window is the one that is kept.
        case("an id for the first time", same.clone(), Analysed("same-text", "screen", "")),
        case("the same id and text again", same, Superseded("same-text")),
        case("an id that gets another text", changed("other-text", 31, |_| ()), Superseded("other-text")),
        case("the same id with another text", changed("other-text", 32, |_| ()), Analysed("other-text", "screen", "")),
    ]
}
