//! The work on one article: who reads it, what is bought for it, and when to give up.
//!
//! An article is read by the configured model, a cheaper one or the lexicon, as the ladder of its session's budget says;
//! a claim that is strong enough is researched. Every question goes to the journal first and is bought only if it was
//! never answered before. What fails is asked again within `retry.attempts_max`; an answer that cannot be read is asked to be
//! repaired once. Research is a help and no condition: where it fails or does not fit the budget, the reading stands
//! without it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::watch;

use super::outcome::{Ended, Evidence, Verdict};
use super::purchase::Buyer;
use crate::clock::Clock;
use crate::config::Rung;
use crate::enrich::articles::ANALYZER_LEXICON;
use crate::enrich::lexicon::{self, Lexicon};
use crate::enrich::validation::{self, Claim};
use crate::enrich::worth::{self, Reader, Research, Tier, Validate};
use crate::model::{Article, ArticleBatch, Budget, Deferral, Id, NanoUsd, Reading, Timestamp, identity};
use crate::provider::book::Standing;
use crate::provider::door::Purse;
use crate::provider::gate::State;
use crate::provider::ledger::{Owned, Refused};
use crate::provider::purchase::{Asking, Outcome};
use crate::provider::retry;

/// Times that an article which failed is tried again by itself, each after a longer wait, before it is given up.
const RECOVERIES_MAX: i32 = 5;

/// One article to be worked on, and who pays.
#[derive(Debug, Clone)]
pub struct Task {
    /// The article.
    pub article: Article,
    /// The batch it is counted in.
    pub batch_id: Id,
    /// The session that admitted it.
    pub session_id: String,
    /// Who pays.
    pub purse: Purse,
    /// Attempts that were made before.
    pub attempts: i32,
    /// Of these, made before somebody asked for its recovery.
    pub forgiven: i32,
    /// If it comes to wait again, it is since later than this, whatever clocks say.
    pub later_than: Timestamp,
    /// What they cost.
    pub spent: NanoUsd,
    /// Whether it comes from those who wait.
    pub waited: bool,
    /// When the work on it began.
    pub started_at: Timestamp,
}

impl Task {
    /// An article of a batch, paid by the session of the batch.
    #[must_use]
    pub fn of_batch(owned: &Arc<Owned>, batch: &ArticleBatch, article: Article, now: Timestamp) -> Self {
        let purse = Purse {
            owned: Arc::clone(owned),
            account: batch.account.clone(),
            session_id: batch.session_id.clone(),
            run_id: batch.run_id.clone(),
            article_id: article.article_id.clone(),
        };
        Self {
            article,
            batch_id: batch.batch_id.clone(),
            session_id: batch.session_id.clone(),
            purse,
            attempts: 0,
            forgiven: 0,
            later_than: Timestamp(0),
            spent: NanoUsd::ZERO,
            waited: false,
            started_at: now,
        }
    }

    /// An article that waited, paid by `session_id`.
    #[must_use]
    pub fn resumed(owned: &Arc<Owned>, deferral: &Deferral, session_id: String, now: Timestamp) -> Self {
        let purse = Purse {
            owned: Arc::clone(owned),
            account: deferral.account.clone(),
            session_id,
            run_id: deferral.run_id.clone(),
            article_id: deferral.article.article_id.clone(),
        };
        Self {
            article: deferral.article.clone(),
            batch_id: deferral.batch_id.clone(),
            session_id: deferral.session_id.clone(),
            purse,
            attempts: deferral.attempt,
            forgiven: deferral.forgiven,
            later_than: deferral.since,
            spent: deferral.spent,
            waited: true,
            started_at: now,
        }
    }

    /// The same with its attempts begun anew, as somebody asked at `recovered_at`: those that were made are forgiven.
    #[must_use]
    pub fn anew(self, recovered_at: Timestamp) -> Self {
        Self { forgiven: self.attempts, later_than: self.later_than.max(recovered_at), ..self }
    }

    /// The same where it had failed for good after so many attempts, at such a cost, and is to be tried again.
    #[must_use]
    pub fn failed(self, (attempts, spent): (u32, NanoUsd)) -> Self {
        let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
        Self { attempts, forgiven: attempts, spent, ..self }
    }

    /// What it comes to when its session, or the one that would pay, was cancelled.
    fn cancelled(&self) -> Verdict {
        if self.session_id == self.purse.session_id {
            Verdict::Cancelled
        } else {
            Verdict::Deferred("the session that would pay was cancelled".to_owned())
        }
    }

    /// The key of its record in `articles.deferred`.
    #[must_use]
    pub fn key(&self) -> Id {
        identity(&[&self.purse.run_id, &self.batch_id.0, &self.article.article_id, &self.article.origin])
    }
}

/// What the analyst goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `budget.ladder`.
    pub ladder: Vec<Rung>,
    /// What one article may cost at most; `None`: as much as its session has.
    pub cost_max: Option<NanoUsd>,
    /// Which readings are researched.
    pub research: Research,
    /// `retry.attempts_max`, for [`Verdict::Failed`]: attempts of one round.
    pub attempts_max: u32,
}

/// What articles cost and took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    articles: u32,
    cost: NanoUsd,
    took: Duration,
}

impl Pace {
    fn add(&mut self, cost: NanoUsd, took: Duration) {
        self.articles = self.articles.saturating_add(1);
        self.cost = self.cost.saturating_add(cost);
        self.took = self.took.saturating_add(took);
    }

    /// What `articles` more are expected to cost and to take, `side_by_side` of them at a time.
    pub(super) fn of(self, articles: usize, side_by_side: usize) -> (NanoUsd, Duration) {
        let known = self.articles.max(1);
        let more = u32::try_from(articles).unwrap_or(u32::MAX);
        let cost = NanoUsd(self.cost.0 / u64::from(known) * u64::from(more));
        let rounds = more.div_ceil(u32::try_from(side_by_side).unwrap_or(u32::MAX).max(1));
        (cost, (self.took / known).saturating_mul(rounds))
    }
}

/// Works on articles.
#[derive(Debug)]
pub struct Analyst {
    pub(super) settings: Settings,
    pub(super) buyer: Buyer,
    pub(super) lexicon: Lexicon,
    pub(super) pace: Mutex<Pace>,
    pub(super) clock: Clock,
}

impl Analyst {
    /// Works on one article until it is read, waits for a budget, or has failed.
    ///
    /// # Errors
    /// [`Refused::Closing`] and [`Refused::Ledger`]: nothing became of it, and it must be worked on again.
    pub async fn analyze(&self, task: &Task) -> Result<Ended, Refused> {
        let began = Instant::now();
        let mut asking = Asking::again(task.attempts, task.spent, self.settings.cost_max);
        let verdict = self.judge(task, &mut asking).await?;
        let took = began.elapsed();
        if matches!(verdict, Verdict::Analyzed(..)) {
            self.pace.lock().add(asking.cost, took);
        }
        Ok(Ended { verdict, attempts: asking.attempts, cost: asking.cost, took })
    }

    /// How the provider is.
    pub(super) fn provider(&self) -> watch::Receiver<State> {
        self.buyer.gate().watch()
    }

    /// What an article costs and takes on average, as far as this worker knows.
    pub(super) fn pace(&self) -> Pace {
        *self.pace.lock()
    }

    async fn judge(&self, task: &Task, asking: &mut Asking) -> Result<Verdict, Refused> {
        if task.purse.owned.is_cancelled(&task.purse.account, &task.session_id) {
            return Ok(Verdict::Cancelled);
        }
        let standing = self.standing(task);
        let mut committed = standing.spent.saturating_add(standing.reserved);
        let limit = standing.limit.unwrap_or(NanoUsd(u64::MAX));
        loop {
            let tier = worth::tier(&self.settings.ladder, committed, limit);
            let model = match tier.reader {
                Reader::Later => return Ok(Verdict::Deferred("the session's budget is spent".to_owned())),
                Reader::Lexicon => return Ok(self.by_lexicon(task, &tier)),
                Reader::Cheaper(model) => model,
                Reader::Configured => self.buyer.model(),
            };
            let bought = match self.buyer.reading(task, asking, model).await {
                Ok(bought) => bought,
                Err(Refused::Exhausted(budget)) if committed >= limit || self.defers_at_the_end() => {
                    return Ok(Verdict::Deferred(format!("the {} budget is spent", budget.as_str())));
                }
                Err(Refused::Cancelled) => return Ok(task.cancelled()),
                // What is left is too little: the ladder may know something cheaper.
                Err(Refused::Exhausted(_)) => {
                    committed = limit;
                    continue;
                }
                Err(refused) => return Err(refused),
            };
            return match bought {
                Outcome::Found(found) => {
                    let evidence = Evidence {
                        analyzer: self.buyer.provider(),
                        model: found.model,
                        prompt_version: found.prompt_version.to_owned(),
                        tier: tier.name,
                        tokens: found.tokens,
                        ..Evidence::default()
                    };
                    self.validated(task, asking, &tier, found.value, evidence).await
                }
                Outcome::Failed { error, for_good } => Ok(self.failed(task, asking, error, for_good)),
            };
        }
    }

    /// Whether a spent budget means waiting and nothing else.
    fn defers_at_the_end(&self) -> bool {
        matches!(worth::tier(&self.settings.ladder, NanoUsd(1), NanoUsd(1)).reader, Reader::Later)
    }

    fn standing(&self, task: &Task) -> Standing {
        let Purse { owned, account, session_id, .. } = &task.purse;
        let standings = owned.standing(account, session_id, self.clock.now());
        let none = Standing { spent: NanoUsd::ZERO, reserved: NanoUsd::ZERO, limit: None };
        standings.iter().find(|(budget, _)| *budget == Budget::Session).map_or(none, |(_, standing)| *standing)
    }

    fn by_lexicon(&self, task: &Task, tier: &Tier<'_>) -> Verdict {
        let Article { title, text, .. } = &task.article;
        let reading = self.lexicon.read(&lexicon::Question { title, text });
        let evidence = Evidence {
            analyzer: ANALYZER_LEXICON,
            prompt_version: lexicon::VERSION.to_owned(),
            tier: tier.name,
            ..Evidence::default()
        };
        Verdict::Analyzed(Box::new(reading), evidence)
    }

    /// The reading, with what research says of it where it is worth that.
    async fn validated(
        &self,
        task: &Task,
        asking: &mut Asking,
        tier: &Tier<'_>,
        mut reading: Reading,
        mut evidence: Evidence,
    ) -> Result<Verdict, Refused> {
        if worth::validate(&task.article, &reading, tier, &self.settings.research) == Validate::Search {
            let Article { title, text, url, .. } = &task.article;
            let found = self.buyer.research(task, asking, &Claim { title, text, url, reading: &reading }).await?;
            if let Some(findings) = found {
                let validation = findings.judge(&Claim { title, text, url, reading: &reading }, &self.lexicon);
                reading.confidence = validation::adjusted(reading.confidence, validation.agreement);
                evidence.validation_score = validation.agreement;
                evidence.sources = validation.sources;
            }
        }
        Ok(Verdict::Analyzed(Box::new(reading), evidence))
    }

    fn failed(&self, task: &Task, asking: &Asking, error: String, for_good: bool) -> Verdict {
        let made = asking.attempts - task.forgiven;
        let rounds = made / i32::try_from(self.settings.attempts_max).unwrap_or(i32::MAX).max(1);
        let again = !for_good && rounds <= RECOVERIES_MAX;
        let seed = StdRng::seed_from_u64(asking.attempts.unsigned_abs().into()).random::<u64>()
            ^ task.article.content_hash.bytes().fold(0, |seed: u64, byte| seed.rotate_left(8) ^ u64::from(byte));
        let wait = retry::recovery(rounds.unsigned_abs().max(1), seed);
        Verdict::Failed { error, again_at: again.then(|| self.clock.now().plus(wait)) }
    }
}
