//! The hop `analyze`, put together.

use std::sync::Arc;

use tracing::warn;

use super::{Closing, Line, Started, Surroundings};
use crate::analyze::summary::{self, Writer};
use crate::analyze::{self, Received};
use crate::config::Provider;
use crate::flow::Decode;
use crate::kafka::{
    self, ANALYSIS_CANCELLATIONS, ANALYSIS_EVENTS, ANALYSIS_JOBS, ANALYSIS_LEDGER, ANALYSIS_WORKERS, DLQ_SUFFIX, Group,
    KafkaSink, Transactions,
};
use crate::model::Job;
use crate::observe::Component;
use crate::wire::ALLOCATION_BYTES_MAX;

impl Surroundings {
    pub(super) async fn analyze(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        let read = self.codec::<Job>(self.config.limits.record_bytes_max.in_memory()).await?;
        let in_line = analyze::in_line(&self.config);
        let (source, transactions) = self.source_of(hop, &[], &health, in_line).await?;
        let sink = KafkaSink::new(transactions.clone(), self.clock.clone());
        let summaries = self.summaries(&source.reading.group, &transactions).await?;
        let writer = summaries.as_ref().map_or_else(Writer::template, |parts| parts.writer.clone());
        let parts = analyze::Setup {
            config: Arc::clone(&self.config),
            clock: self.clock.clone(),
            store: self.store.clone(),
            group: source.reading.group.clone(),
            health,
            transactions,
            topics: analyze::Topics {
                jobs: self.topic(ANALYSIS_JOBS),
                failed: self.topic(&format!("{ANALYSIS_JOBS}{DLQ_SUFFIX}")),
                events: self.topic(ANALYSIS_EVENTS),
                cancellations: self.topic(ANALYSIS_CANCELLATIONS),
                workers: self.topic(ANALYSIS_WORKERS),
            },
            events: self.codec(ALLOCATION_BYTES_MAX).await?,
            cancellations: self.codec(ALLOCATION_BYTES_MAX).await?,
            workers: self.codec(ALLOCATION_BYTES_MAX).await?,
            writer: writer.clone(),
        };
        let parts = parts.build().await?;
        let door = parts.door.clone();
        let closing: Closing = Box::pin(async move {
            door.close();
            if let Err(error) = writer.finish().await {
                warn!(error = format!("{error:#}"), "what summaries have cost is not in the log");
            }
        });
        let chain = self
            .hop(hop, source.deliveries)
            .stage(Decode::new("analyze/decode", read, Received::of))
            .apart()
            .stage(parts.stage)
            .land(sink, self.together());
        let chain = analyze::together(chain, parts.reporter);
        let running = Box::pin(async move {
            match summaries {
                Some(summary::Parts { ledger, keeper, .. }) => ledger.beside(chain, keeper.run()).await,
                None => chain.await,
            }
        });
        Ok(Started { running, source: source.reading, closing: Some(closing) })
    }

    /// Who writes summaries that cost; `None` where nobody is to.
    async fn summaries(&self, group: &Group, transactions: &Transactions) -> anyhow::Result<Option<summary::Parts>> {
        if self.config.llm.provider == Provider::Lexicon {
            return Ok(None);
        }
        kafka::check_owners(&self.config.kafka).await?;
        let topics = summary::Topics {
            jobs: self.topic(ANALYSIS_JOBS),
            ledger: self.topic(ANALYSIS_LEDGER),
            sink_group: kafka::group_name(&self.config.kafka, "sink"),
        };
        let setup = summary::Setup {
            config: Arc::clone(&self.config),
            clock: self.clock.clone(),
            store: self.store.clone(),
            group: group.clone(),
            transactions: transactions.clone(),
            partitions: kafka::partitions(&self.config.kafka, &topics.jobs).await?,
            topics,
            ledger: self.codec(ALLOCATION_BYTES_MAX).await?,
        };
        setup.build()
    }
}
