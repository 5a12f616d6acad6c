//! Facts that tests are about, each with one obvious value a field.

use std::collections::BTreeMap;

use signalmill::model::{
    Analysis, Answer, Article, ArticleBatch, CloseReason, Direction, EventType, Horizon, Id, NanoUsd, OiStatus,
    Outcome, Reading, Screen, Signal, SignalKind, Spend, SpendOutcome, Timestamp, identity,
};

pub const NOON: Timestamp = Timestamp(1_795_305_600_000);
/// What producers send when they mean no good, or Unicode.
pub const ODD: &str = "a\0b\u{1}\r\n\t'\\\"`;--{x} 🚀\u{202e}é漢字";

pub fn article(id: &str, version: i64) -> Article {
    Article {
        article_id: id.to_owned(),
        title: format!("title {version}"),
        text: "text".to_owned(),
        publisher: "CoinDesk".to_owned(),
        url: "https://example.org/a".to_owned(),
        published_at: NOON,
        date_inferred: false,
        received_at: NOON,
        language: "en".to_owned(),
        text_chars: 4,
        content_hash: identity(&[id]).0,
        screen: Screen::None,
        near_duplicate_of: String::new(),
        origin: format!("articles.raw/0/{version}"),
        version,
    }
}

pub fn signal(id: &str, version: i64, score: f64) -> Signal {
    Signal {
        signal_id: identity(&["article", id, "news", "live"]),
        run_id: "live".to_owned(),
        kind: SignalKind::Article,
        source_id: id.to_owned(),
        subject: "BTC".to_owned(),
        exchange: String::new(),
        interval: String::new(),
        strategy: "news".to_owned(),
        score,
        direction: Direction::Bullish,
        confidence: 0.5,
        strength: 0.25,
        components: BTreeMap::from([("novelty".to_owned(), 1.5), ("sentiment".to_owned(), -2.0)]),
        oi_status: OiStatus::None,
        context_age_s: 0.0,
        oi_metadata: String::new(),
        observability: String::new(),
        analyzer: "lexicon".to_owned(),
        model: String::new(),
        prompt_version: "1".to_owned(),
        cost: NanoUsd(125_000),
        event_time: NOON,
        available_at: NOON,
        produced_at: NOON,
        origin: format!("articles.raw/0/{version}"),
        version,
    }
}

pub fn analysis(id: &str, attempt: i32, outcome: Outcome) -> Analysis {
    Analysis {
        analysis_id: identity(&[id, "content"]),
        article_id: id.to_owned(),
        run_id: "live".to_owned(),
        session_id: "2020-01-01".to_owned(),
        batch_id: Id("b1".to_owned()),
        attempt,
        outcome,
        error: String::new(),
        analyzer: "lexicon".to_owned(),
        model: String::new(),
        prompt_version: "1".to_owned(),
        tier: String::new(),
        reading: (outcome == Outcome::Analyzed).then(|| Reading {
            direction: Direction::Bearish,
            sentiment: -0.5,
            confidence: 0.75,
            strength: 1.0,
            horizon: Horizon::Days,
            assets: vec!["BTC".to_owned(), "ETH".to_owned()],
            event_type: EventType::Hack,
            key_points: vec![ODD.to_owned()],
            rationale: ODD.to_owned(),
            novelty: 0.1,
        }),
        validation_score: None,
        sources: Vec::new(),
        source_dates: Vec::new(),
        cost: NanoUsd(1),
        input_tokens: 10,
        output_tokens: 20,
        duration_us: 1_500,
        started_at: NOON,
        analyzed_at: Timestamp(NOON.0 + i64::from(attempt)),
        published_at: NOON,
        received_at: NOON,
        near_duplicate_of: String::new(),
        origin: format!("articles.raw/0/{id}"),
        version: i64::from(attempt),
    }
}

pub fn batch(session_id: &str, batch_id: &str, ids: &[&str], budget_at: i64) -> ArticleBatch {
    ArticleBatch {
        batch_id: Id(batch_id.to_owned()),
        session_id: session_id.to_owned(),
        account: "articles".to_owned(),
        run_id: "live".to_owned(),
        opened_at: NOON,
        closed_at: Timestamp(NOON.0 + budget_at),
        close_reason: CloseReason::Count,
        articles: ids.iter().map(|id| article(id, 1)).collect(),
        screened: Vec::new(),
    }
}

pub fn spend(hold: &str, outcome: SpendOutcome, cost: u64) -> Spend {
    let model = if outcome == SpendOutcome::Open { "gemini-2.5-flash" } else { "gemini-2.5-flash-002" };
    Spend {
        hold_id: Id(hold.to_owned()),
        account: "articles".to_owned(),
        session_id: "2020-01-01".to_owned(),
        run_id: "live".to_owned(),
        article_id: ODD.to_owned(),
        provider: "gemini".to_owned(),
        model: model.to_owned(),
        operation: "analyze".to_owned(),
        units: 2,
        input_tokens: 1_200,
        cached_tokens: 400,
        output_tokens: 340,
        held: NanoUsd(3_000_000),
        cost: NanoUsd(cost),
        outcome,
        error: String::new(),
        held_at: NOON,
        at: NOON,
    }
}

pub fn answer(key: &str, version: i64) -> Answer {
    Answer {
        key: Id(key.to_owned()),
        provider: "gemini".to_owned(),
        model: "gemini-2.5-flash-002".to_owned(),
        text: format!("{ODD} {version}"),
        input_tokens: 1_200,
        output_tokens: 340,
        cost: NanoUsd(125_001),
        at: Timestamp(NOON.0 + version),
    }
}
