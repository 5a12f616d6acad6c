//! Stops a hop that would make dead letters of most of what it reads.
//!
//! A few records that cannot be processed are normal, and each is a dead letter. Where hardly any can be, something else
//! is wrong (a producer's new format, a schema that is missing, a table that refuses its rows), and a whole topic of
//! dead letters would help nobody. So what a hop rejects is counted: so many in a row, or more than a share of
//! the last so many records, and the hop stops before it commits them.
//!
//! # Why the counts outlive the hop
//! A hop that has stopped starts again after [`Limits::pause`] and reads the same records: that is how it is half-open.
//! With the counts of before, as many rejects stop it again, and if what was wrong is mended, it goes on by itself. A hop
//! that starts again for another reason counts anew, as it reads again what was not committed; so does a process.
//!
//! # Why what came before is committed
//! A batch is cut in front of the rejects that are too many, in a row or in their share. What was read before them, and
//! is sound, must not wait until somebody has an opinion about them.
//!
//! # Why it stands in front of a window
//! A batch can be cut only where its entries stand in the order of their records. Behind a window they do not: what it
//! gathers may come from before and from behind the records that are cut off, and its offsets would commit those. So
//! the circuit of a hop that has a window stands in front of it, and closes it when it stops the hop.
//!
//! # What does not count
//! Files that were understood and hold too little (`UNDERSTOOD`) say nothing of a broken format. Articles and jobs that
//! fail at their work are no rejects: budgets, attempts and a provider's breaker bound those.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tracing::info;

use super::batch::Batch;
use super::{Barrier, Delivery};
use crate::model::CloseReason;
use crate::observe::{self, CircuitMetrics};

/// Codes of rejects that were understood: there is just too little, or too little sense, in them.
const UNDERSTOOD: &[&str] = &["empty", "too_few_bars", "inconsistent"];

/// When a hop is stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Rejects in a row that are committed; one more stops the hop. 0: any number.
    pub consecutive_max: usize,
    /// The share of rejects among the last [`window`](Self::window) records above which the hop is stopped; from 1 on: never.
    pub ratio_max: f64,
    /// Records that a share is taken of; before there are as many, it is not looked at.
    pub window: usize,
    /// How long the hop stays stopped.
    pub pause: Duration,
}

/// Too many rejects: nothing of them is committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "too many dead letters: {why}{at}. Nothing of that is committed. Mend what is wrong with them; or raise \
     dead_letters.consecutive_max or dead_letters.ratio_max; or move the hop's consumer group behind them. It is tried \
     again every {pause:?}"
)]
pub struct Open {
    why: String,
    /// The first one that was not committed, and what is wrong with it.
    at: String,
    /// When to try again.
    pub pause: Duration,
}

/// Counts for one hop. Clones share the counts.
#[derive(Debug, Clone)]
pub struct Circuit {
    limits: Limits,
    counts: Arc<Mutex<Counts>>,
    metrics: Arc<CircuitMetrics>,
}

/// The circuits of all hops of a process, each made when it is first asked for.
#[derive(Debug, Clone, Default)]
pub struct Circuits(Arc<Mutex<HashMap<&'static str, Circuit>>>);

impl Circuits {
    /// The one of the hop `name`, which starts.
    #[must_use]
    pub fn of(&self, name: &'static str, limits: Limits) -> Circuit {
        let circuit = self.0.lock().entry(name).or_insert_with(|| Circuit::new(name, limits)).clone();
        circuit.begin();
        circuit
    }
}

#[derive(Debug, Clone, Default)]
struct Counts {
    consecutive: usize,
    /// Whether each of the last records was rejected.
    last: VecDeque<bool>,
    rejected: usize,
    stopped: bool,
}

/// What a batch would add.
#[derive(Debug)]
pub(super) struct Weighed {
    counts: Counts,
    /// Why what was cut off must not be committed.
    pub(super) open: Option<Open>,
}

impl Circuit {
    /// Of the hop `name`, which has rejected nothing yet.
    #[must_use]
    pub fn new(name: &'static str, limits: Limits) -> Self {
        Self { limits, counts: Arc::default(), metrics: Arc::new(observe::circuit(name)) }
    }

    fn begin(&self) {
        let mut counts = self.counts.lock();
        if !counts.stopped {
            *counts = Counts::default();
        }
    }

    /// Lets through what may be committed, in front of a window, until the inlet closes.
    ///
    /// # Errors
    /// The hop is to stop; everything that was let through has landed.
    pub(super) async fn watch<T: Send>(
        self,
        mut inlet: mpsc::Receiver<Delivery<T>>,
        outlet: mpsc::Sender<Delivery<T>>,
    ) -> anyhow::Result<()> {
        while let Some(delivery) = inlet.recv().await {
            let Delivery::Batch(mut batch) = delivery else {
                if outlet.send(delivery).await.is_err() {
                    break;
                }
                continue;
            };
            let weighed = self.weigh(&mut batch);
            if !batch.is_empty() && outlet.send(Delivery::Batch(batch)).await.is_err() {
                break;
            }
            if weighed.open.is_some() {
                let (barrier, reached) = Barrier::new(CloseReason::Shutdown);
                if outlet.send(Delivery::Barrier(barrier)).await.is_err() || reached.await.is_err() {
                    break;
                }
            }
            self.settle(weighed)?;
        }
        Ok(())
    }

    /// Cuts off the end of `batch` that must not be committed.
    pub(super) fn weigh<T>(&self, batch: &mut Batch<T>) -> Weighed {
        let mut counts = self.counts.lock().clone();
        // Where the rejects in a row began that the batch ends with so far.
        let mut run = 0;
        let mut cut = None;
        for (place, (code, records)) in batch.ends().enumerate() {
            let rejected = is_rejected(code);
            if !rejected {
                run = place + 1;
            }
            if let Some(why) = (0..records).find_map(|_| counts.add(rejected, &self.limits)) {
                cut = Some((if why.is_run { run } else { place }, place, why.text));
                break;
            }
        }
        let Some((cut, place, why)) = cut else { return Weighed { counts, open: None } };
        let at = batch.story(place).map_or_else(String::new, |story| format!("; {story}"));
        batch.truncate(cut);
        let mut counts = self.counts.lock().clone();
        for (code, records) in batch.ends() {
            for _ in 0..records {
                let _ = counts.add(is_rejected(code), &self.limits);
            }
        }
        Weighed { counts, open: Some(Open { why, at, pause: self.limits.pause }) }
    }

    /// Of the `kept` items of a weighed batch the sink has refused so many.
    ///
    /// # Errors
    /// The batch must not be committed.
    pub(super) fn refused(&self, weighed: &mut Weighed, refused: usize, kept: usize) -> Result<(), Open> {
        if refused == 0 {
            return Ok(());
        }
        // Which of them is not known: they count as spread among the others as far as these go.
        let sound = kept.saturating_sub(refused);
        let mut turns = (0..refused.max(sound))
            .flat_map(|turn| [(turn < refused).then_some(true), (turn < sound).then_some(false)].into_iter().flatten());
        match turns.find_map(|rejected| weighed.counts.add(rejected, &self.limits)) {
            Some(why) => Err(self.stop(Open { why: why.text, at: String::new(), pause: self.limits.pause })),
            None => Ok(()),
        }
    }

    /// The weighed batch, as it was cut, is committed, or will be.
    ///
    /// # Errors
    /// The hop is to stop.
    pub(super) fn settle(&self, weighed: Weighed) -> Result<(), Open> {
        let Weighed { counts: weighed, open } = weighed;
        let mut counts = self.counts.lock();
        let stopped = counts.stopped;
        *counts = Counts { stopped, ..weighed };
        if let Some(open) = open {
            drop(counts);
            return Err(self.stop(open));
        }
        if stopped && counts.consecutive == 0 {
            counts.stopped = false;
            self.metrics.open(false);
            info!("dead letters are within their limits again");
        }
        Ok(())
    }

    fn stop(&self, open: Open) -> Open {
        self.counts.lock().stopped = true;
        self.metrics.open(true);
        open
    }
}

fn is_rejected(code: Option<&'static str>) -> bool {
    code.is_some_and(|code| !UNDERSTOOD.contains(&code))
}

/// A limit that was passed.
struct Passed {
    text: String,
    is_run: bool,
}

impl Counts {
    /// Counts one record; says whether it is one too many.
    fn add(&mut self, rejected: bool, limits: &Limits) -> Option<Passed> {
        self.consecutive = if rejected { self.consecutive + 1 } else { 0 };
        self.last.push_back(rejected);
        self.rejected += usize::from(rejected);
        if self.last.len() > limits.window {
            self.rejected -= usize::from(self.last.pop_front() == Some(true));
        }
        if !rejected {
            return None;
        }
        if limits.consecutive_max > 0 && self.consecutive > limits.consecutive_max {
            let text = format!("more than {} in a row (dead_letters.consecutive_max)", limits.consecutive_max);
            return Some(Passed { text, is_run: true });
        }
        let too_many = self.last.len() >= limits.window && is_above(self.rejected, self.last.len(), limits.ratio_max);
        let text = || format!("{} of the last {} records (dead_letters.ratio_max)", self.rejected, self.last.len());
        too_many.then(|| Passed { text: text(), is_run: false })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share is compared with one that a person wrote")]
fn is_above(part: usize, whole: usize, share: f64) -> bool {
    part as f64 > whole as f64 * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::batch::{Entry, Reason, State};
    use crate::flow::memory;
    use crate::flow::record::Origins;
    use crate::model::Timestamp;

    const LIMITS: Limits = Limits { consecutive_max: 3, ratio_max: 0.5, window: 10, pause: Duration::from_secs(1) };

    /// A letter an entry: `g`ood, `b`ad, `d`ropped, `u`nderstood.
    fn batch(letters: &str) -> Batch<()> {
        let reject = |code| State::Rejected(Reason { code, error: "what it was".to_owned(), stage: "test" });
        let entries = (0..).zip(letters.chars()).map(|(offset, letter)| Entry {
            state: match letter {
                'g' => State::Kept(()),
                'd' => State::Dropped,
                'u' => reject("too_few_bars"),
                _ => reject("malformed"),
            },
            from: Origins::from_elem(memory::record("t", 0, offset, Timestamp(0), b""), 1),
        });
        Batch { entries: entries.collect() }
    }

    /// Lands batches one after another; says how much of each was committed.
    fn landed(circuit: &Circuit, batches: &[&str]) -> Vec<(usize, bool)> {
        let land = |letters: &&str| {
            let mut batch = batch(letters);
            let weighed = circuit.weigh(&mut batch);
            (batch.len(), circuit.settle(weighed).is_ok())
        };
        batches.iter().map(land).collect()
    }

    #[test]
    fn a_row_of_rejects_is_cut_off_whole_and_what_came_before_is_committed() {
        let circuit = Circuit::new("circuit/row", Limits { window: 100, ..LIMITS });
        assert_eq!(landed(&circuit, &["gbbbg", "gdbbbb"]), [(5, true), (2, false)]);
        // Half-open: the same again stops it again, and what can be read by then goes on.
        assert_eq!(landed(&circuit, &["bbbb", "gggg", "bbb", "b"]), [(0, false), (4, true), (3, true), (0, false)]);
        assert_eq!(landed(&circuit, &["b", "ub", "g"]), [(0, false), (2, true), (1, true)]);
    }

    #[test]
    fn a_share_of_rejects_stops_once_there_are_enough_records() {
        let circuit = Circuit::new("circuit/share", LIMITS);
        assert_eq!(landed(&circuit, &["bbgbbgbbg", "g", "b"]), [(9, true), (1, true), (0, false)]);
        let circuit = Circuit::new("circuit/share", LIMITS);
        assert_eq!(landed(&circuit, &["bbgbbgbgg", "gbb", "bgb"]), [(9, true), (3, true), (0, false)]);
        let circuit = Circuit::new("circuit/share", LIMITS);
        assert_eq!(landed(&circuit, &["bgbgbgbgbg", "bb"]), [(10, true), (1, false)]);
        let open = circuit.weigh(&mut batch("bb")).open.unwrap().to_string();
        assert!(open.contains("6 of the last 10 records") && open.contains("t/0/"), "{open}");
        let off = Circuit::new("circuit/off", Limits { consecutive_max: 0, ratio_max: 1.0, ..LIMITS });
        assert_eq!(landed(&off, &[&"b".repeat(100)]), [(100, true)]);
    }

    #[test]
    fn what_the_sink_refuses_counts_too() {
        let circuit = Circuit::new("circuit/sink", LIMITS);
        let refused = |refused, kept: usize| {
            let mut batch = batch(&"g".repeat(kept));
            let mut weighed = circuit.weigh(&mut batch);
            circuit.refused(&mut weighed, refused, kept).and_then(|()| circuit.settle(weighed)).is_ok()
        };
        assert!(refused(1, 5) && refused(3, 3) && !refused(4, 4) && refused(0, 9));
    }
}
