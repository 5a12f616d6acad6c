//! A key of Coinalyze kept busy over real connections, from the list of markets to contexts: the program's own resolver,
//! plan, quota and client against the stand-in, whose minute lasts a second.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::*;
use crate::config::{self, HttpUrl, Secret};
use crate::embedded::providers::knobs::Latency;
use crate::embedded::providers::markets::coins;
use crate::market::contexts::{Answered, Asked, History, INTERVAL, Known, State, Subject};
use crate::market::plan::{self, Candidate, Request, Rules};
use crate::market::resolver::{Instrument, Markets};
use crate::model::OiStatus;
use crate::provider::adapter::{Coinalyze, Http};
use crate::provider::call::Called;
use crate::provider::quota::{Quota, Ticket, Until};

const MINUTE: Duration = Duration::from_secs(2);
const UNITS_MAX: u32 = 40;
/// More than the quota admits at a time: from the first window on, units are given out as they come free.
const COINS: usize = 45;
const RULES: Rules = Rules {
    interval: INTERVAL,
    data_ttl: Duration::from_mins(15),
    symbols_ttl: Duration::from_hours(24),
    symbols_max: 20,
    weights: [0.4, 0.3, 0.2, 0.1],
};

type Ended = (Request, Ticket, Timestamp, Called<Vec<Answered>>);

/// What is known, and what is being asked.
struct Scan {
    clock: Clock,
    client: Coinalyze,
    quota: Quota,
    store: Vec<(Instrument, Known)>,
    asking: BTreeSet<(Arc<str>, History)>,
    flying: JoinSet<Ended>,
}

impl Scan {
    fn candidates(&self) -> Vec<Candidate> {
        let of = |(instrument, known): &(Instrument, Known)| {
            let symbol = &instrument.coinalyze_symbol;
            let mut states = known.states(instrument.has_long_short_ratio);
            for history in History::ALL {
                if self.asking.contains(&(Arc::clone(symbol), history)) {
                    states[history as usize] = State::Closed;
                }
            }
            Candidate { symbol: Arc::clone(symbol), states, stake: 1.0 }
        };
        self.store.iter().map(of).collect()
    }

    async fn run(&mut self) {
        loop {
            let (now, candidates) = (self.clock.now(), self.candidates());
            let wanted = plan::wanted(&candidates, &RULES, now);
            if wanted == 0 && self.flying.is_empty() {
                return;
            }
            match self.quota.grant(wanted, now) {
                Ok(units) if units > 0 => {
                    for request in plan::next(&candidates, &RULES, units, now) {
                        self.ask(request);
                    }
                }
                Ok(_) => self.hear().await,
                Err(Until(moment)) => {
                    let clock = self.clock.clone();
                    tokio::select! {
                        () = clock.sleep_until(moment) => {}
                        () = self.hear(), if !self.flying.is_empty() => {}
                    }
                }
            }
        }
    }

    fn ask(&mut self, request: Request) {
        let at = self.clock.now();
        let ticket = self.quota.take(request.units(), at).unwrap();
        self.asking.extend(request.symbols.iter().map(|symbol| (Arc::clone(symbol), request.history)));
        let client = self.client.clone();
        self.flying.spawn(async move {
            let called = client.history(&request).await;
            (request, ticket, at, called)
        });
    }

    async fn hear(&mut self) {
        let (request, ticket, at, called) = self.flying.join_next().await.unwrap().unwrap();
        self.quota.ended(&ticket, self.clock.now());
        let answered = called.result.unwrap();
        for symbol in &request.symbols {
            let (_, known) = self.store.iter_mut().find(|(known, _)| known.coinalyze_symbol == *symbol).unwrap();
            let row = answered.iter().find(|row| *row.symbol == **symbol);
            let asked = Asked { from: request.from, at, interval: request.interval };
            known.absorb(request.history, &asked, row.map(|row| &row.buckets[..]));
            self.asking.remove(&(Arc::clone(symbol), request.history));
        }
    }
}

#[tokio::test]
async fn a_busy_key_is_never_refused_and_never_idle() {
    let latency = Latency { min: Duration::from_millis(1), max: Duration::from_millis(5) };
    let knobs = Knobs { latency, ..Knobs::default() };
    let stand_ins = StandIns::start(Settings { knobs, minute: MINUTE, ..Settings::default() }).unwrap();
    let config = config::Coinalyze {
        base_url: HttpUrl::parse(&stand_ins.coinalyze_url()).unwrap(),
        api_keys: vec![Secret::new(KEY)],
        ..config::Coinalyze::default()
    };
    let client = Coinalyze::new(&config, &Http::new().unwrap()).unwrap().remove(0);
    let (clock, mut quota) = (Clock::system(), Quota::new(UNITS_MAX, MINUTE));
    let ticket = quota.take(1, clock.now()).unwrap();
    let markets = Markets::new(client.future_markets().await.result.unwrap());
    quota.ended(&ticket, clock.now());
    let resolve = |coin: &String| markets.resolve("mexc", &format!("{coin}_USDT")).instrument;
    let store: Vec<_> = coins().iter().take(COINS).filter_map(resolve).map(|found| (found, Known::default())).collect();
    assert_eq!(store.len(), COINS);
    let mut scan = Scan { clock, client, quota, store, asking: BTreeSet::new(), flying: JoinSet::new() };
    scan.run().await;

    let bill = stand_ins.bill();
    let units = &bill.units[KEY];
    assert_eq!((units.refused, units.total()), (0, 1 + 4 * u64::try_from(COINS).unwrap()));
    assert!(units.most_within(MINUTE) <= u64::from(UNITS_MAX));
    // What two seconds of a busy machine allow; minutes of a minute are simulated where the quota is.
    let share = units.share_used(UNITS_MAX, MINUTE).unwrap();
    assert!(share > 0.8, "{share}");
    for (instrument, known) in &scan.store {
        let (status, venue) = (OiStatus::Aggregated, instrument.venue);
        let subject = Subject { exchange: "mexc", symbol: &instrument.base, status, venue, run_id: "live" };
        let context = known.context(&subject, scan.clock.now());
        let told = [
            context.open_interest_usd,
            context.open_interest_change,
            context.funding_rate,
            context.long_short_ratio,
            context.liquidations_long_usd,
        ];
        assert!(told.iter().all(Option::is_some) && context.oi_status == status, "{context:?}");
    }
    scan.run().await;
    assert_eq!(stand_ins.bill().units[KEY].total(), units.total(), "what is fresh is not asked for again");
}
