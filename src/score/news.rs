//! The strategy `news`: one signal an article.
//!
//! # Formula
//! ```text
//! score = 50 + 50 · s · c · (½ + ½g) · e · (0.7 + 0.3n) · d
//! ```
//! with s the sentiment (−1…1), c the confidence (which research has moved where the claim was researched), g the
//! strength, n the novelty (each 0…1), e the event's weight, and d = ½ for a near-duplicate and 1 otherwise.
//!
//! Why a product: each factor is a reason to believe less of the sentiment, and doubts multiply. Why half weight for
//! a repetition: stale news moves prices, but less, and part of the move is reversed (Tetlock, "All the News That's
//! Fit to Reprint", RFS 2011); novelty is discounted for the same reason. Why the sentiment is the base: word-list
//! tone predicts returns on the day and pessimism more than optimism (Tetlock, JF 2007; Loughran and McDonald, JF
//! 2011). Event weights: exchange listings, hacks and regulation show the largest abnormal returns in event studies of
//! crypto assets (Ante, "Market Reaction to Exchange Listings of Cryptocurrencies", 2019; Feinstein and Werbach, "The
//! Impact of Cryptocurrency Regulation on Trading Markets", 2021, which finds little effect of most rules, hence the
//! modest weight), while announcements of partnerships are cheap to make.
//!
//! # Components
//! The product is told as a sum: `sentiment` is 50·s, and every other component is what its factor, applied in the
//! order of the formula, adds or takes away. So 50 plus all components is the score.

use std::collections::BTreeMap;

use crate::model::{
    Analysis, Direction, EventType, OiStatus, Outcome, Reading, Signal, SignalKind, Timestamp, identity,
};

const STRATEGY: &str = "news";
/// The subject of an article that names no asset.
const MARKET: &str = "MARKET";
const NEUTRAL: f64 = 50.0;
/// Points around the middle in which a signal says neither.
const NEUTRAL_BAND: f64 = 5.0;
const REPETITION_WEIGHT: f64 = 0.5;

/// The signal of an analysis; `None` where there is nothing to score.
pub(crate) fn signal(analysis: Analysis, now: Timestamp) -> Option<Signal> {
    if analysis.outcome != Outcome::Analyzed {
        return None;
    }
    let reading = analysis.reading?;
    let components = components(&reading, !analysis.near_duplicate_of.is_empty());
    let score = (NEUTRAL + components.values().sum::<f64>()).clamp(0.0, 100.0);
    Some(Signal {
        signal_id: identity(&["article", &analysis.article_id, STRATEGY, &analysis.run_id]),
        kind: SignalKind::Article,
        source_id: analysis.article_id,
        subject: reading.assets.into_iter().next().unwrap_or_else(|| MARKET.to_owned()),
        exchange: String::new(),
        interval: String::new(),
        strategy: STRATEGY.to_owned(),
        score,
        direction: direction(score),
        confidence: reading.confidence.clamp(0.0, 1.0),
        strength: ((score - NEUTRAL).abs() / NEUTRAL).clamp(0.0, 1.0),
        components,
        oi_status: OiStatus::None,
        context_age_s: 0.0,
        oi_metadata: String::new(),
        observability: String::new(),
        run_id: analysis.run_id,
        analyzer: analysis.analyzer,
        model: analysis.model,
        prompt_version: analysis.prompt_version,
        cost: analysis.cost,
        event_time: analysis.published_at,
        available_at: analysis.received_at,
        produced_at: now,
        origin: analysis.origin,
        version: analysis.version,
    })
}

fn components(reading: &Reading, is_repetition: bool) -> BTreeMap<String, f64> {
    let factors = [
        ("confidence", reading.confidence.clamp(0.0, 1.0)),
        ("strength", 0.5 + 0.5 * reading.strength.clamp(0.0, 1.0)),
        ("event", event_weight(reading.event_type)),
        ("novelty", 0.7 + 0.3 * reading.novelty.clamp(0.0, 1.0)),
        ("repetition", if is_repetition { REPETITION_WEIGHT } else { 1.0 }),
    ];
    let mut points = 50.0 * reading.sentiment.clamp(-1.0, 1.0);
    let mut components = BTreeMap::from([("sentiment".to_owned(), points)]);
    for (name, factor) in factors {
        components.insert(name.to_owned(), points * factor - points);
        points *= factor;
    }
    components
}

fn direction(score: f64) -> Direction {
    if score >= NEUTRAL + NEUTRAL_BAND {
        Direction::Bullish
    } else if score <= NEUTRAL - NEUTRAL_BAND {
        Direction::Bearish
    } else {
        Direction::Neutral
    }
}

/// At most 1.0, so that the score stays between 0 and 100.
fn event_weight(event: EventType) -> f64 {
    match event {
        EventType::Listing
        | EventType::Delisting
        | EventType::Hack
        | EventType::Etf
        | EventType::Liquidation
        | EventType::Bankruptcy
        | EventType::Outage => 1.0,
        EventType::Regulation
        | EventType::Lawsuit
        | EventType::Macro
        | EventType::MarketMove
        | EventType::Adoption
        | EventType::Supply
        | EventType::Airdrop => 0.9,
        EventType::Upgrade | EventType::Funding | EventType::Earnings => 0.85,
        EventType::Partnership | EventType::Personnel | EventType::Other => 0.8,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Horizon;

    fn reading(sentiment: f64, confidence: f64, strength: f64, novelty: f64, event_type: EventType) -> Reading {
        Reading {
            direction: Direction::Neutral,
            sentiment,
            confidence,
            strength,
            horizon: Horizon::Days,
            assets: vec![],
            event_type,
            key_points: vec![],
            rationale: String::new(),
            novelty,
        }
    }

    #[test]
    fn sure_and_strong_news_reaches_the_ends() {
        let sum = |sentiment| {
            let all = components(&reading(sentiment, 1.0, 1.0, 1.0, EventType::Hack), false);
            NEUTRAL + all.values().sum::<f64>()
        };
        assert_eq!((sum(1.0), sum(-1.0), sum(0.0)), (100.0, 0.0, 50.0));
    }

    proptest! {
        #[test]
        fn components_add_up_and_doubt_only_takes_away(
            sentiment in -1.0..=1.0_f64, confidence in 0.0..=1.0_f64, strength in 0.0..=1.0_f64,
            novelty in 0.0..=1.0_f64, repetition: bool,
            event in 0..EventType::ALL.len(),
        ) {
            let reading = reading(sentiment, confidence, strength, novelty, EventType::ALL[event]);
            let all = components(&reading, repetition);
            let score = NEUTRAL + all.values().sum::<f64>();
            prop_assert!((0.0..=100.0).contains(&score));
            prop_assert!((score - NEUTRAL) * sentiment >= -1e-9, "doubt never turns a sign");
            prop_assert!((score - NEUTRAL).abs() <= 50.0 * sentiment.abs() + 1e-9);
            let again = components(&reading, true);
            prop_assert!((again.values().sum::<f64>()).abs() <= (score - NEUTRAL).abs() + 1e-9);
        }
    }
}
