//! The program on one screen: every hop, written in the order in which records go through it.

mod analyze;
mod hops;
pub(crate) mod providers;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc;

pub use self::hops::{HOPS, Line, hop_of, hops};
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::enrich::market::{self, NobodyAsked};
use crate::enrich::paid::{self, Received, Topics};
use crate::enrich::{ByLexicon, Setup};
use crate::flow::circuit::{self, Circuits};
use crate::flow::record::Limits;
use crate::flow::{Decode, Delivery, Encode, Hop, Record, Together};
use crate::kafka::{
    self, ANALYSIS_EVENTS, ANALYSIS_JOBS, ANALYSIS_LEDGER, ARTICLES_ANALYSES, ARTICLES_BATCHES, ARTICLES_DEFERRED,
    DLQ_SUFFIX, KafkaSink, MARKET_BATCHES, MARKET_CONTEXTS, MARKET_PENDING, MARKET_SERIES, SIGNALS, SPEND_LEDGER,
    Transactions,
};
use crate::model::{Analysis, ArticleBatch, ChartInContext, LIVE_RUN, MarketBatch, RawArticle, Series, Signal};
use crate::observe::{self, Component};
use crate::score::{Score, ScoreMarket};
use crate::sink::{ClickHouseSink, Codecs, Facts};
use crate::window::{
    ArticleWindow, Clean, CleanSettings, MarketWindow, MarketWindowSettings, ReadMarket, WindowSettings,
};
use crate::wire::{self, ALLOCATION_BYTES_MAX, Codec, Registry};

/// What every hop is given.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The configuration.
    pub config: Arc<Config>,
    /// Where time comes from.
    pub clock: Clock,
    /// The schema registry, where one is configured.
    pub registry: Option<Arc<Registry>>,
    /// Where rows go.
    pub store: Store,
    /// What stops hops that would make dead letters of most of what they read.
    pub circuits: Circuits,
}

/// When awaited, keeps a hop from beginning calls. Resolves when those may be cut off that are under way.
pub(crate) type Closing = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// A hop that reads and is ready to run.
pub(crate) struct Started {
    /// Resolves when the hop has ended.
    pub(crate) running: std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>,
    pub(crate) source: kafka::Reading,
    /// Awaited when the hop is to stop, so that no call begins that cannot end.
    pub(crate) closing: Option<Closing>,
}

impl Surroundings {
    /// Puts one hop of [`HOPS`] together.
    pub(crate) async fn start(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        match hop.name {
            "window/articles" => self.window_articles(hop, health).await,
            "enrich/articles" => self.enrich_articles(hop, health).await,
            "score/articles" => self.score_articles(hop, health).await,
            "window/market" => self.window_market(hop, health).await,
            "enrich/market" => self.enrich_market(hop, health).await,
            "score/market" => self.score_market(hop, health).await,
            "analyze" => self.analyze(hop, health).await,
            _ => self.sink(hop, health).await,
        }
    }

    async fn window_articles(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        let Config { articles, budget, limits, .. } = &*self.config;
        let read = self.codec::<RawArticle>(limits.record_bytes_max.in_memory()).await?;
        let write = self.codec::<ArticleBatch>(ALLOCATION_BYTES_MAX).await?;
        let screens = CleanSettings { chars_min: articles.min_chars, languages: articles.languages.clone() };
        let gather = WindowSettings {
            run_id: LIVE_RUN.to_owned(),
            account: budget.account.clone(),
            session: articles.session.clone(),
            articles_max: articles.batch_size,
            bytes_max: articles.batch_bytes_max.in_memory(),
            age_max: articles.batch_age_max,
            publishers_first: articles.publishers_first.clone(),
        };
        let (source, sink) = self.ends(hop, &[], &health).await?;
        let chain = self
            .hop(hop, source.deliveries)
            .stage(Decode::new("window/decode", read, |raw, record: &Arc<Record>| (raw, Arc::clone(record))))
            .stage(Clean::new(screens))
            .window(ArticleWindow::new(gather))
            .stage(Encode::new("window/encode", write, &self.topic(ARTICLES_BATCHES), |batch| vec![batch]))
            .land(sink, self.together());
        Ok(Started { running: Box::pin(chain), source: source.reading, closing: None })
    }

    async fn enrich_articles(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        if self.config.llm.provider != config::Provider::Lexicon {
            return self.enrich_articles_paid(hop, health).await;
        }
        let read = self.codec::<ArticleBatch>(ALLOCATION_BYTES_MAX).await?;
        let write = self.codec::<Analysis>(ALLOCATION_BYTES_MAX).await?;
        let (source, sink) = self.ends(hop, &[], &health).await?;
        let chain = self
            .hop(hop, source.deliveries)
            .stage(Decode::new("enrich/decode", read, ByLexicon::received))
            .stage(ByLexicon::new(self.clock.clone()))
            .stage(Encode::new("enrich/encode", write, &self.topic(ARTICLES_ANALYSES), |analyses| analyses))
            .land(sink, self.together());
        Ok(Started { running: Box::pin(chain), source: source.reading, closing: None })
    }

    async fn enrich_articles_paid(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        let Config { llm, articles, .. } = &*self.config;
        kafka::check_owners(&self.config.kafka).await?;
        let read = self.codec::<ArticleBatch>(ALLOCATION_BYTES_MAX).await?;
        // Four times as many articles as there may be calls under way keep the provider busy while others are looked up,
        // wait for their hold, or land: each of these takes a part of what a fast answer takes.
        let records_max = (4 * llm.concurrency_max).div_ceil(articles.batch_size).max(paid::RECORDS_MIN);
        let (source, transactions) = self.source_of(hop, &[], &health, records_max).await?;
        let sink = KafkaSink::new(transactions.clone(), self.clock.clone());
        let parts = Setup {
            config: Arc::clone(&self.config),
            clock: self.clock.clone(),
            store: self.store.clone(),
            group: source.reading.group.clone(),
            health,
            transactions,
            topics: Topics {
                batches: self.topic(ARTICLES_BATCHES),
                failed: self.topic(&format!("{ARTICLES_BATCHES}{DLQ_SUFFIX}")),
                analyses: self.topic(ARTICLES_ANALYSES),
                deferred: self.topic(ARTICLES_DEFERRED),
                ledger: self.topic(SPEND_LEDGER),
                sink_group: kafka::group_name(&self.config.kafka, "sink"),
            },
            analyses: self.codec(ALLOCATION_BYTES_MAX).await?,
            batches: self.codec(ALLOCATION_BYTES_MAX).await?,
            deferred: self.codec(ALLOCATION_BYTES_MAX).await?,
            waiting: self.codec(ALLOCATION_BYTES_MAX).await?,
            ledger: self.codec(ALLOCATION_BYTES_MAX).await?,
        };
        let parts = parts.build()?;
        let ledger = parts.ledger.clone();
        let closing: Closing = Box::pin(async move {
            ledger.close();
            // Calls that are under way are paid: their answers are in the log before the consumer leaves.
            let _ = ledger.settled().await;
        });
        let chain = self
            .hop(hop, source.deliveries)
            .stage(Decode::new("enrich/decode", read, Received::of))
            .stage(parts.stage)
            .land(sink, self.together());
        let running = Box::pin(async move { parts.ledger.beside(chain, parts.resumer.run()).await });
        Ok(Started { running, source: source.reading, closing: Some(closing) })
    }

    async fn score_articles(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        let read = self.codec::<Analysis>(ALLOCATION_BYTES_MAX).await?;
        let write = self.codec::<Signal>(ALLOCATION_BYTES_MAX).await?;
        let (source, sink) = self.ends(hop, &[], &health).await?;
        let chain = self
            .hop(hop, source.deliveries)
            .stage(Decode::new("score/decode", read, |analysis, _| analysis))
            .stage(Score::new(self.clock.clone()))
            .stage(Encode::new("score/encode", write, &self.topic(SIGNALS), |signal| vec![signal]))
            .land(sink, self.together());
        Ok(Started { running: Box::pin(chain), source: source.reading, closing: None })
    }

    async fn window_market(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        let Config { market, limits, .. } = &*self.config;
        let bytes_max = limits.record_bytes_max.in_memory();
        let read = self.codec::<Series>(bytes_max).await?;
        let write = self.codec::<MarketBatch>(ALLOCATION_BYTES_MAX).await?;
        let gather = MarketWindowSettings {
            series_max: market.batch_size,
            bytes_max: market.batch_bytes_max.in_memory(),
            age_max: market.batch_age_max,
        };
        let (source, sink) = self.ends(hop, &[], &health).await?;
        let chain = self
            .hop(hop, source.deliveries)
            .stage(ReadMarket::new(read, bytes_max))
            .window(MarketWindow::new(gather))
            .stage(Encode::new("window/encode", write, &self.topic(MARKET_BATCHES), |batch| vec![batch]))
            .land(sink, self.together());
        Ok(Started { running: Box::pin(chain), source: source.reading, closing: None })
    }

    async fn enrich_market(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        if self.config.coinalyze.enabled {
            return self.enrich_market_asked(hop, health).await;
        }
        let read = self.codec::<MarketBatch>(ALLOCATION_BYTES_MAX).await?;
        let write = self.codec::<ChartInContext>(ALLOCATION_BYTES_MAX).await?;
        let (source, sink) = self.ends(hop, &[], &health).await?;
        let chain = self
            .hop(hop, source.deliveries)
            .stage(Decode::new("enrich/decode", read, |batch, _| batch))
            .stage(NobodyAsked::new(self.clock.clone()))
            .stage(Encode::new("enrich/encode", write, &self.topic(MARKET_CONTEXTS), |charts| charts))
            .land(sink, self.together());
        Ok(Started { running: Box::pin(chain), source: source.reading, closing: None })
    }

    async fn enrich_market_asked(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        kafka::check_owners(&self.config.kafka).await?;
        let read = self.codec::<MarketBatch>(ALLOCATION_BYTES_MAX).await?;
        let (source, transactions) = self.source(hop, &[], &health).await?;
        let sink = KafkaSink::new(transactions.clone(), self.clock.clone());
        let parts = market::Setup {
            config: Arc::clone(&self.config),
            clock: self.clock.clone(),
            store: self.store.clone(),
            group: source.reading.group.clone(),
            health,
            transactions,
            topics: market::Topics {
                batches: self.topic(MARKET_BATCHES),
                contexts: self.topic(MARKET_CONTEXTS),
                pending: self.topic(MARKET_PENDING),
                series: self.topic(MARKET_SERIES),
                sink_group: kafka::group_name(&self.config.kafka, "sink"),
            },
            contexts: self.codec(ALLOCATION_BYTES_MAX).await?,
            pending: self.codec(ALLOCATION_BYTES_MAX).await?,
            learned: self.codec(ALLOCATION_BYTES_MAX).await?,
        };
        let parts = parts.build()?;
        let desk = parts.desk.clone();
        let closing: Closing = Box::pin(async move { desk.finish().await });
        let chain = self
            .hop(hop, source.deliveries)
            .stage(Decode::new("enrich/decode", read, market::Received::of))
            .stage(parts.stage)
            .land(sink, self.together());
        let running = Box::pin(market::together(chain, parts.asker, parts.desk));
        Ok(Started { running, source: source.reading, closing: Some(closing) })
    }

    async fn score_market(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        let read = self.codec::<ChartInContext>(ALLOCATION_BYTES_MAX).await?;
        let write = self.codec::<Signal>(ALLOCATION_BYTES_MAX).await?;
        let (source, sink) = self.ends(hop, &[], &health).await?;
        let strategies = self.config.market.strategies.clone();
        let chain = self
            .hop(hop, source.deliveries)
            .stage(Decode::new("score/decode", read, |chart, _| chart))
            .stage(ScoreMarket::new(strategies, self.clock.clone()))
            .stage(Encode::new("score/encode", write, &self.topic(SIGNALS), |signals| signals))
            .land(sink, self.together());
        Ok(Started { running: Box::pin(chain), source: source.reading, closing: None })
    }

    async fn sink(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        let Config { sink, budget, .. } = &*self.config;
        let codecs = Codecs {
            batches: (self.topic(ARTICLES_BATCHES), self.codec(ALLOCATION_BYTES_MAX).await?),
            analyses: (self.topic(ARTICLES_ANALYSES), self.codec(ALLOCATION_BYTES_MAX).await?),
            market: (self.topic(MARKET_BATCHES), self.codec(ALLOCATION_BYTES_MAX).await?),
            contexts: (self.topic(MARKET_CONTEXTS), self.codec(ALLOCATION_BYTES_MAX).await?),
            learned: (self.topic(MARKET_SERIES), self.codec(ALLOCATION_BYTES_MAX).await?),
            signals: (self.topic(SIGNALS), self.codec(ALLOCATION_BYTES_MAX).await?),
            ledger: (self.topic(SPEND_LEDGER), self.codec(ALLOCATION_BYTES_MAX).await?),
            jobs: (self.topic(ANALYSIS_JOBS), self.codec(self.config.limits.record_bytes_max.in_memory()).await?),
            events: (self.topic(ANALYSIS_EVENTS), self.codec(ALLOCATION_BYTES_MAX).await?),
            analysis_ledger: (self.topic(ANALYSIS_LEDGER), self.codec(ALLOCATION_BYTES_MAX).await?),
        };
        let dead_letters: Vec<String> =
            kafka::TOPICS.iter().map(|topic| topic.name.to_owned()).filter(|name| name.ends_with(DLQ_SUFFIX)).collect();
        let (source, transactions) = self.source(hop, &dead_letters, &health).await?;
        let rows =
            ClickHouseSink::new(self.store.clone(), transactions, budget.session_usd, self.clock.clone(), health);
        let together = Together { tick: sink.batch_age_max, entries_max: sink.batch_rows_max };
        let chain = self.hop(hop, source.deliveries).stage(Facts::new(codecs)).land(rows, together);
        Ok(Started { running: Box::pin(chain), source: source.reading, closing: None })
    }

    /// A hop that reads what `source` delivers, as long as not too much of it is rejected.
    fn hop(&self, hop: Line, source: mpsc::Receiver<Delivery<Arc<Record>>>) -> Hop<Arc<Record>> {
        let config::DeadLetters { consecutive_max, ratio_max, window, pause } = self.config.dead_letters;
        let limits = circuit::Limits { consecutive_max, ratio_max, window, pause };
        Hop::from(hop.name, source, self.clock.clone()).guarded(self.circuits.of(hop.name, limits))
    }

    async fn ends(&self, hop: Line, more: &[String], health: &Component) -> anyhow::Result<(kafka::Source, KafkaSink)> {
        let (source, transactions) = self.source(hop, more, health).await?;
        Ok((source, KafkaSink::new(transactions, self.clock.clone())))
    }

    async fn source(
        &self,
        hop: Line,
        more: &[String],
        health: &Component,
    ) -> anyhow::Result<(kafka::Source, Transactions)> {
        self.source_of(hop, more, health, self.config.flow.in_flight_records_max).await
    }

    async fn source_of(
        &self,
        hop: Line,
        more: &[String],
        health: &Component,
        records_max: usize,
    ) -> anyhow::Result<(kafka::Source, Transactions)> {
        let Config { kafka, flow, .. } = &*self.config;
        let inputs = hop.inputs.iter().copied().chain(more.iter().map(String::as_str));
        let settings = kafka::Settings {
            hop: hop.name,
            topics: inputs.map(|topic| self.topic(topic)).collect(),
            limits: Limits { bytes_max: flow.in_flight_bytes_max.in_memory(), records_max },
            drain: flow.drain,
        };
        let metrics = observe::hop(hop.name, &settings.topics);
        let source = kafka::subscribe(kafka, settings, self.clock.clone(), metrics.clone(), health.clone())?;
        let transactions = Transactions::begin(kafka, hop.name, source.reading.group.clone(), metrics)
            .await
            .with_context(|| format!("hop {}", hop.name))?;
        Ok((source, transactions))
    }

    pub(crate) fn together(&self) -> Together {
        Together { tick: self.config.flow.tick, entries_max: self.config.flow.in_flight_records_max }
    }

    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.config.kafka.topic_prefix)
    }

    pub(crate) async fn codec<T: wire::Record>(&self, bytes_max: usize) -> anyhow::Result<Codec<T>> {
        Ok(match &self.registry {
            Some(registry) => Codec::connect(Arc::clone(registry), &self.topic(T::TOPIC), bytes_max).await?,
            None => Codec::new(bytes_max)?,
        })
    }
}
