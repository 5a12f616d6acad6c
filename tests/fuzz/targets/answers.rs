//! See `signalmill::fuzzed::answers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::answers(bytes));
