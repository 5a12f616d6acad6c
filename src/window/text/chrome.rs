//! Lines that belong to the page, not to the article: by-lines, share buttons, sign-ups, cookie notices, disclaimers, paywall
//! stubs, countdowns, advertisement marks and the tails of other articles.
//!
//! A line is judged by itself: what it begins with, whether it is nothing else, how long it is. So the verdict does not change
//! when other lines go, and cleaning a clean text changes nothing. Prose is protected by length: a
//! rule holds only for lines up to its bound, since chrome is short and paragraphs are not.
//!
//! Cost: a paragraph longer than [`LONG_BYTES_MAX`] costs one comparison; a short line costs the few rules that share its first letter.

use super::phrases::{RULES, When};

/// No rule looks at longer lines, in bytes; disclaimers are the longest chrome.
const LONG_BYTES_MAX: usize = 900;
/// The longest line that begins with a rule's words and goes, in bytes.
const SHORT_BYTES_MAX: usize = 160;
/// The longest by-line, in bytes.
const BYLINE_BYTES_MAX: usize = 90;
/// The longest countdown, in bytes.
const COUNTDOWN_BYTES_MAX: usize = 60;
/// Bytes of a line that the rules compare, lower-cased.
const HEAD_BYTES: usize = 48;

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Part of the article.
    Keep,
    /// Part of the page.
    Drop,
    /// A heading over links to other articles: goes, and so do the headlines behind it.
    Tail,
}

/// First and last rule by first letter.
static BY_LETTER: [(u8, u8); 26] = by_letter();

const fn by_letter() -> [(u8, u8); 26] {
    let mut table = [(0, 0); 26];
    let mut rule: u8 = 0;
    while (rule as usize) < RULES.len() {
        let letter = (RULES[rule as usize].0.as_bytes()[0] - b'a') as usize;
        if table[letter].1 == 0 {
            table[letter].0 = rule;
        }
        table[letter].1 = rule + 1;
        rule += 1;
    }
    table
}

/// Judges one trimmed line.
pub fn judge(line: &str) -> Verdict {
    if line.len() > LONG_BYTES_MAX {
        return Verdict::Keep;
    }
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '©');
    let mut head = [0_u8; HEAD_BYTES];
    let length = line.len().min(HEAD_BYTES);
    let head = &mut head[..length];
    head.copy_from_slice(&line.as_bytes()[..length]);
    head.make_ascii_lowercase();
    let Some(first) = head.first() else {
        return Verdict::Keep;
    };
    if first.is_ascii_lowercase() {
        let (from, to) = BY_LETTER[usize::from(first - b'a')];
        for (words, when) in &RULES[usize::from(from)..usize::from(to)] {
            if let Some(verdict) = rule(line, head, words, *when) {
                return verdict;
            }
        }
    }
    let page = (*first == b'b' && byline(line, head)) || (line.len() <= COUNTDOWN_BYTES_MAX && counter(line));
    if page || (line.starts_with('©') && line.len() <= SHORT_BYTES_MAX) || advice(line) {
        Verdict::Drop
    } else {
        Verdict::Keep
    }
}

/// Applies one rule.
fn rule(line: &str, head: &[u8], words: &str, when: When) -> Option<Verdict> {
    if !head.starts_with(words.as_bytes()) {
        return None;
    }
    let rest = &line[words.len()..];
    if rest.starts_with(|c: char| c.is_alphanumeric()) && !words.ends_with(' ') {
        return None;
    }
    let bare = !rest.bytes().any(|byte| byte.is_ascii_alphabetic() || byte >= 0x80);
    let short = line.len() <= SHORT_BYTES_MAX;
    match when {
        When::Whole => bare.then_some(Verdict::Drop),
        When::Long => Some(Verdict::Drop),
        When::Tail if bare => Some(Verdict::Tail),
        When::Tail => (short && rest.starts_with([':', '|'])).then_some(Verdict::Drop),
        // WordPress ends its feeds so; "The post was deleted" is prose.
        When::Short if words == "the post " => rest.contains("appeared first on").then_some(Verdict::Drop),
        When::Short => short.then_some(Verdict::Drop),
    }
}

/// `By Jane Roe`, `By Jane Roe and Max Mustermann | Nov 3, 2025 | 4 min read`: two to nine words, the first two of them names.
fn byline(line: &str, head: &[u8]) -> bool {
    if !head.starts_with(b"by ") || line.len() > BYLINE_BYTES_MAX || line.ends_with(['.', '?', '!']) {
        return false;
    }
    let mut words = line[3..].split_ascii_whitespace();
    let named = |word: Option<&str>| word.is_some_and(|word| word.starts_with(char::is_uppercase));
    if !named(words.next()) || !named(words.next()) {
        return false;
    }
    // Behind the name: other names, dates, separators; a lower-case word that joins none of them makes it prose.
    words.all(|word| {
        !word.starts_with(|c: char| c.is_ascii_lowercase())
            || matches!(
                word,
                "and"
                    | "on"
                    | "at"
                    | "min"
                    | "mins"
                    | "minute"
                    | "read"
                    | "ago"
                    | "hours"
                    | "de"
                    | "van"
                    | "von"
                    | "a.m."
                    | "p.m."
                    | "for"
                    | "in"
            )
    })
}

/// `00d 12h 33m 10s`, `Days Hours Minutes Seconds`, `4 min read`, `12 Comments`, `3 hours ago`: numbers and the words of clocks.
fn counter(line: &str) -> bool {
    let mut words = 0;
    for word in line.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()) {
        let known = CLOCK.iter().any(|clock| word.eq_ignore_ascii_case(clock));
        if !known {
            return false;
        }
        words += 1;
    }
    line.is_ascii() && (words > 2 || (words > 0 && line.bytes().any(|byte| byte.is_ascii_digit())))
}

/// The words of countdowns and counters.
const CLOCK: [&str; 28] = [
    "d", "h", "m", "s", "day", "days", "hr", "hrs", "hour", "hours", "min", "mins", "minute", "minutes", "sec", "secs",
    "second", "seconds", "read", "ago", "comment", "comments", "share", "shares", "views", "ends", "starts", "left",
];

/// A short paragraph that says that the article is no advice.
fn advice(line: &str) -> bool {
    let says = |words: &str| memchr::memmem::find(line.as_bytes(), words.as_bytes()).is_some();
    says(" advice")
        && (says("not constitute")
            || says("not be construed")
            || says("not be considered")
            || says("is not ")
            || says("Not "))
        && (says("informational")
            || says("this article")
            || says("This article")
            || says("his content")
            || says("ot financial advice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_by_first_letter_and_fit() {
        assert!(RULES.len() < 256);
        for pair in RULES.windows(2) {
            assert!(pair[0].0.as_bytes()[0] <= pair[1].0.as_bytes()[0], "{}", pair[1].0);
        }
        for (words, _) in RULES {
            assert!(words.len() <= HEAD_BYTES && *words == words.to_lowercase(), "{words}");
        }
    }

    #[test]
    fn chrome_goes() {
        for line in [
            "By Jane Roe",
            "By Jane Roe and Max Muster | Nov 3, 2025 | 4 min read",
            "Share on Facebook",
            "Share (12)",
            "00d 12h 33m 10s",
            "Days Hours Minutes Seconds",
            "Ends 12:33:10 left",
            "5 min read",
            "Also read: Ether slips below $3,000",
            "The post Bitcoin jumps appeared first on CryptoPotato.",
            "Disclaimer: The information provided here is for information only and may be wrong.",
            "This article is for informational purposes only and does not constitute financial advice.",
            "We use cookies to improve your experience.",
            "Subscribe to continue reading",
            "© 2025 News Ltd. All rights reserved.",
            "ADVERTISEMENT",
            "▶ Read more: SOL",
        ] {
            assert_eq!(judge(line), Verdict::Drop, "{line}");
        }
        for line in ["Related:", "READ MORE", "You may also like", "Trending now 5"] {
            assert_eq!(judge(line), Verdict::Tail, "{line}");
        }
    }

    #[test]
    fn prose_stays() {
        for line in [
            "By the end of the day Bitcoin had recovered.",
            "By Monday Traders had sold half of it, data shows",
            "Related party transactions rose.",
            "The post was deleted an hour later.",
            "Shares of Coinbase fell 4%.",
            "Trending higher since March, the token broke out.",
            "Emails show that the exchange knew.",
            "Lawyers said the letter is not legal advice.",
            "12 of 30 nodes signed.",
            "$67,123",
        ] {
            assert_eq!(judge(line), Verdict::Keep, "{line}");
        }
    }
}
