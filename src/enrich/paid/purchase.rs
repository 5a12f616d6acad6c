//! Answers to questions: from the journal where they were ever paid for, from a provider otherwise.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tracing::{debug, warn};

use super::article::Task;
use super::findings::Findings;
use crate::clock::Clock;
use crate::enrich::content::{self, Question};
use crate::enrich::validation::{self, Claim};
use crate::model::{Answer, NanoUsd, Reading};
use crate::observe::{self, JournalMetrics};
use crate::provider::adapter::{Finding, Llm, Prompt, Reply, Schema, Search, Tavily, Topic};
use crate::provider::bound;
use crate::provider::call::{Bill, CallError, Called, Usage};
use crate::provider::door::{Door, Miss, Quote};
use crate::provider::gate::Gate;
use crate::provider::journal::Journal;
use crate::provider::ledger::{Ledger, Refused};
use crate::provider::price::Catalog;
use crate::provider::retry::{Decision, Policy};

/// Asking a model about an article, repairing its answer, and searching, as metrics and `spend` name them.
pub const OPERATIONS: &[&str] = &["analyze", "repair"];
/// What is asked of Tavily.
pub const SEARCHES: &[&str] = &["search"];
/// Seed of every question: the same question, the same answer, as far as a provider can.
const SEED: i32 = 7;
/// Findings that a search brings.
const FINDINGS: usize = 5;
/// Credits that a search takes: basic depth.
pub(super) const SEARCH_CREDITS: u64 = 1;

/// What the work on one article has taken so far.
#[derive(Debug)]
pub struct Asking {
    /// Attempts, earlier ones included.
    pub attempts: i32,
    /// Of this round.
    round: u32,
    /// What it cost this time.
    pub cost: NanoUsd,
    /// What it may still cost.
    spent_before: NanoUsd,
    rng: StdRng,
}

impl Asking {
    /// At the beginning of a round.
    #[must_use]
    pub fn of(task: &Task) -> Self {
        Self {
            attempts: task.attempts,
            round: 0,
            cost: NanoUsd::ZERO,
            spent_before: task.spent,
            rng: StdRng::seed_from_u64(rand::random()),
        }
    }
}

/// An answer, bought or remembered.
#[derive(Debug)]
pub struct Found<T> {
    /// What was read in it.
    pub value: T,
    /// The model version that answered.
    pub model: String,
    /// The version of the question.
    pub prompt_version: &'static str,
    /// Tokens in and out.
    pub tokens: [i64; 2],
}

/// How asking ended.
#[derive(Debug)]
pub enum Outcome<T> {
    /// With an answer.
    Found(Found<T>),
    /// Without one.
    Failed {
        /// The last error.
        error: String,
        /// Asking again would bring the same.
        for_good: bool,
    },
}

/// What a buyer goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configured model.
    pub model: String,
    /// Longest answer in tokens.
    pub max_output_tokens: u32,
    /// Whether the provider's own count of a question is asked for, where it is free.
    pub counts_ahead: bool,
    /// What one article may cost at most; `None`: as much as its session has.
    pub article_max: Option<NanoUsd>,
    /// When to ask again.
    pub policy: Policy,
}

/// Research, and the door to it.
#[derive(Debug)]
pub struct Researcher {
    pub(super) tavily: Tavily,
    pub(super) door: Door,
}

/// Buys answers.
#[derive(Debug)]
pub struct Buyer {
    pub(super) settings: Settings,
    pub(super) llm: Llm,
    pub(super) gate: Gate,
    pub(super) door: Door,
    pub(super) research: Option<Researcher>,
    pub(super) journal: Journal,
    pub(super) ledger: Ledger,
    pub(super) catalog: Arc<Catalog>,
    pub(super) schema: Arc<Schema>,
    /// The most tokens of what all questions have in common, instructions and schema; found at the first one.
    pub(super) fixed_tokens: OnceLock<u64>,
    pub(super) hits: JournalMetrics,
    pub(super) clock: Clock,
}

impl Buyer {
    /// The configured model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.settings.model
    }

    /// Who is asked.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.llm.name()
    }

    /// What `model` reads in the article of `task`.
    ///
    /// # Errors
    /// As [`Refused`] says.
    pub async fn reading(&self, task: &Task, asking: &mut Asking, model: &str) -> Result<Outcome<Reading>, Refused> {
        let question = Question::new(&task.article.title, &task.article.text, model, &self.parameters());
        let _turn = self.journal.turn(&question.key).await;
        if let Some(answer) = self.journal.find(&task.purse.owned, &question.key).await? {
            match content::read(&answer.text) {
                Ok(reading) => return Ok(Outcome::Found(self.remembered(reading, &answer, question.prompt_version))),
                // It could be read when it was kept: this version of the program reads more strictly.
                Err(error) => warn!(%error, "a kept answer cannot be read any more, it is bought again"),
            }
        }
        self.buy(task, asking, model, &question).await
    }

    /// Asks until there is an answer that can be read, or none is to be expected.
    async fn buy(
        &self,
        task: &Task,
        asking: &mut Asking,
        model: &str,
        question: &Question,
    ) -> Result<Outcome<Reading>, Refused> {
        let mut asked = question.clone();
        let mut operation = "analyze";
        // Counted once, however often it is asked.
        let mut tokens = None;
        loop {
            let prompt = self.prompt(&asked, model);
            let counted = match tokens {
                Some(counted) => counted,
                None => *tokens.insert(self.input_tokens_max(&prompt, &asked).await),
            };
            let Some(worst) = self.worst(&prompt, counted) else {
                let error = format!("{model} of {} has no price: it is not asked", self.provider());
                return Ok(Outcome::Failed { error, for_good: true });
            };
            if let Some(error) = self.too_dear(asking, worst) {
                return Ok(Outcome::Failed { error, for_good: true });
            }
            asking.attempts += 1;
            asking.round += 1;
            let again = asking.round > 1;
            let quote = Quote { provider: self.provider(), model, operation, key: &question.key, worst, again };
            let read = |reply: Reply| {
                if reply.truncated {
                    return Err(format!("it ends after {} tokens", prompt.max_output_tokens));
                }
                content::read(&reply.text).map(|reading| (reading, reply.text))
            };
            let bought = self.door.call(&task.purse, quote, self.ask(&prompt), read, |usage| self.cost(usage)).await?;
            asking.cost = asking.cost.saturating_add(bought.cost);
            match bought.result {
                Ok(reading) => return Ok(Outcome::Found(found(reading, bought.usage, question.prompt_version))),
                Err(Miss::Unreadable(complaint)) if operation == "analyze" => {
                    debug!(article_id = task.article.article_id, complaint, "an answer cannot be read, it is repaired");
                    (asked, operation, tokens) = (question.repair(&complaint), "repair", None);
                }
                Err(Miss::Unreadable(error)) => return Ok(Outcome::Failed { error, for_good: true }),
                Err(Miss::Call(error)) => {
                    if let Some(for_good) = self.after(&error, asking).await? {
                        return Ok(Outcome::Failed { error: error.to_string(), for_good });
                    }
                }
            }
        }
    }

    /// Asks once, and tells the metrics that OpenTelemetry's conventions ask for.
    async fn ask(&self, prompt: &Prompt) -> Called<Reply> {
        let began = Instant::now();
        let called = self.llm.ask(prompt).await;
        let [operation, provider] = self.llm.conventional_names();
        let metrics = observe::gen_ai(operation, provider, &prompt.model);
        metrics.took(began.elapsed(), called.result.as_ref().err().map(CallError::as_str));
        if let Bill::Usage(usage) = &called.bill {
            metrics.tokens(usage.input_tokens, usage.output_tokens);
        }
        called
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
        let (Some(Researcher { tavily, door }), Some(query)) = (&self.research, validation::query(claim)) else {
            return Ok(None);
        };
        let key = validation::search_key(&query, "basic");
        let _turn = self.journal.turn(&key).await;
        if let Some(answer) = self.journal.find(&task.purse.owned, &key).await?
            && let Ok(findings) = serde_json::from_str(&answer.text)
        {
            self.hits.hit(1);
            return Ok(Some(findings));
        }
        let credit = self.catalog.credit(tavily.name(), None, self.clock.now());
        let Some(worst) = credit.and_then(|credit| credit.0.checked_mul(SEARCH_CREDITS)).map(NanoUsd) else {
            return Ok(None);
        };
        if self.too_dear(asking, worst).is_some() {
            return Ok(None);
        }
        let search = Search { query, topic: Topic::News, from: None, to: None, results_max: FINDINGS };
        let quote = Quote { provider: tavily.name(), model: "", operation: "search", key: &key, worst, again: false };
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
        asking.cost = asking.cost.saturating_add(bought.cost);
        if let Err(error) = &bought.result {
            debug!(article_id = task.article.article_id, %error, "research failed, the reading stands without it");
        }
        Ok(bought.result.ok())
    }

    /// What decides an answer beside the question: a change makes another question.
    fn parameters(&self) -> String {
        format!("{} {} {SEED}", self.provider(), self.settings.max_output_tokens)
    }

    fn remembered<T>(&self, value: T, answer: &Answer, prompt_version: &'static str) -> Found<T> {
        self.hits.hit(1);
        Found {
            value,
            model: answer.model.clone(),
            prompt_version,
            tokens: [answer.input_tokens, answer.output_tokens],
        }
    }

    fn prompt(&self, question: &Question, model: &str) -> Prompt {
        Prompt {
            system: Arc::clone(&question.system),
            user: question.user.clone(),
            schema: Arc::clone(&self.schema),
            model: model.to_owned(),
            max_output_tokens: self.settings.max_output_tokens,
            seed: SEED,
        }
    }

    /// The most that a question of so many tokens may cost; `None` where the model has no price.
    fn worst(&self, prompt: &Prompt, tokens: u64) -> Option<NanoUsd> {
        let output = u64::from(prompt.max_output_tokens);
        self.catalog.worst(self.provider(), &prompt.model, self.clock.now(), tokens, output)
    }

    /// The provider's own count where it is free and wanted, our own bound otherwise.
    async fn input_tokens_max(&self, prompt: &Prompt, question: &Question) -> u64 {
        let local = || {
            let fixed = || bound::question_tokens_max(&[&question.system, &question.schema.to_string()]);
            let fixed = *self.fixed_tokens.get_or_init(fixed);
            fixed.saturating_add(bound::question_tokens_max(&[&question.user]))
        };
        if !self.settings.counts_ahead || self.gate.state().is_out() {
            return local();
        }
        match self.llm.count(prompt).await {
            Some(Ok(counted)) => counted,
            Some(Err(error)) => {
                debug!(%error, "the provider did not count a question, the local bound stands in");
                local()
            }
            None => local(),
        }
    }

    /// The gate of the model: how the provider is.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    fn cost(&self, usage: &Usage) -> Option<NanoUsd> {
        let price = self.catalog.price(self.provider(), &usage.model, self.clock.now());
        let cost = price.and_then(|price| price.cost(usage));
        if cost.is_none() {
            warn!(model = usage.model, "what a call used cannot be priced, its whole hold counts");
        }
        cost
    }

    fn too_dear(&self, asking: &Asking, worst: NanoUsd) -> Option<String> {
        let limit = self.settings.article_max?;
        let all = asking.spent_before.saturating_add(asking.cost).saturating_add(worst);
        (all > limit).then(|| format!("the article may cost ${limit}, and another call could bring it to ${all}"))
    }

    /// Waits until the question is asked again, or says whether it never will be: `true`, or at another time.
    async fn after(&self, error: &CallError, asking: &mut Asking) -> Result<Option<bool>, Refused> {
        let is_out = self.gate.state().is_out();
        let wait = match self.settings.policy.next(asking.round, error, is_out, &mut asking.rng) {
            Decision::GiveUp => return Ok(Some(matches!(error, CallError::Permanent { .. }))),
            Decision::Again(wait) => wait,
            Decision::Resume(wait) => {
                // It says nothing about the question.
                asking.round -= 1;
                asking.attempts -= 1;
                wait
            }
        };
        tokio::select! {
            () = self.clock.sleep_until(self.clock.now().plus(wait.max(Duration::from_millis(1)))) => Ok(None),
            () = self.ledger.closed() => Err(Refused::Closing),
        }
    }
}

fn found(reading: Reading, usage: Option<Usage>, prompt_version: &'static str) -> Found<Reading> {
    let Usage { model, input_tokens, output_tokens, .. } = usage.unwrap_or_default();
    let tokens = [input_tokens, output_tokens].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    Found { value: reading, model, prompt_version, tokens }
}
