//! The chain of one hop, written in the order in which records go through it.
//!
//! Between two steps there is a bounded channel; a step that is behind fills the channel before it, until the source
//! holds its whole budget and stops reading. Nothing else is needed for back-pressure.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, debug_span};

use super::batch::Batch;
use super::circuit::Circuit;
use super::record::Record;
use super::sink::Sink;
use super::stage::{self, Stage};
use super::window::{self, Window};
use super::{Barrier, Delivery};
use crate::clock::Clock;
use crate::observe;

/// Deliveries that may wait between two steps.
const WAITING_MAX: usize = 4;
/// What lands in one go.
#[derive(Debug, Clone, Copy)]
pub struct Together {
    /// Batches that are ready this long after the last landing began, or come before it has ended, land together: that
    /// is what makes one transaction, or one insert, serve many of them. After a pause the first one lands at once.
    pub tick: Duration,
    /// Entries, after which the tick is not waited for.
    pub entries_max: usize,
}

/// A hop that is being put together: `from(source).stage(…).window(…).land(sink)`.
#[derive(Debug)]
pub struct Hop<T> {
    name: &'static str,
    clock: Clock,
    outlet: mpsc::Receiver<Delivery<T>>,
    steps: JoinSet<anyhow::Result<()>>,
    circuit: Option<Circuit>,
}

impl Hop<Arc<Record>> {
    /// A hop that reads what `source` delivers.
    #[must_use]
    pub fn from(name: &'static str, source: mpsc::Receiver<Delivery<Arc<Record>>>, clock: Clock) -> Self {
        Self { name, clock, outlet: source, steps: JoinSet::new(), circuit: None }
    }

    /// The same, stopped by `circuit` where too much is rejected.
    #[must_use]
    pub fn guarded(self, circuit: Circuit) -> Self {
        Self { circuit: Some(circuit), ..self }
    }
}

impl<T: Send + 'static> Hop<T> {
    /// Adds a stage.
    #[must_use]
    pub fn stage<S: Stage<In = T>>(self, stage: S) -> Hop<S::Out> {
        let (sender, outlet) = mpsc::channel(WAITING_MAX);
        let mut steps = self.steps;
        let name = stage.name();
        let work = stage::run(Arc::new(stage), observe::stage(name), self.outlet, sender);
        steps.spawn(work.instrument(debug_span!("stage", name)));
        Hop { name: self.name, clock: self.clock, outlet, steps, circuit: self.circuit }
    }

    /// Hands every item on as a batch of its own: for work so slow that none should wait until its neighbours are done.
    #[must_use]
    pub fn apart(self) -> Self {
        let (sender, outlet) = mpsc::channel(WAITING_MAX);
        let Self { name, clock, outlet: mut inlet, mut steps, circuit } = self;
        steps.spawn(async move {
            while let Some(delivery) = inlet.recv().await {
                let batch = match delivery {
                    Delivery::Batch(batch) => batch,
                    Delivery::Barrier(barrier) => {
                        if sender.send(Delivery::Barrier(barrier)).await.is_err() {
                            break;
                        }
                        continue;
                    }
                };
                for one in batch.apart() {
                    if sender.send(Delivery::Batch(one)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        });
        Self { name, clock, outlet, steps, circuit }
    }

    /// Adds a window. The circuit of the hop stands in front of it.
    #[must_use]
    pub fn window<W: Window<In = T>>(self, window: W) -> Hop<W::Out> {
        let Self { name: hop, clock, outlet: mut inlet, mut steps, circuit } = self;
        if let Some(circuit) = circuit {
            let (sender, watched) = mpsc::channel(WAITING_MAX);
            steps.spawn(circuit.watch(inlet, sender));
            inlet = watched;
        }
        let (sender, outlet) = mpsc::channel(WAITING_MAX);
        let name = window.name();
        let metrics = (observe::stage(name), observe::window(name));
        let work = window::run(window, clock.clone(), metrics, inlet, sender);
        steps.spawn(work.instrument(debug_span!("window", name)));
        Hop { name: hop, clock, outlet, steps, circuit: None }
    }

    /// Runs the hop until its source closes.
    ///
    /// # Errors
    /// What a stage or the sink said; then nothing after the last commit is committed.
    pub async fn land<S: Sink<T>>(mut self, mut sink: S, together: Together) -> anyhow::Result<()> {
        let mut cause = self.run(&mut sink, together).await;
        // Whatever ended the hop, no step may go on without it: one that waits for its inlet would never notice.
        let Self { name, outlet, mut steps, .. } = self;
        drop(outlet);
        steps.abort_all();
        while let Some(step) = steps.join_next().await {
            match step {
                Ok(Ok(())) => {}
                // A step that failed closed its channel: its story is the cause, and it outranks what the sink saw.
                Ok(Err(error)) => cause = Err(error),
                Err(ended) if ended.is_cancelled() => {}
                Err(died) => cause = Err(died.into()),
            }
        }
        cause.with_context(|| format!("hop {name}"))
    }

    async fn run<S: Sink<T>>(&mut self, sink: &mut S, together: Together) -> anyhow::Result<()> {
        let mut tick_end = Instant::now();
        let mut ready = Ready::new(together.entries_max);
        while ready.take_from(&mut self.outlet).await {
            // A tick that is over does not wait, but what is there already goes along.
            let _ = timeout_at(tick_end, ready.fill_from(&mut self.outlet)).await;
            let Ready { batch, barrier, .. } = mem::replace(&mut ready, Ready::new(together.entries_max));
            if !batch.is_empty() {
                tick_end = Instant::now() + together.tick;
                let landing = land(batch, sink, self.circuit.as_ref());
                // What comes meanwhile is the next to land: a slow commit makes larger commits, not a slower hop.
                tokio::select! {
                    landed = landing => landed?,
                    never = async { ready.fill_from(&mut self.outlet).await; std::future::pending().await } => never,
                }
            }
            if let Some(barrier) = barrier {
                barrier.reached();
            }
        }
        Ok(())
    }
}

/// Lands as much of `batch` as the circuit lets through.
async fn land<T, S: Sink<T>>(mut batch: Batch<T>, sink: &mut S, circuit: Option<&Circuit>) -> anyhow::Result<()> {
    let Some(circuit) = circuit else {
        let (offsets, _) = batch.land(sink).await?;
        return sink.commit(offsets).await;
    };
    let mut weighed = circuit.weigh(&mut batch);
    if !batch.is_empty() {
        let kept = batch.kept();
        let (offsets, refused) = batch.land(sink).await?;
        circuit.refused(&mut weighed, refused, kept)?;
        sink.commit(offsets).await?;
    }
    Ok(circuit.settle(weighed)?)
}

/// What lands next.
struct Ready<T> {
    batch: Batch<T>,
    /// Stands behind the batch; nothing is taken in after it.
    barrier: Option<Barrier>,
    entries_max: usize,
}

impl<T> Ready<T> {
    fn new(entries_max: usize) -> Self {
        Self { batch: Batch::empty(), barrier: None, entries_max }
    }

    fn is_full(&self) -> bool {
        self.barrier.is_some() || self.batch.len() >= self.entries_max
    }

    /// Waits until there is something to land; says whether there will be.
    async fn take_from(&mut self, outlet: &mut mpsc::Receiver<Delivery<T>>) -> bool {
        if !self.batch.is_empty() || self.barrier.is_some() {
            return true;
        }
        match outlet.recv().await {
            Some(delivery) => self.take(delivery),
            None => return false,
        }
        true
    }

    /// Takes in what comes, until it is full or nothing comes any more. May be dropped at any time.
    async fn fill_from(&mut self, outlet: &mut mpsc::Receiver<Delivery<T>>) {
        while !self.is_full() {
            match outlet.recv().await {
                Some(delivery) => self.take(delivery),
                None => return,
            }
        }
    }

    fn take(&mut self, delivery: Delivery<T>) {
        match delivery {
            Delivery::Batch(next) => self.batch.append(next),
            Delivery::Barrier(barrier) => self.barrier = Some(barrier),
        }
    }
}
