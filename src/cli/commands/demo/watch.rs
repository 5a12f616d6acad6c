//! How far the samples are: by our own metrics up to the batches, by the tables from there.

use std::time::Duration;

use crate::clickhouse::{Failure, SessionState, Store};
use crate::observe;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Sessions that are looked at. There is one; around midnight there are two.
const SESSIONS_MAX: u64 = 10;

/// What the tables say of all sessions together.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// The newest one.
    pub(super) newest: Option<SessionState>,
    pub(super) admitted: u64,
    pub(super) analyzed: u64,
    pub(super) failed: u64,
    pub(super) deferred: u64,
    reserved: i64,
    /// Settled, lost, overrun, and in doubt.
    counted: i64,
}

impl Standing {
    /// As the tables have it now.
    pub(super) async fn now(store: &Store) -> Result<Self, Failure> {
        let sessions = store.sessions(SESSIONS_MAX).await?;
        let mut standing = Self::default();
        for session in &sessions {
            standing.admitted += session.articles_total;
            standing.analyzed += session.articles_analyzed;
            standing.failed += session.articles_failed;
            standing.deferred += session.articles_deferred;
            standing.reserved += session.reserved_usd;
            standing.counted += session.spent_usd + session.in_doubt_usd;
        }
        standing.newest = sessions.into_iter().next();
        Ok(standing)
    }

    /// Every article has ended, and no call is under way.
    fn is_quiet(&self) -> bool {
        self.analyzed + self.failed + self.deferred == self.admitted && self.reserved == 0
    }
}

/// Returns when each of `sent` records has become what it becomes, and all that became of it stands in the tables; with
/// `resumed` not before nothing is deferred any more.
pub(super) async fn until_quiet(store: &Store, sent: u64, resumed: bool) -> Result<(), Failure> {
    loop {
        let seen = Seen::now();
        // The tables of a database that is only being made cannot be asked; by then nothing has been seen either.
        if seen.is_through_the_window(sent) {
            let standing = Standing::now(store).await?;
            if seen.is_all_in(&standing) && !(resumed && standing.deferred > 0) {
                return Ok(());
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Progress by our own metrics.
struct Seen {
    decoded: f64,
    rejected: f64,
    admitted: f64,
    screened: f64,
    articles: f64,
    signals: f64,
    dead_letters: f64,
    spent_usd: f64,
}

impl Seen {
    fn now() -> Self {
        let text = observe::render();
        let sum = |name: &str, labels: &[&str]| -> f64 {
            text.lines()
                .filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .sum()
        };
        let stage = |stage: &str, outcome: &str| {
            sum("signalmill_records_total{", &[&format!("stage=\"{stage}\""), &format!("outcome=\"{outcome}\"")])
        };
        let rows = |table: &str| sum("signalmill_sink_rows_total{", &[&format!("table=\"{table}\"")]);
        Self {
            decoded: stage("window/decode", "ok"),
            rejected: stage("window/decode", "rejected"),
            admitted: stage("window/articles", "ok"),
            screened: stage("window/articles", "short") + stage("window/articles", "language"),
            articles: rows("articles"),
            signals: rows("signals"),
            dead_letters: rows("dead_letters"),
            spent_usd: sum("signalmill_spend_usd_total{", &[]),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact as floats")]
    fn is_through_the_window(&self, sent: u64) -> bool {
        self.decoded + self.rejected >= sent as f64
            && self.dead_letters >= self.rejected
            && self.articles >= self.admitted + self.screened
    }

    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "counts below 2^53 are exact as floats")]
    fn is_all_in(&self, standing: &Standing) -> bool {
        // A sum of floats: half a nano-dollar is nothing.
        let counted_usd = (standing.counted as f64 + 0.5) / 1e9;
        standing.is_quiet()
            && standing.admitted as f64 == self.admitted
            && self.signals >= standing.analyzed as f64
            && counted_usd >= self.spent_usd
    }
}
