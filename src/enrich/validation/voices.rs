//! Which findings are voices of their own: ten copies of one text are one opinion.
//!
//! Two texts repeat each other when most of the runs of [`RUN_WORDS`] words of the shorter one stand in the other. Shares
//! of the shorter one, since a search gives parts of pages: a part of a copy is a copy. The sketches of the window are
//! of no use here, as they compare whole texts.

use std::collections::HashSet;

use super::{CONTENT_BYTES_MAX, Claim, Finding};

/// Words in a run: three in a row are rarely the same by chance.
const RUN_WORDS: usize = 3;
/// Share of common runs, in percent, from which one text repeats another. Reports of one event in words of their own share
/// names and quotes, well below a third.
const REPEATS_PERCENT: usize = 60;
/// Bytes of the article that are compared.
const ARTICLE_BYTES_MAX: usize = 64 * 1024;

/// The first finding of each voice, in the given order.
pub(super) fn first_of_each<'a>(claim: &Claim<'_>, findings: &[&'a Finding<'a>]) -> Vec<&'a Finding<'a>> {
    let mut voices = vec![Voice::new(claim.url, &[claim.title, clip(claim.text, ARTICLE_BYTES_MAX)])];
    let mut is_heard = vec![false];
    let mut first = Vec::new();
    for finding in findings {
        let page = Voice::new(finding.url, &[finding.title, clip(finding.content, CONTENT_BYTES_MAX)]);
        let Some(at) = voices.iter().position(|voice| voice.is_also(&page)) else {
            voices.push(page);
            is_heard.push(true);
            first.push(*finding);
            continue;
        };
        // The article itself is heard only through a page that repeats it.
        if !std::mem::replace(&mut is_heard[at], true) {
            first.push(*finding);
        }
    }
    first
}

/// A page as others are compared with it.
struct Voice {
    site: String,
    runs: HashSet<Vec<String>>,
}

impl Voice {
    fn new(url: &str, parts: &[&str]) -> Self {
        let is_break = |letter: char| !letter.is_alphanumeric();
        let words: Vec<String> = parts
            .iter()
            .flat_map(|part| part.split(is_break))
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        Self { site: site(url), runs: words.windows(RUN_WORDS).map(<[String]>::to_vec).collect() }
    }

    fn is_also(&self, other: &Self) -> bool {
        let (short, long) =
            if self.runs.len() < other.runs.len() { (&self.runs, &other.runs) } else { (&other.runs, &self.runs) };
        let common = short.iter().filter(|run| long.contains(*run)).count();
        let is_repeated = !short.is_empty() && common * 100 >= short.len() * REPEATS_PERCENT;
        is_repeated || (!self.site.is_empty() && self.site == other.site)
    }
}

/// The host of an address, without `www.`; empty where there is none.
fn site(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_lowercase));
    host.map(|host| host.strip_prefix("www.").map_or(host.clone(), str::to_owned)).unwrap_or_default()
}

fn clip(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
