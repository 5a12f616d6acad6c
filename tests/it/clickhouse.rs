//! The ClickHouse end against the real engine: migrations, poison, outages.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use signalmill::clickhouse::rows::SignalRow;
use signalmill::clickhouse::{Decision, Failure, Observer, State, Table, Unmigrated};
use signalmill::model::Signal;

use crate::engine::Engine;
use crate::facts::signal;

#[tokio::test]
async fn migrations_apply_once_and_may_race() {
    let engine = Engine::start().await;
    let racers: Vec<_> = (0..8)
        .map(|_| {
            let store = engine.store("raced");
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap().unwrap();
    }
    let store = engine.store("raced");
    assert_eq!(store.migrate().await, Ok(vec![]), "a second time there is nothing to do");
    assert_eq!(
        engine.ask("SELECT count(), uniqExact(version), max(version) FROM raced.schema_migrations FINAL").await,
        "17\t17\t17"
    );
    let report = store.check().await.unwrap();
    assert_eq!((report.missing.as_slice(), report.problems.as_slice()), (&[][..], &[][..]));
    assert!(report.migrations.iter().all(|migration| migration.state == State::Applied));

    let empty = engine.store("nowhere").check().await.unwrap();
    assert!(empty.problems[0].contains("pending"), "{:?}", empty.problems);

    engine.ask("INSERT INTO raced.schema_migrations (version, name, checksum) SELECT 99, '099_future', 'x'").await;
    assert!(matches!(store.migrate().await, Err(Unmigrated::Newer { found: 99, .. })));
    engine.ask("ALTER TABLE raced.schema_migrations DELETE WHERE version = 99 SETTINGS mutations_sync = 1").await;
    engine
        .ask(
            "ALTER TABLE raced.schema_migrations UPDATE name = 'was_003' WHERE version = 3 SETTINGS mutations_sync = 1",
        )
        .await;
    engine.ask("INSERT INTO raced.schema_migrations (version, name, checksum) SELECT 3, '003_signals', 'other'").await;
    assert_eq!(store.migrate().await, Err(Unmigrated::Changed("003_signals".to_owned())));
    assert!(store.check().await.unwrap().problems[0].contains("other contents"));
}

#[derive(Default)]
struct Counts {
    inserted: AtomicUsize,
    waiting: AtomicUsize,
    poisoned: AtomicUsize,
}

impl Observer for Counts {
    fn inserted(&self, _: Table, rows: usize, _: Duration) {
        self.inserted.fetch_add(rows, Ordering::Relaxed);
    }
    fn waiting(&self, _: Table, failure: &Failure, _: Duration) {
        assert_ne!(failure.decision, Decision::Poison);
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }
    fn poisoned(&self, _: Table, failure: &Failure) {
        assert_eq!(failure.code, Some(469), "{failure}");
        self.poisoned.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn poison_is_isolated_and_everything_else_is_stored() {
    let engine = Engine::start().await;
    let store = engine.store("signalmill");
    store.migrate().await.unwrap();
    let poison = [0, 499, 500, 777, 999];
    let signals: Vec<Signal> = (0..1000)
        .map(|index| {
            signal(
                &format!("a{index}"),
                1,
                match poison.iter().position(|bad| *bad == index) {
                    None => 50.0,
                    Some(0) => f64::NAN,
                    Some(1) => f64::INFINITY,
                    Some(_) => 100.5,
                },
            )
        })
        .collect();
    let rows: Vec<_> = signals.iter().map(SignalRow::from).collect();
    let counts = Counts::default();
    let found = store.insert_all::<SignalRow>(&rows, &counts).await;
    assert_eq!(found.iter().map(|poisoned| poisoned.index).collect::<Vec<_>>(), poison);
    assert!(found[0].error.contains("score_range"), "{}", found[0].error);
    assert_eq!(counts.inserted.load(Ordering::Relaxed), 995);
    assert_eq!(engine.ask("SELECT count() FROM signalmill.signals").await, "995");
}

#[tokio::test]
async fn tables_that_come_late_are_waited_for() {
    let engine = Engine::start().await;
    let store = engine.store("late");
    let failure = store.insert::<SignalRow>(&[(&signal("a", 1, 1.0)).into()]).await.unwrap_err();
    assert_eq!((failure.decision, failure.code), (Decision::Stop, Some(81)), "{failure}");
    let inserting = {
        let store = store.clone();
        tokio::spawn(async move { store.insert_all::<SignalRow>(&[(&signal("a", 1, 1.0)).into()], &()).await })
    };
    store.migrate().await.unwrap();
    assert_eq!(inserting.await.unwrap(), vec![]);
    assert_eq!(engine.ask("SELECT count() FROM late.signals_v").await, "1");
}

const BATCHES: usize = 60;
const ROWS: usize = 500;

#[tokio::test]
async fn nothing_is_lost_while_the_server_is_killed() {
    let mut engine = Engine::start().await;
    let store = engine.store("signalmill");
    store.migrate().await.unwrap();
    let done = Arc::new(Counts::default());
    let inserting = {
        let (store, done) = (store.clone(), done.clone());
        tokio::spawn(async move {
            for batch in 0..BATCHES {
                let signals: Vec<Signal> = (0..ROWS).map(|row| signal(&format!("{batch}-{row}"), 1, 50.0)).collect();
                let rows: Vec<_> = signals.iter().map(SignalRow::from).collect();
                assert_eq!(store.insert_all::<SignalRow>(&rows, &*done).await, vec![]);
            }
        })
    };
    for kills in 1..=3 {
        while done.inserted.load(Ordering::Relaxed) < kills * BATCHES * ROWS / 5 {
            tokio::task::yield_now().await;
        }
        let before = done.waiting.load(Ordering::Relaxed);
        engine.kill();
        while done.waiting.load(Ordering::Relaxed) < before + 2 {
            tokio::task::yield_now().await;
        }
        engine.resume();
    }
    inserting.await.unwrap();
    assert_eq!(
        engine.ask("SELECT count(), uniqExact(signal_id) FROM signalmill.signals_v").await,
        format!("{n}\t{n}", n = BATCHES * ROWS)
    );
}
