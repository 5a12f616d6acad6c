//! The law of the budget, played through: two owners, a log that can be fenced, a provider that bills, and crashes and
//! takeovers between any two steps.

use proptest::prelude::*;

use super::*;
use crate::model::SessionCommand;

const LIMIT: u64 = 100;
const LIMITS: Limits = Limits { session: NanoUsd(LIMIT), daily: Some(NanoUsd(LIMIT + 20)), monthly: None };

fn hold(id: u64, held: u64) -> Spend {
    Spend {
        hold_id: Id(id.to_string()),
        account: "articles".to_owned(),
        session_id: "s".to_owned(),
        run_id: "live".to_owned(),
        article_id: String::new(),
        provider: "gemini".to_owned(),
        model: String::new(),
        operation: "analyze".to_owned(),
        units: 0,
        input_tokens: 0,
        cached_tokens: 0,
        output_tokens: 0,
        held: NanoUsd(held),
        cost: NanoUsd::ZERO,
        outcome: SpendOutcome::Open,
        error: String::new(),
        held_at: Timestamp(1_795_305_600_000),
        at: Timestamp(1_795_305_600_000),
    }
}

fn ended(hold: &Spend, outcome: SpendOutcome, cost: u64) -> Spend {
    Spend { outcome, cost: NanoUsd(cost), ..hold.clone() }
}

fn session(book: &Book) -> (u64, u64) {
    let standing = book.standing("articles", "s", LIMITS, Timestamp(1_795_305_600_000))[0].1;
    (standing.spent.0, standing.reserved.0)
}

#[test]
fn a_hold_fits_waits_or_is_refused() {
    let mut book = Book::default();
    let first = hold(1, 60);
    assert_eq!(book.admit(&first, LIMITS), Admission::Held);
    assert_eq!(book.admit(&hold(2, 50), LIMITS), Admission::Full, "it may fit once the first has ended");
    assert_eq!(book.admit(&hold(3, 101), LIMITS), Admission::Exhausted(Budget::Session));
    assert!(book.end(&ended(&first, SpendOutcome::Settled, 55)));
    assert!(!book.end(&ended(&first, SpendOutcome::Settled, 55)), "a hold ends once");
    assert_eq!(book.admit(&hold(2, 50), LIMITS), Admission::Exhausted(Budget::Session));
    assert_eq!(book.admit(&hold(2, 45), LIMITS), Admission::Held, "to the last nano-dollar");
    assert_eq!(session(&book), (55, 45));
}

#[test]
fn every_limit_holds_by_itself() {
    let mut book = Book::default();
    let other = |id, held| Spend { session_id: "t".to_owned(), ..hold(id, held) };
    assert_eq!(book.admit(&hold(1, 90), LIMITS), Admission::Held);
    assert_eq!(book.admit(&other(2, 31), LIMITS), Admission::Full, "the day has 30 left beside the open hold");
    assert_eq!(book.admit(&other(2, 30), LIMITS), Admission::Held);
    assert!(book.end(&ended(&hold(1, 90), SpendOutcome::Lost, 90)));
    assert_eq!(book.admit(&other(3, 31), LIMITS), Admission::Exhausted(Budget::Daily));
    let tomorrow = Spend { held_at: Timestamp(1_795_305_600_000 + 86_400_000), ..other(4, 70) };
    assert_eq!(book.admit(&tomorrow, LIMITS), Admission::Held);
}

#[test]
fn a_session_with_a_limit_of_its_own_keeps_it_under_every_owner() {
    let id = crate::model::own_session_id("a", NanoUsd(60));
    let own = |number, held| Spend { session_id: id.clone(), ..hold(number, held) };
    let mut book = Book::default();
    assert_eq!(book.admit(&own(1, 61), LIMITS), Admission::Exhausted(Budget::Session));
    assert_eq!(book.admit(&own(1, 40), LIMITS), Admission::Held);
    assert!(book.end(&ended(&own(1, 40), SpendOutcome::Settled, 30)));
    assert_eq!(book.admit(&hold(2, 70), LIMITS), Admission::Held, "others have the limit of all, and share the day");
    let mut heir = Book::from(&book.snapshot(Timestamp(1_795_305_600_000)));
    assert_eq!(heir.admit(&own(3, 31), LIMITS), Admission::Exhausted(Budget::Session));
    assert_eq!(heir.admit(&own(3, 20), LIMITS), Admission::Held);
    assert_eq!(heir.admit(&own(4, 1), LIMITS), Admission::Full, "the day's limit is everybody's");
    let standing = heir.standing("articles", &id, LIMITS, Timestamp(1_795_305_600_000))[0].1;
    assert_eq!(standing, Standing { spent: NanoUsd(30), reserved: NanoUsd(20), limit: Some(NanoUsd(60)) });
    let poor = Limits { session: NanoUsd(50), ..LIMITS };
    assert_eq!(heir.standing("articles", &id, poor, Timestamp(0))[0].1.limit, Some(NanoUsd(50)), "never more than all");
}

#[test]
fn an_overrun_counts_in_full_and_leaves_nothing() {
    let mut book = Book::default();
    assert_eq!(book.admit(&hold(1, 60), LIMITS), Admission::Held);
    assert!(book.end(&ended(&hold(1, 60), SpendOutcome::Overrun, 130)));
    assert_eq!(session(&book), (130, 0));
    assert_eq!(book.admit(&hold(2, 1), LIMITS), Admission::Exhausted(Budget::Session));
}

#[test]
fn a_cancelled_session_buys_nothing_until_it_is_recovered() {
    let decision = |command_id: &str, command| Decision {
        command_id: Id(command_id.to_owned()),
        account: "articles".to_owned(),
        session_id: "s".to_owned(),
        command,
        at: Timestamp(1_795_305_600_000),
    };
    let mut book = Book::default();
    let first = hold(1, 60);
    assert_eq!(book.admit(&first, LIMITS), Admission::Held);
    assert!(book.decide(&decision("c", SessionCommand::Cancel)));
    assert_eq!(book.admit(&hold(2, 10), LIMITS), Admission::Cancelled);
    assert!(book.end(&ended(&first, SpendOutcome::Settled, 55)), "what is under way ends");
    let mut later = Book::from(&book.snapshot(Timestamp(1_795_305_600_000)));
    assert_eq!(later, book);
    assert_eq!(later.admit(&hold(2, 10), LIMITS), Admission::Cancelled, "every owner knows");
    let other = Spend { session_id: "t".to_owned(), ..hold(3, 10) };
    assert_eq!(later.admit(&other, LIMITS), Admission::Held);
    assert!(later.decide(&decision("r", SessionCommand::Recover)));
    assert_eq!(later.admit(&hold(2, 10), LIMITS), Admission::Held);
}

/// The ledger, the provider and two workers that may each believe to be the owner.
struct World {
    log: Vec<Spend>,
    owner: usize,
    workers: [Worker; 2],
    /// What the provider has billed.
    billed: u64,
    next_id: u64,
}

#[derive(Default)]
struct Worker {
    epoch: usize,
    book: Book,
    /// Held and not committed.
    waiting: Vec<Spend>,
    /// Ended and not committed.
    ends: Vec<Spend>,
    /// Committed: their calls may leave.
    ready: Vec<Spend>,
    /// Their calls have left.
    sent: Vec<Spend>,
}

#[derive(Debug, Clone)]
enum Step {
    /// A worker wants to hold an amount.
    Hold(usize, u64),
    /// A worker commits what it has to say.
    Commit(usize),
    /// A call leaves, and is billed for this share of its hold in percent, answered or not.
    Send(usize, u64),
    /// An answer is recorded; `true`: it was lost on the way.
    Answer(usize, bool),
    /// A worker loses its memory.
    Crash(usize),
    /// A worker becomes the owner, the other one does not know yet.
    TakeOver(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u8..9, 0_usize..2, 1_u64..60, any::<bool>()).prop_map(|(kind, worker, number, flag)| match kind {
        0..=2 => Step::Hold(worker, number),
        3..=4 => Step::Commit(worker),
        5 => Step::Send(worker, (number * 2).min(100)),
        6 => Step::Answer(worker, flag),
        7 => Step::Crash(worker),
        _ => Step::TakeOver(worker),
    });
    proptest::collection::vec(step, 1..80)
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            log: Vec::new(),
            owner: 0,
            workers: [Worker::default(), Worker { epoch: usize::MAX, ..Worker::default() }],
            billed: 0,
            next_id: 0,
        };
        world.take_over(0);
        world
    }

    fn play(&mut self, step: &Step) {
        match *step {
            Step::Hold(worker, amount) => {
                self.next_id += 1;
                let hold = hold(self.next_id, amount);
                let worker = &mut self.workers[worker];
                if worker.book.admit(&hold, LIMITS) == Admission::Held {
                    worker.waiting.push(hold);
                }
            }
            Step::Commit(worker) => self.commit(worker),
            Step::Send(worker, percent) => {
                if let Some(hold) = self.workers[worker].ready.pop() {
                    self.billed += hold.held.0 * percent / 100;
                    self.workers[worker].sent.push(Spend { cost: NanoUsd(hold.held.0 * percent / 100), ..hold });
                }
            }
            Step::Answer(worker, lost) => {
                let worker = &mut self.workers[worker];
                if let Some(call) = worker.sent.pop() {
                    let (outcome, cost) =
                        if lost { (SpendOutcome::Lost, call.held.0) } else { (SpendOutcome::Settled, call.cost.0) };
                    let end = ended(&call, outcome, cost);
                    assert!(worker.book.end(&end));
                    worker.ends.push(end);
                }
            }
            // A worker that starts again is a new member: it must be assigned before it may write.
            Step::Crash(worker) => self.workers[worker] = Worker { epoch: usize::MAX, ..Worker::default() },
            Step::TakeOver(worker) => self.take_over(worker),
        }
    }

    fn commit(&mut self, number: usize) {
        let worker = &mut self.workers[number];
        if worker.epoch != self.owner {
            // Fenced: it learns so, and forgets everything.
            *worker = Worker { epoch: usize::MAX, ..Worker::default() };
            return;
        }
        self.log.append(&mut worker.ends);
        self.log.extend(worker.waiting.iter().cloned());
        worker.ready.append(&mut worker.waiting);
    }

    fn take_over(&mut self, number: usize) {
        self.owner += 1;
        let mut book = Book::default();
        for entry in &self.log {
            book.replay(entry);
        }
        let doubted = book.doubt(Timestamp(0));
        self.log.extend(doubted);
        self.workers[number] = Worker { epoch: self.owner, book, ..Worker::default() };
    }

    /// What the log says, to whoever reads it.
    fn counted(&self) -> (u64, u64) {
        let mut book = Book::default();
        for entry in &self.log {
            book.replay(entry);
        }
        session(&book)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_all_that_was_billed_is_counted_and_within_the_limit(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.play(step);
            let (spent, reserved) = world.counted();
            prop_assert!(spent + reserved <= LIMIT, "{spent} + {reserved} after {step:?}");
            prop_assert!(world.billed <= spent + reserved, "{} billed, {spent} + {reserved}", world.billed);
            let owner = world.workers.iter().find(|worker| worker.epoch == world.owner);
            if let Some(owner) = owner {
                let (spent, reserved) = session(&owner.book);
                prop_assert!(spent + reserved <= LIMIT);
            }
        }
    }

    #[test]
    fn a_snapshot_is_the_book(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.play(step);
        }
        let mut book = Book::default();
        for entry in &world.log {
            book.replay(entry);
        }
        let snapshot = book.snapshot(Timestamp(1_795_305_600_000));
        prop_assert_eq!(&Book::from(&snapshot), &book);
    }
}

#[test]
fn a_snapshot_forgets_what_is_long_over() {
    let mut book = Book::default();
    assert_eq!(book.admit(&hold(1, 60), LIMITS), Admission::Held);
    assert!(book.end(&ended(&hold(1, 60), SpendOutcome::Settled, 60)));
    let later = Timestamp(1_795_305_600_000 + KEPT_MS);
    assert!(book.snapshot(later).accounts[0].periods.is_empty());
    assert_eq!(book.snapshot(Timestamp(later.0 - 1)).accounts[0].periods.len(), 3);
}
