//! What a row of a word list says: a term with its role, a cue, a form of a coin.
//!
//! Units: polarity and salience are log-odds; a cue's weight is in votes of `outcome`.

use crate::model::{EventType, Horizon};

/// What a term does in the rules of `evidence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A rise: good, unless what rises is bad.
    Up,
    /// A fall: bad, unless what falls is bad.
    Down,
    /// Makes its object smaller: "cuts losses".
    Less,
    /// Makes its object larger: "losses widen".
    More,
    /// Undoes its object: "dismisses the lawsuit".
    Void,
    /// Raises a good object and undoes a bad one: "lifts profits", "lifts the ban".
    Free,
    /// A quantity one wants to grow.
    Good,
    /// A quantity one wants to shrink.
    Bad,
    /// Good or bad by itself.
    Polar,
    /// Negates what follows.
    Not,
    /// Makes its neighbour stronger, or weaker, by the factor in its first column.
    Degree,
    /// What follows counts more, what came before less.
    But,
    /// What follows is conceded, up to the next comma.
    Despite,
    /// What follows is background, up to the next comma.
    After,
    /// A preposition: the search for an object ends here.
    Edge,
    /// Doubt, by the amount in its first column.
    Hedge,
}

impl Role {
    /// The role of a name in `terms.tsv`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "up" => Self::Up,
            "down" => Self::Down,
            "less" => Self::Less,
            "more" => Self::More,
            "void" => Self::Void,
            "free" => Self::Free,
            "good" => Self::Good,
            "bad" => Self::Bad,
            "pol" => Self::Polar,
            "not" => Self::Not,
            "degree" => Self::Degree,
            "but" => Self::But,
            "despite" => Self::Despite,
            "after" => Self::After,
            "edge" => Self::Edge,
            "hedge" => Self::Hedge,
            _ => return None,
        })
    }
}

/// A curated or learned term.
#[derive(Debug, Clone, Copy)]
pub struct Term {
    /// The entry, as written in the list.
    pub text: &'static str,
    /// What it does; learned terms are `Polar`.
    pub role: Role,
    /// Evidence for bullish against bearish, in log-odds; the factor or amount for `Degree` and `Hedge`.
    pub polarity: f64,
    /// Evidence that a side is taken at all, in log-odds against neutral.
    pub salience: f64,
}

/// What a cue tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hint {
    /// A kind of event.
    Event(EventType),
    /// A span of time.
    Span(Horizon),
    /// Something new, or (negative weight) a summary, an opinion, a look back.
    Fresh,
}

/// A cue and how much it counts.
#[derive(Debug, Clone, Copy)]
pub struct Cue {
    /// What it tells.
    pub hint: Hint,
    /// How much it counts.
    pub weight: f64,
}

/// How sure a form names a coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Always ("bitcoin").
    Sure,
    /// In capitals ("XLM").
    Ticker,
    /// With a capital, in an article about crypto ("Avalanche").
    Capital,
    /// Only beside a word such as "token", as a cashtag, or where name and ticker confirm each other ("Near", "ONE").
    Weak,
}

/// A form that names a coin.
#[derive(Debug, Clone, Copy)]
pub struct Mention {
    /// Index into `Dictionary::tickers`.
    pub coin: u16,
    /// How sure it is.
    pub naming: Naming,
    /// Whether the form is the ticker.
    pub ticker: bool,
    /// How sure the form is as a name; a ticker may be one as well ("PEPE", "Pepe").
    pub name: Option<Naming>,
}
