//! Keeps the books of every partition that this worker owns: reads them back as soon as it is owned, so that what its last
//! owner left open is in doubt from then on; lets go of answers that ClickHouse has by now; and shows the budget.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::account;
use crate::clock::Clock;
use crate::kafka::Group;
use crate::model::Budget;
use crate::observe::{self, BudgetMetrics};
use crate::provider::ledger::{Ledger, Owned};

/// How often the budget is shown.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Keeps books.
#[derive(Debug)]
pub struct Keeper {
    /// `analysis.jobs`, with its prefix.
    pub(super) topic: String,
    pub(super) group: Group,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
}

impl Keeper {
    pub(super) fn new(topic: String, group: Group, ledger: Ledger, clock: Clock) -> Self {
        // Only made to exist: each partition shows its own.
        let _ = observe::budget();
        Self { topic, group, ledger, clock }
    }

    /// Attends to every owned partition until the ledger closes.
    ///
    /// # Errors
    /// When a partition cannot be read or written: the hop must start again.
    pub async fn run(self) -> anyhow::Result<()> {
        let keeper = Arc::new(self);
        let attend = |partition, epoch| Arc::clone(&keeper).attend(partition, epoch);
        keeper.group.attend(&keeper.topic, attend, keeper.ledger.closed()).await
    }

    async fn attend(self: Arc<Self>, partition: i32, epoch: u64) -> anyhow::Result<()> {
        let owned = self.ledger.of(partition, epoch).await?;
        let mut forgets = pin!(owned.forgets());
        let mut metrics = observe::budget();
        loop {
            self.show(partition, &owned, &mut metrics);
            tokio::select! {
                () = self.ledger.closed() => return Ok(()),
                () = self.clock.sleep_until(self.clock.now().plus(LOOK_EVERY)) => {}
                never = &mut forgets => match never {},
            }
        }
    }

    /// Shows how the day's budget of a partition stands.
    fn show(&self, partition: i32, owned: &Owned, metrics: &mut BudgetMetrics) {
        let standings = owned.standing(&account(partition), "", self.clock.now());
        if let Some((_, daily)) = standings.into_iter().find(|(budget, _)| *budget == Budget::Daily) {
            metrics.summaries_stand(daily.limit.unwrap_or_default(), daily.spent, daily.reserved);
        }
    }
}
