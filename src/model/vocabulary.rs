//! The closed vocabularies of a content analysis: direction, horizon, kind of event.
//!
//! They are written to topics and tables by name (`as_str`) and read back by `parse`; the names are
//! public contract, so a variant may be added but never renamed. Every analyzer answers in these words.

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants have one public name each, with `as_str`, `parse` and `ALL`.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The public name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The variant of a public name; `None` for any other text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// Which way an article points for its main asset.
    Direction {
        /// Prices should rise.
        Bullish = "bullish",
        /// Prices should fall.
        Bearish = "bearish",
        /// No side, or both equally.
        Neutral = "neutral",
    }
}

vocabulary! {
    /// How long the news should matter.
    Horizon {
        /// Within the day.
        Hours = "hours",
        /// A few days.
        Days = "days",
        /// A few weeks.
        Weeks = "weeks",
        /// A month or longer.
        Months = "months",
    }
}

vocabulary! {
    /// What happened.
    EventType {
        /// An asset starts trading on a venue.
        Listing = "listing",
        /// A venue ends trading of an asset.
        Delisting = "delisting",
        /// Theft, exploit, rug pull or depeg.
        Hack = "hack",
        /// Rules, bans, licences, law-making.
        Regulation = "regulation",
        /// Courts, charges, settlements.
        Lawsuit = "lawsuit",
        /// Exchange-traded funds: filings, decisions, flows.
        Etf = "etf",
        /// Protocol change: fork, mainnet, halving.
        Upgrade = "upgrade",
        /// Two parties working together.
        Partnership = "partnership",
        /// Money raised, mergers, offerings.
        Funding = "funding",
        /// Central banks, inflation, growth, geopolitics.
        Macro = "macro",
        /// Results of a company.
        Earnings = "earnings",
        /// Something stopped working, or withdrawals are halted.
        Outage = "outage",
        /// Tokens given away.
        Airdrop = "airdrop",
        /// Forced closing of positions.
        Liquidation = "liquidation",
        /// New users, holders, treasuries, acceptance.
        Adoption = "adoption",
        /// Tokens burned, unlocked, minted, staked.
        Supply = "supply",
        /// Insolvency and closure.
        Bankruptcy = "bankruptcy",
        /// People joining and leaving.
        Personnel = "personnel",
        /// A price moved, or a forecast of one.
        MarketMove = "market_move",
        /// None of these.
        Other = "other",
    }
}

pub(super) use vocabulary;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for &v in Direction::ALL {
            assert_eq!(Direction::parse(v.as_str()), Some(v));
        }
        for &v in Horizon::ALL {
            assert_eq!(Horizon::parse(v.as_str()), Some(v));
        }
        for &v in EventType::ALL {
            assert_eq!(EventType::parse(v.as_str()), Some(v));
        }
        assert_eq!(EventType::parse("no such event"), None);
    }
}
