//! Was this question paid for before? Asked of the ledger for what is recent, and of ClickHouse for all history.
//!
//! Questions to ClickHouse are gathered: while one is under way the others wait, and then go together. So hundreds of
//! articles a second cost a few queries, and a single article waits for none but its own.
//!
//! While ClickHouse is away nobody can know, so the answer waits: buying in doubt could pay twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{OwnedMutexGuard, mpsc, oneshot};
use tracing::warn;

use super::ledger::Owned;
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::model::{Answer, Id};

/// Questions that may wait for the next query.
const WAITING_MAX: usize = 4096;
/// Questions that go into one query.
const TOGETHER_MAX: usize = 1000;
/// Time between two attempts while ClickHouse is away.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Looks up paid answers. Clones share the queries, and the order in which equal questions are asked.
#[derive(Debug, Clone)]
pub struct Journal {
    questions: mpsc::Sender<Question>,
    flights: Flights,
}

/// Questions that somebody is asking.
type Flights = Arc<Mutex<HashMap<Id, Arc<tokio::sync::Mutex<()>>>>>;

#[derive(Debug)]
struct Question {
    key: Id,
    answer: oneshot::Sender<Option<Arc<Answer>>>,
}

/// The right to ask a question: whoever has the same one waits until it is given back, and then finds the answer.
#[derive(Debug)]
pub struct Turn {
    key: Id,
    flights: Flights,
    _first: OwnedMutexGuard<()>,
}

impl Journal {
    /// A journal over `store`. Its queries end when the last clone is dropped.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        let (questions, inbox) = mpsc::channel(WAITING_MAX);
        tokio::spawn(answer(store, clock, inbox));
        Self { questions, flights: Arc::default() }
    }

    /// Waits until nobody else is asking this question.
    pub async fn turn(&self, key: &Id) -> Turn {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(flights.entry(key.clone()).or_default())
        };
        Turn { key: key.clone(), flights: Arc::clone(&self.flights), _first: flight.lock_owned().await }
    }

    /// The answer, if it was ever paid for. Ask with the [`Turn`] of the question in hand.
    ///
    /// # Errors
    /// When the journal has ended, because its hop has.
    pub async fn find(&self, owned: &Owned, key: &Id) -> anyhow::Result<Option<Arc<Answer>>> {
        // The ledger lets an answer go only when ClickHouse has it: in this order none is missed.
        if let Some(answer) = owned.recent(key) {
            return Ok(Some(answer));
        }
        let (answer, found) = oneshot::channel();
        let question = Question { key: key.clone(), answer };
        self.questions.send(question).await.ok().context("the journal has ended")?;
        found.await.context("the journal has ended")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // The map and this turn hold it: nobody waits.
        if flights.get(&self.key).is_some_and(|flight| Arc::strong_count(flight) <= 2) {
            flights.remove(&self.key);
        }
    }
}

async fn answer(store: Store, clock: Clock, mut inbox: mpsc::Receiver<Question>) {
    let mut questions = Vec::with_capacity(TOGETHER_MAX);
    while inbox.recv_many(&mut questions, TOGETHER_MAX).await > 0 {
        let keys: Vec<Id> = questions.iter().map(|question| question.key.clone()).collect();
        let answers = loop {
            match store.answers(&keys).await {
                Ok(answers) => break answers,
                Err(failure) => {
                    warn!(error = %failure, "paid answers cannot be looked up, nothing is bought until then");
                }
            }
            questions.retain(|question| !question.answer.is_closed());
            if questions.is_empty() {
                break HashMap::new();
            }
            clock.sleep_until(clock.now().plus(ASK_AGAIN)).await;
        };
        let answers: HashMap<Id, Arc<Answer>> =
            answers.into_iter().map(|(key, answer)| (key, Arc::new(answer))).collect();
        for question in questions.drain(..) {
            let _ = question.answer.send(answers.get(&question.key).cloned());
        }
    }
}
