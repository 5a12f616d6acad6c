//! `ingest articles`: files of articles into `articles.raw`. A bad line is reported and counted; the others pass.
//! `ingest market`: [`market`].

pub(super) mod market;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::progress;
use crate::cli::args::IngestArticles;
use crate::cli::feed::{self, Entry};
use crate::cli::output::{self, Progress};
use crate::config::Config;
use crate::kafka::{ARTICLES_RAW, Producer};

/// Bad lines that are reported one by one; the others are only counted.
const REPORTED_MAX: usize = 100;

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Ingested {
    /// Articles that have arrived.
    pub(super) sent: u64,
    /// Lines that are no article.
    pub(super) bad: Vec<Bad>,
    bad_total: u64,
}

/// A line that is no article.
#[derive(Debug, Serialize)]
pub(super) struct Bad {
    file: String,
    line: u64,
    why: String,
}

pub(super) fn articles(args: &IngestArticles, config: &Config, as_json: bool) -> anyhow::Result<()> {
    let producer = Producer::new(&config.kafka)?;
    let mut bar = progress("articles", None);
    let mut sender = Sender {
        producer: &producer,
        topic: format!("{}{ARTICLES_RAW}", config.kafka.topic_prefix),
        pace: args.rate.map(Pace::new),
        strict: args.strict,
        done: Ingested::default(),
    };
    let read = args.files.iter().try_for_each(|file| sender.file(file, &mut bar));
    let mut done = sender.done;
    // What was read before a strict stop has been sent, and is counted.
    done.sent = producer.finish()?;
    bar.finish();
    let out = &mut io::stdout().lock();
    if as_json {
        output::write_json(out, &done)?;
    } else {
        writeln!(out, "{} articles sent, {} lines were no article", done.sent, done.bad_total)?;
    }
    read
}

struct Sender<'a> {
    producer: &'a Producer,
    topic: String,
    pace: Option<Pace>,
    strict: bool,
    done: Ingested,
}

impl Sender<'_> {
    fn file(&mut self, path: &Path, bar: &mut Progress) -> anyhow::Result<()> {
        let name = path.display().to_string();
        let input: Box<dyn BufRead> = if name == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::new(File::open(path).with_context(|| format!("opening {name}"))?))
        };
        for entry in feed::read(input).with_context(|| format!("reading {name}"))? {
            match entry.with_context(|| format!("reading {name}"))? {
                Entry::Article { json, id, .. } => {
                    if let Some(pace) = &mut self.pace {
                        pace.wait();
                    }
                    self.producer.send(&self.topic, Some(id.as_bytes()), &json)?;
                    bar.add(1);
                }
                Entry::Bad { line, why } => self.bad(Bad { file: name.clone(), line, why }, bar)?,
            }
        }
        Ok(())
    }

    fn bad(&mut self, bad: Bad, bar: &Progress) -> anyhow::Result<()> {
        self.done.bad_total += 1;
        let text = format!("{}:{}: {}", bad.file, bad.line, bad.why);
        if self.strict {
            bail!("{text}");
        }
        if self.done.bad.len() < REPORTED_MAX {
            bar.say(&text);
            self.done.bad.push(bad);
        }
        Ok(())
    }
}

/// Spreads records evenly over time.
struct Pace {
    gap: Duration,
    next: Instant,
}

impl Pace {
    fn new(rate: NonZeroU32) -> Self {
        Self { gap: Duration::from_secs(1) / rate.get(), next: Instant::now() }
    }

    fn wait(&mut self) {
        std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
        self.next = Instant::now().max(self.next) + self.gap;
    }
}
