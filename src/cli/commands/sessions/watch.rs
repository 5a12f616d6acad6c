//! `sessions show --watch`: how far a session is, until it is over. A bar on a terminal, a line for each change elsewhere;
//! with `--json` an object for each change.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anyhow::Context as _;

use super::{dollars, found, show_one};
use crate::cli::output::{self, Live};
use crate::clickhouse::{SessionState, Store};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(id: Option<String>, store: &Store, as_json: bool) -> anyhow::Result<()> {
    let id = match id {
        Some(id) => id,
        None => store.sessions(1).await?.pop().context("there is no session yet")?.session_id,
    };
    let mut live = Live::new(io::stderr().is_terminal());
    let mut shown = None;
    loop {
        let session = found(store, &id).await?;
        let is_new = shown.as_ref() != Some(&session);
        if as_json && is_new {
            output::write_json(&mut io::stdout().lock(), &session)?;
        } else if !as_json {
            live.show(ended(&session), session.articles_total, &text(&session));
        }
        if is_over(&session) {
            live.finish();
            return if as_json { Ok(()) } else { show_one(&session, false) };
        }
        shown = Some(session);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Articles of which something has become.
fn ended(session: &SessionState) -> u64 {
    session.articles_analyzed + session.articles_failed + session.articles_deferred
}

/// Whether nothing is left to be done: its time is over or its budget spent, or it was cancelled, and nothing is under way.
fn is_over(session: &SessionState) -> bool {
    let waits = session.status == "cancelled" && session.articles_deferred > 0;
    !matches!(session.status.as_str(), "open" | "stalled")
        && !waits
        && session.reserved_usd == 0
        && ended(session) >= session.articles_total
}

fn text(session: &SessionState) -> String {
    format!(
        "{}, {}: {} analysed, {} failed, {} deferred of {}; {} spent, {} reserved, {} in doubt of {}",
        session.session_id,
        session.status,
        session.articles_analyzed,
        session.articles_failed,
        session.articles_deferred,
        session.articles_total,
        dollars(session.spent_usd),
        dollars(session.reserved_usd),
        dollars(session.in_doubt_usd),
        dollars(session.budget_usd),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_over_when_nothing_is_left_to_be_done() {
        for (status, reserved_usd, counts, over) in [
            ("open", 0, [10, 0, 0], false),
            ("completed", 0, [8, 2, 0], true),
            ("exhausted", 0, [4, 0, 6], true),
            ("exhausted", 0, [4, 0, 5], false),
            ("exhausted", 7, [4, 0, 6], false),
            ("stalled", 0, [10, 0, 0], false),
            ("cancelled", 0, [4, 0, 6], false),
            ("cancelled", 0, [4, 6, 0], true),
        ] {
            let [articles_analyzed, articles_failed, articles_deferred] = counts;
            let session = SessionState {
                session_id: "autumn".to_owned(),
                run_id: "live".to_owned(),
                status: status.to_owned(),
                budget_usd: 300_000_000,
                reserved_usd,
                spent_usd: 12_500_000,
                in_doubt_usd: 0,
                articles_total: 10,
                articles_analyzed,
                articles_failed,
                articles_deferred,
                batches: 1,
                started_at: 0,
                updated_at: 0,
                finished_at: None,
            };
            assert_eq!(is_over(&session), over, "{}", text(&session));
        }
    }
}
