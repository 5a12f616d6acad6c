//! See `signalmill::fuzzed::coinalyze`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::coinalyze(bytes));
