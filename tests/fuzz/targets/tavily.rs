//! See `signalmill::fuzzed::tavily`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::tavily(bytes));
