//! `dlq`: what could not be processed. Seen, sent again, or put aside.
//!
//! # Where what was done is noted
//! In the table `dead_letter_actions`, and nowhere else: neither a row of `dead_letters` nor a record of a `.dlq` topic is
//! changed or deleted, so that a letter which was dropped by mistake is still there (`dlq retry --state dropped`). The
//! list goes by ClickHouse, which the hop `sink` fills: a letter is seen as soon as that has come to it.

mod cost;
mod plan;
mod put_aside;
mod retry;
mod show;

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::store;
use crate::cli::Usage;
use crate::cli::args::{Chosen, Dlq, DlqList, DlqState, When, Which};
use crate::cli::output::{self, Table};
use crate::clickhouse::{DeadLetterFilter, DeadLetterState, Store};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::Timestamp;
use crate::wire::headers::Origin;

/// What the commands work with.
struct Desk {
    config: Config,
    clock: Clock,
    store: Store,
}

pub(super) async fn run(asked: Dlq, config: Config, as_json: bool) -> anyhow::Result<()> {
    let clock = Clock::system();
    let desk = Desk { store: store(&config, &clock)?, config, clock };
    match asked {
        Dlq::List(args) => list(&args, &desk, as_json).await,
        Dlq::Show(args) => show::run(&args, &desk, as_json).await,
        Dlq::Retry(args) => retry::run(&args, &desk, as_json).await,
        Dlq::Drop(args) => put_aside::run(&args, &desk, as_json).await,
    }
}

impl Desk {
    /// What is asked of ClickHouse for `which` of `letters`.
    fn filter(&self, which: &Which, letters: &[Origin]) -> DeadLetterFilter {
        let prefix = &self.config.kafka.topic_prefix;
        let now = self.clock.now();
        let moment = |when: When| match when {
            When::At(moment) => moment,
            When::Ago(ago) => Timestamp(now.0.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))),
        };
        let states: &[&str] = match which.state {
            DlqState::Open => &["open", "sending"],
            DlqState::Sending => &["sending"],
            DlqState::Retried => &["retried"],
            DlqState::Dropped => &["dropped"],
            DlqState::All => &[],
        };
        DeadLetterFilter {
            topics: which.topic.iter().flat_map(|topic| named(prefix, topic)).collect(),
            reason: which.reason.clone(),
            stage: which.stage.clone(),
            since: which.since.map(moment),
            until: which.until.map(moment),
            states: states.iter().map(|state| (*state).to_owned()).collect(),
            places: letters.iter().flat_map(|letter| named(prefix, &letter.to_string())).collect(),
        }
    }
}

/// A topic, or a place in one, as it was written, and behind the prefix where it was left out.
fn named(prefix: &str, name: &str) -> Vec<String> {
    if prefix.is_empty() || name.starts_with(prefix) {
        return vec![name.to_owned()];
    }
    vec![name.to_owned(), format!("{prefix}{name}")]
}

/// Many letters are done something about only where somebody says which, or that it is all of them.
fn check_choice(Chosen { letters, which, all }: &Chosen) -> Result<(), Usage> {
    let Which { topic, reason, stage, since, until, state } = which;
    let filtered = [topic, reason, stage].iter().any(|text| text.is_some())
        || [since, until].iter().any(|time| time.is_some())
        || *state != DlqState::Open;
    if filtered || *all || !letters.is_empty() {
        return Ok(());
    }
    Err(Usage("name dead letters, or give a filter such as --topic or --reason; for all of them: --all".to_owned()))
}

async fn list(args: &DlqList, desk: &Desk, as_json: bool) -> anyhow::Result<()> {
    let letters = desk.store.dead_letters(&desk.filter(&args.which, &[]), args.limit).await?;
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, &letters.iter().map(described).collect::<Vec<_>>())?);
    }
    let mut table =
        Table::new(&["letter", "reason", "stage", "state", "retries", "attempts", "spent", "bytes", "at", "error"]);
    for letter in letters {
        let spent = letter.spent();
        table.row([
            place(&letter),
            letter.reason,
            letter.stage,
            letter.state,
            letter.retries.to_string(),
            letter.attempts.to_string(),
            format!("${spent}"),
            letter.payload_bytes.to_string(),
            Timestamp(letter.at).to_string(),
            letter.error,
        ]);
    }
    Ok(table.write(out)?)
}

/// How the letter is called: where its record stood.
fn place(letter: &DeadLetterState) -> String {
    let DeadLetterState { topic, partition, offset, .. } = letter;
    format!("{topic}/{partition}/{offset}")
}

/// The columns of `dead_letters` without the payload, how it stands, and where it lies.
fn described(letter: &DeadLetterState) -> Value {
    let headers: Vec<Value> = letter.headers.iter().map(|(name, value)| json!([name, shown(value)])).collect();
    json!({
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": letter.key.as_deref().map(shown),
        "reason": letter.reason,
        "error": letter.error,
        "stage": letter.stage,
        "attempts": letter.attempts,
        "spent_usd": letter.spent().dollars(),
        "headers": headers,
        "at": Timestamp(letter.at).to_string(),
        "state": letter.state,
        "retries": letter.retries,
        "kept_in": letter.kept_in,
        "payload_bytes": letter.payload_bytes,
    })
}

/// Bytes in JSON: their text, or where they are none `{"base64": …}`.
fn shown(bytes: &[u8]) -> Value {
    let encoded = |_| json!({ "base64": STANDARD.encode(bytes) });
    std::str::from_utf8(bytes).map_or_else(encoded, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_leave_the_prefix_out() {
        assert_eq!(named("", "articles.raw"), ["articles.raw"]);
        assert_eq!(named("p.", "articles.raw/0/7"), ["articles.raw/0/7", "p.articles.raw/0/7"]);
        assert_eq!(named("p.", "p.articles.raw"), ["p.articles.raw"]);
    }

    #[test]
    fn nothing_is_done_about_all_of_them_by_mistake() {
        let of = |which: &Which, letters: &[Origin], all| {
            check_choice(&Chosen { letters: letters.to_vec(), which: which.clone(), all })
        };
        let all = Which::default();
        let some = Which { reason: Some("failed".to_owned()), ..Which::default() };
        let one = ["articles.raw/0/7".parse().unwrap()];
        assert!(of(&all, &[], false).is_err() && of(&all, &[], true).is_ok());
        assert!(of(&some, &[], false).is_ok() && of(&all, &one, false).is_ok());
    }
}
