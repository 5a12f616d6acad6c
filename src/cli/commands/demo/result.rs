//! What the demo shows at its end: the counts, the strongest signals, and where to look further.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;

use crate::cli::output::{Table, harmless, write_json};
use crate::clickhouse::Summary;
use crate::embedded::Services;

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
}

impl Addresses {
    pub(super) fn new(services: &Services, metrics: SocketAddr) -> Self {
        Self {
            kafka: services.kafka.brokers(),
            clickhouse: services.clickhouse.url(),
            metrics: format!("http://{metrics}/metrics"),
            health: format!("http://{metrics}/health"),
        }
    }
}

pub(super) fn show(out: &mut impl Write, ingested: &Ingested, summary: &Summary) -> io::Result<()> {
    let mut counts = Table::new(&["", "count"]);
    let mut count = |what: &str, count: u64| counts.row([what.to_owned(), count.to_string()]);
    count("records sent", ingested.sent);
    count("  dead letters", summary.dead_letters);
    let again = ingested.sent.saturating_sub(summary.dead_letters + summary.articles);
    count("  the same article again", again);
    count("articles seen", summary.articles);
    for screened in &summary.screened {
        count(&format!("  screened out: {}", screened.screen), screened.articles);
    }
    count("articles analysed", summary.analyzed);
    count("  marked as repeating another", summary.duplicates);
    count("batches", summary.batches);
    writeln!(out)?;
    counts.write(out)?;
    writeln!(out, "cost: ${} (analyzer: lexicon, built in)", summary.cost)?;
    for bad in &ingested.bad {
        writeln!(out, "sent to become a dead letter: {bad}")?;
    }
    writeln!(out, "\nstrongest signals (0 bearish, 50 neutral, 100 bullish)")?;
    let mut strongest = Table::new(&["score", "direction", "confidence", "subject", "headline"]);
    for signal in &summary.strongest {
        strongest.row([
            format!("{:.1}", signal.signal.score),
            signal.signal.direction.clone(),
            format!("{:.2}", signal.signal.confidence),
            harmless(&signal.signal.subject).into_owned(),
            harmless(&signal.title).into_owned(),
        ]);
    }
    strongest.write(out)
}

pub(super) fn show_json(
    out: &mut impl Write,
    ingested: &Ingested,
    summary: &Summary,
    addresses: &Addresses,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Result<'a> {
        #[serde(flatten)]
        ingested: &'a Ingested,
        #[serde(flatten)]
        summary: &'a Summary,
        addresses: &'a Addresses,
    }
    write_json(out, &Result { ingested, summary, addresses })?;
    out.flush()
}

pub(super) fn invite(out: &mut impl Write, addresses: &Addresses) -> io::Result<()> {
    let Addresses { kafka, clickhouse, metrics, health } = addresses;
    writeln!(out, "\neverything stays up until Ctrl-C:")?;
    writeln!(out, "  Kafka       {kafka}")?;
    writeln!(out, "  ClickHouse  {clickhouse}")?;
    writeln!(out, "  metrics     {metrics}")?;
    writeln!(out, "  health      {health}")?;
    writeln!(out, "look:  curl '{clickhouse}/?database=signalmill&default_format=PrettyCompact' \\")?;
    writeln!(out, "         --data 'SELECT subject, direction, score FROM signals_v ORDER BY score DESC LIMIT 5'")?;
    writeln!(out, "send:  the README shows how to send an article of your own with kcat")?;
    out.flush()
}
