//! What cleaning promises: golden snippets, laws over generated bodies, real articles, hostile bodies in bounded time.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Dirty bodies as they come, and what is left of them.
const GOLDEN: &[(&str, &str)] = &[
    // HTML
    ("<p>Bitcoin <b>rose</b> 4%.</p>\n<p>Ether fell.</p>", "Bitcoin rose 4%.\nEther fell."),
    ("<style>p{color:red}</style><script>track('x')</script><div>SEC delays ruling.</div>", "SEC delays ruling."),
    ("<div class=\"a\"><h2>Outlook</h2><ul><li>One</li><li>Two</li></ul></div>", "Outlook\nOne\nTwo"),
    ("Line one<br/>Line two<br>Line three", "Line one\nLine two\nLine three"),
    ("<p>Wrapped by\n   the editor</p>", "Wrapped by the editor"),
    (
        "<table><tr><th>Coin</th><th>Price</th></tr><tr><td>BTC</td><td>$67,000</td></tr></table>",
        "Coin Price\nBTC $67,000",
    ),
    ("<p>Text.</p><nav><a href=\"/\">Home</a></nav><aside>Join us</aside><footer>About</footer>", "Text."),
    (
        "<figure><img src=\"x.png\" alt=\"chart\"><figcaption>Source: TradingView</figcaption></figure><p>The chart shows it.</p>",
        "The chart shows it.",
    ),
    ("<p>See <a href=\"https://x.org/?utm_source=a&b=1\">the filing</a>.</p>", "See the filing."),
    ("<!-- wp:paragraph --><p>Block editor.</p><!-- /wp:paragraph -->", "Block editor."),
    // Character references
    (
        "Coinbase&#8217;s AT&amp;T deal &mdash; &quot;big&quot;&nbsp;news",
        "Coinbase\u{2019}s AT&T deal \u{2014} \"big\" news",
    ),
    ("&lt;p&gt;Encoded &amp;amp; twice&lt;/p&gt;", "Encoded & twice"),
    ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;Safe text", "Safe text"),
    ("5 &lt; 7 &amp;&amp; x", "5 < 7 && x"),
    // Markdown
    (
        "## Market today\n\n**Bitcoin** hit a *record*.\n\n- Ether up\n- Solana down",
        "Market today\nBitcoin hit a record.\nEther up\nSolana down",
    ),
    ("Read [the report](https://x.org/r?utm_medium=b) now ![img](a.png)", "Read the report now"),
    ("> Quoted words\n\n`code` and ~~gone~~", "Quoted words\ncode and gone"),
    ("| Coin | Price |\n|---|---:|\n| BTC | 67 |", "Coin | Price\nBTC | 67"),
    ("As said[^1] before.\n\n[^1]: The note.\n[2]: https://x.org", "As said before.\n: The note."),
    // Chrome and tails
    ("By Jane Roe | Nov 3, 2025 | 4 min read\nBitcoin rose.", "Bitcoin rose."),
    ("Bitcoin rose.\nRelated:\nEther falls 5%\nSolana to split", "Bitcoin rose."),
    (
        "Bitcoin rose.\nRead more: Ether falls\nAlso read: Solana to split\nIt fell later.",
        "Bitcoin rose.\nIt fell later.",
    ),
    ("Share on X\nShare\nTweet\nCopy link\nBitcoin rose.", "Bitcoin rose."),
    ("Ends in\n01d 12h 33m 10s\nBitcoin rose.\nDays Hours Minutes Seconds", "Ends in\nBitcoin rose."),
    (
        "We use cookies to make this site work.\nAccept all cookies\nBitcoin rose.\nSubscribe to our newsletter",
        "Bitcoin rose.",
    ),
    (
        "Bitcoin rose.\nDisclaimer: This article is for information only. Nothing here is investment advice.",
        "Bitcoin rose.",
    ),
    ("Bitcoin rose.\nThe post Bitcoin rose appeared first on NewsBTC.", "Bitcoin rose."),
    ("Bitcoin rose above…\nSubscribe to continue reading\nAlready a subscriber? Log in", "Bitcoin rose above…"),
    // Addresses
    ("Source https://www.coindesk.com/a/b?utm_source=rss&x=1. End", "Source coindesk.com. End"),
    ("Bitcoin rose.\nhttps://t.co/abc123?utm_campaign=x\nEnd.", "Bitcoin rose.\nEnd."),
    // Characters
    ("Bit\u{200b}coin\u{feff} \u{202e}up\u{202c}\0\u{7}", "Bitcoin up"),
    ("One\r\n\r\nTwo\rThree\u{2028}Four\tfive", "One\nTwo\nThree\nFour five"),
    ("Cafe\u{301}  \u{a0} prices", "Caf\u{e9} prices"),
    ("<scr\u{200b}ipt>alert(1)</scr\u{200b}ipt>Safe", "Safe"),
    // Prose that looks like markup
    (
        "Scripts use <pubkey> OP_CHECKSIG; Vec<u8> holds 2 * 3 bytes, a[0] < b.",
        "Scripts use <pubkey> OP_CHECKSIG; Vec<u8> holds 2 * 3 bytes, a[0] < b.",
    ),
    ("", ""),
    (" \n\t\n ", ""),
];

#[test]
fn golden() {
    for (dirty, text) in GOLDEN {
        assert_eq!(clean(dirty), *text, "{dirty:?}");
        assert_eq!(clean(text), *text, "again: {text:?}");
    }
}

#[test]
fn titles_are_one_line_without_markup() {
    for (dirty, title) in [
        ("  Bitcoin&#8217;s <b>big</b>\n day ", "Bitcoin\u{2019}s big day"),
        ("**BREAKING:** [SEC](https://x.org) sues", "BREAKING: SEC sues"),
        ("&amp;lt;b&amp;gt;Bold", "Bold"),
        ("By Design: Related: Share", "By Design: Related: Share"),
        ("", ""),
    ] {
        assert_eq!(clean_title(dirty), title);
    }
    assert!(clean_title(&"word ".repeat(5_000)).len() <= TITLE_BYTES_MAX);
}

#[test]
fn prepare_fills_every_field() {
    let body = format!(
        "<p>{}</p>",
        "The fund said that it would buy more of the coin, and the traders were not surprised. ".repeat(5)
    );
    let clean = prepare("A &amp; B", &body);
    assert_eq!((clean.title.as_str(), clean.language), ("A & B", "en"));
    assert_eq!(usize::try_from(clean.chars).unwrap(), clean.text.chars().count());
    assert_eq!(clean.content_hash, content_hash(&clean.text));
    assert_ne!(clean.sketch, 0);
}

/// Bodies made of the pieces that markup is made of.
fn bodies() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,8} ?",
        1 => prop::sample::select(vec![
            "<", ">", "</", "<p>", "</p>", "<b>", "<br>", "<script>", "</script>", "<style", "<!--", "-->", "<nav>", "</nav>", "<![CDATA[", "]]>", "=\"", "'",
            "&", "&lt;", "&gt;", "&amp;", "amp;", "lt;", "&#60;", "&#x3c;", "&nbsp;", ";", "*", "**", "_", "`", "```", "[", "]", "](", ")", "![", "\\", "~~",
            "# ", "> ", "- ", "| ", "1. ", "\n", "\n\n", "  ", "\t", "\r\n", "http://", "https://", "www.", ".org/", "?utm_source=", ":", "://",
            "Related:", "Read more: ", "By Jane Roe", "\u{200b}", "\u{301}", "\u{338}", "\u{37e}", "\u{1fef}", "\u{a0}", "\u{2028}", "é", "日本", "🚀", "\0", "\u{202e}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cleaning_keeps_its_promises(body in bodies()) {
        let text = clean(&body);
        prop_assert_eq!(clean(&text), text.clone(), "cleaning again changes nothing");
        prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        prop_assert!(!text.to_lowercase().contains("<script"));
        prop_assert!(!text.contains("  ") && !text.contains("\n\n"));
        prop_assert!(icu_normalizer::ComposingNormalizerBorrowed::new_nfc().is_normalized(&text));
        let _ = (prepare(&body, &body), clean_url(&body));
    }
}

/// 8 MiB of each took at most 0.2 s where this was written, mostly below 0.1 s; a quadratic step would take minutes.
#[test]
fn hostile_bodies_take_linear_time() {
    let limit = if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_secs(1) };
    for (name, body) in hostile() {
        let begun = Instant::now();
        let text = clean(&body);
        let took = begun.elapsed();
        println!("{name:<20} {:>7.1} ms, {} bytes left", took.as_secs_f64() * 1e3, text.len());
        assert!(took < limit, "{name}: {took:?}");
        assert!(text.len() <= body.len() + 16, "{name}");
    }
}

/// Pieces that hurt when there are millions of them.
const HOSTILE: &[&str] = &[
    "<div>",
    "<",
    "<a",
    "<a b=\"",
    "<a b='<a b=\"",
    "<!--",
    "<script",
    "<script>",
    "<nav>",
    "<nav></",
    "<svg><math>",
    "&",
    "&amp;",
    "amp;",
    "&lt;",
    "&amp;lt;b&amp;gt;",
    "[",
    "[](",
    "[a][",
    "[x](y)",
    "![[",
    "*",
    "*a_",
    "**a** ",
    "\\",
    "\\*",
    "`",
    "_",
    "~",
    "\n",
    "# ",
    "> ",
    "- ",
    "| ",
    "http://",
    "https://a)",
    "www.",
    ":",
    "w",
    " ",
    "a ",
    "\u{200b}",
    "e\u{301}",
    "\u{301}",
    "日本",
    "\0",
    "Related:\n",
    "Disclaimer ",
    "By A B\n",
    "a\n\n",
    "<![CDATA[",
    "<p>&lt;p&gt;&amp;lt;",
    "<a b=\"' c='\" ",
];

/// Bodies made to hurt, 8 MiB each (1 MiB without optimisation).
fn hostile() -> Vec<(&'static str, String)> {
    // A build without optimisation is some thirty times slower; what is not linear still shows.
    const BYTES: usize = if cfg!(debug_assertions) { 1 << 20 } else { 8 << 20 };
    let fill = |piece: &str| piece.repeat(BYTES / piece.len());
    let mut bodies: Vec<(&str, String)> = HOSTILE.iter().map(|piece| (*piece, fill(piece))).collect();
    bodies.push(("huge attribute", format!("<a href=\"{}\">x</a>", "a".repeat(BYTES))));
    bodies.push(("late end", format!("{}>", fill("<a "))));
    bodies.push(("late quote", format!("{}\">", fill("<a b=\"x "))));
    bodies.push(("late bracket", format!("{})", fill("[a]("))));
    bodies.push(("late nav end", format!("{}</nav>", fill("<nav>"))));
    bodies.push(("plain", fill("Bitcoin rose on Monday, traders said. ")));
    bodies
}

/// The real articles, when they are there.
fn articles() -> Option<Vec<(String, String)>> {
    let environment = crate::config::Environment::process();
    let root = environment
        .get("SIGNALMILL_DATA")
        .map_or_else(|| format!("{}/../shared/data", env!("CARGO_MANIFEST_DIR")), str::to_owned);
    let path = format!("{root}/articles-oss/articles.jsonl");
    let Ok(file) = std::fs::read_to_string(&path) else {
        println!("skipped: no {path}");
        return None;
    };
    let text = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Some(
        file.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|article| (text(&article, "id"), text(&article, "body")))
            .collect(),
    )
}

/// Words of the prose of a body: addresses and re-print notes, dropped on purpose, do not count.
fn words(text: &str) -> usize {
    let prose = text.lines().filter(|line| !line.contains("Originally published"));
    let tokens = prose.flat_map(str::split_whitespace).filter(|token| !token.contains("://"));
    tokens.flat_map(|token| token.split(|c: char| !c.is_alphanumeric())).filter(|word| !word.is_empty()).count()
}

#[test]
fn real_articles_keep_their_words() {
    let Some(articles) = articles() else { return };
    let (mut total, mut kept_total) = (0, 0);
    for (id, body) in &articles {
        let text = clean(body);
        assert_eq!(clean(&text), text, "{id}");
        let (before, after) = (words(body), words(&text));
        assert!(after * 100 >= before * 90, "{id}: {after} of {before} words");
        total += before;
        kept_total += after;
    }
    println!("{kept_total} of {total} words of {} articles kept", articles.len());
}

#[test]
fn the_fast_path_to_english_agrees_with_whatlang() {
    let Some(articles) = articles() else { return };
    let mut english = 0;
    for (id, body) in &articles {
        let text = clean(body);
        if language(&text) == "en" {
            english += 1;
            let judged = whatlang::detect(&text).map(|info| info.lang());
            assert_eq!(judged, Some(whatlang::Lang::Eng), "{id}");
        }
    }
    println!("{english} of {} articles are English", articles.len());
    assert!(english * 100 >= articles.len() * 99);
}
