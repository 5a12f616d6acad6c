//! What people write: articles in HTML or markdown, and the words and numbers of files, headers and queries.

use super::{NOW, halves};
use crate::config::HttpUrl;
use crate::model::{Cadence, Interval, NanoUsd, own_limit, parse_date, timeframe};
use crate::window;

/// A title, a NUL, and a body; without a NUL a body. What is cleaned is plain text, and clean.
///
/// # Panics
/// A law is broken.
pub fn texts(bytes: &[u8]) {
    let (first, second) = halves(bytes);
    let (title, body) = if bytes.contains(&0) { (first, second) } else { (String::new(), first) };
    let clean = window::prepare(&title, &body);
    let is_odd = |letter: char| letter.is_control() && letter != '\n';
    assert!(!clean.text.contains(is_odd) && !clean.text.contains("  "), "a text is plain: {:?}", clean.text);
    assert!(
        clean.text.is_empty() || clean.text.split('\n').all(|line| !line.is_empty()),
        "no empty line: {:?}",
        clean.text
    );
    assert!(!clean.title.contains(char::is_control), "a title is one line: {:?}", clean.title);
    let again = window::prepare(&clean.title, &clean.text);
    assert_eq!(again.text, clean.text, "what is clean stays as it is");
    assert_eq!(
        (again.content_hash, again.sketch),
        (clean.content_hash, clean.sketch),
        "the same text, the same prints"
    );
    let url = window::clean_url(&body);
    assert!(!url.contains(char::is_control), "an address is one line: {url:?}");
}

/// A word or a number, read as everything that is written in one.
///
/// # Panics
/// A law is broken.
pub fn words(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    if let Some(date) = parse_date(text, NOW) {
        assert_eq!(parse_date(&date.to_string(), NOW), Some(date), "a date is read as it is shown");
    }
    if let Some(interval) = Interval::parse(text) {
        assert!(interval.seconds() > 0, "an interval takes time");
        assert_eq!(Interval::parse(&interval.to_string()), Some(interval), "an interval is read as it is shown");
    }
    if let Ok(amount) = text.parse::<NanoUsd>() {
        assert_eq!(amount.to_string().parse(), Ok(amount), "an amount is read as it is shown");
    }
    if let Some(url) = HttpUrl::parse(text) {
        assert!(!url.as_str().contains(['@', '?', '#']), "an address holds no secret: {url}");
        assert_eq!(HttpUrl::parse(url.as_str()), Some(url.clone()), "an address is read as it is shown");
    }
    let _ = (timeframe(text), own_limit(text), Cadence::parse(text).session_id(NOW));
}
