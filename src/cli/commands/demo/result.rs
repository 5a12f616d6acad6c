//! What the demo shows at its end: the counts, the money, the strongest signals, and where to look further.

use std::io::{self, Write};

use serde::Serialize;

use super::reader::{Billed, Reader};
use super::watch::Standing;
use crate::cli::output::{Table, harmless, write_json};
use crate::clickhouse::{SessionState, Spending, Summary};
use crate::config::Config;
use crate::embedded::Services;
use crate::embedded::providers::StandIns;
use crate::model::NanoUsd;

/// Nano-dollars in the smallest amount that is shown.
const NANOS_SHOWN: i64 = 1_000;
/// Amounts shown that make a dollar.
const SHOWN_PER_USD: i64 = 1_000_000;

/// What was sent.
#[derive(Debug, Default, Serialize)]
pub(super) struct Ingested {
    /// Records, the bad ones too.
    pub(super) sent: u64,
    /// Lines that are no article, and why.
    pub(super) bad: Vec<String>,
}

/// Where everything is.
#[derive(Debug, Serialize)]
pub(super) struct Addresses {
    pub(super) kafka: String,
    pub(super) clickhouse: String,
    pub(super) metrics: String,
    pub(super) health: String,
    /// The web page and the API.
    pub(super) page: String,
    /// The stand-ins, where there are any.
    pub(super) gemini: Option<String>,
    pub(super) tavily: Option<String>,
}

impl Addresses {
    pub(super) fn new(services: &Services, config: &Config, stand_ins: Option<&StandIns>) -> Self {
        let metrics = config.metrics.listen;
        Self {
            kafka: services.kafka.brokers(),
            clickhouse: services.clickhouse.url(),
            metrics: format!("http://{metrics}/metrics"),
            health: format!("http://{metrics}/health"),
            page: format!("http://{}/", config.api.listen),
            gemini: stand_ins.map(StandIns::gemini_url),
            tavily: stand_ins.map(StandIns::tavily_url),
        }
    }
}

/// What the samples have come to.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    pub(super) ingested: &'a Ingested,
    pub(super) summary: &'a Summary,
    pub(super) standing: &'a Standing,
    /// What the session may spend.
    pub(super) limit: NanoUsd,
    pub(super) reader: &'a Reader,
    pub(super) bill: Option<Billed>,
    pub(super) addresses: &'a Addresses,
}

impl Outcome<'_> {
    /// For people.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out)?;
        self.counts().write(out)?;
        writeln!(out)?;
        if !matches!(self.reader, Reader::Lexicon) {
            self.money().write(out)?;
        }
        writeln!(out, "{}", self.reader.signature())?;
        for bad in &self.ingested.bad {
            writeln!(out, "sent to become a dead letter: {bad}")?;
        }
        writeln!(out, "\nstrongest signals (0 bearish, 50 neutral, 100 bullish)")?;
        self.strongest().write(out)
    }

    fn counts(&self) -> Table {
        let Self { ingested, summary, standing, .. } = self;
        let mut counts = Table::new(&["", "count", ""]);
        let mut count = |what: &str, count: u64, why: &str| {
            counts.row([what.to_owned(), count.to_string(), why.to_owned()]);
        };
        count("records sent", ingested.sent, "");
        count("  dead letters", summary.dead_letters, "what cannot be read, kept as it was");
        let again = ingested.sent.saturating_sub(summary.dead_letters + summary.articles);
        count("  the same article again", again, "unchanged, or as a new version");
        count("articles seen", summary.articles, "");
        for screened in &summary.screened {
            count("  screened out", screened.articles, &screened.screen);
        }
        count("  marked as repeating another", summary.duplicates, "");
        count("admitted", standing.admitted, "new versions of an article included");
        count("  analysed", standing.analyzed, "");
        if standing.failed > 0 {
            count("  failed", standing.failed, "tried again by itself");
        }
        if standing.deferred > 0 {
            count("  deferred", standing.deferred, "the budget is spent: they wait for the next session");
        }
        count("batches", summary.batches, "");
        counts
    }

    fn money(&self) -> Table {
        let Spending { spent_usd, in_doubt_usd, research_usd, questions, repairs, searches, .. } =
            self.summary.spending;
        let Spending { failed_free, reused, saved_usd, .. } = self.summary.spending;
        let mut money = Table::new(&["", "dollars", ""]).open_ended();
        let mut amount = |what: &str, nanos: i64, why: String| money.row([what.to_owned(), dollars(nanos), why]);
        let status = self.standing.newest.as_ref().map_or("", |session| session.status.as_str());
        amount("limit of the session", self.limit.decimal(), format!("the session is {status}"));
        amount("  spent", spent_usd, String::new());
        let analysis = spent_usd + in_doubt_usd - research_usd;
        amount("    analysis", analysis, format!("{questions} answers, {repairs} of them to repair one"));
        amount("    validation", research_usd, format!("{searches} searches about strong claims"));
        amount("  in doubt", in_doubt_usd, "calls that a crash left open".to_owned());
        amount("failed calls", 0, format!("{failed_free}, asked again as long as the budget lasts"));
        amount("saved by the journal", saved_usd, format!("{reused} articles had the answer of an equal one"));
        if let Some(Billed { cost, calls, limited, unavailable }) = self.bill {
            let same = if cost == spent_usd { "equal to what was counted" } else { "NOT what was counted" };
            let refused = format!("{calls} calls, and {limited} refused with 429, {unavailable} with 503");
            amount("the stand-ins' own bill", cost, format!("{same}: {refused}"));
        }
        money
    }

    fn strongest(&self) -> Table {
        let mut strongest = Table::new(&["score", "direction", "confidence", "subject", "headline"]);
        for signal in &self.summary.strongest {
            strongest.row([
                format!("{:.1}", signal.signal.score),
                signal.signal.direction.clone(),
                format!("{:.2}", signal.signal.confidence),
                harmless(&signal.signal.subject).into_owned(),
                harmless(&signal.title).into_owned(),
            ]);
        }
        strongest
    }

    /// For programs.
    pub(super) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Result<'a> {
            #[serde(flatten)]
            ingested: &'a Ingested,
            #[serde(flatten)]
            summary: &'a Summary,
            admitted: u64,
            failed: u64,
            deferred: u64,
            session: Option<&'a SessionState>,
            provider: &'static str,
            stand_in: bool,
            billed: Option<Billed>,
            addresses: &'a Addresses,
        }
        let Self { ingested, summary, standing, reader, bill: billed, addresses, .. } = *self;
        let Standing { admitted, failed, deferred, .. } = *standing;
        let session = standing.newest.as_ref();
        let (provider, stand_in) = reader.name();
        let result =
            Result { ingested, summary, admitted, failed, deferred, session, provider, stand_in, billed, addresses };
        write_json(out, &result)?;
        out.flush()
    }
}

/// Dollars with six decimals.
fn dollars(nanos: i64) -> String {
    let shown = (nanos + NANOS_SHOWN / 2) / NANOS_SHOWN;
    format!("{}.{:06}", shown / SHOWN_PER_USD, shown % SHOWN_PER_USD)
}

pub(super) fn invite(out: &mut impl Write, addresses: &Addresses) -> io::Result<()> {
    let Addresses { kafka, clickhouse, metrics, health, page, gemini, tavily } = addresses;
    writeln!(out, "\neverything stays up until Ctrl-C:")?;
    writeln!(out, "  the page    {page}")?;
    writeln!(out, "  Kafka       {kafka}")?;
    writeln!(out, "  ClickHouse  {clickhouse}")?;
    writeln!(out, "  metrics     {metrics}")?;
    writeln!(out, "  health      {health}")?;
    for (name, address) in [("Gemini", gemini), ("Tavily", tavily)] {
        if let Some(address) = address {
            writeln!(out, "  {name:<10}  {address} (a stand-in)")?;
        }
    }
    writeln!(out, "look:  curl '{clickhouse}/?database=signalmill&default_format=PrettyCompact' \\")?;
    writeln!(out, "         --data 'SELECT subject, direction, score FROM signals_v ORDER BY score DESC LIMIT 5'")?;
    writeln!(out, "send:  the README shows how to send an article of your own with kcat")?;
    out.flush()
}
