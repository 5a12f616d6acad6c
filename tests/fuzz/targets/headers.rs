//! See `signalmill::fuzzed::headers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::headers(bytes));
