//! What a `kill -9` amid a stream of inserts leaves behind.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};

use super::Engine;

const ROUNDS: usize = 4;
const WRITERS: usize = 3;
const ROWS_PER_BATCH: u64 = 3_000;
/// Inserts acknowledged in a round before the kill; odd, so that it falls amid the others.
const ACKNOWLEDGED_PER_ROUND: usize = 17;

#[derive(Row, Serialize, Deserialize)]
struct Event {
    batch: u32,
    number: u64,
    text: String,
}

async fn insert(client: &Client, batch: u32) -> clickhouse::error::Result<()> {
    let mut insert = client.insert::<Event>("events").await?;
    for number in 0..ROWS_PER_BATCH {
        let text = format!("event {number} of batch {batch}");
        insert.write(&Event { batch, number, text }).await?;
    }
    insert.end().await
}

/// An acknowledged batch is there, whole and once; one without an answer is there whole or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_loses_no_acknowledged_insert() {
    let mut engine = Engine::start();
    let client = engine.client();
    client
        .query("CREATE TABLE events (batch UInt32, number UInt64, text String) ENGINE = MergeTree ORDER BY (batch, number)")
        .execute()
        .await
        .unwrap();
    let acknowledged = Mutex::new(Vec::new());
    let batches = AtomicU32::new(0);
    for round in 0..ROUNDS {
        // On by default in ClickHouse 26; an answer must mean the same with and without.
        let client = client.clone().with_setting("async_insert", (round % 2).to_string());
        let (count, dead) = (AtomicUsize::new(0), AtomicBool::new(false));
        let pid = i32::try_from(engine.clickhouse.pid()).unwrap();
        let write = async || {
            while !dead.load(Ordering::Relaxed) {
                let batch = batches.fetch_add(1, Ordering::Relaxed);
                if insert(&client, batch).await.is_err() {
                    continue;
                }
                acknowledged.lock().unwrap().push(batch);
                if count.fetch_add(1, Ordering::Relaxed) + 1 == ACKNOWLEDGED_PER_ROUND {
                    let pid = rustix::process::Pid::from_raw(pid).unwrap();
                    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
                    dead.store(true, Ordering::Relaxed);
                }
            }
        };
        let writers: [_; WRITERS] = std::array::from_fn(|_| write());
        let [a, b, c] = writers;
        tokio::join!(a, b, c);
        tokio::task::block_in_place(|| engine.clickhouse.restart()).unwrap();
    }
    let found = client
        .query("SELECT batch, count(), uniqExact(number) FROM events GROUP BY batch")
        .fetch_all::<(u32, u64, u64)>()
        .await
        .unwrap();
    for (batch, rows, distinct) in &found {
        assert_eq!((*rows, *distinct), (ROWS_PER_BATCH, ROWS_PER_BATCH), "batch {batch}");
    }
    let found: std::collections::HashSet<u32> = found.iter().map(|row| row.0).collect();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= ROUNDS * ACKNOWLEDGED_PER_ROUND);
    for batch in acknowledged {
        assert!(found.contains(&batch), "batch {batch} was acknowledged and is lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_off_insert_leaves_nothing() {
    let mut engine = Engine::start();
    let client = engine.client();
    client
        .query("CREATE TABLE events (batch UInt32, number UInt64, text String) ENGINE = MergeTree ORDER BY batch")
        .execute()
        .await
        .unwrap();
    let mut cut = client.insert::<Event>("events").await.unwrap();
    for number in 0..20_000 {
        let text = format!("some text that takes room {number}");
        cut.write(&Event { batch: 1, number, text }).await.unwrap();
    }
    drop(cut);
    insert(&client, 2).await.unwrap();
    let pid = engine.clickhouse.pid();
    tokio::task::block_in_place(|| engine.clickhouse.restart()).unwrap();
    assert_ne!(engine.clickhouse.pid(), pid);
    let rows =
        client.query("SELECT batch, count() FROM events GROUP BY batch").fetch_all::<(u32, u64)>().await.unwrap();
    assert_eq!(rows, [(2, ROWS_PER_BATCH)]);
}
