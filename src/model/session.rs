//! Sessions: one session is one budget. Its id follows from the record's time, so that every worker agrees on it.
//!
//! # Why a session that somebody starts has its limit in its name
//! `api-20261129T070053Z-1f3a9c2e-0.30usd` may spend 30 cents, and never more than `budget.session_usd` either. Whoever has to
//! keep the limit knows the name before the first hold: the owner of the account, the next owner after a crash, the sink.
//! A limit that is said elsewhere, in a header or in the ledger, could come too late or be forgotten one day; this one
//! cannot be lost, cannot change while money is spent, and needs nothing to be read back. A forged name can only lower
//! what it may spend.

use serde::{Deserialize, Serialize};

use super::vocabulary::vocabulary;
use super::{NanoUsd, Timestamp};

/// Begins the name of a session with a limit of its own.
const OWN_PREFIX: &str = "api-";
/// Ends it.
const OWN_UNIT: &str = "usd";

vocabulary! {
    /// What somebody may ask of a session.
    SessionCommand {
        /// What has failed is tried again, and a cancellation is taken back.
        Recover = "recover",
        /// Nothing more is bought, and what waits is let go.
        Cancel = "cancel",
    }
}

/// How often a new session opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cadence {
    /// `2026-11-22T04`, UTC.
    Hourly,
    /// `2026-11-22`, UTC.
    Daily,
    /// One session of this name.
    Named(String),
}

impl Cadence {
    /// As `articles.session` gives it: `hourly`, `daily`, or a name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "hourly" => Self::Hourly,
            "daily" => Self::Daily,
            name => Self::Named(name.to_owned()),
        }
    }

    /// The session of a record received at `time`.
    #[must_use]
    pub fn session_id(&self, time: Timestamp) -> String {
        let calendar = time.calendar();
        match self {
            Self::Hourly => calendar.strftime("%Y-%m-%dT%H").to_string(),
            Self::Daily => calendar.strftime("%Y-%m-%d").to_string(),
            Self::Named(name) => name.clone(),
        }
    }
}

/// What the names of all sessions begin with that are called `name`, whatever their limits: see [`own_session_id`].
#[must_use]
pub fn own_session_prefix(name: &str) -> String {
    format!("{OWN_PREFIX}{name}-")
}

/// The id of a session that is called `name` and may spend `limit`.
#[must_use]
pub fn own_session_id(name: &str, limit: NanoUsd) -> String {
    format!("{}{limit}{OWN_UNIT}", own_session_prefix(name))
}

/// The limit that a session brings with it; `None` where the configuration's is the only one.
#[must_use]
pub fn own_limit(session_id: &str) -> Option<NanoUsd> {
    let (name, limit) = session_id.strip_prefix(OWN_PREFIX)?.strip_suffix(OWN_UNIT)?.rsplit_once('-')?;
    // One spelling an amount: what stands there was written by us.
    limit.parse::<NanoUsd>().ok().filter(|amount| !name.is_empty() && amount.to_string() == limit)
}

/// What a session may spend where every session may spend `limit`.
#[must_use]
pub fn session_limit(session_id: &str, limit: NanoUsd) -> NanoUsd {
    own_limit(session_id).map_or(limit, |own| own.min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_its_utc_hour_or_day() {
        let time = Timestamp(1_795_319_999_999);
        assert_eq!(Cadence::parse("daily").session_id(time), "2026-11-22");
        assert_eq!(Cadence::parse("hourly").session_id(time), "2026-11-22T03");
        assert_eq!(Cadence::parse("autumn").session_id(time), "autumn");
    }

    #[test]
    fn a_limit_in_a_name_is_read_as_it_was_written_and_never_raises_another() {
        for nanos in [0, 1, 125_000, 50_000_000, 300_000_000, 12_000_000_000, u64::MAX] {
            let id = own_session_id("20261129T070053Z-1f3a9c2e", NanoUsd(nanos));
            assert_eq!(own_limit(&id), Some(NanoUsd(nanos)), "{id}");
            assert!(id.starts_with(&own_session_prefix("20261129T070053Z-1f3a9c2e")));
            assert_eq!(session_limit(&id, NanoUsd(300_000_000)), NanoUsd(nanos.min(300_000_000)));
        }
        assert_eq!(own_session_id("a", NanoUsd(300_000_000)), "api-a-0.30usd");
        for id in
            ["2026-11-22", "autumn", "api-", "api-a-usd", "api--0.30usd", "api-a-0.3usd", "api-a-1e3usd", "a-0.30usd"]
        {
            assert_eq!(own_limit(id), None, "{id}");
            assert_eq!(session_limit(id, NanoUsd(7)), NanoUsd(7));
        }
    }
}
