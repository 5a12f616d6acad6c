//! The 61 patterns of TA-Lib: our name, how many candles one spans, what it means, and the function that finds it.
//!
//! Spans and meanings are those of TA-Lib's own documentation of each function (<https://ta-lib.org/functions/>). Where
//! that says that the sign of the answer is the colour of a candle and no direction, or that the direction must be read
//! against the trend, the meaning says so here. Depths of penetration are TA-Lib's defaults.

use ta_lib::{Core, OutRange, RetCode};

use crate::market::prices::Prices;

/// What a pattern says of the trend before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The trend before turns; the sign is the new direction.
    Reversal,
    /// The trend before goes on; the sign is its direction.
    Continuation,
    /// The sign is the direction, whatever was before.
    Impulse,
    /// The trend before turns, whichever it was; the sign says nothing.
    Turn,
    /// Nobody knows; the sign says nothing.
    Indecision,
}

/// Answers for the bars from the first index to the last one.
type Detect = fn(&Core, usize, usize, &Prices, &mut [i32]) -> Result<OutRange, RetCode>;

/// A pattern.
#[derive(Debug)]
pub(super) struct Kind {
    /// The name as [`Pattern`](crate::model::Pattern) has it.
    pub name: &'static str,
    /// Candles that it spans.
    pub bars: usize,
    /// Of its sign.
    pub meaning: Meaning,
    /// TA-Lib's function.
    pub detect: Detect,
    /// Its name.
    #[cfg(test)]
    pub function: &'static str,
}

macro_rules! kinds {
    ($($name:literal $bars:literal $meaning:ident $function:ident $(($penetration:expr))?;)+) => {
        /// Every pattern, in the order of TA-Lib's names.
        pub(super) static KINDS: &[Kind] = &[$(Kind {
            name: $name,
            bars: $bars,
            meaning: Meaning::$meaning,
            detect: |core, first, last, prices, out| {
                let Prices { open, high, low, close, .. } = prices;
                core.$function(first, last, open, high, low, close, $($penetration,)? out)
            },
            #[cfg(test)]
            function: stringify!($function),
        }),+];
    };
}

kinds! {
    "two_crows" 3 Reversal cdl2crows;
    "three_black_crows" 4 Reversal cdl3blackcrows;
    "three_inside" 3 Reversal cdl3inside;
    "three_line_strike" 4 Continuation cdl3linestrike;
    "three_outside" 3 Reversal cdl3outside;
    "three_stars_in_south" 3 Reversal cdl3starsinsouth;
    "three_white_soldiers" 3 Reversal cdl3whitesoldiers;
    "abandoned_baby" 3 Reversal cdlabandonedbaby(Core::REAL_DEFAULT);
    "advance_block" 3 Reversal cdladvanceblock;
    "belt_hold" 1 Impulse cdlbelthold;
    "breakaway" 5 Reversal cdlbreakaway;
    "closing_marubozu" 1 Impulse cdlclosingmarubozu;
    "concealing_baby_swallow" 4 Reversal cdlconcealbabyswall;
    "counterattack" 2 Reversal cdlcounterattack;
    "dark_cloud_cover" 2 Reversal cdldarkcloudcover(Core::REAL_DEFAULT);
    "doji" 1 Indecision cdldoji;
    "doji_star" 2 Reversal cdldojistar;
    "dragonfly_doji" 1 Turn cdldragonflydoji;
    "engulfing" 2 Reversal cdlengulfing;
    "evening_doji_star" 3 Reversal cdleveningdojistar(Core::REAL_DEFAULT);
    "evening_star" 3 Reversal cdleveningstar(Core::REAL_DEFAULT);
    "gap_side_by_side_white" 3 Continuation cdlgapsidesidewhite;
    "gravestone_doji" 1 Turn cdlgravestonedoji;
    "hammer" 1 Reversal cdlhammer;
    "hanging_man" 1 Reversal cdlhangingman;
    "harami" 2 Reversal cdlharami;
    "harami_cross" 2 Reversal cdlharamicross;
    "high_wave" 1 Indecision cdlhighwave;
    "hikkake" 3 Impulse cdlhikkake;
    "modified_hikkake" 4 Reversal cdlhikkakemod;
    "homing_pigeon" 2 Reversal cdlhomingpigeon;
    "identical_three_crows" 3 Reversal cdlidentical3crows;
    "in_neck" 2 Continuation cdlinneck;
    "inverted_hammer" 1 Reversal cdlinvertedhammer;
    "kicking" 2 Reversal cdlkicking;
    "kicking_by_length" 2 Reversal cdlkickingbylength;
    "ladder_bottom" 5 Reversal cdlladderbottom;
    "long_legged_doji" 1 Indecision cdllongleggeddoji;
    "long_line" 1 Impulse cdllongline;
    "marubozu" 1 Impulse cdlmarubozu;
    "matching_low" 2 Reversal cdlmatchinglow;
    "mat_hold" 5 Continuation cdlmathold(Core::REAL_DEFAULT);
    "morning_doji_star" 3 Reversal cdlmorningdojistar(Core::REAL_DEFAULT);
    "morning_star" 3 Reversal cdlmorningstar(Core::REAL_DEFAULT);
    "on_neck" 2 Continuation cdlonneck;
    "piercing" 2 Reversal cdlpiercing;
    "rickshaw_man" 1 Indecision cdlrickshawman;
    "rising_falling_three_methods" 5 Continuation cdlrisefall3methods;
    "separating_lines" 2 Continuation cdlseparatinglines;
    "shooting_star" 1 Reversal cdlshootingstar;
    "short_line" 1 Indecision cdlshortline;
    "spinning_top" 1 Indecision cdlspinningtop;
    "stalled_pattern" 3 Reversal cdlstalledpattern;
    "stick_sandwich" 3 Reversal cdlsticksandwich;
    "takuri" 1 Turn cdltakuri;
    "tasuki_gap" 3 Continuation cdltasukigap;
    "thrusting" 2 Continuation cdlthrusting;
    "tristar" 3 Reversal cdltristar;
    "unique_three_river" 3 Reversal cdlunique3river;
    "upside_gap_two_crows" 3 Reversal cdlupsidegap2crows;
    "gap_three_methods" 3 Continuation cdlxsidegap3methods;
}
