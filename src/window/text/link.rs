//! Addresses: an article's own cleaned of tracking, those inside prose cut to their host.
//!
//! Inside prose an address says nothing but whose it is, costs the analyzer tokens and, with its tracking parameters,
//! makes two copies of one article differ. So `https://www.coindesk.com/a?utm_source=x` becomes `coindesk.com`,
//! and a line that is nothing but an address goes.

use memchr::memchr2;
use url::Url;

/// A longer address is not one, in bytes.
const URL_BYTES_MAX: usize = 8_192;

/// Ends a sentence or a bracket, never an address.
const SENTENCE: [char; 13] = ['.', ',', ';', ':', '!', '?', '\'', '*', '_', ']', '}', '’', '…'];

/// Query parameters that say where a reader came from, by prefix.
const TRACKING_PREFIXES: [&str; 8] = ["utm_", "mc_", "at_", "oly_", "pk_", "mtm_", "_hs", "hsa_"];
/// Query parameters that say where a reader came from, by name.
const TRACKING_NAMES: [&str; 33] = [
    "fbclid",
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "msclkid",
    "yclid",
    "twclid",
    "ttclid",
    "li_fat_id",
    "igshid",
    "igsh",
    "mkt_tok",
    "_ga",
    "_gl",
    "ref",
    "ref_src",
    "ref_url",
    "referrer",
    "referer",
    "cmpid",
    "campaign",
    "ncid",
    "ocid",
    "spm",
    "s_cid",
    "vero_id",
    "wt_mc",
    "srnd",
    "sref",
    "smid",
    "__twitter_impression",
];

/// The address without tracking parameters, fragment and credentials; empty unless it is `http` or `https` with a host.
#[must_use]
pub fn clean_url(raw: &str) -> String {
    let raw = raw.trim();
    if raw.len() > URL_BYTES_MAX {
        return String::new();
    }
    let Ok(mut url) = Url::parse(&raw.replace("&amp;", "&")) else {
        return String::new();
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return String::new();
    }
    // Both fail only for addresses without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if let Some(query) = url.query() {
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !tracks(pair)).collect();
        let kept = kept.join("&");
        url.set_query((!kept.is_empty()).then_some(&kept));
    }
    url.into()
}

/// Whether a `name=value` pair follows the reader instead of naming the page.
fn tracks(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    TRACKING_NAMES.contains(&&*name) || TRACKING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Writes `text` with every address cut to its host to `out`, which is emptied first.
pub fn shorten(text: &str, out: &mut String) {
    out.clear();
    let bytes = text.as_bytes();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = memchr2(b':', b'w', &bytes[at..]) {
        let here = at + found;
        let Some((from, host_at)) = address_at(text, kept, here) else {
            at = here + 1;
            continue;
        };
        let end = address_end(text, host_at);
        let alone = from == 0 && end == text.len();
        let framed = text[kept..from].ends_with('<') && text[end..].starts_with('>');
        out.push_str(&text[kept..from - usize::from(framed)]);
        if !alone {
            out.push_str(host(&text[host_at..end]));
        }
        kept = end + usize::from(framed);
        at = kept;
    }
    out.push_str(&text[kept..]);
}

/// Where an address begins and where its host does, if `here` is its `:` or the first `w` of `www.`.
fn address_at(text: &str, kept: usize, here: usize) -> Option<(usize, usize)> {
    let rest = &text[here..];
    if rest.starts_with("://") {
        let before = &text.as_bytes()[kept..here];
        let scheme = [&b"https"[..], b"http"].into_iter().find(|scheme| {
            before.len() >= scheme.len() && before[before.len() - scheme.len()..].eq_ignore_ascii_case(scheme)
        })?;
        return Some((here - scheme.len(), here + 3));
    }
    let begins = !text[..here].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '@' | '-'));
    (begins && rest.starts_with("www.") && rest[4..].starts_with(|c: char| c.is_ascii_alphanumeric()))
        .then_some((here, here))
}

/// Behind the last character of an address; the punctuation of the sentence is not part of it.
fn address_end(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    let rest = &rest[..rest.find([' ', '\n', '<', '>', '"', '|', '“', '”']).unwrap_or(rest.len())];
    let mut end = rest.trim_end_matches(SENTENCE);
    // A closing bracket belongs to the address only if its opening one does.
    let opened = end.bytes().filter(|byte| *byte == b'(').count();
    let mut closed = end.bytes().filter(|byte| *byte == b')').count();
    while let Some(shorter) = end.strip_suffix(')').filter(|_| closed > opened) {
        closed -= 1;
        end = shorter.trim_end_matches(SENTENCE);
    }
    from + end.len()
}

/// The host, without `www.`, credentials and port; empty when it holds what no host holds.
fn host(address: &str) -> &str {
    let authority = address.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let mut host = host;
    while let Some(rest) = host.strip_prefix("www.") {
        host = rest;
    }
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if plain { host } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_address_loses_what_tracks() {
        for (raw, clean) in [
            (" https://Www.CoinDesk.com/a?utm_source=x&id=7&fbclid=y#top ", "https://www.coindesk.com/a?id=7"),
            ("https://x.org/?utm_source=a&amp;ref=b", "https://x.org/"),
            ("https://user:pw@x.org/a?q=%20b", "https://x.org/a?q=%20b"),
            ("javascript:alert(1)", ""),
            ("ftp://x.org/a", ""),
            ("/relative", ""),
            ("", ""),
        ] {
            assert_eq!(clean_url(raw), clean, "{raw}");
            assert_eq!(clean_url(clean), clean, "idempotent");
        }
        assert_eq!(clean_url(&format!("https://x.org/{}", "a".repeat(URL_BYTES_MAX))), "");
    }

    #[test]
    fn an_address_in_prose_is_its_host() {
        let mut out = String::new();
        for (text, short) in [
            ("see https://www.x.org/a?utm_source=b, then", "see x.org, then"),
            ("(http://x.org/a_(b)) <https://y.org> www.z.org/a.", "(x.org) y.org z.org."),
            ("https://t.co/abc", ""),
            ("ratio 3:4 http:// and awww.x", "ratio 3:4  and awww.x"),
        ] {
            shorten(text, &mut out);
            assert_eq!(out, short, "{text}");
        }
    }
}
