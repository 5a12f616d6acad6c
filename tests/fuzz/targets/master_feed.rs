//! See `signalmill::fuzzed::master_feed`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::master_feed(bytes));
