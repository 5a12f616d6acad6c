//! What kind of event an article tells, how long it matters, how new it is and how hard it should hit.
//!
//! Cues vote, those of the headline most. Novelty has no memory of other articles (near-duplicates are the
//! window's business): it is the share of newness that the text itself claims, from the kind of event and from
//! words such as "announces" against "recap", "explained" or "prediction".

use super::entry::{Cue, Hint};
use crate::model::{EventType, Horizon};

/// Weight of a cue in the headline, in the first sentences and in the rest.
const HEADLINE: f64 = 4.0;
const LEAD: f64 = 1.0;
const REST: f64 = 0.3;
/// Sentences of the body that are its lead.
pub const LEAD_SENTENCES: usize = 3;
/// Votes of the rest of the body for one event at most: a long text must not overrule its headline.
const BODY_MAX: f64 = 3.0;
/// Votes below which an article is `Other`.
const EVENT_MIN: f64 = 0.6;
/// Votes that a span of time needs to overrule the event's own.
const SPAN_MIN: f64 = 2.0;
/// What one fresh or stale cue moves novelty by, in units of a lead sentence.
const NOVELTY_STEP: f64 = 0.05;

/// Where a cue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The headline.
    Headline,
    /// The first sentences of the body.
    Lead,
    /// The rest of the body.
    Rest,
}

/// Votes of one article.
#[derive(Debug, Default)]
pub struct Votes {
    headline: [f64; EventType::ALL.len()],
    body: [f64; EventType::ALL.len()],
    spans: [f64; Horizon::ALL.len()],
    fresh: f64,
}

/// What the votes came to.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The kind of event.
    pub event: EventType,
    /// How long it matters.
    pub horizon: Horizon,
    /// How new it claims to be, 0 to 1.
    pub novelty: f64,
    /// How hard such an event usually hits a price, 0 to 1.
    pub impact: f64,
}

impl Votes {
    /// Counts one cue.
    pub fn note(&mut self, cue: &Cue, place: Place) {
        let weight = cue.weight
            * match place {
                Place::Headline => HEADLINE,
                Place::Lead => LEAD,
                Place::Rest => REST,
            };
        match cue.hint {
            Hint::Event(event) if place == Place::Headline => {
                self.headline[event as usize] += weight;
            }
            Hint::Event(event) => self.body[event as usize] += weight,
            Hint::Span(span) => self.spans[span as usize] += weight,
            Hint::Fresh => self.fresh += weight,
        }
    }

    /// A price movement in the headline, without another cue, is market news.
    pub fn note_movement(&mut self) {
        self.headline[EventType::MarketMove as usize] += EVENT_MIN;
    }

    /// Counts the votes; ties go to the event declared first.
    pub fn count(&self) -> Outcome {
        let mut best = (EventType::Other, EVENT_MIN);
        for &event in EventType::ALL {
            let votes = self.headline[event as usize] + self.body[event as usize].min(BODY_MAX);
            // The first event may reach the threshold, a later one must pass the best.
            if votes > best.1 || (votes >= EVENT_MIN && best.0 == EventType::Other) {
                best = (event, votes);
            }
        }
        let (usual, impact, newness) = nature(best.0);
        let mut span = (usual, SPAN_MIN);
        for &horizon in Horizon::ALL {
            let votes = self.spans[horizon as usize];
            if votes > span.1 {
                span = (horizon, votes);
            }
        }
        let novelty = (newness + NOVELTY_STEP * self.fresh).clamp(0.05, 0.95);
        Outcome { event: best.0, horizon: span.0, novelty, impact }
    }
}

/// Usual horizon, impact and newness of a kind of event: ranks by judgement, no measurement.
fn nature(event: EventType) -> (Horizon, f64, f64) {
    match event {
        EventType::Hack => (Horizon::Days, 1.0, 0.75),
        EventType::Bankruptcy => (Horizon::Weeks, 1.0, 0.7),
        EventType::Etf => (Horizon::Weeks, 0.9, 0.6),
        EventType::Delisting => (Horizon::Days, 0.8, 0.75),
        EventType::Regulation | EventType::Lawsuit => (Horizon::Weeks, 0.7, 0.6),
        EventType::Macro => (Horizon::Days, 0.7, 0.5),
        EventType::Liquidation => (Horizon::Hours, 0.7, 0.5),
        EventType::Listing => (Horizon::Days, 0.6, 0.75),
        EventType::Adoption => (Horizon::Months, 0.6, 0.6),
        EventType::Outage => (Horizon::Hours, 0.6, 0.75),
        EventType::Earnings => (Horizon::Days, 0.6, 0.6),
        EventType::Upgrade | EventType::Supply => (Horizon::Weeks, 0.5, 0.55),
        EventType::MarketMove => (Horizon::Days, 0.5, 0.4),
        EventType::Funding => (Horizon::Months, 0.4, 0.65),
        EventType::Partnership => (Horizon::Weeks, 0.4, 0.65),
        EventType::Airdrop => (Horizon::Days, 0.4, 0.65),
        EventType::Personnel => (Horizon::Weeks, 0.3, 0.65),
        EventType::Other => (Horizon::Days, 0.3, 0.4),
    }
}
