//! Handles of what costs: providers, money, tokens, budgets, the journal, the backlog.
//!
//! As all handles they are looked up once, and what they count exists at zero from then on. Money is counted in whole
//! nano-dollars and shown in dollars; only gauges, which are read by eye, go through a float.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};
use parking_lot::Mutex;

use crate::model::{Budget, NanoUsd};

use super::registry::Registry;
use super::share::Share;
use super::table::{
    BACKLOG_COST, BREAKER_STATE, BUDGET_LIMIT, BUDGET_RESERVED, BUDGET_SPENT, BUDGETS, CALLS, DRAIN_TIME, GEN_AI_TIME,
    GEN_AI_TOKENS, GEN_AI_USAGE, HOLD_TIME, JOURNAL_HITS, Metric, PROVIDER_IN_FLIGHT, PROVIDER_LIMIT,
    PROVIDER_REQUESTS, PROVIDER_TIME, QUOTA_UNITS, SPEND, SPEND_TOKENS, TOKENS,
};

/// What the gates of a provider count.
#[derive(Debug, Clone)]
pub struct ProviderMetrics(Arc<Provider>);

#[derive(Debug)]
struct Provider {
    name: &'static str,
    /// By operation and outcome.
    requests: Vec<(&'static str, &'static str, Counter)>,
    seconds: Histogram,
    in_flight: Gauge,
    limit: Gauge,
    breaker: Gauge,
}

/// Whether a provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// It is.
    Closed,
    /// A few calls try.
    HalfOpen,
    /// It is not.
    Open,
}

/// The metrics of the provider `name`, which is asked for `operations`. The gates of its keys share them.
#[must_use]
pub fn provider(name: &'static str, operations: &[&'static str]) -> ProviderMetrics {
    let registry = Registry::process();
    let requests = operations.iter().flat_map(|operation| CALLS.iter().map(move |outcome| (*operation, *outcome)));
    let counted =
        |(operation, outcome)| (operation, outcome, registry.counter(&PROVIDER_REQUESTS, &[name, operation, outcome]));
    ProviderMetrics(Arc::new(Provider {
        name,
        requests: requests.map(counted).collect(),
        seconds: registry.histogram(&PROVIDER_TIME, &[name]),
        in_flight: registry.gauge(&PROVIDER_IN_FLIGHT, &[name]),
        limit: registry.gauge(&PROVIDER_LIMIT, &[name]),
        breaker: registry.gauge(&BREAKER_STATE, &[name]),
    }))
}

impl ProviderMetrics {
    /// A call ended after this time.
    pub fn requested(&self, operation: &'static str, outcome: &'static str, time: Duration) {
        let known = self.0.requests.iter().find(|known| known.0 == operation && known.1 == outcome);
        match known {
            Some((.., counter)) => counter.increment(1),
            // Code newer than the list: looked up each time, and not lost.
            None => Registry::process().counter(&PROVIDER_REQUESTS, &[self.0.name, operation, outcome]).increment(1),
        }
        self.0.seconds.record(time);
    }

    /// The calls in flight at one gate changed; the metric is their sum over the gates.
    pub fn in_flight(&self, before: usize, now: usize) {
        change(&self.0.in_flight, before, now);
    }

    /// The limit of one gate changed; the metric is their sum over the gates.
    pub fn limit(&self, before: usize, now: usize) {
        change(&self.0.limit, before, now);
    }

    /// Whether the provider is asked changed.
    pub fn breaker(&self, state: Breaker) {
        self.0.breaker.set(match state {
            Breaker::Closed => 0.0,
            Breaker::HalfOpen => 1.0,
            Breaker::Open => 2.0,
        });
    }
}

/// The quota of the provider `name`: units are counted as they are used.
#[must_use]
pub fn quota(name: &str) -> QuotaMetrics {
    QuotaMetrics(Registry::process().counter(&QUOTA_UNITS, &[name]))
}

/// What a provider's quota counts.
#[derive(Debug, Clone)]
pub struct QuotaMetrics(Counter);

impl QuotaMetrics {
    /// So many units were used.
    pub fn used(&self, units: u64) {
        self.0.increment(units);
    }
}

/// Nano-dollars by provider and model.
type Spent = BTreeMap<(String, String), Arc<AtomicU64>>;

/// Kept here because the recorder's counters hold whole numbers only.
static SPENT: LazyLock<Mutex<Spent>> = LazyLock::new(Mutex::default);

/// What a model costs.
#[derive(Debug, Clone)]
pub struct SpendMetrics(Arc<(Arc<AtomicU64>, [Counter; 3])>);

/// The metrics of what `model` of `provider` costs: the model that answered, which stands in the price catalog.
#[must_use]
pub fn spend(provider: &str, model: &str) -> SpendMetrics {
    let spent = Arc::clone(SPENT.lock().entry((provider.to_owned(), model.to_owned())).or_default());
    let tokens = |kind| Registry::process().counter(&SPEND_TOKENS, &[provider, model, TOKENS[kind]]);
    SpendMetrics(Arc::new((spent, [0, 1, 2].map(tokens))))
}

impl SpendMetrics {
    /// So much counts as spent.
    pub fn spent(&self, amount: NanoUsd) {
        self.0.0.fetch_add(amount.0, Ordering::Relaxed);
    }

    /// So many tokens were billed; `cached` are those of the input that were read from a cache.
    pub fn tokens(&self, input: u64, cached: u64, output: u64) {
        let counts = [input.saturating_sub(cached), cached, output];
        for (counter, count) in self.0.1.iter().zip(counts) {
            counter.increment(count);
        }
    }
}

/// The lines of the text format for what was spent, after those of the recorder.
pub(super) fn append(text: &mut String) {
    let spent = SPENT.lock();
    let Metric { name, help, shape, .. } = SPEND;
    if !spent.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", shape.as_str());
    }
    for ((provider, model), amount) in spent.iter() {
        let (provider, model) = (escaped(provider), escaped(model));
        let amount = NanoUsd(amount.load(Ordering::Relaxed));
        let _ = writeln!(text, "{name}{{provider=\"{provider}\",model=\"{model}\"}} {amount}");
    }
    text.push('\n');
}

/// As the text format wants the values of labels.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What holding money takes.
#[derive(Debug, Clone)]
pub struct HoldMetrics(Histogram);

/// The metrics of holds.
#[must_use]
pub fn holds() -> HoldMetrics {
    HoldMetrics(Registry::process().histogram(&HOLD_TIME, &[]))
}

impl HoldMetrics {
    /// A hold was in the log after this time.
    pub fn took(&self, time: Duration) {
        self.0.record(time);
    }
}

/// What OpenTelemetry's conventions ask for.
#[derive(Debug, Clone)]
pub struct GenAiMetrics(Arc<GenAi>);

#[derive(Debug)]
struct GenAi {
    labels: [String; 3],
    input: Histogram,
    output: Histogram,
    answered: Histogram,
}

/// The metrics of `operation` (`generate_content`, `chat`) at `model`, by OpenTelemetry's name of the provider, such as
/// `gcp.gemini` or `openai`.
#[must_use]
pub fn gen_ai(operation: &str, provider: &str, model: &str) -> GenAiMetrics {
    let registry = Registry::process();
    let tokens = |kind| registry.histogram(&GEN_AI_USAGE, &[operation, provider, model, kind]);
    GenAiMetrics(Arc::new(GenAi {
        labels: [operation, provider, model].map(str::to_owned),
        input: tokens(GEN_AI_TOKENS[0]),
        output: tokens(GEN_AI_TOKENS[1]),
        answered: registry.histogram(&GEN_AI_TIME, &[operation, provider, model, ""]),
    }))
}

impl GenAiMetrics {
    /// A call was billed for so many tokens, cached ones among the input.
    #[expect(clippy::cast_precision_loss, reason = "tokens of one call are far below 2⁵³")]
    pub fn tokens(&self, input: u64, output: u64) {
        self.0.input.record(input as f64);
        self.0.output.record(output as f64);
    }

    /// A call ended after this time, in an error of this kind or in an answer. Errors are rare, and looked up each time.
    pub fn took(&self, time: Duration, error: Option<&'static str>) {
        let [operation, provider, model] = &self.0.labels;
        match error {
            None => self.0.answered.record(time),
            Some(error) => {
                Registry::process().histogram(&GEN_AI_TIME, &[operation, provider, model, error]).record(time);
            }
        }
    }
}

/// How the budgets of a partition stand. Shown until it is dropped: a budget that moves to another worker is shown there.
#[derive(Debug)]
pub struct BudgetMetrics(Vec<[Share; 3]>);

/// The metrics of the budgets, for the owner of one partition: the owners of this process are shown as their sum.
#[must_use]
pub fn budget() -> BudgetMetrics {
    let shares = |budget: &&'static str| {
        [&BUDGET_LIMIT, &BUDGET_SPENT, &BUDGET_RESERVED].map(|metric| Share::new(metric, Some(*budget)))
    };
    BudgetMetrics(BUDGETS.iter().map(shares).collect())
}

impl BudgetMetrics {
    /// A budget stands so.
    pub fn stands(&mut self, budget: Budget, limit: Option<NanoUsd>, spent: NanoUsd, reserved: NanoUsd) {
        let at = match budget {
            Budget::Session => 0,
            Budget::Daily => 1,
            Budget::Monthly => 2,
        };
        self.show(at, [limit.unwrap_or_default(), spent, reserved]);
    }

    /// The day's budget for summaries of analyses stands so, in this partition.
    pub fn summaries_stand(&mut self, limit: NanoUsd, spent: NanoUsd, reserved: NanoUsd) {
        self.show(3, [limit, spent, reserved]);
    }

    fn show(&mut self, at: usize, amounts: [NanoUsd; 3]) {
        for (share, amount) in self.0[at].iter_mut().zip(amounts) {
            share.says(amount.0);
        }
    }
}

/// What the journal counts.
#[derive(Debug, Clone)]
pub struct JournalMetrics(Counter);

/// The metrics of the journal.
#[must_use]
pub fn journal() -> JournalMetrics {
    JournalMetrics(Registry::process().counter(&JOURNAL_HITS, &[]))
}

impl JournalMetrics {
    /// So many questions were answered at no cost.
    pub fn hit(&self, answers: u64) {
        self.0.increment(answers);
    }
}

/// What waits in a partition. Shown until it is dropped: then it waits at another worker.
#[derive(Debug)]
pub struct BacklogMetrics(Share, Share);

/// The metrics of the backlog, for the owner of one partition.
#[must_use]
pub fn backlog() -> BacklogMetrics {
    BacklogMetrics(Share::new(&BACKLOG_COST, None), Share::new(&DRAIN_TIME, None))
}

impl BacklogMetrics {
    /// What waits is expected to cost so much and to be done in this time.
    pub fn stands(&mut self, cost: NanoUsd, drain: Duration) {
        self.0.says(cost.0);
        self.1.says(u64::try_from(drain.as_nanos()).unwrap_or(u64::MAX));
    }
}

#[expect(clippy::cast_precision_loss, reason = "whole numbers far below 2⁵³")]
fn change(gauge: &Gauge, before: usize, now: usize) {
    if now >= before {
        gauge.increment((now - before) as f64);
    } else {
        gauge.decrement((before - now) as f64);
    }
}
