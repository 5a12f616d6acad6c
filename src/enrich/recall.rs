//! Articles read again by what was paid for before: no call, no cost. An article whose question was never answered is
//! handed on as missing.
//!
//! The question is the one that the hop would ask as configured, before any step of the ladder; the answer is looked for
//! in ClickHouse, thousands at a time. What a claim's research found is looked for in the same way.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;

use super::articles::ByLexicon;
use super::content::{self, Question};
use super::findings::Findings;
use super::lexicon::Lexicon;
pub(crate) use super::paid::outcome::{Asker, Evidence, told};
use super::paid::purchase::SEARCH_DEPTH;
use super::validation::{self, Claim};
use super::worth::{self, Reader, Research, Tier, Validate};
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config::{Config, Provider, Rung};
use crate::flow::{Stage, Verdict, compute};
use crate::model::{Analysis, Answer, Article, ArticleBatch, Id, NanoUsd, Reading, Timestamp};
use crate::provider::adapter;
use crate::provider::purchase;

/// A batch, and what was known of its articles.
#[derive(Debug)]
pub struct Recalled {
    /// The batch, with the articles that were read.
    pub batch: ArticleBatch,
    /// What was read in them.
    pub analyses: Vec<Analysis>,
    /// Those about which a question was never answered.
    pub missing: Vec<Article>,
    /// Of the articles that were read, those whose claim is worth research.
    pub researched: usize,
}

/// The stage.
#[derive(Debug)]
pub struct Recall {
    asks: Option<Asks>,
    lexicon: ByLexicon,
    store: Store,
    clock: Clock,
}

/// What would be asked of a model.
#[derive(Debug)]
struct Asks {
    provider: &'static str,
    model: String,
    parameters: String,
    ladder: Vec<Rung>,
    research: Research,
    /// Whether a claim whose research is not known is missing, because it can be bought.
    research_is_bought: bool,
    lexicon: Lexicon,
}

/// An article of a batch, and its question.
struct Asked {
    article: Article,
    key: Id,
}

impl Recall {
    /// As configured. `buys`: whether what is missing will be bought.
    #[must_use]
    pub fn new(config: &Config, store: Store, clock: Clock, buys: bool) -> Self {
        let lexicon = ByLexicon::new(clock.clone());
        Self { asks: Asks::new(config, buys), lexicon, store, clock }
    }

    /// The answers to all of these questions that have one.
    async fn answers(&self, keys: Vec<Id>) -> anyhow::Result<Arc<HashMap<Id, Answer>>> {
        let found = if keys.is_empty() { HashMap::new() } else { self.store.answers(&keys).await? };
        Ok(Arc::new(found))
    }
}

impl Stage for Recall {
    type In = ArticleBatch;
    type Out = Recalled;

    fn name(&self) -> &'static str {
        "enrich/articles"
    }

    async fn apply(self: Arc<Self>, batches: Vec<ArticleBatch>) -> anyhow::Result<Vec<Verdict<Recalled>>> {
        if self.asks.is_none() {
            return compute(move || batches.into_iter().map(|batch| Verdict::Keep(self.by_lexicon(batch))).collect())
                .await;
        }
        let this = Arc::clone(&self);
        let batches: Vec<(ArticleBatch, Vec<Asked>)> =
            compute(move || batches.into_iter().map(|batch| this.ask(batch)).collect()).await?;
        let keys = batches.iter().flat_map(|(_, asked)| asked.iter().map(|asked| asked.key.clone())).collect();
        let answers = self.answers(keys).await.context("looking up paid answers")?;
        let (this, known) = (Arc::clone(&self), Arc::clone(&answers));
        let (batches, searches) = compute(move || {
            let searches = this.searches(&batches, &known);
            (batches, searches)
        })
        .await?;
        let findings = self.answers(searches).await.context("looking up research")?;
        compute(move || {
            let now = self.clock.now();
            let known = Known { answers: &answers, findings: &findings };
            batches.into_iter().map(|(batch, asked)| Verdict::Keep(self.recall(batch, asked, known, now))).collect()
        })
        .await
    }
}

/// What was paid for before.
#[derive(Clone, Copy)]
struct Known<'a> {
    answers: &'a HashMap<Id, Answer>,
    findings: &'a HashMap<Id, Answer>,
}

impl Recall {
    fn by_lexicon(&self, batch: ArticleBatch) -> Recalled {
        let analyses = self.lexicon.analyze(&batch, 0);
        Recalled { batch, analyses, missing: Vec::new(), researched: 0 }
    }

    /// Takes the articles out of their batch, each with its question.
    fn ask(&self, mut batch: ArticleBatch) -> (ArticleBatch, Vec<Asked>) {
        let articles = std::mem::take(&mut batch.articles);
        let Some(asks) = &self.asks else { return (batch, Vec::new()) };
        let ask = |article: Article| {
            let key = Question::new(&article.title, &article.text, &asks.model, &asks.parameters).key;
            Asked { article, key }
        };
        (batch, articles.into_iter().map(ask).collect())
    }

    /// The searches for all claims that are worth one.
    fn searches(&self, batches: &[(ArticleBatch, Vec<Asked>)], answers: &HashMap<Id, Answer>) -> Vec<Id> {
        let Some(asks) = self.asks.as_ref().filter(|asks| asks.research.enabled) else { return Vec::new() };
        let all = batches.iter().flat_map(|(_, asked)| asked);
        let search = |asked: &Asked| {
            let reading = content::read(&answers.get(&asked.key)?.text).ok()?;
            asks.search(&asked.article, &reading)
        };
        all.filter_map(search).collect()
    }

    fn recall(&self, batch: ArticleBatch, asked: Vec<Asked>, known: Known<'_>, now: Timestamp) -> Recalled {
        let mut recalled = Recalled { batch, analyses: Vec::new(), missing: Vec::new(), researched: 0 };
        let Some(asks) = &self.asks else { return recalled };
        for Asked { article, key } in asked {
            match asks.read(&article, &key, known) {
                Some((reading, evidence, is_researched)) => {
                    let ArticleBatch { run_id, session_id, batch_id, .. } = &recalled.batch;
                    let reader = Asker { run: run_id, session: session_id, batch: batch_id };
                    let analysis = told(&reader, &article, Some(reading), evidence, [now, now]);
                    recalled.analyses.push(analysis);
                    recalled.batch.articles.push(article);
                    recalled.researched += usize::from(is_researched);
                }
                None => recalled.missing.push(article),
            }
        }
        recalled
    }
}

impl Asks {
    /// `None` where nothing is asked of a model: the lexicon reads.
    fn new(config: &Config, buys: bool) -> Option<Self> {
        let provider = match config.llm.provider {
            Provider::Lexicon => return None,
            paid => paid.as_str(),
        };
        let ladder = config.budget.ladder.clone();
        let model = match tier(&ladder).reader {
            Reader::Configured => adapter::model(&config.llm).to_owned(),
            Reader::Cheaper(model) => model.to_owned(),
            Reader::Lexicon | Reader::Later => return None,
        };
        Some(Self {
            provider,
            model,
            parameters: purchase::parameters(provider, adapter::max_output_tokens(&config.llm)),
            ladder,
            research: Research { enabled: config.tavily.enabled, strength_min: config.tavily.min_strength },
            research_is_bought: buys,
            lexicon: Lexicon::new(),
        })
    }

    /// The search that a claim is worth; `None` where it is worth none.
    fn search(&self, article: &Article, reading: &Reading) -> Option<Id> {
        if worth::validate(article, reading, &tier(&self.ladder), &self.research) != Validate::Search {
            return None;
        }
        let claim = Claim { title: &article.title, text: &article.text, url: &article.url, reading };
        validation::query(&claim).map(|query| validation::search_key(&query, SEARCH_DEPTH))
    }

    /// What is known of an article, and whether its claim is worth research; `None` where something has to be bought.
    fn read(&self, article: &Article, key: &Id, known: Known<'_>) -> Option<(Reading, Evidence, bool)> {
        let answer = known.answers.get(key)?;
        let mut reading = content::read(&answer.text).ok()?;
        let mut evidence = Evidence {
            analyzer: self.provider,
            model: answer.model.clone(),
            prompt_version: content::PROMPT_VERSION.to_owned(),
            tier: tier(&self.ladder).name,
            tokens: [answer.input_tokens, answer.output_tokens],
            ..Evidence::default()
        };
        let Some(search) = self.search(article, &reading) else { return Some((reading, evidence, false)) };
        let findings = known.findings.get(&search).and_then(|kept| serde_json::from_str::<Findings>(&kept.text).ok());
        match findings {
            Some(findings) => {
                let claim = Claim { title: &article.title, text: &article.text, url: &article.url, reading: &reading };
                let found = findings.judge(&claim, &self.lexicon);
                reading.confidence = validation::adjusted(reading.confidence, found.agreement);
                evidence.validation_score = found.agreement;
                evidence.sources = found.sources;
            }
            // Research is a help: where none can be bought, the reading stands alone.
            None if self.research_is_bought => return None,
            None => {}
        }
        Some((reading, evidence, true))
    }
}

/// What the ladder allows while nothing is spent.
fn tier(ladder: &[Rung]) -> Tier<'_> {
    worth::tier(ladder, NanoUsd::ZERO, NanoUsd(u64::MAX))
}
