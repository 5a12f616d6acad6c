//! Market science: what a candle file holds and what its chart shows. Pure: bytes, bars and `now` in, facts out.

pub mod candles;
