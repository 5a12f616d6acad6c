//! The names of sessions that are started with an `Idempotency-Key`.
//!
//! # Why the wish is in the name
//! A process that did not start a session itself knows of it only what the tables say, and they do not say what was asked
//! for. So the name tells user and key, by which a session is found again, and behind them the whole wish: another wish
//! under the same key is known as another one wherever it is asked, and however long after. Names of before that have no
//! wish in them are read like any other: nobody but this file reads more of a name than its limit.

use crate::model::{Id, identity};

/// Digits of user and key: more than all sessions of an installation will ever need.
const KEY_DIGITS: usize = 16;
/// Digits of the wish: it is compared with the few wishes that one key came with.
const WISH_DIGITS: usize = 8;

/// What the names of all sessions begin with that `user` started with `key`.
pub(super) fn name_of(user: &str, key: &str) -> String {
    format!("key-{}", &identity(&["session", user, key]).0[..KEY_DIGITS])
}

/// The name of the session that this wish starts under such a name.
pub(super) fn with_wish(name: &str, wish: &Id) -> String {
    format!("{name}-{}", &wish.0[..WISH_DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NanoUsd, own_limit, own_session_id, own_session_prefix};

    #[test]
    fn a_name_tells_user_key_and_wish_and_nothing_of_them() {
        let (one, other) = (identity(&["wish", "1"]), identity(&["wish", "2"]));
        let name = name_of("ann", "monday");
        assert_ne!(name, name_of("bob", "monday"));
        assert_ne!(name, name_of("ann", "tuesday"));
        assert_ne!(name_of("ann", "bob-1"), name_of("annbob", "-1"));
        assert_ne!(with_wish(&name, &one), with_wish(&name, &other));
        let id = own_session_id(&with_wish(&name, &one), NanoUsd(300_000_000));
        assert!(id.starts_with(&own_session_prefix(&name)) && !id.contains("ann") && !id.contains("monday"), "{id}");
        assert_eq!(own_limit(&id), Some(NanoUsd(300_000_000)));
        assert_eq!(own_limit("api-key-0123456789abcdef-0.30usd"), Some(NanoUsd(300_000_000)), "as it was before");
    }
}
