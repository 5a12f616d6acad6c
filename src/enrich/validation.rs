//! Validation of a claim by what other sources say: the search, the agreement of what was found, the confidence after it.
//!
//! # The search
//! Headline, main asset, and a few words for the kind of event and the direction: at most [`QUERY_CHARS_MAX`]
//! characters, and nothing that is not in the article. What search engines take for commands (`site:`, quotes, a minus)
//! is taken out of the headline: an article must not choose the sources that it is judged by.
//!
//! # Agreement
//! ```text
//! agreement = (Σ w·a + ½) / (Σ w + 1),   a = ½ + ½·d·s
//! ```
//! over voices, with w the relevance of a voice (0…1), d the claimed direction (1 bullish, −1 bearish) and s the sentiment
//! (−1…1) that the built-in [`Lexicon`] reads in it. The lexicon follows no instructions, so a page cannot talk its way
//! into the result. A voice is not a page: pages of one site are one voice, and so are pages that repeat each other; what
//! repeats the article, or stands on its site, is one voice together with all the others that do. A voice is as relevant
//! as its most relevant page and says what that page says. The ½ and 1 are a voice that takes no side: few findings leave
//! doubt, and one copy of the article confirms little. Nothing found, or nothing relevant, is `None`: no agreement, and
//! no disagreement either.
//!
//! # Confidence
//! ```text
//! c' = c + RISE · (2·agreement − 1) · (1 − c)     where agreement ≥ ½
//! c' = c − FALL · (1 − 2·agreement) · c           where agreement ≤ ½
//! ```
//! with [`RISE`] = ¼ and [`FALL`] = ½: sources that agree often copy each other, sources that disagree rarely do. It stays
//! within 0…1, grows with the agreement and with c, and is c at ½ and without an agreement.

#[cfg(test)]
mod tests;
mod voices;

use super::lexicon::{Lexicon, Question};
use crate::model::{Direction, EventType, Id, Reading, Timestamp, identity};

/// Version of the queries, for the key of a search.
pub const VERSION: &str = "validation-1";
/// The longest query, in characters; what Tavily takes.
pub const QUERY_CHARS_MAX: usize = 400;
/// Sources that are kept.
pub const SOURCES_MAX: usize = 5;
/// Findings that are looked at; Tavily gives 20 at most.
pub const FINDINGS_MAX: usize = 20;
/// Bytes of a finding that are read.
const CONTENT_BYTES_MAX: usize = 8 * 1024;
/// Bytes of an address that is kept.
const URL_BYTES_MAX: usize = 2048;
/// How far full agreement moves confidence towards 1.
pub const RISE: f64 = 0.25;
/// How far full disagreement moves confidence towards 0.
pub const FALL: f64 = 0.5;

/// An article and what was read in it.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Its headline.
    pub title: &'a str,
    /// Its clean text.
    pub text: &'a str,
    /// Its address; may be empty.
    pub url: &'a str,
    /// What it claims.
    pub reading: &'a Reading,
}

/// A page that a search found.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its address.
    pub url: &'a str,
    /// The part of it that the search gave.
    pub content: &'a str,
    /// How relevant it is to the query, 0 to 1.
    pub score: f64,
    /// When it was published, where known.
    pub published: Option<Timestamp>,
}

/// A page that a validation rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its address: `http` or `https`.
    pub url: String,
    /// When it was published, where known.
    pub published: Option<Timestamp>,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// How far other sources agree with the claim, 0 to 1; `None` where they say nothing.
    pub agreement: Option<f64>,
    /// What was found, the most relevant first.
    pub sources: Vec<Source>,
}

/// What to search for. `None` for a claim without a direction, which nothing could confirm.
#[must_use]
pub fn query(claim: &Claim<'_>) -> Option<String> {
    let direction = direction_words(claim.reading.direction)?;
    let asset = claim.reading.assets.first().map_or("crypto market", String::as_str);
    let terms = [asset, event_words(claim.reading.event_type), direction];
    let terms = terms.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ");
    let room = QUERY_CHARS_MAX.saturating_sub(terms.chars().count() + 1);
    let mut headline = String::new();
    let mut chars = 0;
    for word in
        claim.title.split(is_separator).map(|word| word.trim_matches(['-', '+'])).filter(|word| !word.is_empty())
    {
        chars += word.chars().count() + 1;
        if chars > room {
            break;
        }
        headline.push_str(word);
        headline.push(' ');
    }
    Some(headline + &terms)
}

/// The name under which the findings of a search are kept: the same search again costs nothing. `parameters` is whatever
/// else the findings depend on, in a form that is the same for the same parameters.
#[must_use]
pub fn search_key(query: &str, parameters: &str) -> Id {
    identity(&["search", VERSION, query, parameters])
}

/// What the findings of a search say about a claim.
#[must_use]
pub fn validate(claim: &Claim<'_>, findings: &[Finding<'_>], lexicon: &Lexicon) -> Validation {
    let mut findings: Vec<&Finding<'_>> = findings.iter().take(FINDINGS_MAX).collect();
    findings.sort_by(|left, right| relevance(right).total_cmp(&relevance(left)));
    let sources = findings.iter().filter_map(|finding| source(finding)).take(SOURCES_MAX).collect();
    Validation { agreement: agreement(claim, &findings, lexicon), sources }
}

/// The confidence in a claim after its validation.
#[must_use]
pub fn adjusted(confidence: f64, agreement: Option<f64>) -> f64 {
    let Some(agreement) = agreement else { return confidence };
    let lean = 2.0 * agreement - 1.0;
    let moved = if lean > 0.0 { RISE * lean * (1.0 - confidence) } else { FALL * lean * confidence };
    (confidence + moved).clamp(0.0, 1.0)
}

fn agreement(claim: &Claim<'_>, findings: &[&Finding<'_>], lexicon: &Lexicon) -> Option<f64> {
    let side = match claim.reading.direction {
        Direction::Bullish => 1.0,
        Direction::Bearish => -1.0,
        Direction::Neutral => return None,
    };
    let (mut weighted, mut weights) = (0.0, 0.0);
    for finding in voices::first_of_each(claim, findings) {
        let text = &finding.content[..finding.content.floor_char_boundary(CONTENT_BYTES_MAX)];
        let said = lexicon.read(&Question { title: finding.title, text }).sentiment;
        weighted += relevance(finding) * f64::midpoint(1.0, side * said);
        weights += relevance(finding);
    }
    (weights > 0.0).then(|| (weighted + 0.5) / (weights + 1.0))
}

/// 0 for whatever is no number.
fn relevance(finding: &Finding<'_>) -> f64 {
    if finding.score > 0.0 { finding.score.min(1.0) } else { 0.0 }
}

fn source(finding: &Finding<'_>) -> Option<Source> {
    let is_address = finding.url.starts_with("https://") || finding.url.starts_with("http://");
    let odd = |letter: char| letter.is_control() || letter.is_whitespace();
    let fits = is_address && finding.url.len() <= URL_BYTES_MAX && !finding.url.contains(odd);
    fits.then(|| Source { url: finding.url.to_owned(), published: finding.published })
}

/// White space, controls, and what search engines take for more than a letter.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || ":\"“”„«»()[]{}<>|*~^\\/".contains(letter)
}

fn direction_words(direction: Direction) -> Option<&'static str> {
    match direction {
        Direction::Bullish => Some("price rises"),
        Direction::Bearish => Some("price falls"),
        Direction::Neutral => None,
    }
}

fn event_words(event: EventType) -> &'static str {
    match event {
        EventType::Listing => "exchange listing",
        EventType::Delisting => "exchange delisting",
        EventType::Hack => "hack exploit",
        EventType::Regulation => "regulation",
        EventType::Lawsuit => "lawsuit court",
        EventType::Etf => "ETF",
        EventType::Upgrade => "network upgrade",
        EventType::Partnership => "partnership",
        EventType::Funding => "funding acquisition",
        EventType::Macro => "economy interest rates",
        EventType::Earnings => "earnings",
        EventType::Outage => "outage withdrawals",
        EventType::Airdrop => "airdrop",
        EventType::Liquidation => "liquidations",
        EventType::Adoption => "adoption",
        EventType::Supply => "token supply",
        EventType::Bankruptcy => "bankruptcy",
        EventType::Personnel => "appointment resignation",
        EventType::MarketMove | EventType::Other => "",
    }
}
