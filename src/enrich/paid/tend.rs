//! What is done for a partition now and then: its budget is shown, and a warning is given once a session.

use std::time::Duration;

use tracing::warn;

use crate::config::Config;
use crate::model::{Budget, NanoUsd, Timestamp};
use crate::observe::{self, BacklogMetrics, BudgetMetrics};
use crate::provider::book::Standing;
use crate::provider::ledger::Owned;

/// Tends to one partition. What it shows is shown until it is dropped, when the partition moves away.
#[derive(Debug)]
pub(super) struct Tender {
    metrics: BudgetMetrics,
    backlog: BacklogMetrics,
    /// The budgets for which a warning was given, as metrics name them, each with the session.
    warned: Vec<(Budget, String)>,
}

impl Tender {
    pub(super) fn new() -> Self {
        Self { metrics: observe::budget(), backlog: observe::backlog(), warned: Vec::new() }
    }

    /// Does what is due.
    pub(super) fn tend(&mut self, owned: &Owned, config: &Config, backlog: (NanoUsd, Duration), now: Timestamp) {
        let account = &config.budget.account;
        // The account's budgets have one owner, and are shown by nobody else.
        if !owned.knows(account) {
            return;
        }
        self.backlog.stands(backlog.0, backlog.1);
        let session_id = config.articles.session.session_id(now);
        for (budget, standing) in owned.standing(account, &session_id, now) {
            let Standing { spent, reserved, limit } = standing;
            self.metrics.stands(budget, limit, spent, reserved);
            let Some(limit) = limit else { continue };
            let key = (budget, session_id.clone());
            if is_reached(config.budget.alert_at, spent, limit) && !self.warned.contains(&key) {
                self.warned.retain(|(warned, _)| *warned != budget);
                self.warned.push(key);
                warn!(budget = budget.as_str(), session_id, %spent, %limit, "most of a budget is spent");
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share is compared with one that a person wrote")]
fn is_reached(share: f64, spent: NanoUsd, limit: NanoUsd) -> bool {
    spent.0 as f64 >= limit.0 as f64 * share
}
