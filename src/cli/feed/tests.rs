//! Every format as it comes: whole, with marks and line ends of other systems, cut off, broken in the middle.

use std::io::{BufReader, Cursor};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Reads through a buffer so small that every token is cut somewhere.
fn read_all(input: impl Into<Vec<u8>>) -> Vec<Entry> {
    let input = BufReader::with_capacity(5, Cursor::new(input.into()));
    read(input).unwrap().map(Result::unwrap).collect()
}

fn refused(input: &str) -> String {
    match read(Cursor::new(input.as_bytes().to_vec())) {
        Ok(_) => panic!("{input} was read"),
        Err(error) => error.to_string(),
    }
}

fn article(line: u64, json: &str, id: &str) -> Entry {
    Entry::Article { line, json: json.into(), id: id.into() }
}

/// An entry as line, and id or reason.
fn brief(entries: &[Entry]) -> Vec<(u64, String)> {
    let brief = |entry: &Entry| match entry {
        Entry::Article { line, id, .. } => (*line, id.clone()),
        Entry::Bad { line, why } => (*line, format!("! {why}")),
    };
    entries.iter().map(brief).collect()
}

fn value(entry: &Entry) -> Value {
    match entry {
        Entry::Article { json, .. } => serde_json::from_slice(json).unwrap(),
        Entry::Bad { line, why } => panic!("{line}: {why}"),
    }
}

#[test]
fn json_lines_pass_byte_for_byte() {
    let one = r#"{"id":"a", "body":"x",  "extra":[1,{"b":2}]}"#;
    let two = r#"{"body":"é","id":"b"}"#;
    for input in [format!("{one}\n{two}\n"), format!("{one}\n{two}"), format!("\u{feff}{one}\r\n{two}\r\n")] {
        assert_eq!(read_all(input), [article(1, one, "a"), article(2, two, "b")]);
    }
    assert_eq!(read_all(format!("\n\n  {one}\n\n \n{two}")), [article(3, one, "a"), article(6, two, "b")]);
}

#[test]
fn a_number_as_id_becomes_text() {
    let entries =
        read_all(r#"{"id":12345678901234567890123,"title":"t","body":"x","published_at":1700000000,"extra":1}"#);
    assert_eq!(brief(&entries), [(1, "12345678901234567890123".to_owned())]);
    assert_eq!(
        value(&entries[0]),
        json!({"id": "12345678901234567890123", "title": "t", "body": "x", "published_at": 1_700_000_000})
    );
}

#[test]
fn bad_json_lines_are_reported_and_passed_over() {
    let mut input = b"{\"id\":\"a\",\"body\":\"x\"}\nnot json\n{\"id\":\"b\"\n[1]\n{\"body\":\"x\"}\n{\"id\":\"c\"}\n{\"id\":\"\",\"body\":\"x\"}\n{\"id\":true,\"body\":\"x\"}\n{\"id\":\"d\",\"body\":5}\n{\"id\":\"e\",\"body\":null}\n".to_vec();
    input
        .extend(b"{\"id\":\"f\",\"body\":\"\xff\"}\n{\"id\":\"g\",\"body\":\"\\ud800\"}\n{\"id\":\"h\",\"body\":\"\"}");
    let entries = brief(&read_all(input));
    let reasons: Vec<&str> = entries.iter().map(|(_, text)| &text[..text.len().min(14)]).collect();
    assert_eq!(entries.iter().map(|(line, _)| *line).collect::<Vec<_>>(), (1..=13).collect::<Vec<_>>());
    assert_eq!(
        reasons,
        [
            "a",
            "! not a JSON o",
            "! not valid JS",
            "! not a JSON o",
            "! no id",
            "! no body",
            "! id is empty",
            "! id is neithe",
            "! body is not ",
            "! no body",
            "! not UTF-8: i",
            "! body: unexpe",
            "h"
        ]
    );
}

#[test]
fn pretty_printed_objects_are_read_in_a_row() {
    let input = "{\n  \"id\": \"a\",\n  \"body\": \"x\"\n}\n{\n  \"id\": \"b\",\n  \"body\": \"}{\"\n}\n";
    assert_eq!(brief(&read_all(input)), [(1, "a".to_owned()), (5, "b".to_owned())]);
}

#[test]
fn an_array_is_read_element_by_element() {
    let input = "\u{feff} [\n{\"id\":\"a\",\"body\":\"]\\\"}\"},\n {\"id\":2,\"body\":\"x\"}, 17, \"s\", [1],\n{\"id\":\"c\",\"body\":\"x\"}\n]\n";
    assert_eq!(
        brief(&read_all(input)),
        [
            (2, "a".to_owned()),
            (3, "2".to_owned()),
            (3, "! not a JSON object".to_owned()),
            (3, "! not a JSON object".to_owned()),
            (3, "! not a JSON object".to_owned()),
            (4, "c".to_owned()),
        ]
    );
    assert_eq!(read_all("[]"), []);
    assert_eq!(read_all("[ \n ] \n"), []);
}

#[test]
fn a_truncated_array_keeps_what_came_before() {
    for (rest, why) in
        [("", "! the file ends before its array does"), ("{\"id\":\"b\",\"bo", "! the file ends inside this element")]
    {
        let input = format!("[{{\"id\":\"a\",\"body\":\"x\"}},\n{rest}");
        assert_eq!(brief(&read_all(input)), [(1, "a".to_owned()), (2, why.to_owned())]);
    }
    assert_eq!(brief(&read_all("[] x")), [(1, "! something follows the array; it was not read".to_owned())]);
}

#[test]
fn csv_columns_have_many_names() {
    let input = "ID,Headline, Content ,Source,Link,Date,Other\r\n7,\"A, \"\"B\"\"\",\"two\r\nlines\",CoinDesk,https://x.org/a,2025-11-03T00:00:00Z,z\r\n\r\n,T,text,,https://x.org/b,1700000000,\r\n";
    let entries = read_all(format!("\u{feff}{input}"));
    assert_eq!(
        value(&entries[0]),
        json!({"id": "7", "title": "A, \"B\"", "body": "two\nlines", "publisher": "CoinDesk", "url": "https://x.org/a", "published_at": "2025-11-03T00:00:00Z"})
    );
    let made = article::made_id("https://x.org/b", "", "");
    assert_eq!(
        value(&entries[1]),
        json!({"id": made, "title": "T", "body": "text", "url": "https://x.org/b", "published_at": 1_700_000_000})
    );
    assert_eq!(brief(&entries), [(2, "7".to_owned()), (5, made)]);
}

#[test]
fn csv_separators_and_made_ids() {
    for input in ["title;body\nT;a, b\n", "title\tbody\nT\ta, b\n"] {
        assert_eq!(brief(&read_all(input)), [(2, article::made_id("", "T", "a, b"))]);
    }
    assert_ne!(article::made_id("", "T", "b"), article::made_id("", "Tb", ""));
}

#[test]
fn broken_csv_rows_are_reported() {
    let mut input = b"id,body\n1,x\n2\n3,x,y\n".to_vec();
    input.extend(b"4,\xff\n,\n5,ok\n6,\"never closed\n7,x\n");
    let entries = brief(&read_all(input));
    assert_eq!(
        entries,
        [
            (2, "1".to_owned()),
            (3, "! 1 fields, but the header has 2".to_owned()),
            (4, "! 3 fields, but the header has 2".to_owned()),
            (5, "! not UTF-8: invalid utf-8 sequence of 1 bytes from index 0".to_owned()),
            (6, "! no id, url, title or body".to_owned()),
            (7, "5".to_owned()),
            (8, "! a quoted field is never closed; it took the 1 lines behind it along".to_owned()),
        ]
    );
}

const RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>Coin &amp; Co</title><link>https://x.org</link><description>d</description>
<item><title>One</title><guid>g-1</guid><link>https://x.org/1</link><pubDate>Mon, 03 Nov 2025 10:00:00 +0100</pubDate>
<description>short</description><content:encoded><![CDATA[<p>Long <b>text</b> &amp; more</p>]]></content:encoded></item>
<item><title>Two</title><link>https://x.org/2</link><description>&lt;p&gt;only&lt;/p&gt; this</description></item>
<item><guid>g-3</guid></item>
</channel></rss>
"#;

#[test]
fn rss_items_become_articles() {
    let entries = read_all(RSS);
    assert_eq!(
        value(&entries[0]),
        json!({"id": "g-1", "title": "One", "body": "<p>Long <b>text</b> &amp; more</p>", "publisher": "Coin & Co", "url": "https://x.org/1", "published_at": "2025-11-03T09:00:00+00:00"})
    );
    assert_eq!(value(&entries[1])["body"], "<p>only</p> this");
    assert_eq!(
        brief(&entries),
        [(4, "g-1".to_owned()), (6, "https://x.org/2".to_owned()), (7, "! an item without title and text".to_owned())]
    );
}

#[test]
fn a_broken_feed_loses_only_its_broken_items() {
    let cut_off = RSS.find("only").unwrap();
    let entries = brief(&read_all(&RSS[..cut_off]));
    assert_eq!(entries, [(4, "g-1".to_owned()), (6, "! the item is not closed".to_owned())]);

    let entries = brief(&read_all(RSS.replace("<title>One</title>", "<title>One</titel>")));
    assert!(entries[0].1.starts_with("! unable to parse"), "{entries:?}");
    assert_eq!((entries[1].1.as_str(), entries.len()), ("https://x.org/2", 3));
}

#[test]
fn atom_entries_become_articles() {
    let input = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><id>f</id><updated>2025-11-03T00:00:00Z</updated>
<entry><title type="html">A &amp;amp; B</title><id>urn:1</id><link rel="self" href="https://x.org/self"/><link href="https://x.org/1"/><updated>2025-11-03T01:02:03Z</updated>
<content type="html">&lt;p&gt;Text&lt;/p&gt;</content></entry></feed>"#;
    let entries = read_all(input);
    assert_eq!(
        value(&entries[0]),
        json!({"id": "urn:1", "title": "A &amp; B", "body": "<p>Text</p>", "publisher": "Blog", "url": "https://x.org/1", "published_at": "2025-11-03T01:02:03+00:00"})
    );
    assert_eq!(brief(&entries), [(2, "urn:1".to_owned())]);
}

#[test]
fn empty_files_have_no_entries() {
    for input in ["", "\u{feff}", " \r\n\n\t"] {
        assert_eq!(read_all(input), [], "{input:?}");
    }
}

#[test]
fn what_has_no_known_format_is_refused() {
    for input in ["just a sentence\n", "<html><body>x</body></html>", "a,b,c\n1,2,3\n", "\u{0}\u{1}"] {
        assert!(refused(input).starts_with("unknown format"), "{input:?}");
    }
    assert!(matches!(read(&b"\xff\xfe{\0"[..]), Err(Error::Format(_))));
}

#[test]
fn a_feed_nested_without_end_is_survived() {
    for nest in ["<a>", "<div xmlns='x'>"] {
        let input = RSS.replace("short", &nest.repeat(200_000));
        read_all(input);
        let input = format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><content type=\"xhtml\"><div>{}",
            nest.repeat(200_000)
        );
        read_all(input);
    }
}

/// An input that fails after a while.
struct Failing(usize);

impl io::Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("disk"));
        }
        self.0 -= 1;
        let line = b"{\"id\":\"a\",\"body\":\"x\"}\n";
        buffer[..line.len()].copy_from_slice(line);
        Ok(line.len())
    }
}

#[test]
fn a_failing_input_ends_the_reading() {
    let entries: Vec<_> = read(BufReader::new(Failing(2))).unwrap().collect();
    assert_eq!(entries.len(), 3);
    assert!(entries[2].is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_panics_or_loops(start in prop::sample::select(vec!["", "{", "[", "<rss version=\"2.0\"><channel><item>", "id,body\n", "{\n"]), pieces in prop::collection::vec(prop_oneof![
        prop::sample::select(vec!["{", "}", "[", "]", "\"", "\\", ",", ":", "\n", "\r\n", "\"id\":\"a\"", "\"body\":\"b\"", "1", "x", ";", "<item>", "</item>", "<![CDATA[", "]]>", "&"]).prop_map(str::to_owned),
        any::<String>(),
    ], 0..30)) {
        let input = format!("{start}{}", pieces.concat());
        let bytes = input.len();
        if let Ok(entries) = read(BufReader::with_capacity(7, Cursor::new(input.into_bytes()))) {
            prop_assert!(entries.count() <= bytes + 1);
        }
    }
}
