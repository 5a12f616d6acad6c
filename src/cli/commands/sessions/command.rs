//! `sessions recover` and `sessions cancel`: a record for the owner of the session's account. The owner takes it in
//! when it comes to it, so the command returns before its effect is seen.

use std::io::{self, Write as _};

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::found;
use crate::cli::commands::registry;
use crate::cli::output;
use crate::clickhouse::{SessionState, Store};
use crate::clock::Clock;
use crate::config::Config;
use crate::flow::Outgoing;
use crate::kafka::{Addressed, AskedBatches, Producer};
use crate::model::SessionCommand;

/// What was asked, and how the session stood.
#[derive(Debug, Serialize)]
struct Asked<'a> {
    session_id: &'a str,
    command: SessionCommand,
    /// The accounts whose owners are told.
    accounts: Vec<String>,
    articles_failed: u64,
    articles_deferred: u64,
}

pub(super) async fn run(
    id: &str,
    command: SessionCommand,
    store: &Store,
    config: &Config,
    clock: &Clock,
    as_json: bool,
) -> anyhow::Result<()> {
    let SessionState { articles_failed, articles_deferred, .. } = found(store, id).await?;
    let payers = store.payers(id).await?;
    let batches = AskedBatches::new(&config.kafka.topic_prefix, registry(config, clock)?).await?;
    let mut records = Vec::with_capacity(payers.len());
    for payer in &payers {
        let to = Addressed { session_id: id, account: &payer.account, run_id: &payer.run_id };
        records.push(batches.command(to, command, clock.now())?);
    }
    let kafka = config.kafka.clone();
    tokio::task::spawn_blocking(move || send(Producer::new(&kafka)?, &records)).await.context("sending panicked")??;
    let accounts = payers.into_iter().map(|payer| payer.account).collect();
    show(&Asked { session_id: id, command, accounts, articles_failed, articles_deferred }, as_json)
}

fn send(producer: Producer, records: &[Outgoing]) -> anyhow::Result<()> {
    for Outgoing { topic, key, value, headers, .. } in records {
        let (Some(key), Some(value)) = (key, value) else { bail!("a command has a key and a value") };
        producer.send_with(topic, key, value, headers)?;
    }
    producer.finish().map(drop)
}

fn show(asked: &Asked<'_>, as_json: bool) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, asked)?);
    }
    let Asked { session_id, articles_failed: failed, articles_deferred: deferred, .. } = asked;
    let session_id = output::harmless(session_id);
    match asked.command {
        SessionCommand::Recover => writeln!(
            out,
            "asked for the recovery of session {session_id}: {failed} articles have failed, and are tried again"
        )?,
        SessionCommand::Cancel => writeln!(
            out,
            "asked for the cancellation of session {session_id}: nothing more is bought for it, and what waits \
             ({deferred} for a budget) is let go"
        )?,
    }
    Ok(())
}
