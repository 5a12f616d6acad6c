//! See `signalmill::fuzzed::texts`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::texts(bytes));
