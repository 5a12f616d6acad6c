//! `dlq retry`: letters sent again as they were (key, bytes, headers), to the topic that the hop reads which gave them up.
//!
//! ```text
//! letters of ClickHouse ──plan──► (topic, who takes it) ──bytes, cost──► noted `sending` ──► Kafka ──► noted `retried`
//! ```
//! # Who takes a letter
//! The letter of `X.dlq` goes to `X`. What could not be read as a record of its topic ([`Reason`](crate::wire::Reason)) could be read by none of
//! its readers, and all of them get it again. Anything else failed at one hop alone, which is named in `dlq.hop`: the
//! others pass the record over.
//!
//! # What a command that is killed leaves behind
//! Letters go in groups of at most [`GROUP_LETTERS_MAX`](super::plan::GROUP_LETTERS_MAX). A group is noted as `sending`, sent, waited for until every
//! replica has it, and noted as `retried`. So of a command that dies, at most one group is neither here nor there: its
//! letters are `sending`, which the list shows, and the next `dlq retry` sends them again and says how many they were. They
//! may arrive twice then, and no other letter does. A record that comes twice changes no row of the views, as rows have
//! deterministic identities, and is not paid for twice, as answers are journaled; an article that comes twice may count
//! twice in its session, as any article does that its producer sends twice.
//!
//! # Poison
//! A record that dies again is a new letter that knows how often it was sent (`dlq.retries`). After `--retries-max` it is
//! passed over, unless somebody names it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde::Serialize;

use super::cost::{Cost, Costs, FREE};
use super::plan::{Planned, groups, redrive, target};
use super::put_aside::note;
use super::{Desk, check_choice, place};
use crate::cli::args::DlqRetry;
use crate::cli::commands::progress;
use crate::cli::output::{self, Progress};
use crate::clickhouse::rows::DeadLetterActionRow;
use crate::clickhouse::{Action, DeadLetterState};
use crate::kafka::{Numbered, Producer};
use crate::model::{NanoUsd, Timestamp};
use crate::provider::estimate::Expected;
use crate::wire::headers::Headers;

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Done {
    dry_run: bool,
    /// Letters that are sent, or would be.
    letters: u64,
    /// Of these, by topic.
    topics: BTreeMap<&'static str, u64>,
    /// Of these, those that an interrupted command may have sent already.
    interrupted: u64,
    /// Of these, those that cannot be read as configured today: they will be dead letters again.
    unreadable: u64,
    /// Of these, those whose cost nobody can tell ahead.
    unpriced: u64,
    /// What half of such letters stay below.
    usd_p50: f64,
    /// What they may cost at their worst.
    usd_worst: f64,
    /// Letters that were chosen and are not sent, by why.
    passed_over: BTreeMap<&'static str, u64>,
}

pub(super) async fn run(args: &DlqRetry, desk: &Desk, as_json: bool) -> anyhow::Result<()> {
    check_choice(&args.chosen)?;
    let letters =
        desk.store.dead_letters_in_order(&desk.filter(&args.chosen.which, &args.chosen.letters), args.limit).await?;
    if letters.is_empty() && !args.chosen.letters.is_empty() {
        bail!("none of these is a dead letter that is open: see `dlq list --state all`, and choose by --state");
    }
    let mut done = Done { dry_run: args.dry_run, ..Done::default() };
    let planned = plan(args, &desk.config.kafka.topic_prefix, letters, &mut done);
    let mut retry = Retry {
        desk,
        costs: Costs::new(desk)?,
        producer: Arc::new(Producer::new(&desk.config.kafka)?),
        max: args.max_usd,
        expected: FREE,
        bar: progress("letters", Some(planned.len() as u64)),
        done,
    };
    let mut sent = Ok(());
    for group in groups(planned) {
        sent = retry.group(group).await;
        if sent.is_err() {
            break;
        }
    }
    let Retry { expected, bar, mut done, .. } = retry;
    bar.finish();
    done.usd_p50 = expected.typical.dollars();
    done.usd_worst = expected.worst.dollars();
    show(&done, as_json)?;
    sent
}

/// Where each letter goes; those that go nowhere are counted.
fn plan(args: &DlqRetry, prefix: &str, letters: Vec<DeadLetterState>, done: &mut Done) -> Vec<Planned> {
    let mut planned = Vec::with_capacity(letters.len());
    for letter in letters {
        let why = match target(&letter, prefix) {
            None => "unknown_topic",
            Some(_) if args.chosen.letters.is_empty() && letter.retries >= args.retries_max => "retries",
            Some(topic) => {
                let redrive = redrive(&letter, topic);
                planned.push(Planned { letter, topic, redrive });
                continue;
            }
        };
        *done.passed_over.entry(why).or_default() += 1;
    }
    planned
}

/// Sending, as far as it is.
struct Retry<'a> {
    desk: &'a Desk,
    costs: Costs,
    producer: Arc<Producer>,
    max: Option<NanoUsd>,
    /// What was let through so far.
    expected: Expected,
    bar: Progress,
    done: Done,
}

impl Retry<'_> {
    async fn group(&mut self, group: Vec<Planned>) -> anyhow::Result<()> {
        let letters = group.len() as u64;
        let chosen = self.choose(group).await?;
        if !self.done.dry_run && !chosen.is_empty() {
            self.send(&chosen).await?;
        }
        for (planned, _) in &chosen {
            self.done.letters += 1;
            *self.done.topics.entry(planned.topic).or_default() += 1;
            self.done.interrupted += u64::from(planned.letter.state == Action::Sending.as_str());
        }
        self.bar.add(letters);
        Ok(())
    }

    /// Those of a group that may be sent, with their bytes.
    async fn choose(&mut self, group: Vec<Planned>) -> anyhow::Result<Vec<(Planned, Bytes)>> {
        let Some(first) = group.first() else { return Ok(Vec::new()) };
        let offsets: Vec<i64> =
            group.iter().map(|planned| planned.letter.offset).collect::<HashSet<_>>().into_iter().collect();
        let DeadLetterState { topic, partition, .. } = &first.letter;
        let bodies = self.desk.store.dead_letter_bodies(topic, *partition, &offsets).await?;
        let mut bodies: HashMap<(i64, String), Bytes> =
            bodies.into_iter().map(|body| ((body.offset, body.reason), body.payload)).collect();
        let mut chosen = Vec::with_capacity(group.len());
        for mut planned in group {
            let key = (planned.letter.offset, planned.letter.reason.clone());
            let why = match bodies.remove(&key) {
                None => Some("gone"),
                Some(payload) => {
                    let why = match self.settled(&mut planned, &payload).await? {
                        None => self.admit(&planned, &payload).await?,
                        settled => settled,
                    };
                    if why.is_none() {
                        chosen.push((planned, payload));
                    }
                    why
                }
            };
            if let Some(why) = why {
                *self.done.passed_over.entry(why).or_default() += 1;
            }
        }
        Ok(chosen)
    }

    /// Why an article that had failed for good is not to be tried again: it was analysed since, as its session was
    /// recovered, or it waits for a budget. Otherwise it goes on from its last attempt.
    async fn settled(&self, planned: &mut Planned, payload: &[u8]) -> anyhow::Result<Option<&'static str>> {
        let Some((attempts, _)) = &mut planned.redrive.failed else { return Ok(None) };
        // What cannot be read, or not now, is told of by whoever asks what it costs.
        let Ok(batch) = self.costs.batch(payload).await else { return Ok(None) };
        let Some(article) = batch.articles.first() else { return Ok(None) };
        let Some(last) = self.desk.store.last_attempt(&batch, article).await? else { return Ok(None) };
        *attempts = (*attempts).max(u32::try_from(last.attempt).unwrap_or(0));
        Ok(match last.status.as_str() {
            "analyzed" => Some("analyzed"),
            "deferred" => Some("deferred"),
            _ => None,
        })
    }

    /// Why the letter is not sent: it would cost more than was allowed, or nobody knows.
    async fn admit(&mut self, planned: &Planned, payload: &[u8]) -> anyhow::Result<Option<&'static str>> {
        let expected = match self.costs.of(planned.topic, payload, self.desk.clock.now()).await? {
            Cost::Known(expected) => expected,
            Cost::Unknown if self.max.is_some() => return Ok(Some("unpriced")),
            Cost::Unknown => {
                self.done.unpriced += 1;
                FREE
            }
            Cost::Unreadable => {
                self.done.unreadable += 1;
                FREE
            }
        };
        let worst = self.expected.worst.saturating_add(expected.worst);
        if expected.worst > NanoUsd::ZERO && self.max.is_some_and(|max| worst > max) {
            return Ok(Some("max_usd"));
        }
        self.expected.worst = worst;
        self.expected.typical = self.expected.typical.saturating_add(expected.typical);
        Ok(None)
    }

    async fn send(&self, chosen: &[(Planned, Bytes)]) -> anyhow::Result<()> {
        let store = &self.desk.store;
        let now = self.desk.clock.now();
        let sending = chosen.iter().map(|(planned, _)| row(planned, Action::Sending, String::new(), now));
        note(store, &sending.collect::<Vec<_>>()).await?;
        let places = self.deliver(chosen).await?;
        let at = self.desk.clock.now();
        let sent = chosen.iter().enumerate().map(|(number, (planned, _))| {
            row(planned, Action::Retried, places.get(&number).cloned().unwrap_or_default(), at)
        });
        note(store, &sent.collect::<Vec<_>>()).await.context("they have been sent, which could not be noted")
    }

    /// Sends letters and waits until they have arrived; says where each stands.
    async fn deliver(&self, chosen: &[(Planned, Bytes)]) -> anyhow::Result<HashMap<usize, String>> {
        let prefix = self.desk.config.kafka.topic_prefix.clone();
        let records: Vec<(String, Option<Bytes>, Bytes, Headers)> = chosen
            .iter()
            .map(|(planned, payload)| {
                let mut headers: Headers =
                    planned.letter.headers.iter().map(|(name, value)| (name.clone().into(), value.clone())).collect();
                planned.redrive.write(&mut headers);
                (format!("{prefix}{}", planned.topic), planned.letter.key.clone(), payload.clone(), headers)
            })
            .collect();
        let producer = Arc::clone(&self.producer);
        let deliver = move || -> anyhow::Result<HashMap<usize, String>> {
            for (number, (topic, key, value, headers)) in (0..).zip(&records) {
                let key = key.as_deref();
                producer.send_numbered(topic, &Numbered { number: Some(number), key, value, headers, at: None })?;
            }
            producer.flush()?;
            let arrived = producer.arrivals()?.into_iter().filter_map(|arrival| {
                let number = usize::try_from(arrival.number).ok()?;
                let (topic, ..) = records.get(number)?;
                Some((number, format!("{topic}/{}/{}", arrival.partition, arrival.offset)))
            });
            Ok(arrived.collect())
        };
        let first = chosen.first().map(|(planned, _)| place(&planned.letter)).unwrap_or_default();
        let places = tokio::task::spawn_blocking(deliver).await.context("sending panicked")?;
        places.with_context(|| format!("sending {} letters from {first} on", chosen.len()))
    }
}

/// The row that says how far the sending of a letter is.
fn row(planned: &Planned, action: Action, sent_to: String, at: Timestamp) -> DeadLetterActionRow<'_> {
    // What is under way is not counted yet: it may never have left.
    let retries = planned.redrive.retries.saturating_sub(u32::from(action == Action::Sending));
    DeadLetterActionRow::new(&planned.letter, action, retries, sent_to, at)
}

fn show(done: &Done, as_json: bool) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, done)?);
    }
    let verb = if done.dry_run { "would be" } else { "were" };
    writeln!(out, "{} dead letters {verb} sent again", done.letters)?;
    for (topic, letters) in &done.topics {
        writeln!(out, "  {letters} to {topic}")?;
    }
    if done.usd_worst > 0.0 {
        writeln!(
            out,
            "  expected to cost ${:.6}, at the worst ${:.6} (what was answered before is free)",
            done.usd_p50, done.usd_worst
        )?;
    }
    for (count, what) in [
        (done.interrupted, "may have been sent before, by a command that was interrupted"),
        (done.unreadable, "still cannot be read as configured, and will be dead letters again"),
        (done.unpriced, "cost what nobody can tell ahead"),
    ] {
        if count > 0 {
            writeln!(out, "  {count} of them {what}")?;
        }
    }
    for (why, letters) in &done.passed_over {
        let text = match *why {
            "retries" => "were sent again too often already (--retries-max)",
            "max_usd" => "would have cost more than --max-usd",
            "unpriced" => "cost what nobody can tell ahead, which --max-usd does not allow",
            "gone" => "are gone meanwhile",
            "analyzed" => "were analysed meanwhile",
            "deferred" => "wait for a budget, and are tried again by themselves",
            _ => "come from a topic that is not of this installation",
        };
        writeln!(out, "{letters} were passed over: they {text}")?;
    }
    Ok(())
}
