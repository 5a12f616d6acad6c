//! How each part of the program is, as its parts say themselves.
//!
//! A hop that waits for a broken dependency says so and stays alive: restarting it would mend nothing. Only a hop whose
//! task ended makes the process unhealthy.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::Gauge;
use serde::Serialize;

use crate::clock::Clock;
use crate::model::Timestamp;

use super::registry::Registry;
use super::table::HOP_READY;

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Work of this process: `/live` and `/ready` ask for it.
    Hop,
    /// Something outside: shown, and no reason to be restarted.
    Service,
}

/// How a component is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum State {
    /// Not there yet.
    Starting,
    /// Works.
    Ready,
    /// Goes on by itself when this is over.
    Waiting(String),
    /// Does not go on.
    Failed(String),
}

/// A component as `/health` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How it is.
    #[serde(flatten)]
    pub state: State,
    /// Since when.
    #[serde(serialize_with = "rfc3339")]
    pub since: Timestamp,
}

/// The components of the process. Clones share them.
#[derive(Debug, Clone)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    started: Timestamp,
    known: Mutex<Vec<Known>>,
}

/// A component.
#[derive(Debug)]
struct Known {
    report: Report,
    /// Whether it is ready, as Prometheus sees it. Nobody waits for something outside to be.
    ready: Option<Gauge>,
}

impl Known {
    fn new(report: Report) -> Self {
        let ready = (report.kind == Kind::Hop).then(|| Registry::process().gauge(&HOP_READY, &[&report.name]));
        Self { report, ready }
    }

    fn is(&mut self, state: State, now: Timestamp) {
        if let Some(ready) = &self.ready {
            ready.set(f64::from(u8::from(state == State::Ready)));
        }
        if self.report.state != state {
            self.report.state = state;
            self.report.since = now;
        }
    }
}

/// The voice of one component.
#[derive(Debug, Clone)]
pub struct Component {
    inner: Arc<Inner>,
    index: usize,
}

impl Health {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let started = clock.now();
        Self(Arc::new(Inner { clock, started, known: Mutex::default() }))
    }

    /// The component of this name, which is starting. A hop that starts again keeps its place.
    #[must_use]
    pub fn component(&self, kind: Kind, name: &str) -> Component {
        let since = self.0.clock.now();
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let index = known.iter().position(|known| known.report.name == name).unwrap_or_else(|| {
            known.push(Known::new(Report { name: name.to_owned(), kind, state: State::Starting, since }));
            known.len() - 1
        });
        drop(known);
        let component = Component { inner: Arc::clone(&self.0), index };
        component.is(State::Starting);
        component
    }

    /// Every component, in the order in which they came.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|known| known.report.clone()).collect()
    }

    /// When the process started.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.0.started
    }

    /// Time since the process started.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.clock.now().since(self.0.started)
    }
}

impl Component {
    /// Says how it is. Saying the same again does not change since when.
    pub fn is(&self, state: State) {
        let now = self.inner.clock.now();
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get_mut(self.index) {
            known.is(state, now);
        }
    }

    /// It works.
    pub fn ready(&self) {
        self.is(State::Ready);
    }

    /// It waits, and why. The text is shown to everybody: no secrets.
    pub fn waiting(&self, why: impl Into<String>) {
        self.is(State::Waiting(why.into()));
    }

    /// It ended, and why. The text is shown to everybody: no secrets.
    pub fn failed(&self, why: impl Into<String>) {
        self.is(State::Failed(why.into()));
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn rfc3339<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
