//! Partitions that nobody in the group owns, and how they get an owner again.
//!
//! # Why
//! A static member that starts again is given its last assignment without a rebalance (KIP-345). Where it died between
//! the two steps of a cooperative rebalance (KIP-429), after it had given partitions up and before it asked for the
//! second step, which hands them on, that step never comes: the partitions have no owner for as long as the group
//! stays as it is. So a static member looks at its group now and then. Where partitions have had no owner for two looks
//! in a row, the first member by its client id leaves and joins again, which is a rebalance.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use tracing::{debug, warn};

/// Time between two looks: longer than a rebalance takes.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long the brokers may take to answer; the thread that polls waits for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// A group that has its assignment, by Kafka's name.
const STABLE: &str = "Stable";

/// A static member's eye on its group.
#[derive(Debug)]
pub(super) struct Orphans {
    group: String,
    /// Ours, unlike every other member's.
    client_id: String,
    look_at: Instant,
    /// There were some at the last look.
    seen: bool,
}

impl Orphans {
    pub(super) fn new(group: String, client_id: String) -> Self {
        Self { group, client_id, look_at: Instant::now() + LOOK_EVERY, seen: false }
    }

    /// Whether it is time that this member leaves and joins again.
    pub(super) fn call_for_rebalance<C: ConsumerContext>(
        &mut self,
        consumer: &BaseConsumer<C>,
        topics: &[impl AsRef<str>],
    ) -> bool {
        let now = Instant::now();
        if now < self.look_at {
            return false;
        }
        self.look_at = now + LOOK_EVERY;
        let seen_before = self.seen;
        let (orphans, first) = self.look(consumer, topics).unwrap_or_else(|error| {
            debug!(group = self.group, %error, "the group cannot be looked at");
            (0, false)
        });
        self.seen = orphans > 0;
        let calls = seen_before && self.seen && first;
        if calls {
            warn!(group = self.group, orphans, "partitions have no owner: this member leaves and joins again");
            self.seen = false;
        }
        calls
    }

    /// How many partitions have no owner, and whether this member is the first of its group.
    fn look<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        topics: &[impl AsRef<str>],
    ) -> Result<(usize, bool), rdkafka::error::KafkaError> {
        let groups = consumer.fetch_group_list(Some(&self.group), PATIENCE)?;
        let Some(group) = groups.groups().iter().find(|group| group.name() == self.group) else {
            return Ok((0, false));
        };
        if group.state() != STABLE {
            return Ok((0, false));
        }
        let members = group.members();
        let owned: usize = members.iter().filter_map(|member| member.assignment()).map(partitions_of).sum();
        let first = members.iter().all(|member| member.client_id() >= self.client_id.as_str());
        let mut all = 0;
        for topic in topics {
            let metadata = consumer.fetch_metadata(Some(topic.as_ref()), PATIENCE)?;
            all += metadata.topics().iter().map(|topic| topic.partitions().len()).sum::<usize>();
        }
        Ok((all.saturating_sub(owned), first))
    }
}

/// How many partitions an assignment names. Its form: a version, then topics, each a name and its partitions
/// (`ConsumerProtocolAssignment`); lengths are big endian.
fn partitions_of(assignment: &[u8]) -> usize {
    let mut rest = assignment.get(2..).unwrap_or_default();
    let mut partitions = 0;
    for _ in 0..take_length(&mut rest, 4) {
        let name = take_length(&mut rest, 2);
        rest = rest.get(name..).unwrap_or_default();
        let count = take_length(&mut rest, 4);
        rest = rest.get(count.saturating_mul(4)..).unwrap_or_default();
        partitions += count;
    }
    partitions
}

/// A length of `bytes` bytes; 0 where there is none, or a negative one.
fn take_length(from: &mut &[u8], bytes: usize) -> usize {
    let Some((length, rest)) = from.split_at_checked(bytes) else {
        *from = &[];
        return 0;
    };
    *from = rest;
    let is_negative = length.first().is_some_and(|first| *first >= 0x80);
    if is_negative { 0 } else { length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_counted_and_a_broken_one_takes_no_time() {
        let topic = |name: &str, partitions: &[i32]| {
            let mut bytes = i16::try_from(name.len()).unwrap().to_be_bytes().to_vec();
            bytes.extend(name.bytes());
            bytes.extend(i32::try_from(partitions.len()).unwrap().to_be_bytes());
            bytes.extend(partitions.iter().flat_map(|partition| partition.to_be_bytes()));
            bytes
        };
        let mut bytes = vec![0, 3, 0, 0, 0, 2];
        bytes.extend(topic("articles.raw", &[0, 1, 3]));
        bytes.extend(topic("signals", &[2]));
        bytes.extend([0, 0, 0, 0]);
        assert_eq!(partitions_of(&bytes), 4);
        assert_eq!(partitions_of(&[0, 3, 0, 0, 0, 0]), 0);
        for broken in [&[][..], &[0], &[0, 3, 0xff, 0xff, 0xff, 0xff], &bytes[..12]] {
            assert_eq!(partitions_of(broken), 0, "{broken:?}");
        }
    }
}
