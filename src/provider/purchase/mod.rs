//! A question to a language model: answered from the journal where it was ever paid for, bought otherwise.
//!
//! Whoever asks a model asks this way: the question's turn, the journal, the worst case, the door, the reading of the
//! answer, and what the policy says of an attempt that failed. What is asked, and how an answer is read, is an
//! [`Inquiry`]; a hop adds one, and nothing of this.

mod asking;
mod check;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tracing::{debug, warn};

pub use self::asking::{Asking, Found, Outcome};
pub use self::check::check;
use super::adapter::{self, Llm, Prompt, Reply, Schema};
use super::bound;
use super::call::{Bill, CallError, Called, Usage};
use super::door::{Door, Miss, Purse, Quote};
use super::gate::{self, Gate};
use super::journal::Journal;
use super::ledger::{Ledger, Refused};
use super::price::Catalog;
use super::retry::{Decision, Policy};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{Answer, Id, NanoUsd, Timestamp};
use crate::observe::{self, JournalMetrics};

/// What a question is called that asks for a better answer, by metrics and `spend`.
pub const REPAIR: &str = "repair";
/// Seed of every question: the same question, the same answer, as far as a provider can.
const SEED: i32 = 7;

/// What is sent to a model, and the name under which its answer is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What to do; the same for all questions of a buyer.
    pub system: Arc<str>,
    /// What to do it with.
    pub user: String,
    /// For the column of that name.
    pub prompt_version: &'static str,
    /// Made of all that decides the answer: the same question again has the same key.
    pub key: Id,
}

/// What is asked, and how its answer is read.
pub trait Inquiry: Sync {
    /// What is read in an answer.
    type Answer: Send;
    /// As metrics and `spend` name it.
    const OPERATION: &'static str;

    /// The question.
    fn question(&self) -> Question;

    /// Reads an answer.
    ///
    /// # Errors
    /// What is wrong with it, as part of a sentence.
    fn read(answer: &str) -> Result<Self::Answer, String>;

    /// The question that asks for a better answer than the one with this complaint, once; `None` where that is not
    /// worth another call.
    fn repair(&self, _complaint: &str) -> Option<Question> {
        None
    }
}

/// What a buyer is made from, beside the configuration.
#[derive(Debug)]
pub struct Parts {
    /// Who is asked.
    pub llm: Llm,
    /// What it is asked for, as metrics name it.
    pub operations: &'static [&'static str],
    /// Name of the answer's schema.
    pub schema_name: &'static str,
    /// JSON Schema of the answer.
    pub schema: Arc<Value>,
    /// Who keeps the books.
    pub ledger: Ledger,
    /// Who knows what was paid for.
    pub journal: Journal,
    /// What models cost.
    pub catalog: Arc<Catalog>,
    /// Where time comes from.
    pub clock: Clock,
}

/// Buys answers.
#[derive(Debug)]
pub struct Buyer {
    llm: Llm,
    gate: Gate,
    door: Door,
    journal: Journal,
    ledger: Ledger,
    catalog: Arc<Catalog>,
    schema: Arc<Schema>,
    schema_text: String,
    model: String,
    max_output_tokens: u32,
    /// Whether the provider's own count of a question is asked for, where it is free.
    counts_ahead: bool,
    policy: Policy,
    /// The most tokens of what all questions have in common, instructions and schema; found at the first one.
    fixed_tokens: OnceLock<u64>,
    hits: JournalMetrics,
    clock: Clock,
}

impl Buyer {
    /// As configured.
    #[must_use]
    pub fn new(parts: Parts, config: &Config) -> Self {
        let Parts { llm, operations, schema_name, schema, ledger, journal, catalog, clock } = parts;
        let gate = Gate::new(&gate::Settings::configured(config, llm.name(), operations), clock.clone());
        Self {
            door: Door::new(ledger.clone(), gate.clone(), config.llm.concurrency_max, clock.clone()),
            llm,
            gate,
            journal,
            ledger,
            catalog,
            schema: Arc::new(Schema::new(schema_name, &schema)),
            schema_text: schema.to_string(),
            model: adapter::model(&config.llm).to_owned(),
            max_output_tokens: adapter::max_output_tokens(&config.llm),
            counts_ahead: config.llm.count_ahead,
            policy: Policy::new(&config.retry),
            fixed_tokens: OnceLock::new(),
            hits: observe::journal(),
            clock,
        }
    }

    /// The configured model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Who is asked.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.llm.name()
    }

    /// The gate of the model: how the provider is.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What decides an answer beside the question: a change makes another question.
    #[must_use]
    pub fn parameters(&self) -> String {
        parameters(self.provider(), self.max_output_tokens)
    }

    /// What `model` answers.
    ///
    /// # Errors
    /// As [`Refused`] says.
    pub async fn answer<I: Inquiry>(
        &self,
        purse: &Purse,
        asking: &mut Asking,
        model: &str,
        inquiry: &I,
    ) -> Result<Outcome<I::Answer>, Refused> {
        let question = inquiry.question();
        let looked_up = async {
            let turn = self.journal.turn(&question.key).await;
            Ok::<_, Refused>((turn, self.journal.find(&purse.owned, &question.key).await?))
        };
        let (_turn, kept) = tokio::select! {
            biased;
            looked_up = looked_up => looked_up?,
            () = self.clock.passed(asking.until) => {
                let error = "nobody could say in time whether it was answered before".to_owned();
                return Ok(Outcome::Failed { error, for_good: false });
            }
        };
        if let Some(answer) = kept {
            match I::read(&answer.text) {
                Ok(value) => return Ok(Outcome::Found(self.remembered(value, &answer, question.prompt_version))),
                // It could be read when it was kept: this version of the program reads more strictly.
                Err(error) => warn!(%error, "a kept answer cannot be read any more, it is bought again"),
            }
        }
        self.buy(purse, asking, model, inquiry, &question).await
    }

    /// Asks until there is an answer that can be read, or none is to be expected.
    async fn buy<I: Inquiry>(
        &self,
        purse: &Purse,
        asking: &mut Asking,
        model: &str,
        inquiry: &I,
        question: &Question,
    ) -> Result<Outcome<I::Answer>, Refused> {
        let failed = |error, for_good| Ok(Outcome::Failed { error, for_good });
        let mut asked = question.clone();
        let mut operation = I::OPERATION;
        // Counted once, however often it is asked.
        let mut tokens = None;
        loop {
            let prompt = self.prompt(&asked, model);
            let counted = match tokens {
                Some(counted) => counted,
                None => *tokens.insert(self.input_tokens_max(&prompt).await),
            };
            let Some(worst) = self.worst(&prompt, counted) else {
                return failed(format!("{model} of {} has no price: it is not asked", self.provider()), true);
            };
            if let Some(error) = asking.too_dear(worst) {
                return failed(error, true);
            }
            asking.attempts += 1;
            asking.round += 1;
            let quote = Quote {
                provider: self.provider(),
                model,
                operation,
                key: &question.key,
                worst,
                again: asking.round > 1,
                until: asking.until,
            };
            let read = |reply: Reply| {
                if reply.truncated {
                    return Err(format!("it ends after {} tokens", prompt.max_output_tokens));
                }
                I::read(&reply.text).map(|value| (value, reply.text))
            };
            let bought = self.door.call(purse, quote, self.ask(&prompt), read, |usage| self.cost(usage)).await?;
            asking.paid(bought.cost);
            match bought.result {
                Ok(value) => return Ok(Outcome::Found(found(value, bought.usage, question.prompt_version))),
                Err(Miss::Away(error)) => return failed(error, false),
                Err(Miss::Unreadable(complaint)) => match inquiry.repair(&complaint) {
                    Some(repair) if operation != REPAIR => {
                        debug!(about = purse.article_id, complaint, "an answer cannot be read, it is repaired");
                        (asked, operation, tokens) = (repair, REPAIR, None);
                    }
                    _ => return failed(complaint, true),
                },
                Err(Miss::Call(error)) => {
                    if let Some(for_good) = self.after(&error, asking).await? {
                        return failed(error.to_string(), for_good);
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
            max_output_tokens: self.max_output_tokens,
            seed: SEED,
        }
    }

    /// The most that a question of so many tokens may cost; `None` where the model has no price.
    fn worst(&self, prompt: &Prompt, tokens: u64) -> Option<NanoUsd> {
        let output = u64::from(prompt.max_output_tokens);
        self.catalog.worst(self.provider(), &prompt.model, self.clock.now(), tokens, output)
    }

    /// The provider's own count where it is free and wanted, our own bound otherwise.
    async fn input_tokens_max(&self, prompt: &Prompt) -> u64 {
        let local = || {
            let fixed = || bound::question_tokens_max(&[&prompt.system, &self.schema_text]);
            let fixed = *self.fixed_tokens.get_or_init(fixed);
            fixed.saturating_add(bound::question_tokens_max(&[&prompt.user]))
        };
        if !self.counts_ahead || self.gate.state().is_out() {
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

    fn cost(&self, usage: &Usage) -> Option<NanoUsd> {
        let price = self.catalog.price(self.provider(), &usage.model, self.clock.now());
        let cost = price.and_then(|price| price.cost(usage));
        if cost.is_none() {
            warn!(model = usage.model, "what a call used cannot be priced, its whole hold counts");
        }
        cost
    }

    /// Waits until the question is asked again, or says whether it never will be: `true`, or at another time.
    async fn after(&self, error: &CallError, asking: &mut Asking) -> Result<Option<bool>, Refused> {
        let is_out = self.gate.state().is_out();
        let wait = match self.policy.next(asking.round, error, is_out, &mut asking.rng) {
            Decision::GiveUp => return Ok(Some(matches!(error, CallError::Permanent { .. }))),
            Decision::Again(wait) => wait,
            Decision::Resume(wait) => {
                // It says nothing about the question.
                asking.round -= 1;
                asking.attempts -= 1;
                wait
            }
        };
        let again_at: Timestamp = self.clock.now().plus(wait.max(Duration::from_millis(1)));
        if asking.until.is_some_and(|until| is_out || again_at >= until) {
            return Ok(Some(false));
        }
        tokio::select! {
            () = self.clock.sleep_until(again_at) => Ok(None),
            () = self.ledger.closed() => Err(Refused::Closing),
        }
    }
}

/// What decides an answer of `provider` beside the question.
#[must_use]
pub fn parameters(provider: &str, max_output_tokens: u32) -> String {
    format!("{provider} {max_output_tokens} {SEED}")
}

fn found<T>(value: T, usage: Option<Usage>, prompt_version: &'static str) -> Found<T> {
    let Usage { model, input_tokens, output_tokens, .. } = usage.unwrap_or_default();
    let tokens = [input_tokens, output_tokens].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    Found { value, model, prompt_version, tokens }
}
