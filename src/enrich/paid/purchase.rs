//! What is bought for an article: its reading by a model, and research about a claim. Each is bought only if it was never
//! answered before.

use std::sync::Arc;

use tracing::debug;

use super::article::Task;
use crate::clock::Clock;
use crate::enrich::content::Question;
use crate::enrich::findings::Findings;
use crate::enrich::validation::{self, Claim};
use crate::model::{NanoUsd, Reading};
use crate::observe::JournalMetrics;
use crate::provider::adapter::{Finding, Search, Tavily, Topic};
use crate::provider::call::Usage;
use crate::provider::door::{Door, Quote};
use crate::provider::gate::Gate;
use crate::provider::journal::Journal;
use crate::provider::ledger::Refused;
use crate::provider::price::Catalog;
use crate::provider::purchase::{self, Asking, Inquiry, Outcome, REPAIR};

/// Asking a model about an article, and repairing its answer, as metrics and `spend` name them.
pub const OPERATIONS: &[&str] = &[Question::OPERATION, REPAIR];
/// What is asked of Tavily.
pub const SEARCHES: &[&str] = &["search"];
/// Findings that a search brings.
const FINDINGS: usize = 5;
/// How thoroughly is searched.
pub(in crate::enrich) const SEARCH_DEPTH: &str = "basic";
/// Credits that a search takes at that depth.
pub(super) const SEARCH_CREDITS: u64 = 1;

/// Research, and the door to it.
#[derive(Debug)]
pub struct Researcher {
    pub(super) tavily: Tavily,
    pub(super) door: Door,
    pub(super) journal: Journal,
    pub(super) catalog: Arc<Catalog>,
    pub(super) hits: JournalMetrics,
    pub(super) clock: Clock,
}

/// Buys answers.
#[derive(Debug)]
pub struct Buyer {
    /// What models answer.
    pub(super) model: purchase::Buyer,
    pub(super) research: Option<Researcher>,
}

impl Buyer {
    /// The configured model.
    #[must_use]
    pub fn model(&self) -> &str {
        self.model.model()
    }

    /// Who is asked.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.model.provider()
    }

    /// The gate of the model: how the provider is.
    pub(super) fn gate(&self) -> &Gate {
        self.model.gate()
    }

    /// What `model` reads in the article of `task`.
    ///
    /// # Errors
    /// As [`Refused`] says.
    pub async fn reading(&self, task: &Task, asking: &mut Asking, model: &str) -> Result<Outcome<Reading>, Refused> {
        let question = Question::new(&task.article.title, &task.article.text, model, &self.model.parameters());
        self.model.answer(&task.purse, asking, model, &question).await
    }

    /// What is found about a claim; `None` where it is not researched, or cannot be.
    ///
    /// # Errors
    /// [`Refused::Closing`] and [`Refused::Ledger`].
    pub async fn research(
        &self,
        task: &Task,
        asking: &mut Asking,
        claim: &Claim<'_>,
    ) -> Result<Option<Findings>, Refused> {
        let Some(researcher) = &self.research else { return Ok(None) };
        researcher.research(task, asking, claim).await
    }
}

impl Researcher {
    async fn research(&self, task: &Task, asking: &mut Asking, claim: &Claim<'_>) -> Result<Option<Findings>, Refused> {
        let Self { tavily, door, journal, catalog, .. } = self;
        let Some(query) = validation::query(claim) else { return Ok(None) };
        let key = validation::search_key(&query, SEARCH_DEPTH);
        let _turn = journal.turn(&key).await;
        if let Some(answer) = journal.find(&task.purse.owned, &key).await?
            && let Ok(findings) = serde_json::from_str(&answer.text)
        {
            self.hits.hit(1);
            return Ok(Some(findings));
        }
        let credit = catalog.credit(tavily.name(), None, self.clock.now());
        let Some(worst) = credit.and_then(|credit| credit.0.checked_mul(SEARCH_CREDITS)).map(NanoUsd) else {
            return Ok(None);
        };
        if asking.too_dear(worst).is_some() {
            return Ok(None);
        }
        let search = Search { query, topic: Topic::News, from: None, to: None, results_max: FINDINGS };
        let quote = Quote {
            provider: tavily.name(),
            model: "",
            operation: "search",
            key: &key,
            worst,
            again: false,
            until: None,
        };
        let keep = |findings: Vec<Finding>| {
            let findings = Findings::from(findings);
            let text = serde_json::to_string(&findings).map_err(|error| error.to_string())?;
            Ok((findings, text))
        };
        let cost = |usage: &Usage| credit.and_then(|credit| credit.0.checked_mul(usage.credits)).map(NanoUsd);
        let bought = match door.call(&task.purse, quote, tavily.search(&search), keep, cost).await {
            // Research is a help: without money for it the reading stands alone.
            Err(Refused::Exhausted(_) | Refused::Cancelled) => return Ok(None),
            bought => bought?,
        };
        asking.paid(bought.cost);
        if let Err(error) = &bought.result {
            debug!(article_id = task.article.article_id, %error, "research failed, the reading stands without it");
        }
        Ok(bought.result.ok())
    }
}
