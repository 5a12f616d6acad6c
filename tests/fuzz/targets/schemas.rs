//! See `signalmill::fuzzed::schemas`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::schemas(bytes));
