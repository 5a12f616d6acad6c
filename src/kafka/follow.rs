//! Following a topic without a group: every record of all its partitions from the oldest on, for as long as somebody
//! wants them.
//!
//! The thread never gives up: while the brokers are away it waits for them, and goes on where it was. It ends at most
//! [`LOOK_EVERY`] after its [`Following`] was dropped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::watch;
use tracing::warn;

use super::client::{self, Calm};
use crate::config;

/// How long one poll waits.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long is waited after an error, so that one that stays is no flood.
const ERROR_WAIT: Duration = Duration::from_secs(1);

/// A topic that is followed until this is dropped.
#[derive(Debug)]
pub struct Following {
    stop: Arc<AtomicBool>,
    caught_up: watch::Receiver<bool>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl Following {
    /// Shows `visit` the key and the value of every committed record of `topic` (with its prefix), on a thread of its own.
    ///
    /// # Errors
    /// When the cluster cannot be reached, or has no such topic.
    pub async fn begin(
        kafka: &config::Kafka,
        topic: &str,
        visit: impl FnMut(Option<&[u8]>, Option<&[u8]>) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let mut client = client::base(kafka, "signalmill-follow");
        client
            .set("group.id", client::group_name(kafka, "follow"))
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest");
        let name = topic.to_owned();
        let open = move || -> anyhow::Result<(BaseConsumer<Calm>, BTreeSet<i32>)> {
            let consumer: BaseConsumer<Calm> = client.create_with_context(Calm).context("creating the consumer")?;
            let partitions: BTreeSet<i32> = client::partitions(&consumer, &name)?.collect();
            anyhow::ensure!(!partitions.is_empty(), "there is no topic {name}");
            let mut assignment = TopicPartitionList::new();
            for partition in &partitions {
                assignment.add_partition_offset(&name, *partition, Offset::Beginning).context("naming a partition")?;
            }
            consumer.assign(&assignment).context("assigning the partitions")?;
            Ok((consumer, partitions))
        };
        let (consumer, behind) = tokio::task::spawn_blocking(open).await.context("opening a topic panicked")??;
        let stop = Arc::new(AtomicBool::new(false));
        let (told, caught_up) = watch::channel(false);
        let ended = Arc::clone(&stop);
        thread::Builder::new()
            .name(format!("follow {topic}"))
            .spawn(move || follow(&consumer, behind, visit, &told, &ended))
            .context("starting the following thread")?;
        Ok(Self { stop, caught_up })
    }

    /// Returns once everything was seen that was there at the beginning.
    ///
    /// # Errors
    /// When the thread died.
    pub async fn caught_up(&self) -> anyhow::Result<()> {
        let mut caught_up = self.caught_up.clone();
        caught_up.wait_for(|there| *there).await.context("the following thread has ended")?;
        Ok(())
    }
}

fn follow(
    consumer: &BaseConsumer<Calm>,
    mut behind: BTreeSet<i32>,
    mut visit: impl FnMut(Option<&[u8]>, Option<&[u8]>),
    caught_up: &watch::Sender<bool>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Acquire) {
        match consumer.poll(LOOK_EVERY) {
            None => {}
            Some(Ok(message)) => visit(message.key(), message.payload()),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                behind.remove(&partition);
                if behind.is_empty() {
                    caught_up.send_replace(true);
                }
            }
            Some(Err(error)) => {
                warn!(%error, "following a topic failed, it goes on");
                thread::sleep(ERROR_WAIT);
            }
        }
    }
}
