//! Stand-ins for services that cost money or are limited: Gemini, an `OpenAI`-compatible service, Tavily, and Coinalyze.
//!
//! They run inside the process that uses them, on a thread of their own, each on a port of 127.0.0.1, and end when
//! dropped. Their interfaces follow the recorded ones, errors and oddities included; what goes wrong and how often is
//! a matter of [`Knobs`], repeatable by a seed. What they charge stands in a [`Bill`] of their own, by a price list
//! of their own and by their own count of tokens, so that the program's books can be checked against somebody
//! else's. Every answer says in a header (`x-signalmill-stand-in`) that it was not the real service's.
//!
//! Another provider is one file that implements [`desk::Service`], and one line in [`SERVICES`].

pub mod bill;
mod chance;
mod coinalyze;
mod completion;
mod cues;
mod desk;
mod door;
mod gemini;
pub mod knobs;
mod openai;
pub mod price;
mod reading;
mod schema;
mod tavily;
mod tokens;
pub mod units;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use self::bill::{Bill, Book};
pub use self::coinalyze::markets;
use self::desk::{Desk, Service};
use self::door::Door;
use self::knobs::Knobs;
use self::price::Model;
use crate::clock::Clock;
use crate::model::NanoUsd;

/// Who is stood in for, in the order of [`Provider::ALL`].
const SERVICES: [&dyn Service; Provider::ALL.len()] =
    [&gemini::Gemini, &openai::OpenAi, &tavily::Tavily, &coinalyze::Coinalyze];

/// The quota of a key of Coinalyze (`wire-formats.md` 1.1).
const UNITS_MAX: u32 = 40;
const MINUTE: Duration = Duration::from_mins(1);

/// A provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Google's Gemini.
    Gemini,
    /// `OpenAI`, or who speaks its protocol.
    OpenAi,
    /// Tavily.
    Tavily,
    /// Coinalyze.
    Coinalyze,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gemini, Self::OpenAi, Self::Tavily, Self::Coinalyze];
}

/// How the stand-ins run.
pub struct Settings {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The key that requests must bring; `None`: any, or none.
    pub key: Option<String>,
    /// Which models there are, and what they charge.
    pub models: Vec<Model>,
    /// What a credit of Tavily costs.
    pub credit: NanoUsd,
    /// Units of a key of Coinalyze in a sliding minute.
    pub units_max: u32,
    /// How long that minute is.
    pub minute: Duration,
    /// Dates what they find, and slides that minute.
    pub clock: Clock,
    /// How all of them behave at the start.
    pub knobs: Knobs,
}

impl Default for Settings {
    /// Seed 0, any key, the list prices, the real quota, the system's clock, and everything well.
    fn default() -> Self {
        Self {
            seed: 0,
            key: None,
            models: price::list(),
            credit: price::CREDIT,
            units_max: UNITS_MAX,
            minute: MINUTE,
            clock: Clock::system(),
            knobs: Knobs::default(),
        }
    }
}

/// Running stand-ins; stopped when dropped.
pub struct StandIns {
    desks: Vec<Arc<Desk>>,
    ports: Vec<u16>,
    book: Arc<Book>,
    /// Dropped to end the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIns {
    /// Starts all of them on free ports. They listen when this returns.
    ///
    /// # Errors
    /// The system gives no thread or no socket.
    pub fn start(settings: Settings) -> Result<Self> {
        let settings = Arc::new(settings);
        let book = Arc::new(Book::default());
        let desk = |service| Arc::new(Desk::new(service, Arc::clone(&settings), Arc::clone(&book)));
        let desks: Vec<Arc<Desk>> = SERVICES.into_iter().map(desk).collect();
        let (report, reported) = mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let served = desks.clone();
        let thread = std::thread::Builder::new()
            .name("stand-ins".to_owned())
            .spawn(move || run(served, &report, stopped))
            .context("starting the thread of the stand-ins")?;
        let ports = reported.recv().context("the thread of the stand-ins ended at once")?;
        let ports = ports.context("opening the ports of the stand-ins")?;
        Ok(Self { desks, ports, book, stop: Some(stop), thread: Some(thread) })
    }

    /// The base URL of Gemini, with its version.
    #[must_use]
    pub fn gemini_url(&self) -> String {
        self.url(Provider::Gemini)
    }

    /// The base URL of the `OpenAI`-compatible service, with its version.
    #[must_use]
    pub fn openai_url(&self) -> String {
        self.url(Provider::OpenAi)
    }

    /// The base URL of Tavily.
    #[must_use]
    pub fn tavily_url(&self) -> String {
        self.url(Provider::Tavily)
    }

    /// The base URL of Coinalyze, with its version.
    #[must_use]
    pub fn coinalyze_url(&self) -> String {
        self.url(Provider::Coinalyze)
    }

    /// How a provider behaves.
    #[must_use]
    pub fn knobs(&self, provider: Provider) -> Knobs {
        *self.desk(provider).knobs().borrow()
    }

    /// Turns the knobs of one provider. Requests that come from now on are treated so; a change to or from an outage
    /// reaches the socket a moment later.
    pub fn set(&self, provider: Provider, turn: impl FnOnce(&mut Knobs)) {
        self.desk(provider).knobs().send_modify(turn);
    }

    /// Turns the knobs of all providers.
    pub fn set_all(&self, turn: impl Fn(&mut Knobs)) {
        for provider in Provider::ALL {
            self.set(provider, &turn);
        }
    }

    /// What was charged so far.
    #[must_use]
    pub fn bill(&self) -> Bill {
        self.book.read()
    }

    /// Calls that were billed so far: the length of [`Bill::entries`], without a copy of them.
    #[must_use]
    pub fn billed(&self) -> usize {
        self.book.entries()
    }

    /// Paid requests that a provider is working on.
    #[must_use]
    pub fn in_flight(&self, provider: Provider) -> usize {
        self.desk(provider).in_flight()
    }

    fn desk(&self, provider: Provider) -> &Desk {
        &self.desks[provider as usize]
    }

    fn url(&self, provider: Provider) -> String {
        let base = self.desk(provider).service().base();
        format!("http://{}:{}{base}", Ipv4Addr::LOCALHOST, self.ports[provider as usize])
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been told by the panic hook already.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for StandIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StandIns({:?})", self.ports)
    }
}

/// The thread: reports its ports or why it has none, and serves until it is told to stop.
fn run(desks: Vec<Arc<Desk>>, report: &mpsc::SyncSender<io::Result<Vec<u16>>>, stopped: oneshot::Receiver<()>) {
    // One thread is enough for several thousand requests a second, and costs no hand-over between threads.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(report.send(Err(error))),
    };
    runtime.block_on(async {
        let doors: Vec<Door> = match desks.into_iter().map(Door::open).collect() {
            Ok(doors) => doors,
            Err(error) => return drop(report.send(Err(error))),
        };
        // Received before the other end is dropped, or the other end is nobody's business any more.
        let _ = report.send(Ok(doors.iter().map(Door::port).collect()));
        let mut serving: JoinSet<()> = doors.into_iter().map(Door::serve).collect();
        tokio::select! {
            _ = stopped => {}
            _ = serving.join_next() => {}
        }
    });
}
