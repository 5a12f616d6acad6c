//! Facts as rows, a batch of them in one insert a table.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use super::facts::{Asked, Fact, Letter};
use crate::clickhouse::rows::{
    AnalysisRow, AnswerRow, ArticleRow, Bytes, CandleRow, ChartRow, ContextRow, DeadLetterRow, EventRow, InstrumentRow,
    JobRow, RecordRow, SeriesRow, SessionRow, SignalRow, SpendRow,
};
use crate::clickhouse::{Failure, Observer, Poisoned, Store, Stored, Table};
use crate::clock::Clock;
use crate::flow::{Landed, Offsets, Outgoing, Reason, Record, Reject, Sink};
use crate::kafka::{DLQ_SUFFIX, Transactions, dead_letter};
use crate::model::{JobEvent, NanoUsd};
use crate::observe::{self, Component};
use crate::wire::headers::{self, DeadLetter};

/// The dead letter's code of a row that ClickHouse refuses.
const POISON: &str = "poison_row";

/// Inserts what facts say.
#[derive(Debug)]
pub(super) struct Insert {
    store: Store,
    budget: NanoUsd,
    watch: Watch,
}

impl Insert {
    /// Into `store`; `budget` is what a session may spend.
    pub(super) fn new(store: Store, budget: NanoUsd, health: Component) -> Self {
        Self { store, budget, watch: Watch(health) }
    }

    /// Inserts the rows of all facts, each with the record that it goes back to; returns the rejects of those that were
    /// refused.
    pub(super) async fn facts(&self, facts: &[(&Fact, &Arc<Record>)]) -> Vec<Reject> {
        let intervals: Vec<Vec<String>> = facts.iter().map(|(fact, _)| fact.intervals()).collect();
        let mut rows = Rows::default();
        for ((fact, record), intervals) in facts.iter().zip(&intervals) {
            rows.add(fact, record, intervals, self.budget);
        }
        let Rows {
            articles,
            sessions,
            events,
            analyses,
            records,
            candles,
            contexts,
            series,
            instruments,
            signals,
            dead_letters,
            spend,
            answers,
            jobs,
            charts,
        } = rows;
        let refused = tokio::join!(
            self.rows::<ArticleRow<'_>>(articles.0, articles.1),
            self.rows::<SessionRow<'_>>(sessions.0, sessions.1),
            self.rows::<EventRow<'_>>(events.0, events.1),
            self.rows::<AnalysisRow<'_>>(analyses.0, analyses.1),
            self.rows::<RecordRow<'_>>(records.0, records.1),
            self.rows::<CandleRow<'_>>(candles.0, candles.1),
            self.rows::<ContextRow<'_>>(contexts.0, contexts.1),
            self.rows::<SeriesRow<'_>>(series.0, series.1),
            self.rows::<InstrumentRow<'_>>(instruments.0, instruments.1),
            self.rows::<SignalRow<'_>>(signals.0, signals.1),
            self.rows::<DeadLetterRow<'_>>(dead_letters.0, dead_letters.1),
            self.rows::<SpendRow<'_>>(spend.0, spend.1),
            self.rows::<AnswerRow<'_>>(answers.0, answers.1),
            self.rows::<JobRow<'_>>(jobs.0, jobs.1),
            self.rows::<ChartRow<'_>>(charts.0, charts.1),
        );
        let (articles, sessions, events, analyses, records, candles, contexts, series, instruments, ..) = refused;
        let (.., signals, dead_letters, spend, answers, jobs, charts) = refused;
        let of_articles = [articles, sessions, events, analyses, records, spend, answers];
        let of_markets = [candles, contexts, series, instruments, signals, dead_letters, jobs, charts];
        of_articles.into_iter().chain(of_markets).flatten().collect()
    }

    /// Inserts rows that belong to `owners`; returns the rejects of those that were refused.
    async fn rows<R: Stored>(&self, rows: Vec<R::Value<'_>>, owners: Vec<&Arc<Record>>) -> Vec<Reject> {
        assert_eq!(rows.len(), owners.len(), "every row has a record");
        if rows.is_empty() {
            return Vec::new();
        }
        let poisoned = self.store.insert_all::<R>(&rows, &self.watch).await;
        let reject = |Poisoned { index, error }| Reject {
            record: Arc::clone(owners[index]),
            reason: Reason { code: POISON, error: format!("{}: {error}", R::TABLE.name()), stage: "sink" },
        };
        poisoned.into_iter().map(reject).collect()
    }
}

/// Writes rows, then commits.
#[derive(Debug)]
pub struct ClickHouseSink {
    insert: Insert,
    transactions: Transactions,
    clock: Clock,
    prepared: Vec<Outgoing>,
}

impl ClickHouseSink {
    /// A sink into `store`; `budget` is what a session may spend.
    #[must_use]
    pub fn new(store: Store, transactions: Transactions, budget: NanoUsd, clock: Clock, health: Component) -> Self {
        Self { insert: Insert::new(store, budget, health), transactions, clock, prepared: Vec::new() }
    }
}

impl Sink<Fact> for ClickHouseSink {
    async fn write(&mut self, kept: Vec<Landed<Fact>>, mut rejected: Vec<Reject>) -> anyhow::Result<usize> {
        let facts: Vec<(&Fact, &Arc<Record>)> =
            kept.iter().filter_map(|Landed { value, from }| Some((value, from.first()?))).collect();
        let refused = Box::pin(self.insert.facts(&facts)).await;
        // Many rows may be of one record.
        let refused_count = refused.iter().map(|reject| reject.record.origin()).collect::<HashSet<_>>().len();
        rejected.extend(refused);
        for reject in &rejected {
            if reject.record.topic.ends_with(DLQ_SUFFIX) {
                // Its topic is where it stays; another dead letter of it would come back here.
                error!(origin = %reject.record.origin(), error = reject.reason.error, "a dead letter has no row");
            } else {
                self.prepared.push(dead_letter(reject, &self.clock));
            }
        }
        Ok(refused_count)
    }

    async fn commit(&mut self, offsets: Offsets) -> anyhow::Result<()> {
        self.transactions.commit(std::mem::take(&mut self.prepared), offsets).await
    }
}

/// Rows of one table, and the records that they were made from.
type Gathered<'a, R> = (Vec<R>, Vec<&'a Arc<Record>>);

#[derive(Default)]
struct Rows<'a> {
    articles: Gathered<'a, ArticleRow<'a>>,
    sessions: Gathered<'a, SessionRow<'a>>,
    events: Gathered<'a, EventRow<'a>>,
    analyses: Gathered<'a, AnalysisRow<'a>>,
    records: Gathered<'a, RecordRow<'a>>,
    candles: Gathered<'a, CandleRow<'a>>,
    contexts: Gathered<'a, ContextRow<'a>>,
    series: Gathered<'a, SeriesRow<'a>>,
    instruments: Gathered<'a, InstrumentRow<'a>>,
    signals: Gathered<'a, SignalRow<'a>>,
    dead_letters: Gathered<'a, DeadLetterRow<'a>>,
    spend: Gathered<'a, SpendRow<'a>>,
    answers: Gathered<'a, AnswerRow<'a>>,
    jobs: Gathered<'a, JobRow<'a>>,
    charts: Gathered<'a, ChartRow<'a>>,
}

impl<'a> Rows<'a> {
    /// `intervals` are those of the series of `fact`, as they are called.
    fn add(&mut self, fact: &'a Fact, record: &'a Arc<Record>, intervals: &'a [String], budget: NanoUsd) {
        match fact {
            Fact::Batch(batch) => {
                for article in batch.articles.iter().chain(&batch.screened) {
                    self.articles.0.push(ArticleRow::new(article, &batch.run_id));
                    self.articles.1.push(record);
                }
                if let Some(command) = headers::command(&record.headers) {
                    self.events.0.push(EventRow::new(&batch.session_id, command, record.timestamp));
                    self.events.1.push(record);
                }
                if !batch.articles.is_empty() {
                    self.sessions.0.push(SessionRow::new(batch, budget));
                    self.sessions.1.push(record);
                }
            }
            Fact::Analysis(analysis) => {
                self.records.0.push(RecordRow::new(analysis, budget));
                self.records.1.push(record);
                if let Some(row) = AnalysisRow::new(analysis) {
                    self.analyses.0.push(row);
                    self.analyses.1.push(record);
                }
            }
            Fact::Market(batch) => {
                for (charted, interval) in batch.series.iter().zip(intervals) {
                    let candles = &charted.series.candles;
                    self.candles.0.extend(candles.iter().map(|candle| CandleRow::new(charted, interval, candle)));
                    self.candles.1.extend(std::iter::repeat_n(record, candles.len()));
                }
            }
            Fact::Context(chart) => {
                self.contexts.0.push(ContextRow::from(&**chart));
                self.contexts.1.push(record);
            }
            Fact::Learned(learned) => {
                for (series, interval) in learned.series.iter().zip(intervals) {
                    self.series.0.extend(SeriesRow::all(series, interval));
                    self.series.1.resize(self.series.0.len(), record);
                }
                self.instruments.0.extend(learned.instruments.iter().map(InstrumentRow::from));
                self.instruments.1.resize(self.instruments.0.len(), record);
            }
            Fact::Signal(signal) => {
                self.signals.0.push(SignalRow::from(&**signal));
                self.signals.1.push(record);
            }
            Fact::Ledger(entry) => {
                if let Some(spend) = &entry.spend {
                    self.spend.0.push(spend.into());
                    self.spend.1.push(record);
                }
                if let Some(answer) = &entry.answer {
                    self.answers.0.push(answer.into());
                    self.answers.1.push(record);
                }
            }
            Fact::Job(asked) => {
                let Asked { job, origin } = &**asked;
                self.jobs.0.push(JobRow::queued(job, origin));
                self.jobs.1.push(record);
            }
            Fact::JobEvent(event) => self.add_event(event, record),
            Fact::DeadLetter(letter) => {
                self.dead_letters.0.push(dead_letter_row(letter));
                self.dead_letters.1.push(record);
            }
        }
    }
}

impl<'a> Rows<'a> {
    fn add_event(&mut self, event: &'a JobEvent, record: &'a Arc<Record>) {
        self.jobs.0.push(JobRow::from(event));
        self.jobs.1.push(record);
        if let Some(row) = ChartRow::new(event) {
            self.charts.0.push(row);
            self.charts.1.push(record);
        }
    }
}

/// The row of a record of a `.dlq` topic. One that does not say where it came from stands under its own place.
fn dead_letter_row(letter: &Letter) -> DeadLetterRow<'_> {
    let Letter { record, added } = letter;
    let own = DeadLetterRow {
        topic: &record.topic,
        partition: record.partition,
        offset: record.offset,
        key: record.key.as_deref().map(Bytes),
        reason: "unknown",
        error: "",
        stage: "",
        attempts: 1,
        spent_usd: NanoUsd::ZERO.into(),
        payload: Bytes(record.value.as_deref().unwrap_or_default()),
        headers: record
            .headers
            .iter()
            .filter(|(name, _)| !name.starts_with(DeadLetter::PREFIX))
            .map(|(name, value)| (name.as_ref(), Bytes(value)))
            .collect(),
        at: record.timestamp.into(),
        version: record.timestamp.0,
        retries: headers::retries(&record.headers),
        kept_in: record.origin().to_string(),
    };
    let Some(added) = added else { return own };
    DeadLetterRow {
        topic: &added.origin.topic,
        partition: added.origin.partition,
        offset: added.origin.offset,
        reason: &added.reason,
        error: &added.error,
        stage: &added.stage,
        attempts: i32::try_from(added.attempts).unwrap_or(i32::MAX),
        spent_usd: added.spent.into(),
        at: added.at.into(),
        version: added.at.0,
        ..own
    }
}

/// Tells metrics and health how inserts go.
#[derive(Debug)]
struct Watch(Component);

impl Observer for Watch {
    fn inserted(&self, table: Table, rows: usize, took: Duration) {
        observe::inserted(table.name(), rows, took);
        self.0.ready();
    }

    fn waiting(&self, table: Table, failure: &Failure, _wait: Duration) {
        self.0.waiting(format!("{}: {failure}", table.name()));
    }

    fn poisoned(&self, table: Table, failure: &Failure) {
        error!(table = table.name(), error = %failure, "a row was refused and goes to the dead letters");
    }
}
