//! `sessions show`: what sessions spent and how far they are.

use std::io;

use anyhow::bail;

use super::store;
use crate::cli::args::SessionsShow;
use crate::cli::output::{self, Table};
use crate::clickhouse::SessionState;
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{NanoUsd, Timestamp};

/// Sessions that are shown at most.
const SHOWN_MAX: u64 = 100;

pub(super) async fn show(args: SessionsShow, config: Config, as_json: bool) -> anyhow::Result<()> {
    let store = store(&config, &Clock::system())?;
    let sessions = match &args.id {
        None => store.sessions(SHOWN_MAX).await?,
        Some(id) => match store.session(id).await? {
            Some(session) => vec![session],
            None => bail!("there is no session {id}"),
        },
    };
    let out = &mut io::stdout().lock();
    if as_json {
        if args.id.is_some() {
            output::write_json(out, &sessions.first())?;
        } else {
            output::write_json(out, &sessions)?;
        }
        return Ok(());
    }
    let mut table = Table::new(&[
        "session", "run", "status", "budget", "spent", "in doubt", "articles", "analysed", "failed", "deferred",
        "batches", "started",
    ]);
    for session in sessions {
        table.row(row(session));
    }
    table.write(out)?;
    Ok(())
}

fn row(session: SessionState) -> [String; 12] {
    let dollars = |nanos: i64| format!("${}", NanoUsd(u64::try_from(nanos).unwrap_or(0)));
    [
        session.session_id,
        session.run_id,
        session.status,
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
