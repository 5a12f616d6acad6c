//! Paid answers that ClickHouse may not have yet. The others are asked for there.
//!
//! Two generations: the young one takes answers in; when it is large enough it becomes the old one, which takes none. It is
//! marked with an end of the log behind all of it, and let go when the sink has come that far. So memory holds about what
//! the sink lacks.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use crate::model::{Answer, Id};

/// Bytes of the young generation after which it may become the old one.
const YOUNG_BYTES: usize = 8 << 20;
/// Bytes of both: beyond, nothing new is bought until the sink has caught up.
pub const RECENT_BYTES_MAX: usize = 256 << 20;
/// About what an answer takes beside its text.
const ANSWER_BYTES: usize = 256;

/// Answers that were paid for recently.
#[derive(Debug, Default)]
pub struct Recent {
    young: Generation,
    old: Generation,
    /// The sink has the old generation when it stands here; `None` until that is known.
    old_until: Option<i64>,
}

#[derive(Debug, Default)]
struct Generation {
    answers: HashMap<Id, Arc<Answer>>,
    bytes: usize,
}

impl Recent {
    /// Keeps an answer.
    pub fn keep(&mut self, answer: Arc<Answer>) {
        self.young.bytes += ANSWER_BYTES + answer.text.len();
        self.young.answers.insert(answer.key.clone(), answer);
    }

    /// The answer to the question `key`.
    #[must_use]
    pub fn get(&self, key: &Id) -> Option<Arc<Answer>> {
        self.young.answers.get(key).or_else(|| self.old.answers.get(key)).cloned()
    }

    /// Whether answers must wait for the sink.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.young.bytes + self.old.bytes >= RECENT_BYTES_MAX
    }

    /// Makes the young generation the old one where it is large and there is none. Whether there is one by now, which the
    /// sink's progress would let go.
    pub fn turns(&mut self) -> bool {
        if self.old.answers.is_empty() && self.young.bytes >= YOUNG_BYTES {
            self.old = mem::take(&mut self.young);
        }
        !self.old.answers.is_empty()
    }

    /// The log ends at `end`, with all of the old generation in it, and the sink has taken in everything before `stored`.
    pub fn forget(&mut self, end: i64, stored: i64) {
        let until = *self.old_until.get_or_insert(end);
        if stored >= until {
            self.old = Generation::default();
            self.old_until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NanoUsd, Timestamp};

    fn answer(number: usize, bytes: usize) -> Arc<Answer> {
        Arc::new(Answer {
            key: Id(number.to_string()),
            provider: "gemini".to_owned(),
            model: String::new(),
            text: "x".repeat(bytes),
            input_tokens: 0,
            output_tokens: 0,
            cost: NanoUsd::ZERO,
            at: Timestamp(0),
        })
    }

    #[test]
    fn an_answer_stays_until_the_sink_has_it() {
        let mut recent = Recent::default();
        recent.keep(answer(1, YOUNG_BYTES));
        assert!(recent.turns());
        // What comes while the end of the log is looked at may stand behind it.
        recent.keep(answer(2, YOUNG_BYTES));
        recent.forget(100, 0);
        assert!(recent.turns());
        recent.forget(200, 99);
        assert!(recent.get(&Id("1".to_owned())).is_some(), "one entry is missing in the sink");
        recent.forget(210, 100);
        assert!(recent.get(&Id("1".to_owned())).is_none());
        assert!(recent.get(&Id("2".to_owned())).is_some(), "it was young");
        assert!(recent.turns(), "it is the old one now");
        recent.forget(210, 209);
        assert!(recent.get(&Id("2".to_owned())).is_some());
        recent.forget(300, 210);
        assert!(recent.get(&Id("2".to_owned())).is_none() && !recent.turns());
    }

    #[test]
    fn it_is_full_before_memory_is() {
        let mut recent = Recent::default();
        for number in 0..33 {
            recent.keep(answer(number, YOUNG_BYTES));
        }
        assert!(recent.is_full());
    }
}
