//! Character references (`&amp;`, `&#8217;`) in text that may not be HTML at all.
//!
//! The names come from `htmlize`, which holds the table of WHATWG (2,231 names) and its rules for numbers (`&#150;` is a dash).
//! Ours is only the rule what counts as one: a reference ends with `;`, but for five that feeds often cut
//! (`&lt &gt &amp &quot &nbsp`); so `AT&T`, `R&D` and `?a=1&copy=2` stay. What was encoded several times is decoded in one step.
//!
//! Invariant: a look at one `&` costs at most [`REFERENCE_BYTES_MAX`] bytes beyond those it uses up.

use std::borrow::Cow;

/// The longest reference looked at, in bytes, `&` and `;` included (`&CounterClockwiseContourIntegral;` has 33).
const REFERENCE_BYTES_MAX: usize = 40;

/// The reference that begins at `at`: where it ends and what it stands for.
pub fn find(text: &str, at: usize) -> Option<(usize, Cow<'static, str>)> {
    let bytes = text.as_bytes();
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
    if !bytes.get(at + 1).is_some_and(begins) {
        return None;
    }
    let mut name_at = at + 1;
    // Each further round of encoding put an `amp;` in.
    while bytes[name_at..].starts_with(b"amp;") {
        name_at += 4;
    }
    let ampersand = (name_at > at + 1).then_some((name_at, Cow::Borrowed("&")));
    let rest = &bytes[name_at..bytes.len().min(name_at + REFERENCE_BYTES_MAX)];
    let length = rest.iter().position(|byte| !begins(byte)).unwrap_or(rest.len());
    let end = name_at + length;
    let terminated = bytes.get(end) == Some(&b';');
    let decoded = match &bytes[name_at..end] {
        b"lt" => "<",
        b"gt" => ">",
        b"quot" => "\"",
        b"nbsp" => " ",
        b"amp" => "&",
        b"" => return ampersand,
        _ if !terminated => return ampersand,
        _ => {
            // As in an attribute, where `&section;` is not `§ion;`.
            let reference = ["&", &text[name_at..=end]].concat();
            let decoded = htmlize::unescape_attribute(&*reference);
            if *decoded == *reference {
                return ampersand;
            }
            return Some((end + 1, Cow::Owned(decoded.into_owned())));
        }
    };
    Some((end + usize::from(terminated), Cow::Borrowed(decoded)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, decoded: Option<(&str, &str)>) {
        let found = find(text, 0).map(|(end, decoded)| (decoded.into_owned(), &text[end..]));
        let decoded = decoded.map(|(decoded, rest)| (decoded.to_owned(), rest));
        assert_eq!(found, decoded, "{text}");
    }

    #[test]
    fn references_are_decoded() {
        check("&amp;", Some(("&", "")));
        check("&#8217;s", Some(("\u{2019}", "s")));
        check("&#x27;", Some(("'", "")));
        check("&#150;", Some(("\u{2013}", "")));
        check("&#38;lt;", Some(("&", "lt;")));
        check("&hellip; x", Some(("\u{2026}", " x")));
        check("&nbsp x", Some((" ", " x")));
        check("&amp;amp;lt;b", Some(("<", "b")));
        check("&amp;amp; x", Some(("&", " x")));
        check("&amp;copy;", Some(("\u{a9}", "")));
        check("&amp;bogus;", Some(("&", "bogus;")));
    }

    #[test]
    fn other_ampersands_stay() {
        for text in ["&", "& x", "&T", "&copy=2", "&bogus;", "&section;", "&;", "&#", "&lt5"] {
            check(text, None);
        }
    }
}
