//! What each HTML element means for the text of an article.
//!
//! Only names listed here are markup. Prose about programs and money is full of angle brackets
//! (`Vec<u8>`, `<pubkey>`, `if x <y`), and losing the text behind them is worse than keeping a tag nobody knows.
//! Names with a hyphen or a colon (`amp-img`, `o:p`) are custom elements and count as inline.

/// The meaning of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Leaves no trace.
    Inline,
    /// Stands on lines of its own.
    Block,
    /// Separated by a space from its neighbours.
    Cell,
    /// Dropped with everything up to its end tag; the number tells such elements apart (below 29).
    Chrome(u8),
    /// As `Chrome`, and without an end tag the rest of the body is dropped, as browsers do.
    Raw(u8),
}

/// The longest name in the table, in bytes.
const NAME_BYTES_MAX: usize = 10;

/// Tags looked at to find out whether a body has block elements.
const TAGS_SAMPLED_MAX: usize = 64;

/// Looks an element's name up, ignoring case; `None`: not markup.
pub fn find(name: &[u8]) -> Option<Tag> {
    let custom = name.iter().any(|byte| matches!(byte, b'-' | b':'));
    if custom {
        return (!is_scheme(name)).then_some(Tag::Inline);
    }
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let mut lower = [0_u8; NAME_BYTES_MAX];
    let lower = &mut lower[..name.len()];
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"p" | b"div" | b"li" | b"ul" | b"ol" | b"br" | b"hr" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6"
        | b"tr" | b"table" | b"tbody" | b"thead" | b"tfoot" | b"caption" | b"blockquote" | b"section" | b"article"
        | b"main" | b"header" | b"figure" | b"pre" | b"dl" | b"dt" | b"dd" | b"html" | b"body" | b"center"
        | b"address" | b"details" | b"summary" | b"fieldset" | b"legend" | b"hgroup" | b"dialog" | b"picture"
        | b"search" | b"marquee" => Tag::Block,
        b"a" | b"b" | b"i" | b"u" | b"s" | b"q" | b"em" | b"span" | b"strong" | b"img" | b"sup" | b"sub" | b"font"
        | b"small" | b"big" | b"code" | b"kbd" | b"samp" | b"tt" | b"var" | b"mark" | b"del" | b"ins" | b"strike"
        | b"abbr" | b"acronym" | b"cite" | b"dfn" | b"time" | b"data" | b"label" | b"wbr" | b"nobr" | b"bdi"
        | b"bdo" | b"ruby" | b"rb" | b"rtc" | b"input" | b"meta" | b"link" | b"base" | b"col" | b"colgroup"
        | b"source" | b"track" | b"area" | b"map" | b"param" | b"embed" | b"output" | b"progress" | b"meter"
        | b"slot" | b"portal" | b"frame" => Tag::Inline,
        b"td" | b"th" => Tag::Cell,
        b"script" => Tag::Raw(0),
        b"style" => Tag::Raw(1),
        b"noscript" => Tag::Chrome(2),
        b"template" => Tag::Chrome(3),
        b"svg" => Tag::Chrome(4),
        b"math" => Tag::Chrome(5),
        b"iframe" => Tag::Chrome(6),
        b"object" => Tag::Chrome(7),
        b"head" => Tag::Chrome(8),
        b"title" => Tag::Chrome(9),
        b"textarea" => Tag::Chrome(10),
        b"nav" => Tag::Chrome(11),
        b"aside" => Tag::Chrome(12),
        b"footer" => Tag::Chrome(13),
        b"form" => Tag::Chrome(14),
        b"button" => Tag::Chrome(15),
        b"select" => Tag::Chrome(16),
        b"figcaption" => Tag::Chrome(17),
        b"audio" => Tag::Chrome(18),
        b"video" => Tag::Chrome(19),
        b"canvas" => Tag::Chrome(20),
        b"noembed" => Tag::Chrome(21),
        b"noframes" => Tag::Chrome(22),
        b"applet" => Tag::Chrome(23),
        b"frameset" => Tag::Chrome(24),
        b"rt" => Tag::Chrome(25),
        b"rp" => Tag::Chrome(26),
        b"datalist" => Tag::Chrome(27),
        b"menu" => Tag::Chrome(28),
        _ => return None,
    })
}

/// Whether one of the first tags of `text` is a block element.
pub fn have_blocks(text: &str) -> bool {
    let named = |at: usize| {
        let name = &text.as_bytes()[at + 1..];
        let length = name.iter().take(NAME_BYTES_MAX + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        find(&name[..length])
    };
    let mut tags = memchr::memchr_iter(b'<', text.as_bytes()).take(TAGS_SAMPLED_MAX).map(named);
    tags.any(|tag| matches!(tag, Some(Tag::Block | Tag::Cell)))
}

/// `<https://…>` and `<mailto:…>` are markdown's links, not elements.
fn is_scheme(name: &[u8]) -> bool {
    let scheme = name.split(|byte| *byte == b':').next().unwrap_or_default();
    [&b"http"[..], b"https", b"mailto", b"ftp"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted() {
        assert_eq!(find(b"P"), Some(Tag::Block));
        assert_eq!(find(b"ScRiPt"), Some(Tag::Raw(0)));
        assert_eq!(find(b"amp-img"), Some(Tag::Inline));
        for prose in [&b"u8"[..], b"pubkey", b"y", b"https", b"https:", b"verylongnamethatnobodyknows"] {
            assert_eq!(find(prose), None, "{prose:?}");
        }
    }

    #[test]
    fn numbers_fit_and_differ() {
        let dropped = [
            "script",
            "style",
            "noscript",
            "template",
            "svg",
            "math",
            "iframe",
            "object",
            "head",
            "title",
            "textarea",
            "nav",
            "aside",
            "footer",
            "form",
            "button",
            "select",
            "figcaption",
            "audio",
            "video",
            "canvas",
            "noembed",
            "noframes",
            "applet",
            "frameset",
            "rt",
            "rp",
            "datalist",
            "menu",
        ];
        let mut bits = 0_u32;
        for name in dropped {
            let Some(Tag::Chrome(bit) | Tag::Raw(bit)) = find(name.as_bytes()) else {
                panic!("{name}");
            };
            assert!(bit < 29 && bits & (1 << bit) == 0, "{name}");
            bits |= 1 << bit;
        }
    }
}
