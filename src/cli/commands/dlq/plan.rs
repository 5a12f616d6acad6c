//! Where a letter goes that is sent again, and with which others.

use crate::clickhouse::DeadLetterState;
use crate::kafka::{ARTICLES_BATCHES, DLQ_SUFFIX, TOPICS};
use crate::pipeline::hop_of;
use crate::wire::Reason;
use crate::wire::headers::{Origin, Redrive};

/// Letters that are sent and noted together.
pub(super) const GROUP_LETTERS_MAX: usize = 100;
/// Bytes of payload after which a group takes no further letter in.
const GROUP_BYTES_MAX: u64 = 16 << 20;
/// The code of articles and jobs whose attempts are used up.
const FAILED: &str = "failed";

/// A letter, and where it goes.
pub(super) struct Planned {
    pub(super) letter: DeadLetterState,
    /// Without the prefix.
    pub(super) topic: &'static str,
    pub(super) redrive: Redrive,
}

/// The topic of ours whose `.dlq` the letter lies in. Of those that were stored before their place was noted, only the
/// article that failed for good lies elsewhere than beside the record it came from.
pub(super) fn target(letter: &DeadLetterState, prefix: &str) -> Option<&'static str> {
    let kept_in = letter.kept_in.parse::<Origin>().map(|place| place.topic);
    let topic: &str = match &kept_in {
        Ok(topic) => topic.strip_suffix(DLQ_SUFFIX)?,
        Err(_) if letter.reason == FAILED && letter.stage.starts_with("enrich/") => {
            return Some(ARTICLES_BATCHES);
        }
        Err(_) => &letter.topic,
    };
    let name = topic.strip_prefix(prefix)?;
    TOPICS.iter().map(|topic| topic.name).find(|known| *known == name && !known.ends_with(DLQ_SUFFIX))
}

pub(super) fn redrive(letter: &DeadLetterState, topic: &str) -> Redrive {
    let read_by_nobody = Reason::ALL.iter().any(|reason| reason.as_str() == letter.reason);
    let attempts = u32::try_from(letter.attempts).unwrap_or(0);
    Redrive {
        retries: letter.retries.saturating_add(1),
        hop: if read_by_nobody { None } else { hop_of(topic, &letter.stage).map(str::to_owned) },
        failed: (letter.reason == FAILED && topic == ARTICLES_BATCHES).then_some((attempts, letter.spent())),
    }
}

/// Letters of one partition each, in their order.
pub(super) fn groups(planned: Vec<Planned>) -> Vec<Vec<Planned>> {
    let mut groups: Vec<(Vec<Planned>, u64)> = Vec::new();
    for next in planned {
        let of = |planned: &Planned| (planned.letter.topic.clone(), planned.letter.partition);
        match groups.last_mut() {
            Some((group, bytes))
                if group.len() < GROUP_LETTERS_MAX
                    && *bytes < GROUP_BYTES_MAX
                    && group.last().is_some_and(|last| of(last) == of(&next)) =>
            {
                *bytes += next.letter.payload_bytes;
                group.push(next);
            }
            _ => {
                let bytes = next.letter.payload_bytes;
                groups.push((vec![next], bytes));
            }
        }
    }
    groups.into_iter().map(|(group, _)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NanoUsd;

    fn letter(topic: &str, reason: &str, stage: &str, kept_in: &str) -> DeadLetterState {
        DeadLetterState {
            topic: topic.to_owned(),
            partition: 0,
            offset: 7,
            key: None,
            reason: reason.to_owned(),
            error: String::new(),
            stage: stage.to_owned(),
            attempts: 3,
            spent_nanos: 125,
            headers: Vec::new(),
            at: 0,
            kept_in: kept_in.to_owned(),
            retries: 1,
            state: "open".to_owned(),
            payload_bytes: 10,
        }
    }

    #[test]
    fn a_letter_goes_to_whoever_gave_it_up() {
        for (topic, reason, stage, kept_in, expected) in [
            ("p.articles.raw", "malformed", "window/decode", "p.articles.raw.dlq/0/1", Some(("articles.raw", None))),
            ("p.articles.raw", "malformed", "window/decode", "", Some(("articles.raw", None))),
            ("p.signals", "poison_row", "sink", "p.signals.dlq/0/1", Some(("signals", Some("sink")))),
            (
                "p.articles.batches",
                "malformed",
                "sink/decode",
                "p.articles.batches.dlq/3/4",
                Some(("articles.batches", None)),
            ),
            (
                "p.articles.raw",
                "failed",
                "enrich/articles",
                "p.articles.batches.dlq/0/1",
                Some(("articles.batches", Some("enrich/articles"))),
            ),
            ("p.articles.raw", "failed", "enrich/articles", "", Some(("articles.batches", Some("enrich/articles")))),
            (
                "p.analysis.jobs",
                "failed",
                "analyze",
                "p.analysis.jobs.dlq/0/1",
                Some(("analysis.jobs", Some("analyze"))),
            ),
            ("q.articles.raw", "malformed", "window/decode", "q.articles.raw.dlq/0/1", None),
            ("p.theirs", "malformed", "window/decode", "", None),
            ("p.articles.raw.dlq", "unknown", "", "", None),
        ] {
            let letter = letter(topic, reason, stage, kept_in);
            let found = target(&letter, "p.").map(|topic| (topic, redrive(&letter, topic)));
            let hops = found.as_ref().map(|(topic, redrive)| (*topic, redrive.hop.as_deref()));
            assert_eq!(hops, expected, "{topic} {reason} {kept_in}");
            if let Some((topic, redrive)) = found {
                let failed = (reason == "failed" && topic == "articles.batches").then_some((3, NanoUsd(125)));
                assert_eq!((redrive.retries, redrive.failed), (2, failed));
            }
        }
    }

    #[test]
    fn a_group_is_of_one_partition_and_bounded() {
        let planned = |partition: i32, payload_bytes| {
            let letter = DeadLetterState { partition, payload_bytes, ..letter("t", "malformed", "s", "") };
            Planned { letter, topic: "t", redrive: Redrive::default() }
        };
        let many = (0..250).map(|_| planned(0, 1)).chain((0..2).map(|_| planned(1, GROUP_BYTES_MAX)));
        let sizes: Vec<usize> = groups(many.collect()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [100, 100, 50, 1, 1]);
    }
}
