//! The configuration of the one-node cluster: `server.properties`, as text.

use std::fmt::Write;
use std::path::Path;

/// Largest batch of records that a producer may send and a consumer be given.
const RECORD_BATCH_BYTES_MAX: u32 = 64 << 20;

/// Where the node listens and keeps its data.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// Port of the clients' listener.
    pub broker: u16,
    /// Port of the controller's listener, for the node itself only.
    pub controller: u16,
    /// Folder of the logs.
    pub logs: &'a Path,
}

/// One node that is broker and controller, on loopback; each internal topic has one replica and few
/// partitions. `extra` comes last and therefore wins.
#[must_use]
pub fn render(node: Node<'_>, extra: &[(String, String)]) -> String {
    let Node { broker, controller, logs } = node;
    let logs = logs.display();
    let mut text = format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}
"
    );
    text.push_str(FIXED);
    for key in ["message.max.bytes", "replica.fetch.max.bytes", "replica.fetch.response.max.bytes"] {
        let _ = writeln!(text, "{key}={RECORD_BATCH_BYTES_MAX}");
    }
    for (key, value) in extra {
        let _ = writeln!(text, "{key}={value}");
    }
    text
}

/// Short delays throughout: a test that waits for a rebalance or an abandoned transaction should wait for
/// as long as it must and no longer. A node that was killed is let in again only when its old session has
/// ended: 3 s instead of Kafka's 9 s, and still longer than a pause of a busy machine. 32 MiB is the least that the log cleaner is happy with.
const FIXED: &str = "auto.create.topics.enable=false
num.partitions=4
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=33554432
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_once_and_extra_comes_last() {
        let node = Node { broker: 1, controller: 2, logs: Path::new("/data/logs") };
        let text = render(node, &[("num.partitions".to_owned(), "9".to_owned())]);
        assert!(text.ends_with("num.partitions=9\n"));
        let plain = render(node, &[]);
        let mut keys: Vec<_> = plain.lines().filter_map(|l| l.split_once('=')).map(|l| l.0).collect();
        assert_eq!(keys.len(), plain.lines().count());
        keys.sort_unstable();
        let all = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
