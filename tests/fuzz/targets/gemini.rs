//! See `signalmill::fuzzed::gemini`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::gemini(bytes));
