//! RSS and Atom, read by `feed-rs`.
//!
//! guid (or link) becomes the id, `content:encoded` (or the description) the body, the channel's title the publisher, `pubDate` an RFC 3339
//! time. The parser wants the whole document and gives up at its first error; where it does, each item is parsed by itself between
//! the document's head and its end tags, so that one broken item, or a document that was cut off, costs that item alone.

use std::io::{BufRead, Read};

use feed_rs::model;
use feed_rs::parser::{Builder, ParseErrorKind, ParseFeedError};
use memchr::memmem;

use super::article::Fields;
use super::lines::newlines;
use super::{Entries, Entry, Error, FEED_BYTES_MAX};

/// Head of the document × items, when each item has to be parsed by itself, in bytes.
const RESCUE_BYTES_MAX: usize = 256 << 20;

/// Reads a feed that begins on `line`.
///
/// # Errors
/// When the input fails, is larger than [`FEED_BYTES_MAX`] or is no feed.
pub fn read<R: BufRead>(input: R, line: u64) -> Result<Entries, Error> {
    let mut document = Vec::new();
    let limit = u64::try_from(FEED_BYTES_MAX).unwrap_or(u64::MAX);
    input.take(limit + 1).read_to_end(&mut document)?;
    if document.len() > FEED_BYTES_MAX {
        return Err(Error::Format(format!("a feed above {} MiB", FEED_BYTES_MAX >> 20)));
    }
    let starts = starts(&document, line);
    let (title, items) = match parse(&document) {
        Ok(feed) => (feed.title, numbered(feed.entries, &starts)),
        Err(ParseFeedError::ParseError(ParseErrorKind::NoFeedRoot)) => {
            return Err(Error::Format("XML or HTML, but neither RSS nor Atom".to_owned()));
        }
        Err(error) => rescue(&document, &starts, &error),
    };
    let publisher = title.map(|title| title.content).unwrap_or_default();
    Ok(Box::new(items.into_iter().map(move |(line, item)| {
        Ok(match item {
            Ok(item) => article(item, &publisher, line),
            Err(why) => Entry::Bad { line, why },
        })
    })))
}

/// An item, or why it is none, and its line.
type Item = (u64, Result<model::Entry, String>);

/// Items and the lines they begin on; their numbers in the feed when text inside them looks like items.
fn numbered(entries: Vec<model::Entry>, starts: &[Start]) -> Vec<Item> {
    let exact = starts.len() == entries.len();
    let number = |at: usize| u64::try_from(at + 1).unwrap_or(u64::MAX);
    let line = |at: usize| if exact { starts[at].line } else { number(at) };
    entries.into_iter().enumerate().map(|(at, entry)| (line(at), Ok(entry))).collect()
}

/// Parses each item of a broken document by itself.
fn rescue(document: &[u8], starts: &[Start], error: &ParseFeedError) -> (Option<model::Text>, Vec<Item>) {
    let first = starts.first().map_or(document.len(), |start| start.at);
    let head = &document[..first];
    let (item_end, end): (&[u8], &[u8]) = if document[first..].starts_with(b"<item") {
        (b"</item>", b"</channel></rss>")
    } else {
        (b"</entry>", b"</feed>")
    };
    if starts.is_empty() || head.len().saturating_mul(starts.len()) > RESCUE_BYTES_MAX {
        return (None, vec![(1, Err(error.to_string()))]);
    }
    let mut title = None;
    let mut items = Vec::with_capacity(starts.len());
    for (number, start) in starts.iter().enumerate() {
        let next = starts.get(number + 1).map_or(document.len(), |next| next.at);
        let item = &document[start.at..next];
        let item = match memmem::rfind(item, item_end) {
            Some(length) => {
                let whole = [head, &item[..length + item_end.len()], end].concat();
                parse(&whole).map_err(|error| error.to_string())
            }
            None => Err("the item is not closed".to_owned()),
        };
        let entry = item.and_then(|mut feed| {
            title = title.take().or(feed.title);
            feed.entries.pop().ok_or_else(|| error.to_string())
        });
        items.push((start.line, entry));
    }
    (title, items)
}

/// Parses a document; an item without guid or id gets its link, or none.
fn parse(document: &[u8]) -> Result<model::Feed, ParseFeedError> {
    let link = |links: &[model::Link], _: &Option<model::Text>, _: Option<&str>| {
        links.first().map(|link| link.href.clone()).unwrap_or_default()
    };
    Builder::new().id_generator(link).build().parse(document)
}

/// Where an item begins.
struct Start {
    at: usize,
    line: u64,
}

/// Where the items begin.
fn starts(document: &[u8], first_line: u64) -> Vec<Start> {
    let mut line = first_line;
    let mut counted = 0;
    let mut starts = Vec::new();
    for at in memchr::memchr_iter(b'<', document) {
        let rest = &document[at + 1..];
        let name = [&b"item"[..], b"entry"].into_iter().find(|name| rest.starts_with(name));
        let Some(name) = name else { continue };
        if rest.get(name.len()).is_none_or(|byte| matches!(byte, b'>' | b' ' | b'\t' | b'\r' | b'\n' | b'/')) {
            line += newlines(&document[counted..at]);
            counted = at;
            starts.push(Start { at, line });
        }
    }
    starts
}

/// Turns an item into an article.
fn article(entry: model::Entry, publisher: &str, line: u64) -> Entry {
    let content = entry.content.and_then(|content| content.body);
    let summary = entry.summary.map(|summary| summary.content);
    let body = content.filter(|body| !body.trim().is_empty()).or(summary).unwrap_or_default();
    let title = entry.title.map(|title| title.content).unwrap_or_default();
    if title.is_empty() && body.is_empty() {
        return Entry::Bad { line, why: "an item without title and text".to_owned() };
    }
    let url = entry.links.into_iter().find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
    let published_at = entry.published.or(entry.updated).map(|time| time.to_rfc3339()).unwrap_or_default();
    let url = url.map(|link| link.href).unwrap_or_default();
    Fields { id: entry.id.trim().to_owned(), title, body, publisher: publisher.to_owned(), url, published_at }
        .into_entry(line)
}
