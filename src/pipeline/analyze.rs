//! The hop `analyze`, put together.

use std::sync::Arc;

use super::{Closing, Line, Started, Surroundings};
use crate::analyze::summary::Writer;
use crate::analyze::{self, Received};
use crate::flow::{Decode, Hop};
use crate::kafka::{ANALYSIS_CANCELLATIONS, ANALYSIS_EVENTS, ANALYSIS_JOBS, ANALYSIS_WORKERS, DLQ_SUFFIX, KafkaSink};
use crate::model::Job;
use crate::observe::Component;
use crate::wire::ALLOCATION_BYTES_MAX;

impl Surroundings {
    pub(super) async fn analyze(&self, hop: Line, health: Component) -> anyhow::Result<Started> {
        let read = self.codec::<Job>(self.config.limits.record_bytes_max.in_memory()).await?;
        let in_line = analyze::in_line(&self.config);
        let (source, transactions) = self.source_of(hop, &[], &health, in_line).await?;
        let sink = KafkaSink::new(transactions.clone(), self.clock.clone());
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
            writer: Writer,
        };
        let parts = parts.build().await?;
        let door = parts.door.clone();
        let closing: Closing = Box::pin(async move { door.close() });
        let chain = Hop::from(hop.name, source.deliveries, self.clock.clone())
            .stage(Decode::new("analyze/decode", read, Received::of))
            .apart()
            .stage(parts.stage)
            .land(sink, self.together());
        let running = Box::pin(analyze::together(chain, parts.reporter));
        Ok(Started { running, source: source.reading, closing: Some(closing) })
    }
}
