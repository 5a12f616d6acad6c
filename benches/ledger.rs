//! A ledger of many entries, as the program writes it: holds and their ends by turns, each end with its answer, a
//! snapshot every [`SNAPSHOT_EVERY`] entries. Ends with [`OPEN`] holds that nobody ended: a crash.

use std::collections::VecDeque;

use anyhow::Context as _;
use signalmill::config;
use signalmill::kafka::{Partition, Producer, SPEND_LEDGER};
use signalmill::model::{Answer, Id, LedgerEntry, NanoUsd, Spend, SpendOutcome, Timestamp};
use signalmill::provider::book::Book;
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec};

/// As the program has it.
const SNAPSHOT_EVERY: u64 = 5_000;
/// Holds that are open at one time.
const OPEN: usize = 128;
/// Time between two entries: a million take four weeks.
const STEP_MS: i64 = 2_500;
/// Entries of a session.
const SESSION_ENTRIES: u64 = 40_000;
const ACCOUNT: &str = "articles";
/// About as long as an answer of a model.
const ANSWER: &str = r#"{"direction":"bullish","sentiment":0.42,"confidence":0.71,"strength":0.55,"horizon":"days",
"assets":["BTC","ETH"],"event_type":"regulation","key_points":["The regulator approved a spot fund on Tuesday.",
"Open interest reached a record while funding stayed flat.","Two banks raised their forecasts for the quarter."],
"rationale":"Approval removes a risk that had weighed on the price for months, and flows into comparable products were
strong; the effect is likely to last for days, although derivatives desks expect volatility to stay high.",
"novelty":0.6,"entry":"#;

/// The topic's real name.
pub fn topic(kafka: &config::Kafka) -> String {
    format!("{}{SPEND_LEDGER}", kafka.topic_prefix)
}

/// Writes `entries` entries, snapshots aside, that end now; says in which partition they are and where it ends.
///
/// # Errors
/// What Kafka refuses.
pub fn write(kafka: &config::Kafka, entries: u64, now: Timestamp) -> anyhow::Result<(i32, i64)> {
    let producer = Producer::new(kafka)?;
    let codec: Codec<LedgerEntry> = Codec::new(ALLOCATION_BYTES_MAX)?;
    let (mut book, mut open, mut bytes) = (Book::default(), VecDeque::new(), Vec::new());
    let began = Timestamp(now.0 - STEP_MS * i64::try_from(entries)?);
    let mut send = |entry: &LedgerEntry| -> anyhow::Result<()> {
        bytes.clear();
        codec.encode(entry, &mut bytes)?;
        producer.send(&topic(kafka), Some(ACCOUNT.as_bytes()), &bytes)
    };
    for number in 0..entries {
        let at = Timestamp(began.0 + STEP_MS * i64::try_from(number)?);
        // The first one that is still open, once there are enough of them.
        let oldest = if open.len() < OPEN { None } else { open.pop_front() };
        let (spend, answer) = oldest.map_or_else(|| (hold(number, at), None), |hold| end(hold, at));
        if spend.outcome == SpendOutcome::Open {
            open.push_back(spend.clone());
        }
        book.replay(&spend);
        send(&LedgerEntry { spend: Some(spend), answer, snapshot: None })?;
        if (number + 1) % SNAPSHOT_EVERY == 0 {
            send(&LedgerEntry { snapshot: Some(book.snapshot(at)), ..LedgerEntry::default() })?;
        }
    }
    producer.finish()?;
    let numbers = 0..kafka.partitions;
    let ends =
        numbers.map(|number| anyhow::Ok((number, Partition::open(kafka, &topic(kafka), number)?.decided()?.end)));
    let ends = ends.collect::<anyhow::Result<Vec<_>>>()?;
    ends.into_iter().find(|(_, end)| *end > 0).context("nothing was written")
}

fn hold(number: u64, at: Timestamp) -> Spend {
    Spend {
        hold_id: Id(format!("{:032x}", u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))),
        account: ACCOUNT.to_owned(),
        session_id: format!("session-{}", number / SESSION_ENTRIES),
        run_id: "live".to_owned(),
        article_id: format!("news-{number}"),
        provider: "openai".to_owned(),
        model: "gpt-4.1-nano".to_owned(),
        operation: "analyze".to_owned(),
        units: 0,
        input_tokens: 0,
        cached_tokens: 0,
        output_tokens: 0,
        held: NanoUsd(700_000),
        cost: NanoUsd::ZERO,
        outcome: SpendOutcome::Open,
        error: String::new(),
        held_at: at,
        at,
    }
}

fn end(hold: Spend, at: Timestamp) -> (Spend, Option<Answer>) {
    let cost = NanoUsd(250_000);
    let model = "gpt-4.1-nano-2025-04-14".to_owned();
    let answer = Answer {
        key: hold.hold_id.clone(),
        provider: hold.provider.clone(),
        model: model.clone(),
        text: format!("{ANSWER}\"{}\"}}", hold.hold_id.0),
        input_tokens: 1_500,
        output_tokens: 250,
        cost,
        at,
    };
    let outcome = SpendOutcome::Settled;
    (Spend { model, input_tokens: 1_500, output_tokens: 250, cost, outcome, at, ..hold }, Some(answer))
}
