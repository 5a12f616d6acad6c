//! See `signalmill::fuzzed::candles`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::candles(bytes));
