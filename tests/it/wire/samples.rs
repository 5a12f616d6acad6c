//! One record of every topic, with something in every field.

mod jobs;

use std::collections::BTreeMap;

use signalmill::model::{
    AccountTotals, Analysis, Answer, Article, ArticleBatch, Candle, Chart, ChartInContext, ChartedSeries, CloseReason,
    Decision, Deferral, Direction, EventType, Horizon, Id, Indicators, Instrument, Interval, KeyUsage, Learned,
    LearnedSeries, LedgerEntry, Level, MarketBatch, MarketContext, NanoUsd, OiStatus, Outcome, Pattern, Pending,
    PeriodTotal, Point, RawArticle, Reading, Screen, Series, SeriesBucket, SessionCommand, Side, Signal, SignalKind,
    Snapshot, Spend, SpendOutcome, Timestamp, Trendline, UsedUnits, WaitingChart, WaitsFor,
};

pub use self::jobs::{cancellation, job, job_event, worker_report};

pub fn raw_article() -> RawArticle {
    RawArticle {
        id: "news-1".into(),
        title: "Bitcoin ETF inflows — a record".into(),
        body: "<p>Spot funds took in $1.2bn.</p>".into(),
        publisher: "CoinDesk".into(),
        url: "https://example.org/a?id=1".into(),
        published_at: "2026-11-20T10:00:00Z".into(),
    }
}

pub fn article(number: i64) -> Article {
    Article {
        article_id: format!("news-{number}"),
        title: "Bitcoin ETF inflows — a record".into(),
        text: "Spot funds took in $1.2bn.\nThe largest day since March.".into(),
        publisher: "CoinDesk".into(),
        url: "https://example.org/a".into(),
        published_at: Timestamp(1_795_168_800_000),
        date_inferred: true,
        received_at: Timestamp(1_795_168_801_234),
        language: "en".into(),
        text_chars: 55,
        content_hash: "00112233445566778899aabbccddeeff".into(),
        screen: Screen::None,
        near_duplicate_of: "news-0".into(),
        origin: format!("articles.raw/3/{number}"),
        version: 1_795_168_801_234,
    }
}

pub fn batch() -> ArticleBatch {
    ArticleBatch {
        batch_id: Id("0123456789abcdef0123456789abcdef".into()),
        session_id: "2026-11-20".into(),
        account: "articles".into(),
        run_id: "replay-7".into(),
        opened_at: Timestamp(1_795_168_801_000),
        closed_at: Timestamp(1_795_168_806_000),
        close_reason: CloseReason::Session,
        articles: vec![article(1), article(2)],
        screened: vec![Article { screen: Screen::Short, ..article(3) }],
    }
}

pub fn reading() -> Reading {
    Reading {
        direction: Direction::Bullish,
        sentiment: 0.75,
        confidence: 0.5,
        strength: 0.625,
        horizon: Horizon::Weeks,
        assets: vec!["BTC".into(), "ETH".into()],
        event_type: EventType::Etf,
        key_points: vec!["Record inflows.".into()],
        rationale: "Inflows are demand.".into(),
        novelty: 0.25,
    }
}

pub fn analysis() -> Analysis {
    Analysis {
        analysis_id: Id("fedcba9876543210fedcba9876543210".into()),
        article_id: "news-1".into(),
        run_id: "replay-7".into(),
        session_id: "2026-11-20".into(),
        batch_id: Id("0123456789abcdef0123456789abcdef".into()),
        attempt: 2,
        outcome: Outcome::Analyzed,
        error: "nothing".into(),
        analyzer: "lexicon".into(),
        model: "gemini-2.5-flash".into(),
        prompt_version: "v3".into(),
        tier: "cheaper_model".into(),
        reading: Some(reading()),
        validation_score: Some(0.875),
        sources: vec!["https://example.org/s".into(), "https://example.org/t".into()],
        source_dates: vec![Some(Timestamp(1_795_168_700_000)), None],
        cost: NanoUsd(125_000),
        input_tokens: 1_200,
        output_tokens: 340,
        duration_us: 987,
        started_at: Timestamp(1_795_168_806_500),
        analyzed_at: Timestamp(1_795_168_806_501),
        published_at: Timestamp(1_795_168_800_000),
        received_at: Timestamp(1_795_168_801_234),
        near_duplicate_of: "news-0".into(),
        origin: "articles.raw/3/1".into(),
        version: 1_795_168_801_234,
    }
}

pub fn signal() -> Signal {
    Signal {
        signal_id: Id("aaaabbbbccccddddeeeeffff00001111".into()),
        run_id: "replay-7".into(),
        kind: SignalKind::Market,
        source_id: "binance:BTCUSDT:1h".into(),
        subject: "BTCUSDT".into(),
        exchange: "binance".into(),
        interval: "1h".into(),
        strategy: "momentum".into(),
        score: 72.5,
        direction: Direction::Bearish,
        confidence: 0.5,
        strength: 0.25,
        components: BTreeMap::from([("rsi".to_owned(), 12.5), ("oi".to_owned(), 10.0)]),
        oi_status: OiStatus::Aggregated,
        context_age_s: 61.5,
        oi_metadata: r#"{"status":"aggregated"}"#.into(),
        observability: r#"{"levels":[]}"#.into(),
        analyzer: "lexicon".into(),
        model: "none".into(),
        prompt_version: "v3".into(),
        cost: NanoUsd(1),
        event_time: Timestamp(1_795_168_800_000),
        available_at: Timestamp(1_795_168_801_234),
        produced_at: Timestamp(1_795_168_807_000),
        origin: "market.files/0/9".into(),
        version: 42,
    }
}

pub fn candle() -> Candle {
    Candle { open_time: Timestamp(1_795_168_800_000), open: 2.0, high: 3.0, low: 1.0, close: 2.5, volume: 12.0 }
}

pub fn series() -> Series {
    Series {
        exchange: "binance".into(),
        symbol: "BTCUSDT".into(),
        interval: Interval::parse("1h").unwrap(),
        candles: vec![candle()],
    }
}

pub fn chart() -> Chart {
    let point = Point { time: Timestamp(1_795_168_800_000), price: 1.5 };
    Chart {
        bars: 1,
        last: candle(),
        closed_at: Timestamp(1_795_172_400_000),
        indicators: Indicators { rsi14: Some(62.5), obv: Some(-12.0), ..Indicators::default() },
        before: Indicators { macd: Some(0.5), ..Indicators::default() },
        volume_ratio: Some(1.5),
        volume_peak: None,
        levels: vec![Level { side: Side::Support, price: 1.5, points: vec![point, point], confidence: 0.75 }],
        trendlines: vec![Trendline {
            side: Side::Resistance,
            from: point,
            to: Point { price: 3.5, ..point },
            points: vec![point],
            confidence: 0.25,
        }],
        patterns: vec![Pattern {
            name: "double_bottom".into(),
            direction: Direction::Bullish,
            confidence: 0.5,
            points: vec![point],
            confirmed_at: Timestamp(1_795_168_800_000),
        }],
    }
}

pub fn market_batch() -> MarketBatch {
    MarketBatch {
        batch_id: Id("0123456789abcdef0123456789abcdef".into()),
        account: "market".into(),
        run_id: "replay-7".into(),
        opened_at: Timestamp(1_795_168_805_000),
        closed_at: Timestamp(1_795_168_806_000),
        close_reason: CloseReason::Age,
        series: vec![ChartedSeries {
            series: series(),
            chart: chart(),
            received_at: Timestamp(1_795_168_801_234),
            origin: "market.files/3/1".into(),
            version: 42,
        }],
    }
}

pub fn market_context() -> MarketContext {
    MarketContext {
        exchange: "mexc".into(),
        symbol: "BTC_USDT".into(),
        oi_status: OiStatus::Aggregated,
        venue: "binance".into(),
        open_interest_usd: Some(1.5e9),
        open_interest_change: Some(-0.125),
        funding_rate: Some(0.01),
        long_short_ratio: Some(1.25),
        liquidations_long_usd: Some(0.0),
        liquidations_short_usd: None,
        as_of: Some(Timestamp(1_795_168_800_000)),
        fetched_at: None,
        run_id: "replay-7".into(),
    }
}

pub fn chart_in_context() -> ChartInContext {
    ChartInContext {
        source_id: "mexc:BTC_USDT:1h".into(),
        interval: "1h".into(),
        chart: chart(),
        context: market_context(),
        at: Timestamp(1_795_168_806_501),
        received_at: Timestamp(1_795_168_801_234),
        origin: "market.files/3/1".into(),
        version: 43,
    }
}

pub fn learned() -> Learned {
    Learned {
        instruments: vec![Instrument {
            exchange: "mexc".into(),
            symbol: "PEPE_USDT".into(),
            base: "1000PEPE".into(),
            quote: "USDT".into(),
            coinalyze_symbol: "1000PEPEUSDT_PERP.A".into(),
            venue: "binance".into(),
            oi_status: OiStatus::Aggregated,
            has_long_short_ratio: true,
            checked_at: Timestamp(1_795_168_806_500),
        }],
        series: vec![LearnedSeries {
            coinalyze_symbol: "1000PEPEUSDT_PERP.A".into(),
            series: "liquidations".into(),
            interval: Interval::QUARTER_HOUR,
            covered_from: Some(Timestamp(1_795_075_200_000)),
            covered_until: None,
            asked_at: Timestamp(1_795_168_806_501),
            buckets: vec![SeriesBucket { start: Timestamp(1_795_167_900_000), values: vec![0.0, 1.5] }],
        }],
    }
}

pub fn pending() -> Pending {
    let MarketBatch { run_id, mut series, .. } = market_batch();
    let used = UsedUnits { ended: Some(Timestamp(1_795_168_806_501)), units: 20 };
    Pending {
        chart: Some(WaitingChart {
            run_id,
            charted: series.remove(0),
            since: Timestamp(1_795_168_806_502),
            version: 43,
        }),
        quota: Some(KeyUsage {
            used: vec![used, UsedUnits { ended: None, units: 1 }],
            limited_until: Some(Timestamp(1_795_168_866_500)),
        }),
    }
}

pub fn deferral() -> Deferral {
    Deferral {
        account: "articles".into(),
        session_id: "2026-11-20".into(),
        run_id: "replay-7".into(),
        batch_id: Id("0123456789abcdef0123456789abcdef".into()),
        waits_for: WaitsFor::Retry,
        attempt: 2,
        forgiven: 1,
        since: Timestamp(1_795_168_806_501),
        not_before: Timestamp(1_795_168_866_500),
        error: "transient: 503".into(),
        spent: NanoUsd(125_000),
        article: article(1),
    }
}

pub fn spend() -> Spend {
    Spend {
        hold_id: Id("99990000111122223333444455556666".into()),
        account: "articles".into(),
        session_id: "2026-11-20".into(),
        run_id: "replay-7".into(),
        article_id: "news-1".into(),
        provider: "gemini".into(),
        model: "gemini-2.5-flash".into(),
        operation: "analyze".into(),
        units: 2,
        input_tokens: 1_200,
        cached_tokens: 400,
        output_tokens: 340,
        held: NanoUsd(250_000),
        cost: NanoUsd(125_000),
        outcome: SpendOutcome::Settled,
        error: "nothing".into(),
        held_at: Timestamp(1_795_168_806_500),
        at: Timestamp(1_795_168_807_250),
    }
}

pub fn answer() -> Answer {
    Answer {
        key: Id("0f1e2d3c4b5a69788796a5b4c3d2e1f0".into()),
        provider: "gemini".into(),
        model: "gemini-2.5-flash-002".into(),
        text: "{\"direction\":\"bullish\"}".into(),
        input_tokens: 1_200,
        output_tokens: 340,
        cost: NanoUsd(125_000),
        at: Timestamp(1_795_168_807_250),
    }
}

pub fn decision() -> Decision {
    Decision {
        command_id: Id("77770000111122223333444455556666".into()),
        account: "articles".into(),
        session_id: "2026-11-19".into(),
        command: SessionCommand::Cancel,
        at: Timestamp(1_795_168_808_500),
    }
}

/// Everything that an entry can be, at once; written are entries that are one of these.
pub fn ledger_entry() -> LedgerEntry {
    let period = |name: &str, spent| PeriodTotal {
        period: name.to_owned(),
        spent: NanoUsd(spent),
        changed_at: Timestamp(1_795_168_807_250),
    };
    let totals = AccountTotals {
        account: "articles".into(),
        periods: vec![period("session/2026-11-20", 125_000), period("month/2026-11", 9_125_000)],
    };
    let open = Spend { cost: NanoUsd::ZERO, outcome: SpendOutcome::Open, ..spend() };
    LedgerEntry {
        spend: Some(spend()),
        answer: Some(answer()),
        snapshot: Some(Snapshot { accounts: vec![totals], open: vec![open], decisions: vec![decision()] }),
        decision: Some(Decision { command: SessionCommand::Recover, ..decision() }),
    }
}
