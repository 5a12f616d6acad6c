//! Where one provider's requests are decided, without a socket and without waiting: who may ask, what goes wrong, what
//! is answered and what is billed.
//!
//! A provider is a [`Service`], one file each; what all of them share is here. Checks come in the order of the real
//! services: the key, what is refused by chance, the request itself, then whether there is room for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderName};
use hyper::http::request::Parts;
use serde_json::Value;
use tokio::sync::watch;

use super::bill::{Book, Entry, Outcome, Question};
use super::chance::Chance;
use super::knobs::{Fate, Flaw, Knobs, Outage, Setback};
use super::price::Sale;
use super::{Provider, Settings};

/// One provider's interface.
pub trait Service: Sync {
    /// Which one.
    fn provider(&self) -> Provider;

    /// The path before every other, version included; empty for none.
    fn base(&self) -> &'static str;

    /// Whether who sends this has the key.
    ///
    /// # Errors
    /// [`Refusal::KeyMissing`] or [`Refusal::KeyWrong`].
    fn admits(&self, parts: &Parts, key: &str) -> Result<(), Refusal>;

    /// Answers a request that is let through.
    ///
    /// # Errors
    /// What is wrong with it.
    fn answer(&self, ask: &Ask<'_>) -> Result<Offer, Refusal>;

    /// The same refusal in this provider's words.
    fn refuse(&self, refusal: &Refusal, chance: &mut Chance) -> Reply;
}

/// A request, and what is in store for it.
pub struct Ask<'a> {
    pub parts: &'a Parts,
    pub body: &'a [u8],
    pub fate: &'a Fate,
    pub knobs: &'a Knobs,
    pub settings: &'a Settings,
    /// Credits billed before.
    pub credits: u64,
    /// Where units are charged.
    pub book: &'a Book,
}

/// An answer.
#[derive(Debug)]
pub struct Offer {
    pub reply: Reply,
    /// What it is billed for; `None` for what is free.
    pub sale: Option<Sale>,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
}

/// Why there is no answer; durations are what it asks to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    KeyMissing,
    /// With the end of the wrong key, as some services repeat it.
    KeyWrong(String),
    RateLimited(Duration),
    OverCapacity(Duration),
    OutOfQuota(Duration),
    /// Tavily's limit of pay-as-you-go.
    OutOfMoney,
    Unavailable,
    Broken,
    UnknownModel {
        model: String,
        method: &'static str,
    },
    UnknownPath,
    Invalid(String),
}

impl Refusal {
    fn outcome(&self) -> Outcome {
        match self {
            Self::KeyMissing | Self::KeyWrong(_) => Outcome::Denied,
            Self::RateLimited(_) => Outcome::RateLimited,
            Self::OverCapacity(_) => Outcome::OverCapacity,
            Self::OutOfQuota(_) | Self::OutOfMoney => Outcome::OutOfQuota,
            Self::Unavailable => Outcome::Unavailable,
            Self::Broken => Outcome::Broken,
            Self::UnknownModel { .. } | Self::UnknownPath => Outcome::Unknown,
            Self::Invalid(_) => Outcome::Invalid,
        }
    }
}

/// What goes back over the wire.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON document.
    pub fn json(status: u16, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { status, content_type: "application/json", headers: Vec::new(), body }
    }
}

/// The token of `Authorization: Bearer`.
pub fn bearer(parts: &Parts) -> Option<&str> {
    parts.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// What happens to one request.
#[derive(Debug)]
pub struct Decision {
    /// What is answered; `None`: the connection is cut.
    pub reply: Option<Reply>,
    /// How long that takes.
    pub wait: Duration,
    /// Where it stands in the bill.
    pub entry: Option<usize>,
    /// Holds its place among the requests under way until it is dropped.
    pub turn: Option<Turn>,
}

/// One provider, open for requests.
pub struct Desk {
    service: &'static dyn Service,
    settings: Arc<Settings>,
    book: Arc<Book>,
    knobs: watch::Sender<Knobs>,
    in_flight: Arc<AtomicUsize>,
}

impl Desk {
    pub fn new(service: &'static dyn Service, settings: Arc<Settings>, book: Arc<Book>) -> Self {
        let knobs = watch::Sender::new(settings.knobs);
        Self { service, settings, book, knobs, in_flight: Arc::default() }
    }

    pub fn service(&self) -> &'static dyn Service {
        self.service
    }

    pub fn knobs(&self) -> &watch::Sender<Knobs> {
        &self.knobs
    }

    /// Paid requests that are worked on.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Decides a request, and bills it if it is worked on.
    pub fn decide(&self, parts: &Parts, body: &[u8]) -> Decision {
        let knobs = *self.knobs.borrow();
        let provider = self.service.provider();
        if knobs.outage == Some(Outage::Refused) {
            self.book.count(provider, Outcome::Unavailable);
            return Decision { reply: None, wait: Duration::ZERO, entry: None, turn: None };
        }
        // What has no body asks by its query.
        let asked = if body.is_empty() { parts.uri.query().unwrap_or_default().as_bytes() } else { body };
        let question = Question::of(parts.uri.path(), asked);
        let nth = self.book.asked(question);
        let fate = Fate::draw(&knobs, Chance::new(self.settings.seed, question, nth));
        let latency = knobs.latency.at(fate.pace);
        let (outcome, decision) = match self.work(parts, body, &knobs, &fate) {
            Ok((Offer { reply, sale: Some(sale), flaw }, Some(turn))) => {
                let outcome = if fate.lost { Outcome::Lost } else { Outcome::Answered };
                let entry = self.book.bill(Entry { provider, question, sale, flaw, delivered: false }, turn.number);
                let reply = Some(reply).filter(|_| !fate.lost);
                (outcome, Decision { reply, wait: latency, entry, turn: Some(turn) })
            }
            Ok((Offer { reply, .. }, _)) => {
                let wait = knobs.counting_latency;
                (Outcome::Counted, Decision { reply: Some(reply), wait, entry: None, turn: None })
            }
            Err(refusal) => {
                let wait = if refusal == Refusal::Broken { latency } else { Duration::ZERO };
                let reply = self.service.refuse(&refusal, &mut fate.chance.clone());
                (refusal.outcome(), Decision { reply: Some(reply), wait, entry: None, turn: None })
            }
        };
        self.book.count(provider, outcome);
        decision
    }

    /// The answer, with its place among the requests under way if it is not free.
    fn work(&self, parts: &Parts, body: &[u8], knobs: &Knobs, fate: &Fate) -> Result<(Offer, Option<Turn>), Refusal> {
        if knobs.outage == Some(Outage::Unavailable) {
            return Err(Refusal::Unavailable);
        }
        if let Some(key) = &self.settings.key {
            self.service.admits(parts, key)?;
        }
        // Up to a hundredth more, so that the waits that are asked for have nine decimals.
        let wait = knobs.retry_after.mul_f64(1.0 + fate.chance.clone().share() / 100.0);
        match fate.setback {
            Some(Setback::RateLimited) => return Err(Refusal::RateLimited(wait)),
            Some(Setback::OutOfQuota) => return Err(Refusal::OutOfQuota(wait)),
            Some(Setback::Unavailable) => return Err(Refusal::Unavailable),
            Some(Setback::Broken) => return Err(Refusal::Broken),
            None => {}
        }
        let credits = self.book.credits();
        let settings = &*self.settings;
        let offer = self.service.answer(&Ask { parts, body, fate, knobs, settings, credits, book: &self.book })?;
        if offer.sale.is_none() {
            return Ok((offer, None));
        }
        let turn = Turn::take(&self.in_flight);
        if knobs.requests_max.is_some_and(|max| turn.number > max) {
            return Err(Refusal::OverCapacity(wait));
        }
        Ok((offer, Some(turn)))
    }
}

/// A place among the requests under way, given back when dropped.
#[derive(Debug)]
pub struct Turn {
    in_flight: Arc<AtomicUsize>,
    /// How many there are with this one.
    number: usize,
}

impl Turn {
    fn take(in_flight: &Arc<AtomicUsize>) -> Self {
        let number = in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        Self { in_flight: Arc::clone(in_flight), number }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
