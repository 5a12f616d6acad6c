//! Every threshold of the market strategies, with its source. Where there is none it says so: "assumption, to be
//! evaluated" means a number that somebody chose and history has yet to judge. Of papers the abstracts were read, and
//! none of them tested these strategies: a source says why an input has its sign, seldom why its number is that.
//!
//! Ramps: `…_from` is where an input begins to count and `…_full` where it counts in full. Both sides are treated
//! alike, so one number stands for both.

use serde::{Deserialize, Serialize};

/// What the strategies assume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// Points around 50 in which a signal says neither side. As for articles; assumption, to be evaluated.
    pub neutral_band: f64,
    /// The view from which a component counts in full for the confidence: 2.5 of its 10 points. Assumption, to be
    /// evaluated: it keeps a flat market, where all agree on nearly nothing, from being called certain.
    pub voice_full: f64,
    /// What a pattern of candles counts beside one of turning points, 0 to 1. Source for less: on the Dow Jones stocks
    /// of 1992–2002 candlestick signals had no value (Marshall, "Candlestick Technical Trading Strategies: Can They
    /// Create Value for Investors?", thesis, Massey University, 2005). That it is half and not nothing: assumption, to
    /// be evaluated.
    pub candle_weight: f64,
    /// Funding at which neither side is crowded, percent for each interval. Source: venues fix the interest part at
    /// 0.01 % for 8 hours, and while the premium stays within 0.05 % of it the rate *is* that interest: F = P + clamp(I
    /// − P, ±0.05 %) (funding documentation of Binance, `BitMEX`, Gate).
    pub funding_baseline: f64,
    /// Percent above or below the baseline from which a side is crowded. Outside the clamp any excess is premium, so
    /// little is needed: assumption, to be evaluated.
    pub funding_excess_from: f64,
    /// Percent above or below the baseline at which a side is as crowded as can be: 40 % a year at three fundings a
    /// day. Source: crypto carry, "sometimes exceeding 40 % per annum", comes from trend-chasing small investors who
    /// seek leverage (Schmeling, Schrimpf and Todorov, "Crypto carry", BIS Working Papers 1087, 2023). That it speaks
    /// against the crowded side, and most at its extremes: perpetual funding and later Bitcoin returns of 2019–2021,
    /// SSRN 3774118; one sample, to be evaluated. Contracts that fund every hour or four reach it later, as the rate is
    /// for an interval.
    pub funding_excess_full: f64,
    /// Relative change of open interest within 24 hours that counts in full. Source for the direction: open interest
    /// moves with the cycle and predicts returns beyond prices, in commodities most (Hong and Yogo, "What does futures
    /// market interest tell us about the macroeconomy and asset prices?", JFE 105(3), 2012); that growth confirms the
    /// move of the price is the rule of traders' handbooks. The number: assumption, to be evaluated.
    pub open_interest_change_full: f64,
    /// What shrinking open interest counts against a move, beside what growing counts for it, 0 to 1. Handbooks call a
    /// rise on closing shorts weak, not wrong: assumption, to be evaluated.
    pub open_interest_unwind_weight: f64,
    /// Accounts that are long for each short (or the reverse) from which they lean to a side. A ratio of accounts, not
    /// of money: every long contract has its short (Bybit, "Get Long Short Ratio"). That many small accounts are wrong
    /// together: assumption, to be evaluated.
    pub long_short_from: f64,
    /// The ratio at which they lean as far as can be. Assumption, to be evaluated.
    pub long_short_full: f64,
    /// Liquidations within 24 hours, one side less the other, that count in full, as a share of open interest. Source:
    /// on `BitMEX` they were 3.51 % of it a day for longs and 1.89 % for shorts on average (Cheng, Deng, Wang and Yu,
    /// "Liquidation, leverage and optimal margin in bitcoin futures markets", Applied Economics 53(47), 2021); with
    /// less leverage since, that is much. That forced trades push a price while they last and that it comes back after:
    /// Coval and Stafford, "Asset fire sales (and purchases) in equity markets", JFE 86, 2007, on funds' sales of
    /// stocks; for liquidations of perpetuals within a day, an assumption, to be evaluated.
    pub liquidations_share_full: f64,
    /// Distance of the close from EMA 20, and of EMA 20 from EMA 50, that counts in full, in ATRs. Assumption, to be
    /// evaluated.
    pub mean_distance_full_atr: f64,
    /// The MACD histogram that counts in full, in ATRs. Assumption, to be evaluated.
    pub macd_full_atr: f64,
    /// Its change from the bar before that counts in full, in ATRs. Assumption, to be evaluated.
    pub macd_change_full_atr: f64,
    /// Points of RSI from 50 that count in full. Momentum has no overbought: the same reading warns in reversal.
    /// Assumption, to be evaluated.
    pub rsi_regime_full: f64,
    /// ADX up to which a market has no trend to speak of. Source: the usual reading of Wilder's index ("New Concepts in
    /// Technical Trading Systems", 1978): below 20 weak, from 25 a trend, above 40 strong.
    pub adx_weak: f64,
    /// ADX from which a trend is as strong as can be. Source: as above.
    pub adx_strong: f64,
    /// What a direction counts without a strong trend, 0 to 1. Assumption, to be evaluated.
    pub adx_weak_share: f64,
    /// Volume from which the last bar is confirmed, as a ratio to the mean of the 20 before. Source for volume as a
    /// multiplier of the move: returns of trades on information go on, and volume tells them (Llorente, Michaely, Saar
    /// and Wang, "Dynamic Volume-Return Relation of Individual Stocks", RFS 15(4), 2002). The number: assumption, to be
    /// evaluated.
    pub volume_from: f64,
    /// The ratio that counts in full. Assumption, to be evaluated.
    pub volume_full: f64,
    /// Bars after which a pattern is no news. Assumption, to be evaluated.
    pub pattern_bars: f64,
    /// Distance beyond a barrier or band that counts in full, in ATRs. Assumption, to be evaluated.
    pub break_full_atr: f64,
    /// What a close just beyond a level or line counts, 0 to 1. Assumption, to be evaluated.
    pub break_cross_share: f64,
    /// Width of the Bollinger bands before the break up to which they were tight, in ATRs. Source: Carter's squeeze
    /// ("Mastering the Trade", chapter 11): bands of 2 deviations within channels of 1.5 ATR on each side, hence
    /// narrower than 3.
    pub squeeze_on_atr: f64,
    /// The width from which there was no squeeze at all. Assumption, to be evaluated.
    pub squeeze_off_atr: f64,
    /// What a break counts without a squeeze, 0 to 1. Assumption, to be evaluated.
    pub squeeze_loose_share: f64,
    /// Volume from which a break is confirmed, as a ratio to the mean of the 20 before. Assumption, to be evaluated.
    pub break_volume_from: f64,
    /// The ratio that counts in full. A break asks for more than a trend: assumption, to be evaluated.
    pub break_volume_full: f64,
    /// Bars after which a formation that broke is no news. Assumption, to be evaluated.
    pub break_pattern_bars: f64,
    /// Points of RSI from 50 where the extremes begin. Source: Wilder's 30 and 70.
    pub rsi_extreme_from: f64,
    /// Points from 50 that count in full: 15 and 85. Assumption, to be evaluated.
    pub rsi_extreme_full: f64,
    /// Points of the stochastic from 50 where the extremes begin. Source: Lane's 20 and 80.
    pub stochastic_extreme_from: f64,
    /// Points from 50 that count in full: 5 and 95. Assumption, to be evaluated.
    pub stochastic_extreme_full: f64,
    /// Distance of the close outside the Bollinger bands that counts in full, in ATRs. Assumption, to be evaluated.
    pub band_distance_full_atr: f64,
    /// ADX from which a trend resists. Source: as `adx_weak`.
    pub turn_adx_from: f64,
    /// ADX from which it resists most. Assumption, to be evaluated.
    pub turn_adx_full: f64,
    /// What the strongest trend takes from exhaustion, 0 to 1. Source for the direction: prices can walk along a band
    /// (Bollinger's rules, number 7). The number: assumption, to be evaluated.
    pub turn_trend_damping: f64,
    /// Bars after which a formation that turns is no news. Assumption, to be evaluated.
    pub turn_pattern_bars: f64,
    /// How near the last bar must come to a level or line to be at it, in ATRs. Assumption, to be evaluated.
    pub level_distance_atr: f64,
    /// What a formation counts away from any level, 0 to 1. Assumption, to be evaluated.
    pub away_from_level_share: f64,
    /// Volume from which a rejected move is a climax, as a ratio to the mean of the 20 before. Assumption, to be
    /// evaluated.
    pub climax_volume_from: f64,
    /// The ratio that counts in full. Assumption, to be evaluated.
    pub climax_volume_full: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            neutral_band: 5.0,
            voice_full: 0.25,
            candle_weight: 0.5,
            funding_baseline: 0.01,
            funding_excess_from: 0.01,
            funding_excess_full: 0.0365,
            open_interest_change_full: 0.10,
            open_interest_unwind_weight: 0.5,
            long_short_from: 1.5,
            long_short_full: 3.0,
            liquidations_share_full: 0.035,
            mean_distance_full_atr: 2.0,
            macd_full_atr: 0.5,
            macd_change_full_atr: 0.1,
            rsi_regime_full: 20.0,
            adx_weak: 20.0,
            adx_strong: 40.0,
            adx_weak_share: 0.5,
            volume_from: 1.0,
            volume_full: 2.5,
            pattern_bars: 10.0,
            break_full_atr: 1.0,
            break_cross_share: 0.5,
            squeeze_on_atr: 3.0,
            squeeze_off_atr: 6.0,
            squeeze_loose_share: 0.6,
            break_volume_from: 1.0,
            break_volume_full: 3.0,
            break_pattern_bars: 3.0,
            rsi_extreme_from: 20.0,
            rsi_extreme_full: 35.0,
            stochastic_extreme_from: 30.0,
            stochastic_extreme_full: 45.0,
            band_distance_full_atr: 1.0,
            turn_adx_from: 25.0,
            turn_adx_full: 50.0,
            turn_trend_damping: 0.5,
            turn_pattern_bars: 5.0,
            level_distance_atr: 1.0,
            away_from_level_share: 0.5,
            climax_volume_from: 1.5,
            climax_volume_full: 3.0,
        }
    }
}
