//! What somebody decided about sessions. Pure; part of the book, because a cancelled session may not spend.

use std::collections::BTreeMap;

use crate::model::{Decision, SessionCommand};

/// The last decision about each session that there was one about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// By account, and there by session.
    accounts: BTreeMap<String, BTreeMap<String, Decision>>,
}

impl Decisions {
    /// Takes a decision in; `false` where it is the one that counts already.
    pub fn decide(&mut self, decision: &Decision) -> bool {
        let sessions = self.accounts.entry(decision.account.clone()).or_default();
        let is_known = |known: &Decision| known.command_id == decision.command_id;
        if sessions.get(&decision.session_id).is_some_and(is_known) {
            // The time of the first reading stays: what failed since is not what was meant.
            return false;
        }
        sessions.insert(decision.session_id.clone(), decision.clone());
        true
    }

    /// What counts of a session.
    #[must_use]
    pub fn of(&self, account: &str, session_id: &str) -> Option<&Decision> {
        self.accounts.get(account)?.get(session_id)
    }

    /// Whether a session was cancelled, and the cancellation not taken back.
    #[must_use]
    pub fn is_cancelled(&self, account: &str, session_id: &str) -> bool {
        self.of(account, session_id).is_some_and(|decision| decision.command == SessionCommand::Cancel)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.accounts.values().flat_map(BTreeMap::values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Id, Timestamp};

    #[test]
    fn the_last_decision_counts_and_none_counts_twice() {
        let decision = |id: &str, session: &str, command, at| Decision {
            command_id: Id(id.to_owned()),
            account: "articles".to_owned(),
            session_id: session.to_owned(),
            command,
            at: Timestamp(at),
        };
        let mut decisions = Decisions::default();
        assert!(!decisions.is_cancelled("articles", "autumn"));
        assert!(decisions.decide(&decision("1", "autumn", SessionCommand::Cancel, 10)));
        assert!(decisions.is_cancelled("articles", "autumn"));
        assert!(!decisions.is_cancelled("articles", "winter") && !decisions.is_cancelled("others", "autumn"));
        assert!(decisions.decide(&decision("2", "autumn", SessionCommand::Recover, 20)));
        assert!(!decisions.is_cancelled("articles", "autumn"));
        assert!(!decisions.decide(&decision("2", "autumn", SessionCommand::Recover, 30)), "read again");
        assert_eq!(decisions.of("articles", "autumn").map(|decision| decision.at), Some(Timestamp(20)));
        assert!(decisions.decide(&decision("3", "winter", SessionCommand::Cancel, 40)));
        assert_eq!(decisions.iter().count(), 2);
    }
}
