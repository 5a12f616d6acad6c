//! What is worth buying for an article, given what is left of the budget. Decisions only: whether a hold fits is for the
//! ledger, and a hold that does not fit is refused there.
//!
//! # The ladder
//! A step of `budget.ladder` holds from its share of the budget on, and the steps below it go on to hold: at 70 % a
//! cheaper model, at 90 % no research either. Of steps that answer the same thing, the highest counts: of two models, or
//! of `lexicon` and `defer`. Where the lexicon reads, nothing is bought, research neither. A hold that does not fit means
//! that the budget is used up, whatever its share: the caller asks again with all of it committed.
//!
//! # Why an article is not bought twice
//! The same text under another id has the answer of the first, by the journal. Nearly the same text is asked about,
//! since a few words may turn it, but research is bought once for all that repeat each other: it would find the same.
//!
//! Shares are compared as integers, in millionths of the limit.

use crate::config::{Action, Rung};
use crate::model::{Article, Direction, NanoUsd, Reading};

/// In how many parts of a limit a share is read: finer than any ladder is written.
const SHARE_PARTS: f64 = 1_000_000.0;

/// Who reads an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader<'a> {
    /// The configured provider and model.
    Configured,
    /// The configured provider, by this model.
    Cheaper(&'a str),
    /// The built-in lexicon, at no cost.
    Lexicon,
    /// Nobody now: the article waits for the next session.
    Later,
}

/// What the ladder allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier<'a> {
    /// Who reads.
    pub reader: Reader<'a>,
    /// Whether research may be bought.
    pub researches: bool,
    /// The highest step that holds, for the column `tier`; empty before the first.
    pub name: &'static str,
}

/// The tier of a budget of which `committed` is spent, in doubt or held.
#[must_use]
pub fn tier(ladder: &[Rung], committed: NanoUsd, limit: NanoUsd) -> Tier<'_> {
    let mut tier = Tier { reader: Reader::Configured, researches: true, name: "" };
    for rung in ladder.iter().filter(|rung| is_reached(rung.at, committed, limit)) {
        tier.name = match &rung.action {
            Action::CheaperModel { model } => {
                tier.reader = Reader::Cheaper(model);
                "cheaper_model"
            }
            Action::NoValidation => {
                tier.researches = false;
                "no_validation"
            }
            Action::Lexicon => {
                (tier.reader, tier.researches) = (Reader::Lexicon, false);
                "lexicon"
            }
            Action::Defer => {
                (tier.reader, tier.researches) = (Reader::Later, false);
                "defer"
            }
        };
    }
    tier
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is 0 to 1, so the parts fit")]
fn is_reached(share: f64, committed: NanoUsd, limit: NanoUsd) -> bool {
    let parts = (share.clamp(0.0, 1.0) * SHARE_PARTS).round() as u64;
    // A budget of nothing is used up.
    u128::from(committed.0) * (SHARE_PARTS as u128) >= u128::from(limit.0) * u128::from(parts)
}

/// Which readings are worth research.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Research {
    /// `tavily.enabled`.
    pub enabled: bool,
    /// `tavily.min_strength`.
    pub strength_min: f64,
}

/// Whether a reading is to be validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validate<'a> {
    /// No.
    No,
    /// Search, at a cost.
    Search,
    /// As the article of this id, which this one repeats; not at all where that one was not.
    As(&'a str),
}

/// Whether research is worth its cost for an article and its reading.
#[must_use]
pub fn validate<'a>(article: &'a Article, reading: &Reading, tier: &Tier<'_>, research: &Research) -> Validate<'a> {
    let is_claim = reading.direction != Direction::Neutral && reading.strength >= research.strength_min;
    if !research.enabled || !is_claim {
        Validate::No
    } else if !article.near_duplicate_of.is_empty() {
        Validate::As(&article.near_duplicate_of)
    } else if tier.researches {
        Validate::Search
    } else {
        Validate::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventType, Horizon, Screen, Timestamp};

    fn ladder(steps: &[(f64, &str)]) -> Vec<Rung> {
        let action = |name: &str| match name {
            "no_validation" => Action::NoValidation,
            "lexicon" => Action::Lexicon,
            "defer" => Action::Defer,
            model => Action::CheaperModel { model: model.to_owned() },
        };
        steps.iter().map(|(at, name)| Rung { at: *at, action: action(name) }).collect()
    }

    #[test]
    fn steps_add_up_from_the_lowest_to_the_highest() {
        use Reader::{Cheaper, Configured, Later, Lexicon};
        let all = ladder(&[(0.7, "nano"), (0.9, "no_validation"), (1.0, "lexicon")]);
        let default = ladder(&[(1.0, "defer")]);
        let two = ladder(&[(0.5, "mini"), (0.6, "nano"), (0.8, "lexicon"), (1.0, "defer")]);
        let odd = ladder(&[(0.9, "defer"), (1.0, "lexicon")]);
        let always = ladder(&[(0.0, "no_validation")]);
        for (ladder, committed, limit, reader, researches, name) in [
            (&all, 0, 300, Configured, true, ""),
            (&all, 209, 300, Configured, true, ""),
            (&all, 210, 300, Cheaper("nano"), true, "cheaper_model"),
            (&all, 270, 300, Cheaper("nano"), false, "no_validation"),
            (&all, 299, 300, Cheaper("nano"), false, "no_validation"),
            (&all, 300, 300, Lexicon, false, "lexicon"),
            // An overrun is beyond the last step.
            (&all, 400, 300, Lexicon, false, "lexicon"),
            (&default, 299, 300, Configured, true, ""),
            (&default, 300, 300, Later, false, "defer"),
            // A budget of nothing is used up.
            (&default, 0, 0, Later, false, "defer"),
            (&two, 55, 100, Cheaper("mini"), true, "cheaper_model"),
            (&two, 60, 100, Cheaper("nano"), true, "cheaper_model"),
            (&two, 80, 100, Lexicon, false, "lexicon"),
            (&two, 100, 100, Later, false, "defer"),
            (&odd, 95, 100, Later, false, "defer"),
            (&odd, 100, 100, Lexicon, false, "lexicon"),
            (&always, 0, 100, Configured, false, "no_validation"),
            (&all, u64::MAX, u64::MAX, Lexicon, false, "lexicon"),
        ] {
            let found = tier(ladder, NanoUsd(committed), NanoUsd(limit));
            assert_eq!(found, Tier { reader, researches, name }, "{committed} of {limit}: {ladder:?}");
        }
        assert_eq!(tier(&[], NanoUsd(5), NanoUsd(5)).reader, Configured, "no ladder: the ledger alone says no");
    }

    fn article(content_hash: &str, near_duplicate_of: &str) -> Article {
        Article {
            article_id: String::new(),
            title: String::new(),
            text: String::new(),
            publisher: String::new(),
            url: String::new(),
            published_at: Timestamp(0),
            date_inferred: false,
            received_at: Timestamp(0),
            language: String::new(),
            text_chars: 0,
            content_hash: content_hash.to_owned(),
            screen: Screen::None,
            near_duplicate_of: near_duplicate_of.to_owned(),
            origin: String::new(),
            version: 0,
        }
    }

    #[test]
    fn research_is_for_strong_claims_once() {
        let (full, poor) =
            (tier(&[], NanoUsd(0), NanoUsd(1)), Tier { researches: false, ..tier(&[], NanoUsd(0), NanoUsd(1)) });
        let on = Research { enabled: true, strength_min: 0.6 };
        let off = Research { enabled: false, ..on };
        for (research, tier, direction, strength, repeats, expected) in [
            (&on, &full, Direction::Bullish, 0.6, "", Validate::Search),
            (&on, &full, Direction::Bearish, 0.9, "", Validate::Search),
            (&on, &full, Direction::Bullish, 0.59, "", Validate::No),
            (&on, &full, Direction::Neutral, 0.9, "", Validate::No),
            (&off, &full, Direction::Bullish, 0.9, "", Validate::No),
            (&on, &poor, Direction::Bullish, 0.9, "", Validate::No),
            // What another one found costs nothing.
            (&on, &full, Direction::Bullish, 0.9, "a1", Validate::As("a1")),
            (&on, &poor, Direction::Bullish, 0.9, "a1", Validate::As("a1")),
        ] {
            let reading = Reading {
                direction,
                sentiment: 0.0,
                confidence: 0.5,
                strength,
                horizon: Horizon::Days,
                assets: Vec::new(),
                event_type: EventType::Other,
                key_points: Vec::new(),
                rationale: String::new(),
                novelty: 0.5,
            };
            let article = article("a", repeats);
            assert_eq!(validate(&article, &reading, tier, research), expected, "{direction} {strength} {repeats}");
        }
    }
}
