//! See `signalmill::fuzzed::openai`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::openai(bytes));
