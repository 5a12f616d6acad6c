//! `sessions`: what sessions spent and how far they are, and what may be asked of them.

mod command;
mod watch;

use std::io;

use anyhow::Context as _;

use super::store;
use crate::cli::args::{Sessions, SessionsShow};
use crate::cli::output::{self, Table};
use crate::clickhouse::{SessionState, Store};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{NanoUsd, SessionCommand, Timestamp};

/// Sessions that are shown at most.
const SHOWN_MAX: u64 = 100;

pub(super) async fn run(asked: Sessions, config: Config, as_json: bool) -> anyhow::Result<()> {
    let clock = Clock::system();
    let store = store(&config, &clock)?;
    match asked {
        Sessions::Show(SessionsShow { id, watch: true }) => watch::run(id, &store, as_json).await,
        Sessions::Show(SessionsShow { id: Some(id), .. }) => show_one(&found(&store, &id).await?, as_json),
        Sessions::Show(SessionsShow { id: None, .. }) => {
            let sessions = store.sessions(SHOWN_MAX).await?;
            if as_json {
                return Ok(output::write_json(&mut io::stdout().lock(), &sessions)?);
            }
            show_table(&sessions)
        }
        Sessions::Recover(session) => {
            command::run(&session.id, SessionCommand::Recover, &store, &config, &clock, as_json).await
        }
        Sessions::Cancel(session) => {
            command::run(&session.id, SessionCommand::Cancel, &store, &config, &clock, as_json).await
        }
    }
}

async fn found(store: &Store, id: &str) -> anyhow::Result<SessionState> {
    store.session(id).await?.with_context(|| format!("there is no session {id}"))
}

fn show_one(session: &SessionState, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return Ok(output::write_json(&mut io::stdout().lock(), session)?);
    }
    show_table(std::slice::from_ref(session))
}

fn show_table(sessions: &[SessionState]) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        "session", "run", "status", "budget", "spent", "in doubt", "articles", "analysed", "failed", "deferred",
        "batches", "started",
    ]);
    for session in sessions {
        table.row(row(session));
    }
    Ok(table.write(&mut io::stdout().lock())?)
}

/// An amount as people read it.
fn dollars(nanos: i64) -> String {
    format!("${}", NanoUsd(u64::try_from(nanos).unwrap_or(0)))
}

fn row(session: &SessionState) -> [String; 12] {
    [
        session.session_id.clone(),
        session.run_id.clone(),
        session.status.clone(),
        dollars(session.budget_usd),
        dollars(session.spent_usd),
        dollars(session.in_doubt_usd),
        session.articles_total.to_string(),
        session.articles_analyzed.to_string(),
        session.articles_failed.to_string(),
        session.articles_deferred.to_string(),
        session.batches.to_string(),
        Timestamp(session.started_at).to_string(),
    ]
}
