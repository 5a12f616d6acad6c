//! Asks the service for what charts wait for, one task a key, as fast as the keys' quotas allow.
//!
//! A request leaves when the use of its units is committed. Its answer, what follows from it and the end of its use are
//! one transaction. A service that is away is waited for by its [gate](crate::provider::gate), a key that is refused
//! stops until somebody mends it, one that is limited pauses; other keys go on, and nothing is given up.

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use futures_util::stream::FuturesUnordered;
use tracing::{debug, info};

use super::desk::{Desk, Owned, Writing};
use super::setup::UNDER_WAY_MAX;
use super::state::{Question, Series, Turn, What};
use crate::clock::Clock;
use crate::kafka::Committing;
use crate::market::contexts::Answered;
use crate::market::plan::Request;
use crate::market::resolver::{Market, Markets};
use crate::model::Timestamp;
use crate::observe::{self, Component, QuotaMetrics};
use crate::provider::adapter::Coinalyze;
use crate::provider::call::CallError;
use crate::provider::gate::{Gate, Permit, State};

/// Asks for what charts wait for.
#[derive(Debug)]
pub struct Asker {
    desk: Desk,
    /// Each key's gate and client, in the order of the keys.
    doors: Vec<(Gate, Coinalyze)>,
    units: QuotaMetrics,
    health: Component,
    /// Whether health was told that nobody answers.
    is_out: AtomicBool,
    clock: Clock,
}

impl Asker {
    pub(super) fn new(desk: Desk, doors: Vec<(Gate, Coinalyze)>, health: Component, clock: Clock) -> Self {
        let units = observe::quota(doors.first().map_or("coinalyze", |(_, client)| client.name()));
        Self { desk, doors, units, health, is_out: AtomicBool::new(false), clock }
    }

    /// Asks for every owned partition until the desk closes.
    ///
    /// # Errors
    /// When a partition cannot be read or written: the hop must start again.
    pub async fn run(self) -> anyhow::Result<()> {
        let asker = Arc::new(self);
        let (group, batches) = asker.desk.group();
        // What is under way ends with its units; nothing new begins.
        let attend = |partition, epoch| Arc::clone(&asker).attend(partition, epoch);
        let ended = group.attend(batches, attend, asker.desk.closed()).await;
        asker.desk.finished();
        ended
    }

    async fn attend(self: Arc<Self>, partition: i32, epoch: u64) -> anyhow::Result<()> {
        let owned = self.desk.of(partition, epoch).await?;
        try_join_all((0..self.desk.keys()).map(|key| self.serve(&owned, key))).await?;
        Ok(())
    }

    /// Uses the quota of one key, until the desk closes.
    async fn serve(&self, owned: &Owned, key: usize) -> anyhow::Result<()> {
        let (gate, _) = &self.doors[key];
        let mut changes = owned.changes();
        let mut under_way = FuturesUnordered::new();
        loop {
            changes.mark_unchanged();
            let has_room = under_way.len() < UNDER_WAY_MAX;
            let turn = if has_room { owned.lock().turn(key, self.clock.now()) } else { Turn::Wait(None) };
            let permit = async {
                match turn {
                    Turn::Ask(operation) => (gate.enter(operation).await, operation),
                    Turn::Wait(_) => pending().await,
                }
            };
            let moment = if let Turn::Wait(moment) = turn { moment } else { None };
            tokio::select! {
                () = self.desk.closed() => break,
                Some(ended) = under_way.next(), if !under_way.is_empty() => {
                    let ended: anyhow::Result<()> = ended;
                    ended?;
                }
                moved = changes.changed() => moved?,
                () = self.until(moment), if moment.is_some() => {}
                (permit, operation) = permit => {
                    if let Some((question, committing)) = self.reserve(owned, key, operation).await? {
                        under_way.push(self.ask(owned, key, permit, question, committing));
                    }
                }
            }
        }
        while let Some(ended) = under_way.next().await {
            ended?;
        }
        owned.settled().await
    }

    async fn until(&self, moment: Option<Timestamp>) {
        match moment {
            Some(moment) => self.clock.sleep_until(moment).await,
            None => pending().await,
        }
    }

    /// Takes the units of a question and writes it down. `None`: another key was faster.
    async fn reserve(
        &self,
        owned: &Owned,
        key: usize,
        operation: &'static str,
    ) -> anyhow::Result<Option<(Question, Committing)>> {
        let place = owned.place().await?;
        let now = self.clock.now();
        let mut state = owned.lock();
        let Some(question) = state.ask(key, operation, now) else { return Ok(None) };
        let writing = Writing { key: Some(key), ..Writing::default() };
        let committing = owned.queue(place, &mut state, writing, now)?;
        Ok(Some((question, committing)))
    }

    async fn ask(
        &self,
        owned: &Owned,
        key: usize,
        permit: Permit,
        question: Question,
        committing: Committing,
    ) -> anyhow::Result<()> {
        // No request leaves before the log knows of it.
        committing.done().await?;
        let (gate, client) = &self.doors[key];
        let sent_at = self.clock.now();
        self.units.used(question.what.units().into());
        let ended = match &question.what {
            What::List => {
                let called = client.future_markets().await;
                permit.done(called.verdict());
                match called.result {
                    Ok(markets) => self.listed(owned, key, &question, markets, sent_at).await,
                    Err(error) => self.failed(owned, key, &question, &error, gate).await,
                }
            }
            What::History(request) => {
                let called = client.history(request).await;
                permit.done(called.verdict());
                match called.result {
                    Ok(answered) => self.answered(owned, key, &question, request, &answered, sent_at).await,
                    Err(error) => self.failed(owned, key, &question, &error, gate).await,
                }
            }
        };
        self.show();
        owned.changed();
        ended
    }

    /// The list of markets says who speaks for the charts that wait; some may be told at once what is stored.
    async fn listed(
        &self,
        owned: &Owned,
        key: usize,
        question: &Question,
        markets: Vec<Market>,
        sent_at: Timestamp,
    ) -> anyhow::Result<()> {
        let markets = Arc::new(Markets::new(markets));
        info!(markets = markets.len(), "list of markets read");
        let waited_for = {
            let mut state = owned.lock();
            state.list(markets, sent_at);
            state.waited_for()
        };
        owned.prepare(&waited_for).await?;
        let place = owned.place().await?;
        let now = self.clock.now();
        let mut state = owned.lock();
        state.ended(key, question, now);
        state.list_answered();
        let news = state.news(|_| true, now);
        let writing = Writing { news, key: Some(key), ..Writing::default() };
        // Whatever is committed later is committed behind it.
        drop(owned.queue(place, &mut state, writing, now)?);
        Ok(())
    }

    async fn answered(
        &self,
        owned: &Owned,
        key: usize,
        question: &Question,
        request: &Request,
        answered: &[Answered],
        sent_at: Timestamp,
    ) -> anyhow::Result<()> {
        let place = owned.place().await?;
        let now = self.clock.now();
        let mut state = owned.lock();
        state.ended(key, question, now);
        let series = state.absorb(request, answered, sent_at);
        let touched: HashSet<Series> = state.spoken_for(&request.symbols);
        let news = state.news(|series| touched.contains(series), now);
        debug!(
            history = request.history.as_str(),
            symbols = request.symbols.len(),
            answered = answered.len(),
            waiting = state.waiting(),
            "histories read"
        );
        let writing = Writing { news, series, key: Some(key) };
        // Whatever is committed later is committed behind it.
        drop(owned.queue(place, &mut state, writing, now)?);
        Ok(())
    }

    async fn failed(
        &self,
        owned: &Owned,
        key: usize,
        question: &Question,
        error: &CallError,
        gate: &Gate,
    ) -> anyhow::Result<()> {
        debug!(operation = question.what.operation(), %error, "a question failed");
        let place = owned.place().await?;
        let now = self.clock.now();
        let mut state = owned.lock();
        state.ended(key, question, now);
        state.failed(key, &question.what, error, gate.state().is_out(), now, &mut rand::rng());
        let writing = Writing { key: Some(key), ..Writing::default() };
        drop(owned.queue(place, &mut state, writing, now)?);
        Ok(())
    }

    /// Where no key is answered, the hop says so. Its charts go on all the same.
    fn show(&self) {
        let states: Vec<_> = self.doors.iter().map(|(gate, _)| gate.state()).collect();
        let is_out = !states.is_empty() && states.iter().all(State::is_out);
        if let Some(state) = states.first().filter(|_| is_out) {
            self.is_out.store(true, Ordering::Relaxed);
            self.health.waiting(format!("coinalyze: {state}"));
        } else if self.is_out.swap(false, Ordering::Relaxed) {
            self.health.ready();
        }
    }
}
