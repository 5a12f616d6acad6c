//! Waiting for a hop, where transactions left more in a topic than records that somebody is given.

use std::slice;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use signalmill::config;
use signalmill::kafka::Behind;

use crate::mill::Mill;
use crate::stack::{Stack, until};

const REQUEST: Duration = Duration::from_secs(30);
const GROUP: &str = "behind.hop";

/// Sends so many records in a transaction, which is committed or taken back.
fn transact(producer: &BaseProducer, brokers: &str, topic: &str, records: usize, commits: bool) {
    producer.begin_transaction().unwrap();
    for _ in 0..records {
        producer.send(BaseRecord::<(), _>::to(topic).partition(0).payload("text")).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(REQUEST).unwrap();
    if commits { producer.commit_transaction(REQUEST) } else { producer.abort_transaction(REQUEST) }.unwrap();
    // A transaction is over before its mark is written.
    let end = |isolation: &str| {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", brokers).set("group.id", GROUP).set("isolation.level", isolation);
        let consumer: BaseConsumer = client.create().unwrap();
        consumer.fetch_watermarks(topic, 0, REQUEST).unwrap().1
    };
    until("the mark is written", REQUEST, || {
        let ends = (end("read_committed"), end("read_uncommitted"));
        if ends.0 == ends.1 { Ok(()) } else { Err(format!("{ends:?}")) }
    });
}

#[test]
fn what_nobody_is_ever_given_is_not_waited_for() {
    let stack = Stack::shared();
    let mill = Mill::on(stack, "behind");
    let topic = mill.topic("spend.ledger");
    let kafka = config::Kafka { brokers: stack.brokers.clone(), ..config::Kafka::default() };
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &stack.brokers);
    let group: BaseConsumer = client.clone().set("group.id", GROUP).create().unwrap();
    let producer: BaseProducer = client.set("transactional.id", GROUP).create().unwrap();
    producer.init_transactions(REQUEST).unwrap();
    let transact = |records, commits| transact(&producer, &stack.brokers, &topic, records, commits);
    let stands_at = |offset| {
        let mut landed = TopicPartitionList::new();
        landed.add_partition_offset(&topic, 0, Offset::Offset(offset)).unwrap();
        group.commit(&landed, CommitMode::Sync).unwrap();
    };
    // What is left at the first look; none where it is over at once.
    let left = || {
        let mut seen = None;
        let behind = Behind::of(&kafka, GROUP, slice::from_ref(&topic)).unwrap();
        let ended = behind.until_landed(|left| {
            seen = Some(left);
            anyhow::bail!("seen")
        });
        assert_eq!(ended.is_err(), seen.is_some(), "{ended:?}");
        seen
    };
    assert_eq!(left(), None, "nothing was ever written");

    transact(3, true);
    assert_eq!(left(), Some(4), "records at 0, 1 and 2, a mark at 3, and a group that has not begun");
    stands_at(2);
    assert_eq!(left(), Some(2));
    stands_at(3);
    assert_eq!(left(), None, "behind the mark");

    transact(5, false);
    transact(2, false);
    assert_eq!(left(), None, "behind what a worker that died had written");
    transact(1, true);
    assert_eq!(left(), Some(12), "a record at 13");
    stands_at(14);
    assert_eq!(left(), None);

    // Waited for until it is there, not for what comes later.
    transact(1, true);
    let mut looks = 0;
    let waited = Behind::of(&kafka, GROUP, slice::from_ref(&topic)).unwrap().until_landed(|_| {
        looks += 1;
        if looks == 3 {
            transact(1, true);
            stands_at(16);
        }
        Ok(())
    });
    assert!(waited.is_ok() && looks == 3, "{waited:?}, {looks} looks");
}
