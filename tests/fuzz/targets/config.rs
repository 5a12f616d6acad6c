//! See `signalmill::fuzzed::config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::config(bytes));
