//! Which analyses are shown: those of live traffic and of the promoted run, as `article_analyses_v` has them.
//!
//! The view works out for all articles whose analysis counts. Here some articles are asked for by their ids, or only
//! whether they have any.

use super::question::Question;

/// `FROM` the analyses that may be shown. Of several of an article [`NEWEST`] picks one, so that `FINAL` is not needed.
pub(super) const SHOWN: &str = "FROM article_analyses \
WHERE run_id IN (SELECT 'live' UNION ALL SELECT run_id FROM promoted_runs_v)";

/// Of two alike the run's.
pub(super) const NEWEST: &str = " ORDER BY article_id, version DESC, run_id = 'live' LIMIT 1 BY article_id";

impl Question {
    /// Goes on with a question for the ids of the articles that were analysed.
    pub(super) fn analyzed(self) -> Self {
        self.and("SELECT article_id ").and(SHOWN)
    }
}
