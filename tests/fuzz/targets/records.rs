//! See `signalmill::fuzzed::records`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::records(bytes));
