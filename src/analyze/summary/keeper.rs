//! Keeps the books of every partition that this worker owns: reads them back as soon as it is owned, so that what its last
//! owner left open is in doubt from then on; lets go of answers that ClickHouse has by now; and shows the budget.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::account;
use crate::clock::Clock;
use crate::kafka::Group;
use crate::model::{Budget, NanoUsd};
use crate::observe::{self, BudgetMetrics};
use crate::provider::book::Standing;
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
    /// How the day's budget of each owned partition stands; their sum is shown.
    stands: Mutex<BTreeMap<i32, Standing>>,
    metrics: BudgetMetrics,
}

/// Takes a partition out of what is shown when it moves away.
struct Shown(Arc<Keeper>, i32);

impl Keeper {
    pub(super) fn new(topic: String, group: Group, ledger: Ledger, clock: Clock) -> Self {
        Self { topic, group, ledger, clock, stands: Mutex::default(), metrics: observe::budget() }
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
        let _shown = Shown(Arc::clone(&self), partition);
        let mut forgets = pin!(owned.forgets());
        loop {
            self.show(partition, &owned);
            tokio::select! {
                () = self.ledger.closed() => return Ok(()),
                () = self.clock.sleep_until(self.clock.now().plus(LOOK_EVERY)) => {}
                never = &mut forgets => match never {},
            }
        }
    }

    fn show(&self, partition: i32, owned: &Owned) {
        let standings = owned.standing(&account(partition), "", self.clock.now());
        let daily = standings.into_iter().find(|(budget, _)| *budget == Budget::Daily);
        let mut stands = self.stands.lock();
        stands.extend(daily.map(|(_, standing)| (partition, standing)));
        self.sum(&stands);
    }

    fn sum(&self, stands: &BTreeMap<i32, Standing>) {
        let sum =
            |amount: fn(&Standing) -> NanoUsd| stands.values().map(amount).fold(NanoUsd::ZERO, NanoUsd::saturating_add);
        let limit = sum(|standing| standing.limit.unwrap_or_default());
        self.metrics.summaries_stand(limit, sum(|standing| standing.spent), sum(|standing| standing.reserved));
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut stands = self.0.stands.lock();
        stands.remove(&self.1);
        self.0.sum(&stands);
    }
}
